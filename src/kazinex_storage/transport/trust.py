"""Whose certificates are trusted where the settings do not say: one rule for every request, whichever library sends it.

In this order: ``ca_file`` of the settings; ``KAZINEX_STORAGE_CA_FILE``; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``, which
are OpenSSL's; ``REQUESTS_CA_BUNDLE`` and ``CURL_CA_BUNDLE``; else the public authorities of certifi. What is found
first replaces all others. ADR 0073.
"""

from __future__ import annotations

import os
from typing import Final

from ..errors import SettingsError

CA_FILE: Final = "KAZINEX_STORAGE_CA_FILE"
"""The variable that counts for this library alone. What it names must be there: a typing error is told, and does not
lead back to the public authorities."""

# Programs of OpenSSL, and of requests, pass over what is not there.
_FILES: Final = ("SSL_CERT_FILE",)
_FOLDERS: Final = ("SSL_CERT_DIR",)
_EITHER: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def named_trust(ca_file: str | None) -> str | None:
    """Return the file, or the folder, of the authorities that *ca_file* or the environment names.

    None: nothing is named, and the public ones are trusted.

    Raises:
        SettingsError: *ca_file*, or what ``KAZINEX_STORAGE_CA_FILE`` names, cannot be read.
    """
    if ca_file is not None:
        return _readable(ca_file, "the CA file")
    own = os.environ.get(CA_FILE)
    if own:
        return _readable(own, f"the CA file of {CA_FILE}")
    for names, is_there in ((_FILES, os.path.isfile), (_FOLDERS, os.path.isdir), (_EITHER, os.path.exists)):
        for name in names:
            found = os.environ.get(name)
            if found and is_there(found):
                return found
    return None


def _readable(path: str, what: str) -> str:
    try:
        with open(path, "rb"):
            return path
    except OSError as error:
        raise SettingsError(f"{what} {path!r} cannot be read ({error.strerror}); give a PEM file", code="ca") from error

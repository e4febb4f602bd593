"""smart_open: ``smart_open.open("r2://bucket/plans.csv.gz")`` for every URL of the file systems, once ``register`` ran.

Every character of a URL means itself, as in ``kazinex_storage.fs``; ``transport_params`` are the options of the file
system, and what they leave out is in the environment. Compression by extension, text and iteration are smart_open's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Final, cast

from .. import fs
from ..errors import InvalidUrlError, NotSupportedError

_SYSTEMS: Final[Mapping[str, type[fs.ObjectFileSystem]]] = {
    scheme: system
    for system in (
        fs.OrganisationFileSystem,
        fs.R2FileSystem,
        fs.S3FileSystem,
        fs.SupabaseFileSystem,
        fs.AzureFileSystem,
        fs.SharePointFileSystem,
        fs.LocalDiskFileSystem,
        fs.MemoryFileSystem,
    )
    for scheme in ((system.protocol,) if isinstance(system.protocol, str) else system.protocol)
}

SCHEMES: Final = tuple(_SYSTEMS)
"""What URLs begin with."""
URI_EXAMPLES: Final = tuple(f"{scheme}://bucket/key" for scheme in SCHEMES)
"""For the documentation that smart_open makes."""


def register() -> None:
    """Make smart_open open our URLs; calling it again changes nothing.

    Raises:
        ImportError: smart_open is not installed.
    """
    from smart_open import transport

    with suppress(NotImplementedError):  # smart_open's word for a scheme that it does not know
        if transport.get_transport(SCHEMES[0]) is sys.modules[__name__]:
            return
    transport.register_transport(sys.modules[__name__])


def parse_uri(uri_as_string: str) -> dict[str, str]:
    """Take a URL apart; smart_open asks for it.

    Raises:
        InvalidUrlError: it has a scheme of another.
    """
    scheme, mark, path = uri_as_string.partition("://")
    if not mark or scheme not in _SYSTEMS:
        raise InvalidUrlError(f"{scheme[:40]!r} is no scheme of ours; there are {', '.join(SCHEMES)}")
    return {"scheme": scheme, "uri_path": path}


def open_uri(uri: str, mode: str, transport_params: Mapping[str, object]) -> IO[bytes]:
    """Open *uri*: ``rb`` reads one version, ``wb`` publishes on closing, and nothing when an exception passes.

    Raises:
        StorageError: it cannot be opened; ``TypeError``: a parameter is no option of the file system.
    """
    return open(uri, mode, options=transport_params)


def open(uri: str, mode: str = "rb", *, options: Mapping[str, object] | None = None) -> IO[bytes]:  # noqa: A001  # the name that smart_open asks for
    """Open *uri* with the *options* of its file system; see ``open_uri``.

    Raises:
        NotSupportedError: another mode than ``rb`` and ``wb``; nothing is appended to objects.
        StorageError: it cannot be opened.
    """
    if mode not in ("rb", "wb"):
        raise NotSupportedError(f"files are opened rb or wb, not {mode!r}", operation="open")
    system = _SYSTEMS[parse_uri(uri)["scheme"]](**dict(options or {}))
    return cast("IO[bytes]", system.open(uri, mode))

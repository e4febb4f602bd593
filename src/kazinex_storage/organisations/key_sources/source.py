"""What a key service is to us: it wraps data keys of 32 bytes and unwraps them, and its own keys never leave it.

The catalogue keeps what ``wrap`` returns. ``data_keys.py`` makes the data keys, binds each to its organisation, and
keeps unwrapped ones for minutes; so a source asks its service each time and caches nothing.
"""

from __future__ import annotations

from typing import Protocol

from ...keys import check_identifier
from ...values import value

PLACEHOLDER = "{organisation}"
"""Stands in the name of a key for the id of the organisation, where each has a key of its own in the service."""


@value
class WrappedKey:
    """A data key as the key service gave it back: without the service it is of no use."""

    source: str
    """The kind of the service, such as ``aws-kms``."""
    key: str
    """The name of the key in the service that wraps it."""
    version: str
    """Which version of that key; empty where the service keeps that to itself."""
    text: str
    """The wrapped key as text of the service's own."""


class KeySource(Protocol):
    """A key service. Thread-safe and fork-safe; each method is one request, ``unwrap`` of an old version too."""

    @property
    def kind(self) -> str:
        """Name the service, as ``WrappedKey.source`` has it."""
        ...

    def wrap(self, data_key: bytes, organisation: str) -> WrappedKey:
        """Wrap *data_key* under the newest version of the key for *organisation*.

        Raises:
            SealError: the key is gone, disabled, or not of a sort that wraps.
            AuthenticationError: the service does not know the credentials of the process.
            AccessDeniedError: it does not let them wrap.
            RateLimitedError: it asks to slow down.
            UnavailableError: it does not answer.
            SettingsError: an extra is not installed.
        """
        ...

    def unwrap(self, wrapped: WrappedKey, organisation: str) -> bytes:
        """Return the data key that was wrapped for *organisation*.

        Raises:
            SealError: the key is gone or disabled, or what was wrapped is altered or another organisation's.
            AuthenticationError, AccessDeniedError, RateLimitedError, UnavailableError, SettingsError: as in ``wrap``.
        """
        ...

    def newest(self, organisation: str) -> tuple[str, str]:
        """Return the name and the version of the key that ``wrap`` would use now, as it would give them back.

        Raises:
            SealError, AuthenticationError, AccessDeniedError, RateLimitedError, UnavailableError, SettingsError: as in
                ``wrap``.
        """
        ...

    def close(self) -> None:
        """Close idle connections; calling it twice is harmless."""
        ...


def key_name(template: str, organisation: str) -> str:
    """Return the name of the key for *organisation*: *template*, with the id in place of ``{organisation}``.

    What concerns none, such as the audit of the host, has nothing in that place.

    Raises:
        InvalidKeyError: *organisation* is no id.

    Example:
        >>> key_name("alias/kazinex-{organisation}", "acme"), key_name("alias/kazinex", "acme")
        ('alias/kazinex-acme', 'alias/kazinex')
    """
    if PLACEHOLDER not in template:
        return template
    name = check_identifier(organisation, "organisation") if organisation else ""
    return template.replace(PLACEHOLDER, name)

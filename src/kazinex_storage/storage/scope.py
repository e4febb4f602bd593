"""Scope: the part of a provider that a storage works in, and how keys are named inside and outside of it.

Callers of a storage name keys relative to its prefix; providers, guards and upload states know full keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from ..errors import InvalidKeyError
from ..keys import MAX_KEY_BYTES, ObjectKey, Prefix
from ..types import Folder, ObjectInfo

TRASH: Final = ".trash"
"""The folder of a storage that holds what was deleted; ``trash.py`` fills it."""

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


class Scope:
    """The keys of one provider that begin with one prefix."""

    __slots__ = ("_max_key_bytes", "_unlisted", "hidden", "prefix", "whole")

    def __init__(self, prefix: Prefix, max_key_bytes: int, hidden: Prefix | None = None) -> None:
        """Select what begins with *prefix*, which is empty or ends with a slash.

        Args:
            prefix: What every full key begins with.
            max_key_bytes: The most bytes of UTF-8 that the provider takes in a full key.
            hidden: The folder that holds what was deleted, which no key names; it ends with ``.trash/``.

        Raises:
            InvalidKeyError: *prefix* is in the hidden folder.
        """
        self.prefix = prefix
        """Empty for the whole provider."""
        self._max_key_bytes = max_key_bytes
        if hidden is not None:
            self._refuse_hidden(prefix, hidden)
        self.hidden = hidden
        """What no key names, and no listing shows; None where nothing is hidden."""
        self._unlisted = hidden if hidden is not None and hidden.startswith(prefix) else None
        self.whole = not prefix and max_key_bytes >= MAX_KEY_BYTES and hidden is None
        """Whether every legal key is in it, and is full as it is; operations then skip ``full_key``."""

    def full_key(self, key: str) -> ObjectKey:
        """Return the key that the provider knows *key* by.

        Raises:
            InvalidKeyError: it is no key, or too long for the provider.
        """
        full = self.prefix.key(key)
        most = self._max_key_bytes
        if most < MAX_KEY_BYTES and len(full.encode()) > most:
            raise InvalidKeyError(f"this provider holds keys of at most {most} bytes of UTF-8; shorten it")
        if self.hidden is not None and full.startswith(".", len(self.hidden) - len(TRASH) - 1):
            self._refuse_hidden(full, self.hidden)
        return full

    def full_prefix(self, prefix: str) -> Prefix:
        """Return the prefix that the provider knows *prefix* by.

        Raises:
            InvalidKeyError: no key can begin with it.
        """
        full = Prefix(self.prefix + Prefix(prefix))
        if self.hidden is not None:
            self._refuse_hidden(full, self.hidden)
        return full

    def relative_key(self, key: str) -> str:
        """Return the full *key* as callers of the storage know it; one that is outside the scope as it is."""
        return key.removeprefix(self.prefix)

    def shown(self, page: Sequence[_Entry], *, is_relative: bool) -> list[_Entry]:
        """Return the entries of *page* that are not hidden; their keys are full, unless they are relative."""
        hidden = self._unlisted
        if hidden is None:
            return list(page)
        hidden = Prefix(hidden[len(self.prefix) :]) if is_relative else hidden
        return [one for one in page if not (one.prefix if isinstance(one, Folder) else one.key).startswith(hidden)]

    @staticmethod
    def _refuse_hidden(full: str, hidden: Prefix) -> None:
        # Some services take names that differ only in case for the same.
        root = len(hidden) - len(TRASH) - 1
        first, slash, _ = full[root:].partition("/")
        if first.casefold() == TRASH and (slash or isinstance(full, ObjectKey)) and full[:root] == hidden[:root]:
            raise InvalidKeyError(
                f"no key begins with {TRASH!r}: what was deleted is kept there, and undelete brings it back"
            )

    def relative(self, entry: _Entry) -> _Entry:
        """Return *entry*, which has a full key or prefix, as callers of the storage know it."""
        if not self.prefix:
            return entry
        cut = len(self.prefix)
        if isinstance(entry, Folder):
            return Folder(prefix=entry.prefix[cut:])  # type: ignore[return-value]  # a folder for a folder
        return _with_key(entry, entry.key[cut:])  # type: ignore[return-value]


def _with_key(info: ObjectInfo, key: str) -> ObjectInfo:
    """Return *info* with another key; a page of a listing has thousands, and ``replace`` is slow."""
    return ObjectInfo(
        key=key,
        size=info.size,
        etag=info.etag,
        last_modified=info.last_modified,
        content_type=info.content_type,
        content_disposition=info.content_disposition,
        cache_control=info.cache_control,
        content_encoding=info.content_encoding,
        content_language=info.content_language,
        metadata=info.metadata,
        checksum=info.checksum,
        service_checksum=info.service_checksum,
        modified_by=info.modified_by,
        version=info.version,
        storage_class=info.storage_class,
    )

"""Scope: the part of a provider that a storage works in, and how keys are named inside and outside of it.

Callers of a storage name keys relative to its prefix; providers, guards and upload states know full keys.
"""

from __future__ import annotations

from typing import TypeVar

from ..errors import InvalidKeyError
from ..keys import MAX_KEY_BYTES, ObjectKey, Prefix
from ..types import Folder, ObjectInfo

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


class Scope:
    """The keys of one provider that begin with one prefix."""

    __slots__ = ("_max_key_bytes", "prefix", "whole")

    def __init__(self, prefix: Prefix, max_key_bytes: int) -> None:
        """Select what begins with *prefix*, which is empty or ends with a slash.

        Args:
            prefix: What every full key begins with.
            max_key_bytes: The most bytes of UTF-8 that the provider takes in a full key.
        """
        self.prefix = prefix
        """Empty for the whole provider."""
        self._max_key_bytes = max_key_bytes
        self.whole = not prefix and max_key_bytes >= MAX_KEY_BYTES
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
        return full

    def full_prefix(self, prefix: str) -> Prefix:
        """Return the prefix that the provider knows *prefix* by.

        Raises:
            InvalidKeyError: no key can begin with it.
        """
        return Prefix(self.prefix + Prefix(prefix))

    def relative_key(self, key: str) -> str:
        """Return the full *key* as callers of the storage know it; one that is outside the scope as it is."""
        return key.removeprefix(self.prefix)

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
    )

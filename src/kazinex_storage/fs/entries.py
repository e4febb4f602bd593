"""What is found at a path, an object or a folder, and the dictionary in which fsspec wants it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..types import ByteRange, ObjectInfo

InfoDict: TypeAlias = dict[str, Any]
"""What ``fs.info`` returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An object or a folder, under its name in the file system."""

    name: str
    """The whole path, without a scheme and without a trailing slash."""
    info: ObjectInfo | None
    """What the storage says of the object; None for a folder."""

    @property
    def is_folder(self) -> bool:
        """Whether there is no object at the path, only others below it."""
        return self.info is None

    @property
    def size(self) -> int:
        """Bytes; 0 for a folder."""
        return self.info.size if self.info is not None else 0

    def as_dict(self) -> InfoDict:
        """Return the dictionary of fsspec: ``name``, ``size``, ``type``, and for objects what is known about them."""
        info = self.info
        if info is None:
            return {"name": self.name, "size": 0, "type": "directory"}
        found: InfoDict = {"name": self.name, "size": info.size, "type": "file", "etag": info.etag, "ETag": info.etag}
        if info.last_modified is not None:
            found["mtime"] = info.last_modified.timestamp()
            found["LastModified"] = info.last_modified
        if info.content_type is not None:
            found["content_type"] = info.content_type
        if info.sha256 is not None:
            found["sha256"] = info.sha256
        return found

    def version_digest(self) -> str:
        """Return a digest, in hexadecimal, that differs whenever the bytes do."""
        info = self.info
        if info is None:
            facts = "folder"
        elif info.sha256 is not None:
            facts = f"sha256 {info.sha256}"
        else:
            facts = f"etag {info.etag} size {info.size} modified {info.last_modified}"
        return hashlib.sha256(facts.encode()).hexdigest()


Found: TypeAlias = dict[str, Entry]
"""Entries by name."""


def slice_span(start: int | None, end: int | None, size: int | None) -> ByteRange | None:
    """Return the bytes that the Python slice ``[start:end]`` means, or None when that depends on the unknown *size*."""
    if (start is None or start >= 0) and (end is None or end >= 0):
        return ByteRange(start=start or 0, end=end)
    if end is None:
        return ByteRange(start=start or 0)
    if size is None:
        return None
    first, last, _ = slice(start, end).indices(size)
    return ByteRange(start=first, end=max(first, last))

"""What is found at a path, an object or a folder, and the dictionary in which fsspec wants it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from ..errors import NotSupportedError
from ..types import ByteRange, ObjectInfo
from ..values import value

InfoDict: TypeAlias = dict[str, Any]
"""What ``fs.info`` returns."""


@value
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

    def modified_at(self) -> datetime:
        """Return when the version was written.

        Raises:
            IsADirectoryError: it is a folder.
            NotSupportedError: the provider does not say.
        """
        if self.info is None:
            raise IsADirectoryError(f"{self.name!r} is a folder; name an object in it")
        if self.info.last_modified is None:
            raise NotSupportedError("the provider does not say when objects were written", key=self.info.key)
        return self.info.last_modified

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


Slices: TypeAlias = int | Sequence[int | None] | None
"""One bound for all, or one for each."""

Bounds: TypeAlias = tuple[int | None, int | None]
"""What a Python slice goes from and to."""

Found: TypeAlias = dict[str, Entry]
"""Entries by name."""


def names_or_dicts(found: Found, *, detail: bool) -> list[str] | dict[str, InfoDict]:
    """Return the names, or with *detail* the dictionaries by name."""
    return {name: entry.as_dict() for name, entry in found.items()} if detail else list(found)


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


def bounds_of(paths: Sequence[str], starts: Slices, ends: Slices) -> list[Bounds]:
    """Return the bounds of ``cat_ranges`` for each of *paths*.

    Raises:
        ValueError: there are not as many bounds as paths.
    """
    from_all, to_all = _for_each(starts, len(paths)), _for_each(ends, len(paths))
    if not len(from_all) == len(to_all) == len(paths):
        raise ValueError(f"{len(paths)} paths, {len(from_all)} starts, {len(to_all)} ends; give as many of each")
    return list(zip(from_all, to_all, strict=True))


def _for_each(bounds: Slices, count: int) -> Sequence[int | None]:
    return list(bounds) if isinstance(bounds, Iterable) else [bounds] * count

"""obstore: what reads by its methods (``get``, ``get_range``, ``get_ranges``, ``head``, ``list``) reads our storages.

Libraries that take "a store" by these names, as the protocols of obspec have them, take a ``StoreReader``. It reads
only; ``Storage`` itself writes. The shapes are those of obstore 0.12.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypedDict

from ..errors import NotSupportedError
from ..storage.aio import AsyncStorage
from ..storage.reading import ByteStream
from ..storage.sync import Storage
from ..types import ByteRange, Folder, ObjectInfo

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE: Final = 50
"""What obstore puts into one list unless told otherwise."""


class ObjectMeta(TypedDict):
    """What obstore says of an object."""

    path: str
    last_modified: datetime
    """Aware UTC."""
    size: int
    e_tag: str | None
    version: str | None


class ListResult(TypedDict):
    """One level of a listing."""

    common_prefixes: Sequence[str]
    objects: Sequence[ObjectMeta]


class GetResult:
    """A whole object, read when it is asked for."""

    def __init__(self, storage: Storage, path: str, info: ObjectInfo) -> None:
        """Read *path* of *storage*, whose *info* is known."""
        self._storage = storage
        self._path = path
        self._info = info

    @property
    def meta(self) -> ObjectMeta:
        """What is known of it."""
        return _meta(self._path, self._info)

    @property
    def range(self) -> tuple[int, int]:
        """The first byte and the one after the last."""
        return 0, self._info.size

    def bytes(self) -> builtins.bytes:
        """Return all of it, compared with the checksum that the service keeps.

        Raises:
            PreconditionFailedError: it was replaced since ``get``.
            IntegrityError: it has another checksum.
        """
        return self._storage.get_bytes(self._path, if_match=self._info.etag)

    async def bytes_async(self) -> builtins.bytes:
        """Do the same without blocking the loop."""
        return await AsyncStorage(self._storage).get_bytes(self._path, if_match=self._info.etag)

    def stream(self) -> ByteStream:
        """Return an iterator over its bytes; the last chunk comes only if all are proved."""
        return self._storage.stream(self._path)

    def __iter__(self) -> Iterator[builtins.bytes]:
        return self.stream()


class StoreReader:
    """The objects of a storage under the names of obstore. Thread-safe."""

    def __init__(self, storage: Storage) -> None:
        """Read *storage*, which stays the caller's to close."""
        self.storage = storage
        """What it reads."""
        self._async = AsyncStorage(storage)

    def head(self, path: str) -> ObjectMeta:
        """Return what is known of an object. One request.

        Raises:
            NotFoundError: there is none; it is a FileNotFoundError, as with obstore.
        """
        return _meta(path, self.storage.head(path))

    async def head_async(self, path: str) -> ObjectMeta:
        """Do the same without blocking the loop."""
        return _meta(path, await self._async.head(path))

    def get(self, path: str, *, options: None = None) -> GetResult:
        """Return an object, to be read. One request now.

        Raises:
            NotFoundError: there is none.
            NotSupportedError: *options* are given; ask ``Storage`` for conditions and versions.
        """
        _check(options)
        return GetResult(self.storage, path, self.storage.head(path))

    async def get_async(self, path: str, *, options: None = None) -> GetResult:
        """Do the same without blocking the loop.

        Raises:
            NotSupportedError: *options* are given.
        """
        _check(options)
        return GetResult(self.storage, path, await self._async.head(path))

    def get_range(self, path: str, *, start: int, end: int | None = None, length: int | None = None) -> bytes:
        """Return the bytes from *start* to before *end*, or *length* of them. One request.

        Raises:
            ValueError: neither *end* nor *length* is given, or both are.
        """
        return self.storage.get_bytes(path, _span(start, end, length))

    async def get_range_async(
        self, path: str, *, start: int, end: int | None = None, length: int | None = None
    ) -> bytes:
        """Do the same without blocking the loop.

        Raises:
            ValueError: neither *end* nor *length* is given, or both are.
        """
        return await self._async.get_bytes(path, _span(start, end, length))

    def get_ranges(
        self,
        path: str,
        *,
        starts: Sequence[int],
        ends: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
    ) -> builtins.list[bytes]:
        """Return the bytes of several ranges of one version; those that lie close together in one request.

        Raises:
            ValueError: neither *ends* nor *lengths* are given, both are, or there is another number of them.
        """
        return self.storage.read_ranges(path, _spans(starts, ends, lengths))

    async def get_ranges_async(
        self,
        path: str,
        *,
        starts: Sequence[int],
        ends: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
    ) -> Sequence[bytes]:
        """Do the same without blocking the loop.

        Raises:
            ValueError: as ``get_ranges``.
        """
        return await self._async.read_ranges(path, _spans(starts, ends, lengths))

    def list_with_delimiter(self, prefix: str | None = None) -> ListResult:
        """Return one level: the folders and the objects in *prefix*."""
        found: ListResult = {"common_prefixes": (folders := []), "objects": (objects := [])}
        for entry in self.storage.list(_folder(prefix), recursive=False):
            if isinstance(entry, Folder):
                folders.append(entry.prefix.removesuffix("/"))
            else:
                objects.append(_meta(entry.key, entry))
        return found

    def list(
        self, prefix: str | None = None, *, offset: str | None = None, chunk_size: int = _PAGE
    ) -> Iterator[Sequence[ObjectMeta]]:
        """Yield lists of up to *chunk_size* objects below the folder *prefix*, of those after the key *offset*."""
        chunk: list[ObjectMeta] = []
        for entry in self.storage.list(_folder(prefix)):
            if offset is not None and entry.key <= offset:
                continue
            chunk.append(_meta(entry.key, entry))
            if len(chunk) == chunk_size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    async def list_async(
        self, prefix: str | None = None, *, offset: str | None = None, chunk_size: int = _PAGE
    ) -> AsyncIterator[Sequence[ObjectMeta]]:
        """Do the same without blocking the loop."""
        chunk: list[ObjectMeta] = []
        async for entry in self._async.list(_folder(prefix)):
            if offset is not None and entry.key <= offset:
                continue
            chunk.append(_meta(entry.key, entry))
            if len(chunk) == chunk_size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def _meta(path: str, info: ObjectInfo) -> ObjectMeta:
    return {
        "path": path,
        "last_modified": info.last_modified or _EPOCH,
        "size": info.size,
        "e_tag": info.etag,
        "version": info.version,
    }


def _folder(prefix: str | None) -> str:
    """Return *prefix* as obstore means it: whole segments, not the beginning of one."""
    return f"{prefix.removesuffix('/')}/" if prefix else ""


def _span(start: int, end: int | None, length: int | None) -> ByteRange:
    if (end is None) == (length is None):
        raise ValueError("give end or length")
    return ByteRange(start=start, end=end if end is not None else start + (length or 0))


def _spans(starts: Sequence[int], ends: Sequence[int] | None, lengths: Sequence[int] | None) -> list[ByteRange]:
    if (ends is None) == (lengths is None):
        raise ValueError("give ends or lengths")
    if ends is None:
        ends = [start + length for start, length in zip(starts, lengths or (), strict=True)]
    return [ByteRange(start=start, end=end) for start, end in zip(starts, ends, strict=True)]


def _check(options: object) -> None:
    if options is not None:
        raise NotSupportedError("options are not taken; ask Storage for conditions, versions and ranges")

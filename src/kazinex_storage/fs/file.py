"""The files that ``fs.open`` returns: those of ``storage/files.py``, with the attributes that fsspec users expect."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast

from fsspec.spec import AbstractFileSystem

from ..bodies.body import SPOOL_BYTES
from ..storage.files import READ_AHEAD, ObjectReader, ObjectWriter
from ..storage.sync import Storage
from ..types import Buffer, PutOptions
from ..values import value
from .entries import Entry, InfoDict
from .upstream import Cache, Codec, codecs, get_compression, make_cache, wrap_codec

BUFFERS = (None, "none", "readahead", "bytes")
"""What is asked for where a buffer of one block does: nothing, no cache, or one that reads ahead."""


@value
class Reading:
    """How a file is read: the hints that are honoured."""

    block_size: int | None = None
    """Bytes to fetch at a time when less is asked for; None is 1 MiB."""
    cache_type: str | None = None
    """The cache of fsspec that holds what was fetched; None is a buffer of one block."""
    cache_options: Mapping[str, object] | None = None
    """What that cache is made with."""

    @property
    def blocksize(self) -> int:
        """The bytes to fetch at a time."""
        return self.block_size or READ_AHEAD

    def cache(self, raw: CachedReader) -> Cache:
        """Return the cache over *raw*.

        Raises:
            ValueError: fsspec has no such cache.
        """
        options = self.cache_options or {}
        if self.cache_type == "parts":
            parts = cast("Mapping[tuple[int, int], bytes]", options.get("data") or {})
            return KnownParts(parts, raw.fetch_range)
        return make_cache(self.cache_type, self.blocksize, raw.fetch_range, raw.info.size, options)


class CachedReader(ObjectReader):
    """Reads one version of an object, through a cache of fsspec where one is given."""

    cache: Cache | None = None
    """What holds bytes that were fetched."""

    def fetch_range(self, start: int, end: int) -> bytes:
        """Return the bytes *start* to *end*, past the cache. One request."""
        position = self._position
        try:
            return super()._fetch(start, end)
        finally:
            self._position = position

    def _fetch(self, start: int, end: int) -> bytes:
        if self.cache is None or self.closed:
            return super()._fetch(start, end)
        end = min(end, self.info.size)
        data = bytes(self.cache._fetch(start, end)) if start < end else b""
        self._position = start + len(data)
        return data


class KnownParts:
    """A cache that holds parts of the object, which the caller has read.

    That of fsspec (``cache_type="parts"``) answers with zeros, or with other bytes, where it does not know.
    """

    def __init__(self, parts: Mapping[tuple[int, int], bytes], fetch: Callable[[int, int], bytes]) -> None:
        self._parts = parts
        self._fetch_other = fetch

    def _fetch(self, start: int, end: int) -> bytes:
        for (first, last), data in self._parts.items():
            if first <= start and end <= last:
                return data[start - first : end - first]
        return self._fetch_other(start, end)


class ReadFile(io.BufferedReader):
    """Reads one version of an object, by ranges."""

    def __init__(self, fs: AbstractFileSystem, path: str, raw: CachedReader, reading: Reading) -> None:
        """Read *raw*, the version that was found when the file was opened. No request.

        Args:
            fs: What opened the file; it lives as long as the file.
            path: The path that was opened.
            raw: What reads the version.
            reading: How.

        Raises:
            ValueError: fsspec has no such cache.
        """
        if reading.cache_type in BUFFERS:
            super().__init__(raw, max(reading.blocksize, io.DEFAULT_BUFFER_SIZE))
        else:
            raw.cache = reading.cache(raw)
            super().__init__(raw, 1)  # to ask the cache for what is read, and no more
        self._reader = raw
        self.fs = fs
        """What opened the file."""
        self.path = path
        """The path in the file system."""
        self.size = raw.info.size
        """Bytes in the object."""
        self.blocksize = reading.blocksize
        """Bytes that are fetched at a time when less is asked for."""
        self.details: InfoDict = Entry(name=path, info=raw.info).as_dict()
        """What ``fs.info`` returns for it."""

    mode = "rb"
    """As ``open`` takes it."""

    @property
    def name(self) -> str:
        """The path in the file system."""
        return self.path

    @property
    def cache(self) -> Cache | None:
        """The cache of fsspec that is read through; ``blockcache::`` sets one of its own."""
        return self._reader.cache

    @cache.setter
    def cache(self, cache: Cache | None) -> None:
        """Read through *cache* from now on."""
        self._reader.cache = cache

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return super().closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        """Change nothing: ``blockcache::`` sets it once it has closed the file."""

    def info(self) -> InfoDict:
        """Return what ``fs.info`` returned when the file was opened. No request."""
        return self.details

    def readuntil(self, char: bytes = b"\n", blocks: int | None = None) -> bytes:
        """Return the bytes up to *char*, which is included, or to the end; *blocks* bytes are read at a time.

        Raises:
            ValueError: *char* is empty, or *blocks* not positive.
        """
        step = self.blocksize if blocks is None else blocks
        if not char or step < 1:
            raise ValueError(f"readuntil({char!r}, blocks={blocks}): give at least one byte of each")
        start, found = self.tell(), b""
        while part := self.read(step):
            at = found + part
            end = at.find(char, max(0, len(found) - len(char) + 1))
            if end >= 0:
                self.seek(start + end + len(char))
                return at[: end + len(char)]
            found = at
        return found

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._reader.fetch_range(start, end)

    @property
    def loc(self) -> int:
        """Where the next byte is read."""
        return self.tell()

    @property
    def full_name(self) -> str:
        """The URL."""
        return str(self.fs.unstrip_protocol(self.path))

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most *size* bytes; all that are left when it is None or negative, as files of fsspec do."""
        return super().read(-1 if size is None or size < 0 else size)


class WriteFile(ObjectWriter):
    """Collects an object, and publishes it on closing unless an exception is passing through."""

    def __init__(self, fs: AbstractFileSystem, path: str, storage: Storage, key: str, options: PutOptions) -> None:
        """Check the key and the policy; nothing is sent yet.

        Raises:
            StorageError: as ``ObjectWriter``.
        """
        super().__init__(storage, key, options)
        self.fs = fs
        """What opened the file."""
        self.path = path
        """The path in the file system."""
        self.blocksize = SPOOL_BYTES
        """Bytes that are kept in memory at most."""

    mode = "wb"
    """As ``open`` takes it."""

    @property
    def name(self) -> str:
        """The path in the file system."""
        return self.path

    @property
    def loc(self) -> int:
        """Where the next byte is written."""
        return self.tell()

    @property
    def full_name(self) -> str:
        """The URL."""
        return str(self.fs.unstrip_protocol(self.path))


class CompressedWriter(io.BufferedIOBase):
    """A compressor over a file, closed together: compressors do not close the file that they write to."""

    def __init__(self, compressor: BinaryIO, file: ObjectWriter) -> None:
        super().__init__()
        self._compressor = compressor
        self._file = file
        self._forgotten = False

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:  # type: ignore[override]  # typeshed wants any buffer
        """Compress *data*.

        Raises:
            FileTooLargeError: the limit is passed; nothing will be published.
        """
        if self._forgotten:
            return memoryview(data).nbytes
        return self._compressor.write(data)

    def tell(self) -> int:
        """Return how many bytes were compressed."""
        return self._compressor.tell()

    def discard(self) -> None:
        """Close and publish nothing."""
        self._file.discard()
        self.close()

    def __del__(self) -> None:
        _forget(self, getattr(self, "_file", None))

    def _dealloc_warn(self, source: object) -> None:  # noqa: ARG002
        """Publish nothing: the text file over this one is collected without having been closed."""
        self._forgotten = True
        self._file.forget()

    def close(self) -> None:
        """Finish the compression and publish, unless an exception is passing through.

        Raises:
            StorageError: as ``ObjectWriter.close``.
        """
        if self.closed:
            return
        discarded = self._file.closed
        try:
            self._compressor.close()
        except ValueError:  # the last bytes have nowhere to go when the file was discarded before
            if not discarded:
                raise
        finally:
            self._file.close()
            super().close()


class TextWriter(io.TextIOWrapper):
    """Text over a file; collected without being closed, it publishes nothing, like the file itself."""

    def __init__(
        self, opened: BinaryIO, file: ObjectWriter, encoding: str | None, errors: str | None, newline: str | None
    ) -> None:
        with file.streaming():  # text asks whether it can seek, but for no more than a byte order mark
            super().__init__(opened, encoding=encoding, errors=errors, newline=newline)
        self._file = file

    def __del__(self) -> None:
        _forget(self, getattr(self, "_file", None))


def _forget(wrapper: io.IOBase, file: ObjectWriter | None) -> None:
    """Discard *file* before the finaliser of a *wrapper* that was never closed publishes it."""
    if file is not None and not wrapper.closed:
        file.forget()


def compressed(file: ReadFile | WriteFile, path: str, compression: str, mode: str) -> BinaryIO:
    """Return *file* behind the codec of fsspec named *compression*; ``infer`` takes it from the extension of *path*.

    Raises:
        ValueError: there is no such codec.
    """
    chosen = get_compression(path, compression)
    if chosen is None:
        return cast(BinaryIO, file)
    return wrap_codec(chosen, cast(BinaryIO, file), mode)


def close_with_codecs() -> None:
    """Make every codec of fsspec close the file of this package that it writes to: see ADR 0014.

    By themselves codecs leave it open. ``fsspec.open(url, "wb", compression="gzip").open()`` returns only the codec, so
    the caller could not close the file. Codecs over other files behave as before.
    """
    for name, codec in list(codecs.items()):
        if not isinstance(codec, _ClosingCodec):
            codecs[name] = _ClosingCodec(codec)


class _ClosingCodec:
    """A codec of fsspec whose files close ours with them."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def __call__(self, infile: BinaryIO, mode: str = "rb", **options: object) -> BinaryIO:
        outer = self._codec(infile, mode=mode, **options)
        return cast(BinaryIO, CompressedWriter(outer, infile)) if isinstance(infile, ObjectWriter) else outer

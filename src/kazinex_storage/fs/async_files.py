"""The files of ``open_async``: reading ranges of one version, and writing whole or not at all, on the running loop."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar, cast

from ..bodies.body import Spool
from ..bodies.source import Source
from ..errors import NotSupportedError
from ..lazy import logger
from ..storage.sync import Storage
from ..transport import Call, Exchange
from ..types import Buffer, ByteRange, ObjectInfo, PutOptions
from .entries import Entry, InfoDict
from .faces import Faces
from .file import Reading
from .spaces import Place
from .transfers import put_options

T = TypeVar("T")
_log = logger(__name__)


class AsyncFile:
    """What both kinds share: an asynchronous context, and the attributes that fsspec users expect."""

    mode: str

    def __init__(self, fs: Faces, storage: Storage, place: Place) -> None:
        self.fs = fs
        """What opened the file."""
        self.path = place.name
        """The path in the file system."""
        self.loc = 0
        """Where the next byte is read or written."""
        self.closed = False
        """Whether the file was closed."""
        self._storage, self._key = storage, place.key

    @property
    def name(self) -> str:
        """The path in the file system."""
        return self.path

    @property
    def full_name(self) -> str:
        """The URL."""
        return str(self.fs.unstrip_protocol(self.path))

    def tell(self) -> int:
        """Return where the next byte is read or written."""
        return self.loc

    def readable(self) -> bool:
        """Say whether it reads."""
        return self.mode == "rb"

    def writable(self) -> bool:
        """Say whether it writes."""
        return self.mode != "rb"

    def seekable(self) -> bool:
        """Say whether it reads."""
        return self.mode == "rb"

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"{self.path!r} is closed")

    async def close(self) -> None:
        """Release it."""
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncReadFile(AsyncFile):
    """Reads one version of an object: each read is one request for exactly that range."""

    mode = "rb"

    def __init__(self, fs: Faces, storage: Storage, place: Place, info: ObjectInfo) -> None:
        super().__init__(fs, storage, place)
        self._info = info
        self.size = info.size
        """Bytes in the object."""
        self.details: InfoDict = Entry(name=place.name, info=info).as_dict()
        """What ``fs.info`` returned."""
        self.blocksize = Reading().blocksize
        """Bytes that ``readuntil`` reads at a time."""

    def info(self) -> InfoDict:
        """Return what ``fs.info`` returned when the file was opened. No request."""
        return self.details

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move. No request.

        Raises:
            ValueError: the position would be negative.
        """
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self.loc, io.SEEK_END: self.size}[whence] + offset
        if position < 0:
            raise ValueError(f"seek to {position}: before the beginning")
        self.loc = position
        return position

    async def read(self, length: int | None = -1) -> bytes:
        """Return at most *length* bytes; all that are left when it is None or negative. One request.

        Raises:
            ValueError: the file is closed.
            PreconditionFailedError: the object was replaced after opening.
        """
        self._check_open()
        end = self.size if length is None or length < 0 else min(self.size, self.loc + length)
        if self.loc >= end:
            return b""
        span = ByteRange(start=self.loc, end=end)
        data = await self.fs._run(self._storage.operations.get_bytes(self._key, span, self._info.etag))
        self.loc += len(data)
        return data

    async def readuntil(self, char: bytes = b"\n", blocks: int | None = None) -> bytes:
        """Return the bytes up to *char*, which is included, or to the end; *blocks* bytes are read at a time.

        Raises:
            ValueError: *char* is empty, *blocks* is not positive, or the file is closed.
        """
        step = self.blocksize if blocks is None else blocks
        if not char or step < 1:
            raise ValueError(f"readuntil({char!r}, blocks={blocks}): give at least one byte of each")
        start, found = self.loc, b""
        while part := await self.read(step):
            before, found = len(found), found + part
            end = found.find(char, max(0, before - len(char) + 1))
            if end >= 0:
                self.loc = start + end + len(char)
                return found[: end + len(char)]
        return found


class AsyncWriteFile(AsyncFile):
    """Collects an object, in memory up to 8 MiB and then in the temporary folder, and publishes it on closing.

    Leaving its ``async with`` block by an exception publishes nothing.
    """

    mode = "wb"

    def __init__(self, fs: Faces, storage: Storage, place: Place, options: PutOptions) -> None:
        super().__init__(fs, storage, place)
        self._options = options
        self._spool: Spool | None = storage.operations.spool(place.key)
        self.stored: ObjectInfo | None = None
        """What was published; None before ``close``."""

    async def write(self, data: Buffer) -> int:
        """Append *data*, off the loop.

        Raises:
            ValueError: the file is closed.
            FileTooLargeError: the limit is passed; nothing will be published.
            QuotaExceededError: the temporary folder is full.
        """
        self._check_open()
        spool = cast(Spool, self._spool)  # there is one until it is closed
        try:
            await self.fs._run(_called(spool.write, data))
        except BaseException:
            await self.discard()
            raise
        self.loc = spool.size
        return memoryview(data).nbytes

    async def flush(self, force: bool = False) -> None:
        """Do nothing: an object is published whole."""

    async def discard(self) -> None:
        """Close and publish nothing."""
        self.closed = True
        spool, self._spool = self._spool, None
        if spool is not None:
            await self.fs._run(_called(spool.discard))

    async def close(self) -> None:
        """Publish what was written, unless the file is closed already.

        Raises:
            AlreadyExistsError: the file was opened to create and the key exists.
            StorageError: the object could not be stored; nothing was published.
        """
        if self.closed:
            return
        self.closed = True
        spool, self._spool = cast(Spool, self._spool), None
        try:
            with Source(await self.fs._run(_called(spool.body))) as body:
                self.stored = await self.fs._run(self._storage.operations.put(self._key, body, self._options))
        finally:
            await self.fs._run(_called(spool.discard))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            await self.discard()
        await self.close()

    def __del__(self) -> None:
        spool = getattr(self, "_spool", None)
        if spool is not None:
            spool.discard()
            _log.warning("%r was never closed: nothing was published", self._key)
            warnings.warn(f"{self._key!r} was never closed: nothing was published", ResourceWarning, stacklevel=2)


def _called(function: Callable[..., T], *arguments: object) -> Exchange[T]:
    found: T = yield Call(function, *arguments)
    return found


async def open_async(fs: Faces, path: str, mode: str) -> AsyncReadFile | AsyncWriteFile:
    """Open *path*, which has no scheme; see ``ObjectFileSystem.open_async``.

    Raises:
        NotFoundError: reading, and there is no such object.
        NotSupportedError: the mode is none of ``rb``, ``wb``, ``xb``.
    """
    if mode == "rb":
        storage, place, info = await fs._run(fs._transfers.locate(path))
        return AsyncReadFile(fs, storage, place, info)
    if mode not in ("wb", "xb"):
        raise NotSupportedError(f"mode {mode!r}: open_async reads 'rb', replaces 'wb' or creates 'xb', in bytes")
    if fs._intrans:
        raise NotSupportedError("open_async writes at once, and a transaction is under way; use pipe, or open")
    options = put_options("create" if mode == "xb" else "overwrite", None, None)
    storage, place, options = await fs._run(fs._transfers.writing(path, options))
    return AsyncWriteFile(fs, storage, place, options)

"""Binary file objects over a storage: reading by ranges of one version, writing whole or not at all.

A writer publishes when it is closed in peace. When it is closed because an exception passes through, it publishes
nothing: neither in its own ``with`` block nor inside wrappers (text, compression, ``fsspec.open``) that only call
``close``. It sees that by the exception being handled: one that began after the file was opened is passing through.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..bodies.body import SPOOL_BYTES, Spool
from ..bodies.checksums import check_checksum, hasher_of
from ..bodies.source import Source
from ..errors import FileTooLargeError, IntegrityError
from ..lazy import logger
from ..transport import Transport
from ..types import Buffer, ByteRange, Checksum, ObjectInfo, PutMode, PutOptions
from .operations import Operations

_log = logger(__name__)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from .pushing import PushedPut

# One request each: large enough to be worth it, small enough for a peek at a header.
READ_AHEAD = 1024 * 1024
"""Bytes that a reader fetches at a time when less is asked for."""


class Opener(Protocol):
    """What files read from and write to: a ``Storage``."""

    @property
    def operations(self) -> Operations:
        """What is done."""
        ...

    @property
    def transport(self) -> Transport:
        """What runs it."""
        ...


class ObjectReader(io.RawIOBase):
    """The raw reading side: each read is one request for exactly that range of one version.

    Once every byte was read, in order from the first, the whole is compared with the checksum that is known. Reading on
    from another place is never compared with anything but its length.
    """

    def __init__(self, storage: Opener, key: str, *, info: ObjectInfo | None = None, sha256: str | None = None) -> None:
        """Look the object up, unless *info* is at hand. One request.

        Args:
            storage: What holds the object.
            key: Its key there.
            info: The version to read.
            sha256: What the whole has to have; without it, what the service keeps counts.

        Raises:
            NotFoundError: no such key.
        """
        super().__init__()
        self._storage = storage
        self._key = key
        self._position = 0
        self.info = info if info is not None else storage.transport.run(storage.operations.head(key))
        """What the object is."""
        kept = self.info.checksum if storage.operations.context.info.remote else None
        self._expected = Checksum(algorithm="sha256", value=sha256) if sha256 is not None else kept
        self._hasher = hasher_of(self._expected.algorithm) if self._expected is not None else None
        self._hashed = 0
        """Bytes from the first on that were read without a gap."""
        self._refusal: IntegrityError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; costs no request.

        Raises:
            ValueError: the position would be negative.
        """
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.info.size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}: before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill *buffer* as far as the object goes.

        Raises:
            PreconditionFailedError: the object was replaced after opening.
            IntegrityError: all was read, and it is not what was stored.
        """
        view = memoryview(buffer).cast("B")
        data = self._fetch(self._position, self._position + len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Return everything from the position on, in one request.

        Raises:
            PreconditionFailedError: the object was replaced after opening.
            IntegrityError: all was read, and it is not what was stored.
        """
        return self._fetch(self._position, self.info.size)

    def _fetch(self, start: int, end: int) -> bytes:
        if self.closed:
            raise ValueError("read of a closed file")
        if start >= min(end, self.info.size):
            return b""
        if self._refusal is not None:
            raise self._refusal
        get = self._storage.operations.get_bytes(self._key, ByteRange(start=start, end=end), self.info.etag)
        data = self._storage.transport.run(get)
        self._prove(start, data)
        self._position = start + len(data)
        return data

    def _prove(self, start: int, data: bytes) -> None:
        """Hash what continues the bytes from the first on, and compare at the last one.

        Raises:
            IntegrityError: these are other bytes than were stored.
        """
        if self._hasher is None or self._expected is None or not start <= self._hashed < start + len(data):
            return
        self._hasher.update(memoryview(data)[self._hashed - start :])
        self._hashed = start + len(data)
        if self._hashed < self.info.size:
            return
        try:
            check_checksum(self._expected, self._hasher.hexdigest())
        except IntegrityError as error:
            error.operation, error.key, error.provider = "read", self._key, self._storage.operations.context.info.kind
            self._refusal = error
            raise


class ObjectWriter(io.RawIOBase):
    """The writing side: publishes on ``close`` what was written.

    Up to 8 MiB are in memory. What is more is sent as it comes, where the service takes bodies of unknown length, and
    else collected in the temporary folder. It is collected, too, once ``seek`` or ``seekable`` was called, since what
    was sent cannot be written again.
    """

    def __init__(self, storage: Opener, key: str, options: PutOptions) -> None:
        """Check the key and the policy; nothing is sent yet.

        Raises:
            InvalidKeyError: the key is not legal here.
            FileTypeRefusedError: the policy does not allow the extension.
        """
        super().__init__()
        self._storage = storage
        self._key = key
        self._options = options
        self._handled = _handled()
        self._refusal: FileTooLargeError | None = None
        self._forgotten = False
        self.info: ObjectInfo | None = None
        """What was published; None before ``close``."""
        self._spool: Spool | None = storage.operations.spool(key)
        self._pushed: PushedPut | None = None
        self._size = 0
        self._collects = not storage.operations.context.rules.streams

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Say whether it can be written anywhere; if so, it can until it is closed."""
        if self._pushed is None:
            self._collects = True
        return self._pushed is None

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """Do not take it for a promise what is asked for in the block."""
        collects = self._collects
        yield
        self._collects = collects

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; a gap that is written behind becomes zeros. No request.

        Raises:
            io.UnsupportedOperation: more than 8 MiB were sent as they came, because nothing had asked ``seekable``.
            ValueError: the position would be negative, or the file is closed.
        """
        if self._forgotten:
            return 0  # as with ``write``
        if not self.seekable():
            raise io.UnsupportedOperation(
                f"seek in {self._key!r}: what was written is sent already; call seekable() or seek() within the first "
                f"{SPOOL_BYTES:,} bytes, and the rest is kept until the file is closed"
            )
        spool = self._open_spool()
        base = {io.SEEK_SET: 0, io.SEEK_CUR: spool.position, io.SEEK_END: spool.size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}: before the beginning")
        spool.seek(base + offset)
        return spool.position

    def tell(self) -> int:
        """Return where the next byte is written."""
        if self._pushed is not None:
            return self._size
        return 0 if self._forgotten else self._open_spool().position

    def write(self, data: Buffer, /) -> int:  # type: ignore[override]  # typeshed wants any buffer
        """Write *data* at the position.

        Raises:
            FileTooLargeError: the limit is passed; nothing will be published.
            QuotaExceededError: the temporary folder is full.
        """
        view = memoryview(data)
        if self._forgotten:
            return view.nbytes  # a wrapper that is collected writes what it holds, which is not published
        try:
            self._take(view.cast("B") if view.nbytes else memoryview(b""))
        except FileTooLargeError as error:
            self._refusal = error
            self.discard()
            raise
        return view.nbytes

    def _take(self, data: memoryview) -> None:
        """Collect *data*, or give it to a put that has begun because it is more than is held in memory."""
        if self._pushed is None:
            spool, rules = self._open_spool(), self._storage.operations.context.rules
            if self._collects or spool.size + len(data) <= SPOOL_BYTES:
                spool.write(data)
                return
            from .pushing import PushedPut

            rules.check_size(spool.size + len(data))
            operations, key, options = self._storage.operations, self._key, self._options
            self._size = spool.size
            self._pushed = PushedPut(lambda feed: operations.put(key, feed, options), self._storage.transport)
            with Source(spool.body()) as body, body.open() as reader:
                self._pushed.write(iter(lambda: reader.read(READ_AHEAD), b""))
        self._storage.operations.context.rules.check_size(self._size + len(data))
        self._pushed.write([data])
        self._size += len(data)

    def _give_up(self) -> None:
        pushed, self._pushed = self._pushed, None
        if pushed is not None:
            pushed.discard()

    def discard(self) -> None:
        """Close and publish nothing."""
        self._give_up()
        spool, self._spool = self._spool, None
        self._handled = (None, None)
        if spool is not None:
            spool.discard()
        super().close()

    def close(self) -> None:
        """Publish what was written, unless an exception is passing through or the file is closed already.

        Raises:
            AlreadyExistsError: the file was opened to create and the key exists.
            StorageError: the object could not be stored; nothing was published.
        """
        if self.closed or self._spool is None:
            super().close()
            return
        if self._passing():
            _log.warning("%r is closed while an exception passes through: nothing is published", self._key)
            self.discard()
            return
        spool, self._spool = self._spool, None
        pushed, self._pushed = self._pushed, None
        self._handled = (None, None)
        try:
            if pushed is not None:
                self.info = pushed.publish()
                return
            with Source(spool.body()) as body:
                put = self._storage.operations.put(self._key, body, self._options)
                self.info = self._storage.transport.run(put)
        finally:
            spool.discard()
            super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_spool", None) is not None:
            self.forget()
            self.close()

    def forget(self) -> None:
        """Discard what was written because the file was not closed, and say so.

        It stays open for a wrapper that is being collected: that writes what it holds, and then closes it.
        """
        spool, self._spool = self._spool, None
        if spool is None:
            return
        self._forgotten = True
        self._give_up()
        spool.discard()
        # Python hides warnings of this kind by default, and a file that is not stored must not pass unseen.
        _log.warning("%r was never closed: nothing was published", self._key)
        warnings.warn(f"{self._key!r} was never closed: nothing was published", ResourceWarning, stacklevel=3)

    def _dealloc_warn(self, source: object) -> None:  # noqa: ARG002
        """Note that a wrapper is collected that was not closed: Python's own wrappers call this before ``close``.

        So does ``io.FileIO`` (cpython/Modules/_io, since 3.2). Without it such a ``close`` looks like any other.
        """
        self.forget()

    def _passing(self) -> bool:
        """Say whether an exception passes through that was not being handled when the file was opened."""
        error, trace = _handled()
        known, known_trace = self._handled
        return error is not None and (error is not known or trace is not known_trace)

    def _open_spool(self) -> Spool:
        if self._refusal is not None:
            raise self._refusal  # wrappers write on while they close; they are to fail of the same cause
        if self._spool is None:
            raise ValueError("write to a closed file")
        return self._spool


def _handled() -> tuple[BaseException | None, TracebackType | None]:
    """Return the exception that is being handled, and where it was raised last."""
    error = sys.exc_info()[1]
    return error, error.__traceback__ if error is not None else None


StorageFile: TypeAlias = io.BufferedReader | ObjectWriter
"""What ``Storage.open`` returns."""


def open_file(storage: Opener, key: str, mode: str, options: PutOptions) -> StorageFile:
    """Open the object *key*; see ``Storage.open``.

    Raises:
        NotFoundError: reading, and no such key.
        ValueError: the mode is none of ``rb``, ``wb``, ``xb``.
    """
    if mode == "rb":
        return io.BufferedReader(ObjectReader(storage, key), READ_AHEAD)
    if mode == "wb":
        return ObjectWriter(storage, key, options)
    if mode == "xb":
        return ObjectWriter(storage, key, replace(options, mode=PutMode.CREATE))
    raise ValueError(f"open {key!r}: mode {mode!r} is none of 'rb', 'wb', 'xb'; wrap the file for text")

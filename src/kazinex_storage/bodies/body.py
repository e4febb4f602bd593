"""The kinds of bodies a source can have: bytes, a path, a file object, a spool of something of unknown length.

A body knows its size, opens again from any offset, and knows whether it has changed since it was made.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any, BinaryIO, Protocol

from ..errors import IntegrityError, QuotaExceededError
from ..system import CLOSE_ON_EXEC, NO_WAIT
from ..transport.exchange import TransferCancelled
from ..types import Buffer

# Most drawings and reports are smaller; what is larger goes to the temporary directory.
SPOOL_BYTES = 8 * 1024 * 1024
"""A spool keeps up to this many bytes in memory."""


class Raw(Protocol):
    """What a body opens: a reader of bytes."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the beginning of *buffer*; 0 or None is the end."""
        ...

    def close(self) -> None:
        """Release the reader."""
        ...


class Body(Protocol):
    """A body of known size that can be opened again."""

    size: int
    """Bytes."""
    start: int
    """Where the body begins in what ``descriptor`` gives."""

    def open(self, offset: int) -> Raw:
        """Return a reader from *offset*."""
        ...

    def descriptor(self) -> DescriptorContext | None:
        """Return a context that gives a file descriptor of a regular file that holds the body, or None."""
        ...

    def changed(self) -> str | None:
        """Say what changed since the body was made, or None."""
        ...

    def close(self) -> None:
        """Release what the body itself opened."""
        ...


class DescriptorContext(Protocol):
    """A context that holds a file descriptor open."""

    def __enter__(self) -> int:
        """Open it."""
        ...

    def __exit__(self, *exception: Any) -> bool | None:
        """Close it."""
        ...


@contextmanager
def opened(context: DescriptorContext) -> Iterator[int]:
    """Open what *context* gives, for a ``with`` block.

    Raises:
        IntegrityError: it cannot be opened any more.
    """
    try:
        descriptor = context.__enter__()
    except OSError as error:
        raise unreadable(error) from error
    with ExitStack() as stack:
        stack.push(context)
        yield descriptor


class BytesBody:
    """Bytes in memory; the caller does not change them meanwhile."""

    __slots__ = ("data", "size")

    start = 0

    def __init__(self, data: Buffer) -> None:
        if isinstance(data, memoryview) and not data.c_contiguous:
            data = data.tobytes()
        self.data = data
        self.size = len(data) if isinstance(data, bytes) else memoryview(data).nbytes

    def open(self, offset: int) -> Raw:
        """Return a reader from *offset*."""
        return _Slice(memoryview(self.data).cast("B"), offset)

    def descriptor(self) -> None:
        """Return None: no file holds the bytes."""

    def changed(self) -> None:
        """Return None: bytes do not change."""

    def close(self) -> None:
        """Do nothing: the bytes are the caller's."""


class _Slice:
    def __init__(self, view: memoryview, offset: int) -> None:
        self._view = view
        self._offset = offset

    def readinto(self, buffer: memoryview, /) -> int:
        part = self._view[self._offset : self._offset + len(buffer)]
        buffer[: len(part)] = part
        self._offset += len(part)
        return len(part)

    def close(self) -> None:
        self._view.release()


class PathBody:
    """A regular file, opened again for each reader; its size and modification time are watched."""

    start = 0

    def __init__(self, path: os.PathLike[str], status: os.stat_result | None = None) -> None:
        """Take the file at *path*, whose *status* is from a moment ago; None looks now."""
        self._path = path
        self._stamp = _stamp(status if status is not None else os.stat(path))
        self.size = self._stamp[0]

    def open(self, offset: int) -> Raw:
        """Return a reader from *offset*."""
        file = io.FileIO(os.fspath(self._path), opener=_open_plain)
        file.seek(offset)
        return file

    def load(self, look: Callable[[str, int], object]) -> bytes:
        """Return the first ``size`` bytes, or as many as there are; a third of what ``open`` costs for a small file.

        *look* is given the path and the descriptor.
        """
        with self.descriptor() as descriptor:
            look(os.fspath(self._path), descriptor)
            data = os.read(descriptor, self.size)
            while len(data) < self.size and (more := os.read(descriptor, self.size - len(data))):
                data += more
        return data

    @contextmanager
    def descriptor(self) -> Iterator[int]:
        """Open the file."""
        descriptor = _open_plain(os.fspath(self._path), os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def changed(self) -> str | None:
        """Compare size, modification time and identity with those at the beginning."""
        try:
            stamp = _stamp(os.stat(self._path))
        except OSError:
            return "the file was removed"
        if stamp == self._stamp:
            return None
        if stamp[0] != self._stamp[0]:
            return f"the file went from {self._stamp[0]} to {stamp[0]} bytes"
        return "the file was written to or replaced"

    def close(self) -> None:
        """Do nothing: readers close their own files."""


def _open_plain(path: str, flags: int) -> int:
    """Open a plain file; a pipe that has taken its place does not block."""
    descriptor = os.open(path, flags | NO_WAIT | CLOSE_ON_EXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file any more", path)
    return descriptor


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


class FileBody:
    """A seekable file object, from its position to its end; the caller closes it unless it is *owned*."""

    def __init__(self, file: BinaryIO, *, owned: bool = False) -> None:
        self._file = file
        self._owned = owned
        if type(file) is io.BufferedRandom:
            file.flush()
        # The descriptor of a plain file holds the bytes; that of a wrapper (gzip and the like) holds others.
        raw = file.raw if type(file) in (io.BufferedReader, io.BufferedRandom) else file  # type: ignore[attr-defined]
        self._plain = raw if type(raw) is io.FileIO and raw.readable() else None
        self._stamp = self._look()
        self.start = file.tell()
        self.size = max(0, file.seek(0, os.SEEK_END) - self.start)
        file.seek(self.start)

    def open(self, offset: int) -> Raw:
        """Move the file to *offset* of the body and read from there."""
        self._file.seek(self.start + offset)
        return _Shared(self._file)

    def descriptor(self) -> DescriptorContext | None:
        """Give the descriptor of a plain file."""
        return nullcontext(self._plain.fileno()) if self._plain is not None else None

    def changed(self) -> str | None:
        """Compare the times of a plain file with those at the beginning; look for a byte after the end of any."""
        self._file.seek(self.start + self.size)
        if self._file.read(1):
            return f"the file grew beyond {self.size} bytes"
        return "the file was written to" if self._look() != self._stamp else None

    def close(self) -> None:
        """Close the file if it is owned."""
        if self._owned:
            self._file.close()

    def _look(self) -> tuple[int, int, int, int] | None:
        return _stamp(os.fstat(self._plain.fileno())) if self._plain is not None else None


class _Shared:
    """A reader of a file that outlives it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readinto(self, buffer: memoryview, /) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        return None


class Spool:
    """Collects a body of unknown length, in memory up to 8 MiB and then in the temporary directory."""

    def __init__(
        self,
        limit: int | None,
        too_large: Callable[[int], Exception],
        cancelled: Callable[[], bool] = bool,
    ) -> None:
        """Refuse what is longer than *limit* bytes with the error that *too_large* makes of the size so far."""
        import tempfile  # it brings shutil and random, which most processes never need

        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  # closed by its body
        self._limit = limit
        self._too_large = too_large
        self._cancelled = cancelled
        self.size = 0
        """Bytes collected so far."""
        self.position = 0
        """Where the next chunk goes."""

    def seek(self, position: int) -> None:
        """Let the next chunk go to *position*; what lies between the end and it becomes zeros once something is there.

        Raises:
            QuotaExceededError: the temporary directory is full.
        """
        try:
            self._file.seek(position)
        except OSError as error:
            raise _full(error) from error
        self.position = position

    def has_room_for(self, size: int) -> bool:
        """Say whether *size* more bytes would be within the limit."""
        return self._limit is None or self.size + size <= self._limit

    def write(self, chunk: Buffer) -> None:
        """Write *chunk* at the position, at first the end.

        Raises:
            Exception: what *too_large* makes, as soon as the limit is passed.
            QuotaExceededError: the temporary directory is full.
            TransferCancelled: the caller no longer waits for the body.
            TypeError: the chunk is not bytes.
        """
        if isinstance(chunk, str) or not isinstance(chunk, bytes | bytearray | memoryview):
            raise TypeError(f"a body consists of bytes, not {type(chunk).__name__}; open text files in binary mode")
        if self._cancelled():
            raise TransferCancelled
        end = self.position + memoryview(chunk).nbytes
        if end > self.position:
            self.size = max(self.size, end)
        if self._limit is not None and self.size > self._limit:
            raise self._too_large(self.size)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _full(error) from error
        self.position = end

    def expect(self, size: int) -> None:
        """Refuse a body that is said to have *size* bytes before any of it comes.

        Raises:
            Exception: what *too_large* makes, when that is above the limit.
        """
        if self._limit is not None and size > self._limit:
            raise self._too_large(size)

    def extend(self, chunks: Iterable[Buffer]) -> None:
        """Append every chunk.

        Raises:
            Exception: as in ``write``, or what *chunks* raises.
        """
        for chunk in chunks:
            self.write(chunk)

    def body(self) -> FileBody:
        """Return what was collected as a body that owns it.

        Raises:
            IntegrityError: the temporary file was truncated by another process.
            QuotaExceededError: the temporary directory is full.
        """
        try:
            self._file.seek(0)  # writes out what is buffered
        except OSError as error:
            raise _full(error) from error
        body = FileBody(self._file, owned=True)  # type: ignore[arg-type]  # it has all that FileBody uses
        if body.size != self.size:
            raise IntegrityError(f"the spool holds {body.size} of {self.size} bytes")
        return body

    def discard(self) -> None:
        """Throw away what was collected."""
        with suppress(OSError):  # closing writes out what is buffered, to a disk that may be full
            self._file.close()


def unreadable(error: OSError) -> IntegrityError:
    """Return the error for a body that *error* met."""
    return IntegrityError(f"the body can no longer be read ({error.strerror or error}); nothing was stored")


def ended(position: int, size: int) -> IntegrityError:
    """Return the error for a body of *size* bytes that has only *position*."""
    return IntegrityError(
        f"the body ended after {position} of {size} bytes; nothing was stored, repeat when it is at rest"
    )


def _full(error: OSError) -> Exception:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return error
    import tempfile

    return QuotaExceededError(
        f"no space left in {tempfile.gettempdir()} to spool a body of unknown length; "
        "free some, set TMPDIR, or give a file of known size"
    )

"""A checksum that is computed while the same bytes are being written or sent: a sha256 unless another is asked for.

OpenSSL hashes about as fast as a disk writes (1.9 GB/s measured with SHA-NI), and both release the GIL: run beside
each other they cost the time of the slower one, not the sum.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..lazy import module
from ..system import pread_into
from ..types import Buffer, Checksum
from .checksums import Hasher, hasher_of

if TYPE_CHECKING:
    import hashlib

    from ..threads import Job, Threads
else:
    hashlib = module(__name__, "hashlib")

T = TypeVar("T")

# Handing a buffer to another thread costs about 30 us, hashing 256 KiB about 130 us: below this it does not pay.
OVERLAP_BYTES = 256 * 1024
"""Smaller buffers are hashed on the caller's thread."""

# Two keep both threads busy; the others bridge the moments at which the writer starts the disk.
RING_BUFFERS = 8
"""Buffers that may wait to be hashed."""


class Digest:
    """One checksum over the bytes it is given, in order. Not thread-safe; close it to end its thread."""

    __slots__ = ("_error", "_hash", "_last", "_threads", "algorithm", "size")

    def __init__(self, algorithm: str = "sha256") -> None:
        """Compute *algorithm*, one that ``checksums.hasher_of`` knows.

        Raises:
            ValueError: it does not.
        """
        self.size = 0
        """Bytes taken so far."""
        self.algorithm = algorithm
        """What is computed."""
        found: Hasher | None = hashlib.sha256() if algorithm == "sha256" else hasher_of(algorithm)
        if found is None:
            raise ValueError(f"nothing here computes {algorithm!r}")
        self._hash = found
        self._threads: Threads | None = None
        self._last: Job | None = None
        self._error: BaseException | None = None

    def update(self, buffer: Buffer) -> None:
        """Take *buffer* on this thread."""
        self.join()
        self._hash.update(buffer)
        self.size += len(buffer)

    def update_during(self, buffer: Buffer, work: Callable[[], T]) -> T:
        """Take *buffer* while *work* runs on this thread, and return what it returns.

        Both have ended when this returns, so the buffer may be reused.

        Raises:
            BaseException: what *work* raises.
        """
        if len(buffer) < OVERLAP_BYTES:
            self.update(buffer)
            return work()
        self.later(lambda: self._hash.update(buffer), len(buffer))
        try:
            return work()
        finally:
            self.join()

    def write_through(self, descriptor: int, buffer: Buffer) -> None:
        """Take *buffer* while all of it is written to the file *descriptor*.

        Raises:
            OSError: the disk is full, or the like.
        """
        self.update_during(buffer, lambda: _write_all(descriptor, memoryview(buffer)))

    def later(self, feed: Callable[[], object], size: int) -> Job:
        """Run *feed*, which takes *size* bytes by ``raw``, on the digest's thread, after those given before."""
        if self._threads is None:
            from ..threads import Threads  # small bodies start none

            self._threads = Threads(1, "kazinex-storage-sha256")
        self.size += size
        self._last = job = self._threads.submit(partial(self._feed, feed))
        return job

    def raw(self, buffer: Buffer) -> None:
        """Take *buffer* without counting it; for the function given to ``later``."""
        self._hash.update(buffer)

    def join(self) -> None:
        """Wait until everything given has been taken.

        Raises:
            BaseException: what a function given to ``later`` raised.
        """
        last, self._last = self._last, None
        if last is not None:
            last.wait()  # one thread takes them in order, so the last is the end of all
        if self._error is not None:
            raise self._error

    def hexdigest(self) -> str:
        """Return the checksum of the bytes taken so far, in hexadecimal."""
        self.join()
        return self._hash.hexdigest()

    def checksum(self) -> Checksum:
        """Return the checksum of the bytes taken so far."""
        return Checksum(algorithm=self.algorithm, value=self.hexdigest())

    def close(self) -> None:
        """End the thread, if one was started."""
        threads, self._threads = self._threads, None
        if self._last is not None and not self._last.ended:
            self.size, self._last = -1, None  # what is dropped now leaves no checksum of the whole
            self._error = self._error or ValueError("the digest is closed")
        if threads is not None:
            threads.close()

    def _feed(self, feed: Callable[[], object]) -> None:
        if self._error is None:
            try:
                feed()
            except BaseException as error:  # kept for join: this thread has no caller to raise it to
                self._error = error


class ReadBack:
    """Gives a digest what was just written to a file, while it is still in the processor's cache.

    The thread that writes also reads back, into a few buffers in turn, so that the digest's thread only hashes.
    """

    __slots__ = ("_buffer_bytes", "_digest", "_ring")

    def __init__(self, digest: Digest, buffer_bytes: int) -> None:
        self._digest = digest
        self._buffer_bytes = buffer_bytes
        self._ring: deque[tuple[memoryview, Job]] = deque()

    def take(self, descriptor: int, start: int, size: int) -> None:
        """Read *size* bytes of the file *descriptor* from *start* and have them hashed.

        Raises:
            EOFError: they are not there.
            OSError: reading failed.
        """
        while size:
            buffer = self._free()
            count = pread_into(descriptor, buffer[:size], start)
            if count == 0:
                raise EOFError
            part = buffer[:count]
            if count < OVERLAP_BYTES:
                self._digest.update(part)
            else:
                self._ring.append((buffer, self._digest.later(partial(self._digest.raw, part), count)))
            start += count
            size -= count

    def _free(self) -> memoryview:
        """Return a buffer that is not waiting to be hashed."""
        if self._ring and (len(self._ring) == RING_BUFFERS or self._ring[0][1].ended):
            buffer, hashed = self._ring.popleft()
            hashed.wait()
            return buffer
        return memoryview(bytearray(self._buffer_bytes))


def _write_all(descriptor: int, buffer: memoryview) -> None:
    while buffer:
        buffer = buffer[os.write(descriptor, buffer) :]

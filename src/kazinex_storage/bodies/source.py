"""Source: a body to write, of known size, that can be read again from any offset.

Because a source can be replayed, a retry is right by construction; because it checks itself while it is read (size,
checksum, cancellation), a provider that has read it to its end may publish. Not thread-safe: one reader at a time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from ..errors import IntegrityError
from ..transport.exchange import TransferCancelled
from ..types import Buffer, Checksum, Progress
from .body import Body, BytesBody, Raw, Spool, ended, opened, unreadable
from .checksums import checksum_of
from .digest import Digest, ReadBack
from .part_plan import fastest_crc32
from .taking import BodyLike as BodyLike
from .taking import known_body, spooled_body

# A system call's cost vanishes, a reflink makes few extents, and what was copied is still in the cache to be hashed.
COPY_BYTES = 4 * 1024 * 1024
"""Bytes that one ``copy_file_range`` moves."""

# Measured on 1 GiB, page cache: 1 MiB stays in the processor's second-level cache, larger buffers are slower to hash.
BUFFER_BYTES = 1024 * 1024
"""Bytes read at a time."""

# What the kernel or the file system answers when it cannot copy between these two files.
_NO_FAST_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.ETXTBSY, errno.EPERM}


class Source:
    """A replayable body. Reading it to its end proves its size and, when one was declared, its sha256."""

    __slots__ = (
        "_algorithm",
        "_body",
        "_cancelled",
        "_digest",
        "_expected",
        "_found",
        "_progress",
        "is_fetched",
        "size",
        "trusts_service",
    )

    def __init__(
        self, body: Body, *, sha256: str | None = None, progress: Progress | None = None, trusting: bool = False
    ) -> None:
        """Wrap *body*; it must have *sha256*, *progress* hears what was read, *trusting* is for ``trust_service``."""
        self.size = body.size
        """Bytes in the whole body."""
        self.is_fetched: bool = getattr(body, "is_fetched", False)
        """Whether reading it is a transfer from another service, so that it is read once."""
        self._body = body
        self._expected = sha256.lower() if sha256 is not None else None
        self._progress = progress
        self._digest: Digest | None = None
        self._found: Checksum | None = None
        self._cancelled = False
        self._algorithm = "sha256"
        self.trusts_service = trusting and sha256 is None
        """Whether what the service verifies may take the place of the sha256."""

    @classmethod
    def of(
        cls,
        body: BodyLike,
        *,
        limit: int | None = None,
        too_large: Callable[[int], Exception] = ValueError,
        cancelled: Callable[[], bool] = bool,
        sha256: str | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Make a source of bytes, a path, a binary file or an iterable of bytes.

        A seekable file is read from its position to its end. What has no known length is read now, into a spool.

        Args:
            limit: The most bytes allowed.
            too_large: Makes the error for a body over the limit, from its size so far.
            cancelled: Asked while spooling; True ends it with ``TransferCancelled``.

        Raises:
            Exception: what *too_large* makes; what the body raises while it is spooled.
            NotSupportedError: the path is a device or a socket, or a pipe without a writer.
            OSError: the path cannot be read.
            QuotaExceededError: the temporary directory is full.
            TypeError: the body is none of these, or yields text.
        """
        found = known_body(body)
        if found is None:
            found = spooled_body(body, Spool(limit, too_large, cancelled), cancelled)
        elif limit is not None and found.size > limit:
            raise too_large(found.size)
        return cls(found, sha256=sha256, progress=progress)

    @property
    def declared_sha256(self) -> str | None:
        """What the body must have, in lower-case hexadecimal; None when it was not declared."""
        return self._expected

    @property
    def checksum(self) -> Checksum | None:
        """The sha256 of the body, or what ``hashed_by`` chose, once it has been read to its end."""
        digest = self._digest
        return digest.checksum() if digest is not None and digest.size == self.size else self._found

    def trust_service(self, trusted: bool) -> None:
        """Say whether what the service verifies may take the place of the sha256; see ``hashed_by``."""
        self.trusts_service = trusted and self._expected is None
        self._algorithm = "sha256"

    def hashed_by(self, algorithm: str | None) -> str:
        """Return what the body is hashed by from now on: *algorithm*, if the caller trusts the service, else sha256.

        A provider calls this whose service verifies every byte that it is sent, with what costs next to nothing beside
        that. One whose service verifies nothing says None, and is given the sha256.
        """
        if self.trusts_service and algorithm is not None:
            self._algorithm = algorithm
        return self._algorithm

    def leave_to_parts(self) -> None:
        """Hash nothing from now on, and have ``hashed_by`` say so: who reads the body hashes all of its parts."""
        self._algorithm = ""

    def open(self, offset: int = 0) -> SourceReader:
        """Return a reader from *offset*; as often as needed.

        Raises:
            IntegrityError: the body cannot be read any more, or is empty but was declared to have another sha256.
            ValueError: the offset is outside the body.
        """
        if not 0 <= offset <= self.size:
            raise ValueError(f"a body of {self.size} bytes has no offset {offset}")
        digest, known = self._digest, self._found
        if known is not None and known.algorithm == self._algorithm:  # of bytes, which do not change
            return self._reader(offset)
        # A gap leaves the digest empty: a caller that reads parts out of order proves them part by part.
        if digest is None or offset == 0 or offset > digest.size:
            self._restart() if self._algorithm else self._drop_digest()
        reader = self._reader(offset)
        if offset == self.size:
            self._finish()
        return reader

    def data(self, algorithm: str | None = None) -> bytes | None:
        """Return the whole body when it is held in memory as ``bytes`` already, else None. It counts as read.

        It is hashed by *algorithm* as ``hashed_by`` says, which need not be called besides.

        Raises:
            IntegrityError: the sha256 is not the declared one.
        """
        if algorithm is not None and self.trusts_service:
            self._algorithm = algorithm
        if not isinstance(self._body, BytesBody) or type(self._body.data) is not bytes:
            return None
        self.check_cancelled()
        known = self._found
        if known is not None and known.algorithm == self._algorithm:  # of bytes, which do not change
            return self._body.data
        if self._digest is not None:
            self._drop_digest()
        # Without a Digest, which can do more than one pass over small bytes needs (3 of 13 us a put of 4 KiB).
        if self._algorithm == "sha256":
            import hashlib  # a process that only reads does without

            found = Checksum(algorithm="sha256", value=hashlib.sha256(self._body.data).hexdigest())
        elif self._algorithm == "crc32":
            found = Checksum(algorithm="crc32", value=f"{fastest_crc32()(self._body.data, 0):08x}")
        else:
            found = checksum_of(self._algorithm, self._body.data)
        if self._progress is not None:
            self._report(self.size)
            self.check_cancelled()
        if self._expected is not None:
            self._check(found.value)
        self._found = found
        return self._body.data

    def write_to(self, descriptor: int, sync: Callable[[int], object] | None = None) -> None:
        """Write the whole body to an empty file that is open for reading and writing, then call *sync*.

        The kernel copies where it can (``copy_file_range``, which is a reflink on file systems that have it); the
        sha256 is computed from the file that was written, while it is copied and synced.

        Raises:
            IntegrityError: the body shrank, grew, or has another sha256 than declared.
            OSError: reading or writing failed.
        """
        digest = self._restart()
        try:
            if not self._copy_file_range(descriptor, digest):
                self._copy_buffers(descriptor, digest)
            if sync is not None:
                sync(descriptor)
            digest.join()
            if os.fstat(descriptor).st_size != self.size:
                raise IntegrityError("the file that was written was changed by another program; nothing was stored")
            self._finish()
        except BaseException:
            self._digest = None  # a write that failed proves nothing
            raise
        finally:
            digest.close()

    def cancel(self) -> None:
        """Make the current and every later read raise ``TransferCancelled``. Callable from any thread."""
        self._cancelled = True

    def check_cancelled(self) -> None:
        """End the work of the caller once the source was cancelled.

        Raises:
            TransferCancelled: it was.
        """
        if self._cancelled:
            raise TransferCancelled

    def close(self) -> None:
        """Release what this source opened itself; a file object of the caller stays open."""
        if self._digest is not None:
            self._digest.close()
        self._body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _restart(self) -> Digest:
        self._drop_digest()
        self._digest = digest = Digest(self._algorithm)
        return digest

    def _drop_digest(self) -> None:
        digest, self._digest, self._found = self._digest, None, None
        if digest is not None:
            digest.close()

    def _report(self, done: int) -> None:
        if self._progress is None:
            return
        try:
            self._progress(done, self.size)
        except OSError as error:
            raise RuntimeError("on_progress raised") from error  # else it would pass for an error of the disk

    def _reader(self, offset: int) -> SourceReader:
        try:
            return SourceReader(self, self._body.open(offset), offset)
        except OSError as error:
            raise unreadable(error) from error

    def _took(self, buffer: Buffer, position: int) -> None:
        """Feed *buffer*, which ends at *position*, to the digest unless a replay gave it these bytes before."""
        digest = self._digest
        if digest is not None:
            known = digest.size - (position - len(buffer))
            if 0 <= known < len(buffer):
                digest.update(memoryview(buffer)[known:])

    def _finish(self) -> None:
        """Judge the body after its last byte."""
        self.check_cancelled()
        try:
            changed = self._body.changed()
        except OSError as error:
            raise unreadable(error) from error
        if changed:
            raise IntegrityError(f"{changed} while it was being read; nothing was stored, repeat when it is at rest")
        if self._expected is None or self._digest is None or self._digest.size != self.size:
            return
        self._check(self._digest.hexdigest())

    def _check(self, found: str) -> None:
        if self._expected is not None and found != self._expected:
            raise IntegrityError(f"the body has sha256 {found}, but {self._expected} was declared; nothing was stored")

    def _copy_file_range(self, descriptor: int, digest: Digest) -> bool:
        source = self._body.descriptor()
        if source is None or self.size == 0 or not hasattr(os, "copy_file_range"):
            return False
        origin, position = self._body.start, 0
        read_back = ReadBack(digest, min(self.size, BUFFER_BYTES))
        with opened(source) as file:
            while position < self.size:
                self.check_cancelled()
                count = min(COPY_BYTES, self.size - position)
                try:
                    copied = os.copy_file_range(file, descriptor, count, origin + position, position)
                except OSError as error:
                    if position == 0 and error.errno in _NO_FAST_COPY:
                        return False
                    raise
                if copied == 0:
                    # Some file systems (procfs and the like) copy nothing; an ordinary read shows what is there.
                    if position == 0:
                        return False
                    raise ended(position, self.size)
                self._hash_written(descriptor, read_back, position, copied)
                position += copied
                self._report(position)
        return True

    def _hash_written(self, descriptor: int, read_back: ReadBack, start: int, size: int) -> None:
        if size == COPY_BYTES:
            # Linux starts to write dirty pages when told that they are not needed (mm/fadvise.c), and keeps them: so
            # the disk works from the first moment on, and little is left to wait for at the end.
            os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)
        try:
            read_back.take(descriptor, start, size)
        except EOFError:
            raise IntegrityError("what was written could not be read back; nothing was stored") from None

    def _copy_buffers(self, descriptor: int, digest: Digest) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        buffer = memoryview(bytearray(min(self.size, BUFFER_BYTES)))
        with self._reader(0) as reader:
            while count := reader._fill(buffer):
                digest.write_through(descriptor, buffer[:count])


class SourceReader:
    """Reads a source in order from one offset; never past its declared size."""

    __slots__ = ("_position", "_raw", "_source")

    def __init__(self, source: Source, raw: Raw, position: int) -> None:
        self._source = source
        self._raw = raw
        self._position = position

    def readinto(self, buffer: memoryview) -> int:
        """Fill the beginning of *buffer* and return how many bytes; 0 is the end.

        Raises:
            IntegrityError: the body is shorter, longer, or other than declared, or cannot be read.
        """
        count = self._fill(buffer)
        if count:
            self._source._took(buffer[:count], self._position)
            if self._position == self._source.size:
                self._source._finish()
        return count

    def _fill(self, buffer: memoryview) -> int:
        """Read without feeding the digest."""
        source = self._source
        source.check_cancelled()
        left = source.size - self._position
        if left == 0 or not len(buffer):
            return 0
        try:
            count = self._raw.readinto(buffer[:left])
        except OSError as error:
            raise unreadable(error) from error
        if not count:
            raise ended(self._position, source.size)
        self._position += count
        source._report(self._position)
        return count

    def read(self, size: int = -1) -> bytes:
        """Return at most *size* bytes, or all that is left; empty at the end.

        Raises:
            IntegrityError: as in ``readinto``.
            OSError: reading failed.
        """
        left = self._source.size - self._position
        buffer, filled = memoryview(bytearray(left if size < 0 else min(size, left))), 0
        while filled < len(buffer) and (count := self.readinto(buffer[filled:])):
            filled += count
        return bytes(buffer[:filled])

    def close(self) -> None:
        """Release the reader."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

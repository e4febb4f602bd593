"""A file that a download lands in: written next to its target, proved, then renamed over it.

Spans may arrive concurrently. The sha256 is taken in order from what was written, on a thread of its own, so that
hashing and receiving cost the time of the slower one.
"""

from __future__ import annotations

import os
import secrets
import stat
import threading
from bisect import insort
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..errors import IntegrityError
from ..system import CLOSE_ON_EXEC, change_mode, pread, pread_into, pwrite_all, replace
from ..transport.exchange import TransferCancelled
from ..types import MIB, Buffer, Checksum, ObjectInfo, Sink
from .checksums import Hasher, check_expected, check_sha256, hasher_of
from .crc_combine import combined
from .digest import Digest
from .part_plan import fastest_crc32
from .special_files import is_stream, write_into

# Read back while it is still in the page cache, in pieces that are worth handing to another thread (30 us).
FEED_BYTES = 4 * MIB
"""Bytes that are hashed at a time."""

READ_BYTES = 256 * 1024
"""Bytes that are read back at a time."""

# libcurl hands out 16 KiB at a time, and a call of the system costs more than gathering. The pieces are kept as they
# come and written by one call: a buffer to gather in is larger than most objects, and has to be cleared (ADR 0029).
GATHER_BYTES = 512 * 1024
"""Bytes that are written at a time."""

NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | CLOSE_ON_EXEC
"""How a temporary file is opened."""

# The least that POSIX systems take is 16, Linux takes 1,024 (limits.h).
_IOV_MAX = 1024


class Download:
    """Takes the bytes of one object; until ``publish`` the target is as it was."""

    def __init__(self, target: Path, *, trusting: bool = False) -> None:
        """Open a temporary file in the folder of *target*, and of a pipe or device in the temporary folder.

        Args:
            target: Where it goes in the end.
            trusting: Compute what ``expect`` names and no sha256 besides it; nothing is hashed before it is called.

        Raises:
            NotSupportedError: *target* is a socket or a block device.
            OSError: the folder is missing or may not be written.
        """
        self._target = target
        # It is written into, after the bytes were proved, and never replaced by a file.
        self._stream = is_stream(target)
        folder = Path(_temporary_folder()) if self._stream else target.parent
        self._temporary = temporary_name(folder, target)
        self._descriptor = os.open(self._temporary, NEW_FILE, 0o600 if self._stream else 0o666)
        self._digest = Digest()
        self._spans: list[_Span] = []
        """In order of their starts."""
        self._front = 0
        """The first span that may still grow before a gap; looking at all of them costs a minute in 100 GiB."""
        self._hashed = 0
        """Bytes from the beginning that the digest was given."""
        self._sha256: str | None = None
        """What the service keeps."""
        self._expected: Checksum | None = None
        """What the bytes are compared with besides the sha256."""
        self._hasher: Hasher | None = None
        """Computes it, next to the digest."""
        self._waits = trusting
        """Whether nothing is hashed yet, because it is not known by what algorithm."""
        self._hashes = not trusting
        """Whether the sha256 is computed."""
        self._folds = trusting
        """Whether each span computes the CRC-32 of what comes, so that nothing is read back for that of the whole."""
        self._read = memoryview(b"")
        """What the digest's thread reads into."""
        self.gone = False
        """Whether it was given up."""
        self._published = False
        self._lock = threading.Lock()

    def at(self, start: int, stop: int | None = None) -> Sink:
        """Return a sink for the bytes from *start*, up to *stop* if there are so many; spans must not overlap."""
        span = _Span(start, stop, self)
        with self._lock:
            insort(self._spans, span, key=_start_of)
        return span.take

    def write(self, span: _Span, piece: Buffer = b"") -> None:
        """Write what waits in *span*, and *piece* after it.

        Raises:
            OSError: the disk is full, or the like.
            TransferCancelled: it was given up.
        """
        # A caller that no longer waits gives up while another thread writes: the last of them closes, because the
        # number of a closed descriptor belongs to the next file that is opened.
        try:
            with self._lock:
                if self.gone:
                    raise TransferCancelled
                self._flush(span, piece)
                while not self._waits and self._written() - self._hashed >= FEED_BYTES:
                    self._feed(FEED_BYTES)
        finally:
            self._close_if_gone()

    def expect(self, checksum: Checksum | None) -> None:
        """Compare with the *checksum* that the service keeps, as well as the sha256, when the file is published.

        What was hashed already is read once more, unless it is a CRC-32: that is combined from those of the spans.
        None, or one that nothing here computes, changes nothing.
        """
        self._waits = False
        self._folds = self._folds and checksum is not None and checksum.algorithm == "crc32"
        if self._folds:
            self._expected = checksum
            return
        if checksum is None or checksum.algorithm == "sha256":
            self._sha256 = checksum.value if checksum is not None else None
            self._hashes = self._hashes or checksum is not None
            return
        hasher = hasher_of(checksum.algorithm)
        if hasher is None:
            return
        with self._lock:
            self._expected = checksum
            if self._hashed:
                self._digest.later(partial(self._catch_up, hasher, self._hashed), 0)
            else:
                self._hasher = hasher

    def publish(self, info: ObjectInfo, sha256: str | None) -> Checksum | None:
        """Compare with the size of *info* and the *sha256*, or what is expected; rename over the target.

        Returns the sha256 found; what was expected instead, or None, where none was computed.

        Raises:
            IntegrityError: the size or the recorded sha256 differ; the target is untouched.
            NotSupportedError: the target is a pipe without a reader.
            OSError: the target cannot be replaced, or written into.
            TransferCancelled: it was given up.
        """
        with self._lock:
            if self.gone:
                raise TransferCancelled
            # Of a small object nothing was written so far: it is hashed where it is.
            first = self._spans[0] if len(self._spans) == 1 else None
            waiting = b"".join(first.waiting) if first is not None and not first.end else b""
            for span in self._spans:
                self._flush(span)
        written = self._written()
        if written != info.size or written != sum(span.end - span.start for span in self._spans):
            raise IntegrityError(f"{written} of {info.size} bytes arrived; the file was not written")
        checksum = self._prove(written, sha256 or self._sha256, waiting)
        if self._stream:
            self._pour()
            return checksum
        with self._lock:
            if self.gone:
                raise TransferCancelled
            self._keep_mode()
            self._close()
            replace(self._temporary, self._target)
            self._published = True
        return checksum

    def _prove(self, written: int, sha256: str | None, waiting: Buffer) -> Checksum | None:
        """Hash what was not hashed yet, and compare; *waiting* is all of it, or nothing.

        Raises:
            IntegrityError: the bytes are others.
        """
        if sha256 is not None and not self._hashes:
            self._digest.join()  # what is read again for it goes into no other checksum
            self._digest.size = self._hashed = 0
            self._hashes, self._hasher, self._expected, self._folds = True, None, None, False
        if self._hashed or written >= FEED_BYTES:
            self._feed(written - self._hashed)
        elif self._hashes or self._hasher is not None:  # a small one is not worth a thread
            data = waiting if len(waiting) == written else pread(self._descriptor, written, 0)
            self._digest.update(data)
            if self._hasher is not None:
                self._hasher.update(data)
        self._digest.join()
        found = self._digest.size if self._hashes else os.fstat(self._descriptor).st_size
        if found != written:
            raise changed_by_others()
        self._check_expected()
        if not self._hashes:
            return self._expected
        return check_sha256(self._digest.hexdigest(), sha256)

    def _pour(self) -> None:
        """Write everything into the target; ``discard`` removes the temporary file."""
        try:
            with self._lock:  # a caller that gives up meanwhile leaves the descriptor open
                write_into(self._target, self._descriptor, lambda: self.gone)
        finally:
            self._close_if_gone()

    def discard(self) -> None:
        """Remove what was written; harmless after ``publish``, and while another thread still writes."""
        self.gone = True
        if not self._published:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary)
        self._close_if_gone()

    def _keep_mode(self) -> None:
        """Give the new file the permissions of the one that it replaces: a private file stays private."""
        with suppress(OSError):  # there is none, or the file system has no modes
            status = os.stat(self._target, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                change_mode(self._descriptor, stat.S_IMODE(status.st_mode) & 0o777)

    def _flush(self, span: _Span, piece: Buffer = b"") -> None:
        """Write what waits, and *piece* after it."""
        waiting, span.waiting, span.held = span.waiting, [], 0
        if piece:
            waiting.append(piece)
        if self._folds:
            crc32 = fastest_crc32()
            for each in waiting:
                span.crc = crc32(each, span.crc)
        span.end = write_pieces(self._descriptor, waiting, span.end)

    def _written(self) -> int:
        """Return up to where the file is written without a gap."""
        spans = self._spans
        if not spans or spans[0].start:
            return 0
        while self._front + 1 < len(spans) and spans[self._front].end >= spans[self._front + 1].start:
            self._front += 1
        return spans[self._front].end

    def _feed(self, size: int) -> None:
        """Have the next *size* bytes hashed, unless there is nothing to compare them with."""
        if size and (self._hashes or self._hasher is not None):
            self._digest.later(partial(self._read_back, self._hashed, size), size)
        self._hashed += size

    def _read_back(self, start: int, size: int) -> None:
        """Hash a piece of the file, on the digest's thread.

        Raises:
            IntegrityError: it is not there any more.
        """
        for piece in self._pieces(start, size):
            if self._hashes:
                self._digest.raw(piece)
            if self._hasher is not None:
                self._hasher.update(piece)

    def _catch_up(self, hasher: Hasher, size: int) -> None:
        """Give *hasher* what the digest has had, on the digest's thread; it goes on with it from there.

        Raises:
            IntegrityError: it is not there any more.
        """
        for piece in self._pieces(0, size):
            hasher.update(piece)
        self._hasher = hasher

    def _pieces(self, start: int, size: int) -> Iterator[memoryview]:
        buffer = self._read = self._read or memoryview(bytearray(READ_BYTES))
        end = start + size
        while start < end:
            count = pread_into(self._descriptor, buffer[: end - start], start)
            if count == 0:
                raise IntegrityError("the file was truncated by another process while it was written; it was not kept")
            yield buffer[:count]
            start += count

    def _check_expected(self) -> None:
        expected, hasher = self._expected, self._hasher
        if expected is not None and self._folds:
            found = combined((span.crc, span.end - span.start) for span in self._spans)
            check_expected(expected, f"{found:08x}")
        elif expected is not None and hasher is not None:
            check_expected(expected, hasher.hexdigest())

    def _close_if_gone(self) -> None:
        if self.gone and self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        self._digest.close()  # its thread reads from the descriptor
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        # Spans and sinks hold each other: what they gathered in would wait for the collector of cycles.
        self._spans, self._read = [], memoryview(b"")


def temporary_name(folder: Path | str, target: Path) -> str:
    """Return a name that nobody has guessed, for a file that becomes *target*."""
    return f"{folder}/.{target.name[:40]}.{secrets.token_hex(8)}"


def write_pieces(descriptor: int, pieces: Sequence[Buffer], position: int) -> int:
    """Write all of *pieces* to the file from *position*, and return where they end.

    Raises:
        OSError: the disk is full, or the like.
    """
    waiting = list(pieces)
    while waiting:
        count = pwrite_all(descriptor, waiting[:_IOV_MAX], position)
        position += count
        done = 0
        for part in waiting:
            if count < len(part):
                break
            count -= len(part)
            done += 1
        del waiting[:done]
        if count:
            waiting[0] = memoryview(waiting[0])[count:]
    return position


def changed_by_others() -> IntegrityError:
    """Return the error for a temporary file that did not stay as it was written."""
    return IntegrityError("the file was changed by another process while it was written; it was not kept")


def _temporary_folder() -> str:
    import tempfile  # it brings shutil and random, which most processes never need

    return tempfile.gettempdir()


def _start_of(span: _Span) -> int:
    return span.start


class _Span:
    """A stretch of the file that grows.

    It belongs to one exchange, so what it gathers needs no lock: a tenth of the processor time of a download.
    """

    __slots__ = ("_target_file", "crc", "end", "held", "start", "stop", "waiting")

    def __init__(self, start: int, stop: int | None, target_file: Download) -> None:
        self.start = start
        self.stop = stop
        self.end = start
        """Up to where it is written."""
        self.crc = 0
        """The CRC-32 of what is written, where that is wanted."""
        self.waiting: list[Buffer] = []
        """What came and is not written yet: the pieces themselves, which are not copied."""
        self.held = 0
        """Bytes of it."""
        self._target_file = target_file

    def take(self, piece: Buffer) -> None:
        """Append *piece*. Once all came it is written: what waited for more would be a gap that ends the hashing.

        Raises:
            OSError: the disk is full, or the like.
            TransferCancelled: the download was given up.
        """
        if self._target_file.gone:
            raise TransferCancelled
        if len(piece) >= GATHER_BYTES:
            self._target_file.write(self, piece)
            return
        self.waiting.append(piece if type(piece) is bytes else bytes(piece))
        self.held += len(piece)
        if (
            self.held >= GATHER_BYTES
            or len(self.waiting) == _IOV_MAX
            or (self.stop is not None and self.end + self.held >= self.stop)
        ):
            self._target_file.write(self)

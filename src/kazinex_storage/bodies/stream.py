"""Stream: a body of unknown length, read once and in order while it is sent, with no spool.

It checks itself as ``Source`` does: limit, sha256, cancellation. It cannot be read again, so what has failed is not
repeated here. ``stream_parts.py`` sends one in parts; where it comes from is a ``Supply``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, Protocol, cast

from ..errors import IntegrityError, UnavailableError
from ..transport.exchange import Call, Exchange, TransferCancelled, Wait
from ..types import MIB, Buffer, Checksum, Progress
from ..values import value
from .digest import Digest
from .taking import CHUNK_BYTES, BodyLike

HEAD_BYTES: Final = 8 * MIB
"""What ends within so many bytes is held in memory and written like any body of known size."""

# A producer on an asyncio loop is looked at again so soon; a part of 8 MiB takes longer than that on any line.
_FIRST_S: Final = 0.001
_MOST_S: Final = 0.05


class Supply(Protocol):
    """Where the bytes of a stream come from, in order."""

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` is worth a thread now: it returns at once, or nothing but waiting in it brings more."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether any thread may call ``take``; code of the caller may belong to theirs."""
        ...

    def take(self) -> Buffer | None:
        """Return the next bytes, valid until the next call; None at the end. It may block.

        Raises:
            Exception: what the producer raises.
        """
        ...

    def stop(self) -> None:
        """Make ``take`` end soon, if it can; callable from any thread."""
        ...


class Pulled:
    """The bytes of a file or an iterable of the caller."""

    is_ready = True

    def __init__(self, body: BodyLike) -> None:
        """Read *body*, a binary file or an iterable of bytes.

        Raises:
            TypeError: it is neither, or is open in text mode.
        """
        read = getattr(body, "read", None)
        if read is not None and isinstance(read(0), str):
            raise TypeError("the file is open in text mode; open it in binary mode")
        self.is_shared = read is not None
        """A generator is run where its caller is: connections to databases and the like belong to a thread."""
        self._chunks: Iterator[Buffer] = (
            iter(cast("Iterable[Buffer]", body))
            if read is None
            else iter(lambda: cast(BinaryIO, body).read(CHUNK_BYTES), b"")
        )

    def take(self) -> Buffer | None:
        """Return the next bytes."""
        return next(self._chunks, None)

    def stop(self) -> None:
        """Do nothing: what the caller's code waits for cannot be ended from here."""


@value(kw_only=False)
class Room:
    """What a stream may grow to, and who has to be asked before it grows."""

    limit: int | None = None
    """Bytes."""
    too_large: Callable[[int], Exception] = ValueError
    """Makes the error for a body over the limit, from its size so far."""
    claim: Callable[[int], Exchange[None]] | None = None
    """Claims room for so many bytes in all, where there are quotas."""


class Stream:
    """A body that is read once, in order. Not thread-safe: one reader at a time, but for ``cancel``."""

    def __init__(
        self,
        supply: Supply,
        room: Room | None = None,
        *,
        algorithm: str = "sha256",
        sha256: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Read *supply*; the whole must have *sha256*, and *progress* hears what was read.

        Args:
            supply: Where the bytes come from.
            room: What it may grow to; None is without a limit.
            algorithm: What it is hashed by while it is read, if no *sha256* is given.
            sha256: What the whole must have.
            progress: Called with the bytes so far, and None for those in all.
        """
        self._supply = supply
        self._room = room if room is not None else Room()
        self._expected = sha256.lower() if sha256 is not None else None
        self._digest = Digest("sha256" if sha256 is not None else algorithm)
        self._progress = progress
        self._held: list[memoryview] = []
        self._found: Checksum | None = None
        self._cancelled = False
        self.size = 0
        """Bytes read so far; of the whole once it has ended."""
        self.ended = False
        """Whether all of it was read."""
        self.begun = False
        """Whether a provider has read from it."""

    @property
    def is_shared(self) -> bool:
        """Whether it may be read on another thread while parts are sent."""
        return self._supply.is_shared

    @property
    def is_ready(self) -> bool:
        """Whether something has come that can be read without waiting."""
        return bool(self._held) or self._supply.is_ready

    @property
    def claims(self) -> Callable[[int], Exchange[None]] | None:
        """What claims room for so many bytes in all; None where there are no quotas."""
        return self._room.claim

    @property
    def checksum(self) -> Checksum | None:
        """The checksum of the whole, once it has been read to its end."""
        return self._found

    def read_head(self) -> Exchange[bytes | None]:
        """Return the whole if it has at most ``HEAD_BYTES``; else None, and what was read stays to be read."""
        head = bytearray()
        while len(head) <= HEAD_BYTES:
            yield from self._wait()
            more = cast("bytes | None", (yield Call(self._next_bytes, HEAD_BYTES + 1 - len(head), cancel=self.cancel)))
            if more is None:
                return bytes(head)
            head += more
        self._held.insert(0, memoryview(head))
        return None

    def first_bytes(self, count: int) -> bytes:
        """Return the first *count* bytes, at most ``HEAD_BYTES``, once ``read_head`` has read them."""
        return bytes(self._held[0][:count]) if self._held else b""

    def next_part(self, size: int) -> Exchange[memoryview | None]:
        """Return the next *size* bytes, fewer only at the end of the whole; None after that.

        Raises:
            Exception: what the producer raises, or what ``Room.too_large`` makes.
            IntegrityError: the whole has another sha256.
        """
        part, filled = memoryview(bytearray(size)), 0
        while filled < size and not self.ended:
            if not self._held:
                yield from self._wait()
            filled += cast(int, (yield Call(self._fill, part[filled:], cancel=self.cancel)))
        return part[:filled] if filled else None

    def claim(self) -> Exchange[None]:
        """Claim room for what was read so far, before it is sent.

        Raises:
            QuotaExceededError: there is none.
        """
        if self._room.claim is not None:
            yield from self._room.claim(self.size)

    def chunks(self) -> Iterator[memoryview]:
        """Yield the whole, as it comes; each is valid until the next. It blocks.

        Raises:
            Exception: as ``next_part``.
        """
        self.begun = True
        while (chunk := self._next()) is not None:
            self._took(chunk)
            yield chunk
        self._finish()

    def write_to(self, descriptor: int, sync: Callable[[int], object]) -> None:
        """Write the whole to an empty file, then call *sync*, as ``Source.write_to`` does.

        Raises:
            UnavailableError: it was read before.
            IntegrityError: another program changed the file.
            Exception: as ``next_part``.
        """
        if self.begun:
            raise UnavailableError("the folder was removed by another process while it was written to; repeat it")
        for chunk in self.chunks():
            left = chunk
            while left:
                left = left[os.write(descriptor, left) :]
        sync(descriptor)
        if os.fstat(descriptor).st_size != self.size:
            raise IntegrityError("the file that was written was changed by another program; nothing was stored")

    def data(self) -> None:
        """Return None: it is not all in memory."""

    def silence(self) -> None:
        """Leave progress to who reads the body from where it is collected."""
        self._progress = None

    def cancel(self) -> None:
        """Make every later read raise ``TransferCancelled``. Callable from any thread."""
        self._cancelled = True
        self._supply.stop()

    def check_cancelled(self) -> None:
        """End the work of the caller once the stream was cancelled.

        Raises:
            TransferCancelled: it was.
        """
        if self._cancelled:
            raise TransferCancelled

    def close(self) -> None:
        """Release the thread that hashes, if there is one."""
        self._digest.close()

    def _wait(self) -> Exchange[None]:
        """Wait until something has come, without a thread."""
        pause = _FIRST_S
        while not self._supply.is_ready:
            self.check_cancelled()
            yield Wait(pause)
            pause = min(2 * pause, _MOST_S)

    def _fill(self, part: memoryview) -> int:
        """Fill the beginning of *part*, all of it unless the supply has to be waited for first."""
        self.begun = True
        filled = 0
        while filled < len(part) and (self._held or self._supply.is_ready):
            chunk = self._next()
            if chunk is None:
                self._finish()
                break
            taken, rest = chunk[: len(part) - filled], chunk[len(part) - filled :]
            if rest:
                self._held.insert(0, rest)
            part[filled : filled + len(taken)] = taken
            self._took(taken)
            filled += len(taken)
        return filled

    def _next_bytes(self, most: int) -> bytes | None:
        chunk = self._next()
        if chunk is None:
            return None
        if chunk[most:]:
            self._held.insert(0, chunk[most:])
        return bytes(chunk[:most])

    def _next(self) -> memoryview | None:
        """Return bytes that were held back, or the next ones of the supply; None at the end."""
        self.check_cancelled()
        if self._held:
            return self._held.pop(0)
        try:
            chunk = self._supply.take()
        except OSError as error:
            raise IntegrityError(
                f"the body can no longer be read ({error.strerror or error}); nothing was stored"
            ) from error
        self.check_cancelled()
        if chunk is None:
            return None
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise TypeError(f"a body consists of bytes, not {type(chunk).__name__}; open text files in binary mode")
        view = memoryview(bytes(chunk) if isinstance(chunk, bytearray) else chunk)  # a view would keep it from growing
        return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())

    def _took(self, chunk: memoryview) -> None:
        self.size += len(chunk)
        if self._room.limit is not None and self.size > self._room.limit:
            raise self._room.too_large(self.size)
        self._digest.update(chunk)
        if self._progress is not None:
            self._progress(self.size, None)

    def _finish(self) -> None:
        self.ended = True
        found = self._digest.checksum()
        if self._expected is not None and found.value != self._expected:
            raise IntegrityError(
                f"the body has sha256 {found.value}, but {self._expected} was declared; nothing was stored"
            )
        self._found = found

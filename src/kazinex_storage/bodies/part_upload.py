"""How a body goes out in parts: read in order, each byte once, a few parts in memory, several under way at once.

The whole process holds no more parts than ``budget.py`` allows, and their memory is lent by it. What is read in threads
here is sent meanwhile. Large puts and resumed uploads are both made of ``send_parts``; what is done with a part is for
the caller to say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias, cast

from ..errors import IntegrityError
from ..transport import Call, Exchange, Many, Outcome, TransferCancelled
from ..types import MIB, Buffer, Checksum, PartInfo
from ..values import value
from .memory_budget import BUDGET, Budget
from .part_plan import PartPlan
from .source import Source, SourceReader

PARTS_AT_ONCE: Final = 4
"""Parts of one upload that are under way at once: 32 MiB of memory. More do not fill a line that four do not."""

Send: TypeAlias = Callable[[int, memoryview], Exchange[PartInfo]]
"""Brings the part of that number, from 1, to the service; the bytes are valid until the exchange has ended."""


@value(kw_only=False)
class Part:
    """One part in memory."""

    number: int
    """From 1."""
    data: memoryview


class MemoryBody:
    """A body in memory that is not ours to keep, read without a copy of the whole; see ``ReplayableBody``."""

    __slots__ = ("_data",)

    def __init__(self, data: Buffer) -> None:
        """Read *data*."""
        self._data = memoryview(data)

    def open(self, offset: int = 0) -> HeldReader:
        """Return a reader from *offset*."""
        return HeldReader(self._data[offset:])


class HeldReader:
    """Reads a body in memory."""

    __slots__ = ("_left",)

    def __init__(self, data: memoryview) -> None:
        self._left = data

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 is the end."""
        found = self.view(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def view(self, size: int) -> memoryview:
        """Return the next bytes, *size* at most, where they are; none at the end."""
        found, self._left = self._left[:size], self._left[size:]
        return found

    def close(self) -> None:
        """Nothing is held open."""


class PartReader:
    """Reads the parts of one source in order, for several threads at once: each call takes the next part."""

    def __init__(self, source: Source, plan: PartPlan) -> None:
        """Cut *source* by *plan*."""
        self._source = source
        self._spans = plan.spans()
        self._reader: SourceReader | None = None
        self._lock = threading.Lock()
        self._closed = False

    def next(self, buffer: memoryview) -> Part | None:
        """Read the next part into the beginning of *buffer* and return it; None when all were taken.

        Raises:
            IntegrityError: from the source.
            TransferCancelled: the upload was given up.
        """
        with self._lock:
            if self._closed:
                raise TransferCancelled
            entry = next(self._spans, None)
            if entry is None:
                return None
            number, span = entry
            if self._reader is None:
                self._reader = self._source.open()
            part, filled = buffer[: (span.end or 0) - span.start], 0
            while filled < len(part) and (count := self._reader.readinto(part[filled:])):
                filled += count
            return Part(number, part)

    def stop(self) -> None:
        """Make the reads under way, and all later ones, end soon."""
        self._closed = True
        self._source.cancel()

    def close(self) -> None:
        """Release the reader of the source."""
        with self._lock:
            self._closed = True
            if self._reader is not None:
                self._reader.close()


def send_parts(
    source: Source, plan: PartPlan, send: Send, owner: object, budget: Budget = BUDGET
) -> Exchange[list[PartInfo]]:
    """Read *source* once and *send* every part of it to *owner*, a provider; return what was recorded, in order.

    Raises:
        Exception: what the source or *send* raises first; parts under way end, no further ones begin.
    """
    reader, failed = PartReader(source, plan), False
    size = min(plan.part_bytes, plan.size)

    def one() -> Exchange[PartInfo | None]:
        nonlocal failed
        try:
            yield from budget.take(size, source, owner)
            free: list[memoryview] = []  # after a failure another thread may still read or write it
            try:
                buffer = budget.lend(size)
                part = cast("Part | None", (yield Call(reader.next, buffer, cancel=reader.stop)))
                sent = None if part is None else (yield from send(part.number, part.data))
                free.append(buffer)
                return sent
            finally:
                budget.give(size, owner, *free)
        except BaseException:
            failed = True
            raise

    def each() -> Iterator[Exchange[PartInfo | None]]:
        for _ in range(plan.count):
            if failed:  # the others would be sent in vain
                return
            yield one()

    try:
        outcomes = cast("list[Outcome[PartInfo | None]]", (yield Many(each(), PARTS_AT_ONCE)))
    finally:
        reader.close()
    parts = [part for part in (outcome.result() for outcome in outcomes) if part is not None]
    return sorted(parts, key=lambda part: part.number)


def send_in_order(
    source: Source, plan: PartPlan, send: Send, take: Callable[[memoryview], object], owner: object
) -> Exchange[None]:
    """Read *source* once and *send* its parts to *owner* one after another.

    While one is sent the next one is read and given to *take*, which hashes it: two parts in memory.

    Raises:
        Exception: what the source, *take* or *send* raises first; no further part is sent.
    """
    reader, size = PartReader(source, plan), min(plan.part_bytes, plan.size)
    room = min(plan.count, 2) * size

    def read(buffer: memoryview) -> Part | None:
        part = reader.next(buffer)
        if part is not None:
            take(part.data)
        return part

    def reading(buffer: memoryview) -> Exchange[Part | None]:
        return cast("Part | None", (yield Call(read, buffer, cancel=reader.stop)))

    yield from BUDGET.take(room, source, owner)
    free: tuple[memoryview, ...] = ()
    try:
        buffer, spare = BUDGET.lend(size), BUDGET.lend(room - size)
        part = yield from reading(buffer)
        while part is not None:
            both: list[Exchange[PartInfo] | Exchange[Part | None]] = [send(part.number, part.data), reading(spare)]
            sent, read_on = cast("list[Outcome[object]]", (yield Many(both, 2)))
            sent.result()
            part = cast("Part | None", read_on.result())
            buffer, spare = spare, buffer
        free = (buffer, spare)
    finally:
        reader.close()
        BUDGET.give(room, owner, *free)


def sha256_of(source: Source) -> str:
    """Read the whole body once, which is no progress of a transfer, and return its sha256 in hexadecimal.

    Raises:
        IntegrityError: from the source.
        TransferCancelled: it was given up.
    """
    return checksum_first(source).value


def checksum_first(source: Source) -> Checksum:
    """Read the whole body once, which is no progress of a transfer, and return what it is hashed by.

    Raises:
        IntegrityError: from the source.
        TransferCancelled: it was given up.
    """
    read_through(source, lambda _: None)
    checksum = source.checksum
    if checksum is None:
        raise IntegrityError("the body was read by another caller meanwhile; nothing was stored, repeat it")
    return checksum


def read_through(source: Source, take: Callable[[memoryview], object]) -> None:
    """Give the whole body to *take*, by the megabyte; it is no progress of a transfer.

    Raises:
        IntegrityError: from the source.
        TransferCancelled: it was given up.
    """
    progress, source._progress = source._progress, None
    try:
        with source.open() as reader:
            buffer = memoryview(bytearray(min(source.size, MIB)))
            while count := reader.readinto(buffer):
                take(buffer[:count])
    finally:
        source._progress = progress

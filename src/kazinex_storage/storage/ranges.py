"""Many spans of one object in few requests: neighbours are joined into blocks, and each gets its bytes out of one.

``Operations.read_ranges`` and ``cat_ranges`` of the file systems read with these; ADR 0030 has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..errors import PreconditionFailedError
from ..types import MIB, Buffer, ByteRange, ObjectInfo

# A request costs as much processor time as 300 to 400 KiB that are read along (ADR 0030), and a line is slower than
# loopback.
GAP_BYTES = 256 * 1024
"""The most bytes between two spans that are read along and dropped, instead of asking for the spans separately."""

# 13 MB are four requests, so that several connections carry them.
BLOCK_BYTES = 4 * MIB
"""The most bytes that several spans are joined to; a longer span is a block of its own."""


class Block:
    """What one request reads, and which of the spans lie in it."""

    __slots__ = ("places", "span", "spans")

    def __init__(self, span: ByteRange, places: list[int], spans: Sequence[ByteRange]) -> None:
        self.span = span
        """The bytes to read."""
        self.places = places
        """Which of ``spans`` lie in it, by their first byte; empty ones come last."""
        self.spans = spans
        """All that were asked for."""

    def cut(self, chunks: Sequence[bytes]) -> list[bytes]:
        """Return the bytes of ``places``, from the *chunks* that the request brought. No byte is copied twice."""
        members = [self.spans[place] for place in self.places]
        if self.span.start < 0:
            size = sum(map(len, chunks))
            members = [ByteRange(start=max(0, size + member.start)) for member in members]
            return list(_cut(chunks, members, 0))
        return list(_cut(chunks, members, self.span.start))


class Chunks:
    """A sink that keeps what it is given."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        """The bytes, in the pieces in which they came."""

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes."""
        self.kept.append(buffer if type(buffer) is bytes else bytes(buffer))


def blocks_of(spans: Sequence[ByteRange], gap: int = GAP_BYTES, most: int = BLOCK_BYTES) -> list[Block]:
    """Return the blocks in which *spans* lie, each span in one; they need not be in order, and may overlap.

    Tails (a negative start) are one block, since where they begin is not known. Empty spans lie in the first block, so
    that they show whether the object exists; they make one only when there is no other.

    Args:
        spans: What is asked for.
        gap: The most bytes between two spans of a block; 0 joins what touches.
        most: The most bytes of a block of several spans.

    Raises:
        ValueError: *gap* is negative, or *most* is not positive.
    """
    check_joining(gap, most)
    found: list[Block] = []
    tails: list[int] = []
    empty: list[int] = []
    begun: list[int] = []
    start, end = 0, 0  # of the block that has begun
    for place in sorted(range(len(spans)), key=lambda place: spans[place].start):
        span = spans[place]
        if span.start < 0:
            tails.append(place)
            continue
        if span.end is not None and span.end <= span.start:
            empty.append(place)
            continue
        last = _FOREVER if span.end is None else span.end
        joined = begun and span.start <= end + gap and (last <= end or last == _FOREVER or last - start <= most)
        if not joined:
            if begun:
                found.append(_block(start, end, begun, spans))
            begun, start, end = [], span.start, 0
        begun.append(place)
        end = max(end, last)
    if begun:
        found.append(_block(start, end, begun, spans))
    if tails:
        found.append(Block(spans[tails[0]], tails, spans))
    if empty and not found:
        found.append(Block(spans[empty[0]], empty, spans))
    elif empty:
        found[0].places += empty
    return found


def check_joining(gap: int, most: int) -> None:
    """Refuse bounds of blocks that mean nothing.

    Raises:
        ValueError: *gap* is negative, or *most* is not positive.
    """
    if gap < 0 or most < 1:
        raise ValueError(f"gap {gap}, block {most}: a gap is 0 bytes or more, a block 1 or more")


def replaced(first: ObjectInfo, other: ObjectInfo, key: str | None = None) -> PreconditionFailedError | None:
    """Return an error if two blocks are of different versions, as far as the service names them.

    That is compared afterwards, instead of pinning the others to the first: so all blocks are asked for at once.
    """
    if other.etag == first.etag:
        return None
    return PreconditionFailedError("the object was replaced while its ranges were read; read them again", key=key)


_FOREVER = 1 << 63
"""Where spans without an end do."""


def _block(start: int, end: int, places: list[int], spans: Sequence[ByteRange]) -> Block:
    return Block(ByteRange(start=start, end=None if end == _FOREVER else end), places, spans)


def _cut(chunks: Sequence[bytes], members: Iterable[ByteRange], base: int) -> Iterator[bytes]:
    """Yield the bytes of *members*, whose starts rise but for empty ones; the first chunk begins at *base*."""
    index, before = 0, base  # the chunk in which the last member began, and where it begins
    for member in members:
        start, end = member.start, _FOREVER if member.end is None else member.end
        if end <= start:
            yield b""
            continue
        while index < len(chunks) and before + len(chunks[index]) <= start:
            before += len(chunks[index])
            index += 1
        if index == len(chunks):
            yield b""
        elif end <= before + len(chunks[index]):
            yield chunks[index][start - before : end - before]  # the whole of a chunk is the chunk itself
        else:
            yield b"".join(_pieces(chunks, index, start - before, end - before))


def _pieces(chunks: Sequence[bytes], index: int, start: int, end: int) -> Iterator[bytes | memoryview]:
    """Yield views of the bytes from *start* to *end*, counted from the beginning of the chunk *index*."""
    while index < len(chunks) and end > 0:
        chunk = chunks[index]
        yield chunk if start <= 0 and end >= len(chunk) else memoryview(chunk)[max(0, start) : end]
        start, end, index = start - len(chunk), end - len(chunk), index + 1

"""The first bytes of a body, without counting them as read: neither digest nor progress hears of them."""

from __future__ import annotations

from .body import BytesBody
from .source import Source
from .taking import CHUNK_BYTES


def held_bytes(source: Source, count: int) -> bytes | None:
    """Return the first *count* bytes when they are in memory, else None; never blocks."""
    body = source._body
    return bytes(memoryview(body.data)[:count]) if isinstance(body, BytesBody) else None


def first_bytes_of(source: Source, count: int) -> bytes:
    """Return the first *count* bytes of the body, which is opened for that; may block.

    Raises:
        OSError: it cannot be read.
    """
    raw = source._body.open(0)
    try:
        buffer, filled = memoryview(bytearray(min(count, source.size, CHUNK_BYTES))), 0
        while filled < len(buffer) and (got := raw.readinto(buffer[filled:])):
            filled += got
        return bytes(buffer[:filled])
    finally:
        raw.close()

"""The CRC-32 of bytes that were hashed in stretches, in any order, without looking at them again. Pure.

A CRC is the remainder of the bytes as a polynomial over GF(2), so what comes before n more bytes counts as if
multiplied by x to the power of 8n; polynomials are written with the lowest power in the highest bit, as the CRC itself
is. That is what crc32_combine of zlib does, which Python does not offer.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

from ..types import Checksum, PartInfo

_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31


def combined(stretches: Iterable[tuple[int, int]]) -> int:
    """Return the CRC-32 of all *stretches*, given as (CRC-32, bytes), in their order.

    Example:
        >>> from zlib import crc32
        >>> combined([(crc32(b"%P"), 2), (crc32(b"DF"), 2)]) == crc32(b"%PDF")
        True
    """
    found = 0
    for crc, size in stretches:
        found = _product(_after(size), found) ^ crc
    return found


def crc32_of_parts(parts: Iterable[PartInfo]) -> Checksum:
    """Return the CRC-32 of a body that went out in *parts*, each of which has its own.

    Raises:
        ValueError: one has none.
    """
    found = combined((int.from_bytes(a2b_base64(part.crc32 or "?", strict_mode=True)), part.size) for part in parts)
    return Checksum(algorithm="crc32", value=f"{found:08x}")


def _product(one: int, other: int) -> int:
    """Multiply two polynomials, modulo that of the CRC."""
    found, bit = 0, _ONE
    while one:
        if one & bit:
            found ^= other
            one ^= bit
        bit >>= 1
        other = (other >> 1) ^ _POLYNOMIAL if other & 1 else other >> 1
    return found


# All spans of a download but the last have one size.
@lru_cache(maxsize=64)
def _after(size: int) -> int:
    """Return what multiplies that which comes before *size* bytes: x to the power of the bits in them."""
    found, power = _ONE, 3
    while size:
        if size & 1:
            found = _product(_square(power), found)
        size >>= 1
        power += 1
    return found


@cache
def _square(times: int) -> int:
    """Return x, squared so often."""
    return _ONE >> 1 if times == 0 else _product(_square(times - 1), _square(times - 1))

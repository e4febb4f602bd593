"""How a large body is cut into parts: one piece of arithmetic for every service. Pure, no I/O.

A service states its rule (``types.PartRule``); the plan has equal parts and a last one that is never larger, which is
what R2 asks for and what every other service accepts. Read next: ``types.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Self

from ..errors import FileTooLargeError
from ..lazy import module
from ..types import MIB, Buffer, ByteRange, PartRule
from ..values import value

if TYPE_CHECKING:
    import base64
else:
    base64 = module(__name__, "base64")


WANTED_PART_BYTES = 8 * MIB
"""The size of a part where the rule leaves the choice: little memory per part, few requests per gibibyte."""


@value
class PartPlan:
    """How one body is cut."""

    size: int
    """Bytes in the whole body."""
    part_bytes: int
    """Bytes in every part but the last, which has at most as many."""
    count: int
    """Parts in all; at least one, since an empty body is one empty part."""

    @classmethod
    def resumed(cls, size: int, part_bytes: int) -> Self:
        """Return the plan of an upload that was begun with parts of *part_bytes*."""
        return cls(size=size, part_bytes=part_bytes, count=max(1, _quotient_up(size, part_bytes)))

    def follows(self, rule: PartRule) -> bool:
        """Say whether *rule* allows such parts."""
        return (
            self.count <= rule.max_parts
            and rule.min_part_bytes <= self.part_bytes <= rule.max_part_bytes
            and self.part_bytes % rule.multiple_of == 0
        )

    def spans(self) -> Iterator[tuple[int, ByteRange]]:
        """Yield (number, span) in order; numbers start at 1."""
        for index in range(self.count):
            start = index * self.part_bytes
            yield index + 1, ByteRange(start=start, end=min(start + self.part_bytes, self.size))


def plan_parts(size: int, rule: PartRule, *, wanted_part_bytes: int = WANTED_PART_BYTES) -> PartPlan:
    """Cut a body of *size* bytes by *rule* into as few parts of about *wanted_part_bytes* as it allows.

    Parts grow beyond the wanted size when there would be too many of them. Their size is a whole number of MiB, or of
    ``rule.multiple_of``, wherever the rule leaves room for that.

    Args:
        size: Bytes in the body; 0 makes one empty part.
        wanted_part_bytes: Bytes, brought inside the bounds of the rule.

    Raises:
        FileTooLargeError: the rule has no place for so many bytes.
        ValueError: the size is negative, or the rule contradicts itself.

    Example:
        >>> rule = PartRule(min_part_bytes=5 * MIB, max_part_bytes=5 * 1024 * MIB, max_parts=10_000)
        >>> [(number, span.start, span.end) for number, span in plan_parts(20 * MIB, rule).spans()]
        [(1, 0, 8388608), (2, 8388608, 16777216), (3, 16777216, 20971520)]
    """
    unit = rule.multiple_of
    largest = rule.max_part_bytes // max(unit, 1) * unit
    if size < 0:
        raise ValueError(f"a body has 0 bytes or more, not {size}")
    if unit < 1 or rule.max_parts < 1 or largest < max(rule.min_part_bytes, 1):
        raise ValueError(f"no part can follow {rule}; correct the rule of the provider")
    if size > largest * rule.max_parts:
        raise FileTooLargeError(
            f"a body of {size:,} bytes does not fit into {rule.max_parts:,} parts of {largest:,} bytes; "
            "split the file or use another provider"
        )
    least = max(rule.min_part_bytes, min(wanted_part_bytes, largest), _quotient_up(size, rule.max_parts), 1)
    # A multiple that the service demands is round enough; otherwise whole mebibytes keep offsets readable and aligned.
    part_bytes = min(_quotient_up(least, unit) * unit if unit > 1 else _quotient_up(least, MIB) * MIB, largest)
    return PartPlan.resumed(size, part_bytes)


def crc32_of(data: Buffer) -> str:
    """Return the CRC-32 of *data* in base64, big-endian.

    SHA-256 reaches 1.7 GiB/s, the CRC of zlib 5 and that of isal 25: an upload over TLS needs 1.6 s/GiB with it, 2.0
    without.
    """
    return base64.b64encode(fastest_crc32()(data, 0).to_bytes(4, "big")).decode()


@cache
def fastest_crc32() -> Callable[[Buffer, int], int]:
    """Return what computes a CRC-32, continued from the one of the bytes before."""
    try:
        from isal.isal_zlib import crc32
    except ImportError:  # of the extra r2; the same CRC, a fifth as fast
        from zlib import crc32
    return crc32


def _quotient_up(size: int, by: int) -> int:
    return -(-size // by)

"""How two entries are compared without their bytes: by size, by time, or not at all. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from ..errors import SettingsError
from .entries import Entry
from .plan import Judge

Comparison: TypeAlias = Literal["time", "size", "sha256"]
"""``time``: sizes and times. ``size``: sizes alone. ``sha256``: sizes, and then the bytes."""

# FAT keeps times to two seconds; HTTP headers and most archives to one.
TOLERANCE_S: Final = 2.0
"""Seconds that two times may lie apart and be the same."""


def check_comparison(by: str) -> None:
    """Refuse what is no comparison.

    Raises:
        SettingsError: it is none.
    """
    if by not in get_args(Comparison):
        raise SettingsError(f"there is no comparison by {by[:40]!r}; give {', '.join(get_args(Comparison))}")


def judge_of(by: Comparison, *, keeps_times: bool) -> Judge:
    """Return how entries are compared by *by*; the target *keeps_times* if what it is given has the time of the source.

    A target that does not, as no service does, has an object from when it was written: it is the same while the source
    was not changed after that.
    """

    def by_size(one: Entry, other: Entry) -> bool | None:
        return one.size == other.size

    def by_time(one: Entry, other: Entry) -> bool | None:
        if one.size != other.size:
            return False
        if one.modified is None or other.modified is None:
            return None
        later = one.modified - other.modified
        return abs(later) <= TOLERANCE_S if keeps_times else later <= TOLERANCE_S

    def by_sha256(one: Entry, other: Entry) -> bool | None:
        if one.size != other.size:
            return False
        return one.sha256 == other.sha256 if one.sha256 is not None and other.sha256 is not None else None

    return {"size": by_size, "time": by_time, "sha256": by_sha256}[by]

"""Copies in parts that the service makes itself: all of one version of the source, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import starmap
from typing import Final, TypeVar, cast

from ...errors import UnavailableError
from ...transport import Exchange, Many, Outcome
from ...types import ByteRange

COPIES_AT_ONCE: Final = 8
"""Parts of one copy that the service makes at the same time."""

T = TypeVar("T")


def copy_parts(
    spans: Iterable[tuple[int, ByteRange]], copy_part: Callable[[int, ByteRange], Exchange[T]]
) -> Exchange[list[T]]:
    """Copy each of the numbered *spans* with *copy_part*, and return the results in order.

    Raises:
        StorageError: the first error of *copy_part*.
    """
    outcomes = cast("list[Outcome[T]]", (yield Many(starmap(copy_part, spans), COPIES_AT_ONCE)))
    return [outcome.result() for outcome in outcomes]


def replaced_source(source: str) -> UnavailableError:
    """Return the error for a copy whose *source* was replaced in the meantime."""
    return UnavailableError(
        "the object was replaced while it was being copied; nothing was copied, repeat it", key=source
    )

"""What goes where when many objects are copied or moved, and in which order: checked before the first copy. No I/O.

Many copies mean what they would mean if all were made at the same moment. Where one target is the source of another
copy, that copy comes first; where none can come first, as in a swap, all are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..values import value


@value
class Step:
    """One copy or move. Two paths lead to the same object when their ids are equal, however they are spelled."""

    source: str
    target: str
    source_id: str = ""
    """Empty when no target can be the source of another step."""
    target_id: str


def check_targets(steps: Iterable[Step], operation: str) -> None:
    """Refuse two sources for one target.

    Raises:
        ValueError: the second would replace the first.
    """
    known: dict[str, Step] = {}
    for step in steps:
        other = known.setdefault(step.target_id, step)
        if other.source != step.source:
            raise ValueError(
                f"{operation}: {other.source!r} and {step.source!r} would both become {step.target!r}; nothing was "
                "changed, give each a target of its own"
            )


def check_sources(steps: Iterable[Step], operation: str) -> None:
    """Refuse two targets for one source, which can be copied to both but not moved.

    Raises:
        ValueError: a source has two targets.
    """
    known: dict[str, Step] = {}
    for step in steps:
        other = known.setdefault(step.source_id, step)
        if other.target != step.target:
            raise ValueError(
                f"{operation}: {step.source!r} would become both {other.target!r} and {step.target!r}; nothing was "
                "changed, copy it, and then remove it"
            )


def in_order(steps: Sequence[Step], operation: str) -> list[list[Step]]:
    """Return *steps* in groups, each of which may replace what the groups before it have read; targets differ.

    Raises:
        ValueError: no order keeps them all, because their paths form a circle.
    """
    writers = {step.target_id: step for step in steps}
    readers = Counter(step.source_id for step in steps)
    waiting: dict[str, int] = {}
    for step in steps:
        own = step.source_id == step.target_id  # an object that only changes its spelling waits for no other step
        waiting[step.target_id] = readers[step.target_id] - own
    group = [step for step in steps if not waiting[step.target_id]]
    found: list[list[Step]] = []
    while group:
        found.append(group)
        following: list[Step] = []
        for step in group:
            writer = writers.get(step.source_id)
            if writer is not None and writer is not step:
                waiting[writer.target_id] -= 1
                if not waiting[writer.target_id]:
                    following.append(writer)
        group = following
    if sum(map(len, found)) < len(steps):
        raise ValueError(_circle([step for step in steps if waiting[step.target_id]], operation))
    return found


def _circle(left: Sequence[Step], operation: str) -> str:
    """Return what to say of steps that wait for each other."""
    readers = {step.source_id: step for step in left}
    walked = [left[0]]
    # Every step that is left waits for another one that is left, so this walk comes back to one that it has seen.
    while (following := readers[walked[-1].target_id]) not in walked:
        walked.append(following)
    names = [step.source for step in walked[walked.index(following) :]]
    shown = ", ".join(map(repr, names[:5])) + (" ..." if len(names) > 5 else "")
    return (
        f"{operation}: {shown} would replace each other in a circle; nothing was changed, move one of them out of the "
        "way first"
    )

"""What makes a target equal to a source: two listings in the order of their keys become steps. Pure.

``judging.py`` has the ways to tell whether two entries are the same; ``syncs.py`` carries the steps out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import TypeAlias

from ..values import value
from .entries import Entry, LeftOut


class StepKind(Enum):
    """What is to be done about one key."""

    SAME = "same"
    """Nothing."""
    COPY = "copy"
    """The target has nothing there."""
    REPLACE = "replace"
    """The target has something else."""
    COMPARE = "compare"
    """Only the bytes can tell; it becomes SAME, REPLACE or REFUSE."""
    DELETE = "delete"
    """The source has nothing there."""
    EXTRA = "extra"
    """The source has nothing there, and the target keeps what it has."""
    REFUSE = "refuse"
    """The target cannot take it, or keeps what it has for good."""
    LEFT_OUT = "leave out"
    """It takes no part."""


@value(kw_only=False)
class Step:
    """What is to be done about one key, and why where that is not plain."""

    kind: StepKind
    key: str
    source: Entry | None = None
    target: Entry | None = None
    reason: str = ""


Judge: TypeAlias = Callable[[Entry, Entry], bool | None]
"""Says whether an entry of the source and one of the target are the same; None: only their bytes can tell."""


def plan(source: Iterable[Entry], target: Iterable[Entry], is_same: Judge, *, delete: bool = False) -> Iterator[Step]:
    """Yield a step for each key of both listings, which come in the order of their keys and have each key once.

    What a source leaves out stays on the target as it is, and so does everything below it; nothing is written to or
    below what a target leaves out.

    Example:
        >>> from .entries import Entry
        >>> steps = plan([Entry("a", 1)], [Entry("b", 1)], lambda one, other: one.size == other.size, delete=True)
        >>> [(step.kind.value, step.key) for step in steps]
        [('copy', 'a'), ('delete', 'b')]
    """
    aside, blocked = _Below(), _Below()
    for one, other in _merged(source, target):
        if one is not None and one.left_out is not None:
            aside.add(one.key)
            yield Step(StepKind.LEFT_OUT, one.key, one, other, _why(one, one.left_out))
        elif other is not None and other.left_out is not None:
            blocked.add(other.key)
            if one is not None:
                yield Step(StepKind.REFUSE, one.key, one, other, f"the target has {_why(other, other.left_out)} there")
            elif other.left_out.is_wrong:
                yield Step(StepKind.LEFT_OUT, other.key, None, other, f"on the target: {_why(other, other.left_out)}")
        elif one is None and other is not None:
            kind = StepKind.DELETE if delete and not aside.has(other.key) else StepKind.EXTRA
            yield Step(kind, other.key, None, other)
        elif one is not None and other is None:
            if blocked.has(one.key):
                yield Step(StepKind.REFUSE, one.key, one, None, "the target has a link or a special file above it")
            else:
                yield Step(StepKind.COPY, one.key, one)
        elif one is not None and other is not None:
            same = is_same(one, other)
            kind = StepKind.COMPARE if same is None else StepKind.SAME if same else StepKind.REPLACE
            yield Step(kind, one.key, one, other)


def _merged(source: Iterable[Entry], target: Iterable[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Yield what both have under each key, None for the one that has nothing."""
    ours, theirs = iter(source), iter(target)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.key < other.key):
            yield one, None
            one = next(ours, None)
        elif one is None or other.key < one.key:
            yield None, other
            other = next(theirs, None)
        else:
            yield one, other
            one, other = next(ours, None), next(theirs, None)


def _why(entry: Entry, left_out: LeftOut) -> str:
    return entry.why or f"a {left_out.value}"


class _Below:
    """Says of keys that come in order whether they are below one of the keys that were added; few are remembered."""

    def __init__(self) -> None:
        self._folders = list[str]()

    def add(self, key: str) -> None:
        self._folders.append(f"{key}/")

    def has(self, key: str) -> bool:
        if not self._folders:
            return False
        # Between "a" and what is below it may come "a!b", so a folder is forgotten once the keys are past it.
        self._folders = [folder for folder in self._folders if folder > key or key.startswith(folder)]
        return any(key.startswith(folder) for folder in self._folders)

"""Fair shares: what waits for a place, by owner. Each owner in turn gets the next one, and none takes them all.

An owner is an organisation (``Transport.owned``). One whose service hangs, throttles or is flooded with work fills its
own share; every other one has some places whatever happens, beyond the bound if need be. ADR 0051. What runs do for an
organisation has another owner, ``Behind`` that one: it gets places that nobody else waits for. ADR 0057.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from ..values import value

T = TypeVar("T")

# So that two owners that fill their shares leave as much to the rest as one does to them, and one alone still has what
# bulk work uses: 64 connections of 128, 16 threads of 32.
PARTS: Final = 2
"""An owner has one of so many parts of the places, at most; all runs together have one of them."""

# Whatever others do, a run goes on: slowly.
_LEAST_BEHIND: Final = 1
"""Places that the runs of every owner have."""


@value(kw_only=False)
class Behind:
    """The owner of what runs do in the background for *owner*."""

    owner: object


class Turns(Generic[T]):
    """What waits and what is under way, by owner. Not thread-safe."""

    __slots__ = ("_behind", "_queues", "least", "runs", "share", "under_way", "waiting")

    def __init__(self, places: int, least: int) -> None:
        """Share *places*, of which every owner has *least*, also when the others have taken all."""
        self.share = max(1, places // PARTS)
        """The most places of one owner, and of all runs."""
        self.least = min(least, self.share)
        """Those that it has in any case."""
        self._queues: dict[object, deque[T]] = {}
        self._behind: dict[object, deque[T]] = {}
        """The queues of runs."""
        self.under_way: dict[object, int] = {}
        """How many places each owner has; those that have none are not in it."""
        self.runs = 0
        """How many of them runs have."""
        self.waiting = 0
        """How many items wait."""

    def admits(self, owner: object, *, free: bool) -> bool:
        """Say whether *owner* may have another place; *free* says whether one is. None is bound by that alone."""
        mine = self.under_way.get(owner, 0) if owner is not None else self.share
        if owner.__class__ is Behind:
            before = self._queues.get(owner.owner)
            return (free and self.runs < self.share and not before) or mine < _LEAST_BEHIND
        return (free and (mine < self.share or owner is None)) or mine < self.least

    def enter(self, owner: object) -> None:
        """Note that *owner* has one place more."""
        if owner is not None:
            self.under_way[owner] = self.under_way.get(owner, 0) + 1
            self.runs += owner.__class__ is Behind

    def leave(self, owner: object) -> None:
        """Note that *owner* has one place less."""
        mine = self.under_way.pop(owner, 0)
        if mine > 1:
            self.under_way[owner] = mine - 1
        if mine:
            self.runs -= owner.__class__ is Behind

    def line_up(self, owner: object, item: T) -> None:
        """Let *item* wait behind the others of its *owner*."""
        self._of(owner).setdefault(owner, deque()).append(item)
        self.waiting += 1

    def take(self, *, free: bool, runs: bool = True) -> tuple[object, T] | None:
        """Return what has the next place, with its owner, whose place is counted; None: nothing may have one.

        Those of *runs* come when no other may have it, and not at all if False.
        """
        for queues in (self._queues, self._behind) if runs and self._behind else (self._queues,):
            for owner, queue in queues.items():
                if self.admits(owner, free=free):
                    item = queue.popleft()
                    del queues[owner]
                    if queue:
                        queues[owner] = queue  # behind the others
                    self.waiting -= 1
                    self.enter(owner)
                    return owner, item
        return None

    def remove(self, owner: object, item: T) -> bool:
        """Take *item* of *owner* out again, and say whether it was waiting."""
        queues = self._of(owner)
        queue = queues.get(owner)
        if queue is None or item not in queue:
            return False
        queue.remove(item)
        if not queue:
            del queues[owner]
        self.waiting -= 1
        return True

    def items(self) -> list[T]:
        """Return all that wait."""
        return [item for _, queue in self._all() for item in queue]

    def clear(self) -> None:
        """Forget all that wait."""
        self._queues.clear()
        self._behind.clear()
        self.waiting = 0

    def startable(self, free: int) -> int:
        """Return how many of those that wait may have a place now that *free* are left."""
        within = beyond = 0
        for owner, queue in self._queues.items():
            mine = self.under_way.get(owner, 0)
            within += min(len(queue), max(0, self.share - mine)) if owner is not None else len(queue)
            beyond += min(len(queue), max(0, self.least - mine)) if owner is not None else 0
        if self._behind:
            beyond += sum(max(0, _LEAST_BEHIND - self.under_way.get(owner, 0)) for owner in self._behind)
            within += min(sum(map(len, self._behind.values())), max(0, self.share - self.runs))
        return max(min(within, max(0, free)), beyond)

    def _of(self, owner: object) -> dict[object, deque[T]]:
        return self._behind if owner.__class__ is Behind else self._queues

    def _all(self) -> Iterator[tuple[object, deque[T]]]:
        yield from self._queues.items()
        yield from self._behind.items()

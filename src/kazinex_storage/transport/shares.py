"""Fair shares: what waits for a place, by owner. Each owner in turn gets the next one, and none takes them all.

An owner is an organisation (``Transport.owned``). One whose service hangs, throttles or is flooded with work fills its
own share; every other one has some places whatever happens, beyond the bound if need be. ADR 0051.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# So that two owners that fill their shares leave as much to the rest as one does to them, and one alone still has what
# bulk work uses: 64 connections of 128, 16 threads of 32.
_PARTS: Final = 2
"""An owner has one of so many parts of the places, at most."""


class Turns(Generic[T]):
    """What waits and what is under way, by owner. Not thread-safe."""

    __slots__ = ("_queues", "least", "share", "under_way", "waiting")

    def __init__(self, places: int, least: int) -> None:
        """Share *places*, of which every owner has *least*, also when the others have taken all."""
        self.share = max(1, places // _PARTS)
        """The most places of one owner."""
        self.least = min(least, self.share)
        """Those that it has in any case."""
        self._queues: dict[object, deque[T]] = {}
        self.under_way: dict[object, int] = {}
        """How many places each owner has; those that have none are not in it."""
        self.waiting = 0
        """How many items wait."""

    def admits(self, owner: object, *, free: bool) -> bool:
        """Say whether *owner* may have another place; *free* says whether one is. None is bound by that alone."""
        mine = self.under_way.get(owner, 0) if owner is not None else self.share
        return (free and (mine < self.share or owner is None)) or mine < self.least

    def enter(self, owner: object) -> None:
        """Note that *owner* has one place more."""
        if owner is not None:
            self.under_way[owner] = self.under_way.get(owner, 0) + 1

    def leave(self, owner: object) -> None:
        """Note that *owner* has one place less."""
        left = self.under_way.pop(owner, 0) - 1
        if left > 0:
            self.under_way[owner] = left

    def line_up(self, owner: object, item: T) -> None:
        """Let *item* wait behind the others of its *owner*."""
        self._queues.setdefault(owner, deque()).append(item)
        self.waiting += 1

    def take(self, *, free: bool) -> tuple[object, T] | None:
        """Return what has the next place, with its owner, whose place is counted; None: nothing may have one."""
        for owner, queue in self._queues.items():
            if self.admits(owner, free=free):
                item = queue.popleft()
                del self._queues[owner]
                if queue:
                    self._queues[owner] = queue  # behind the others
                self.waiting -= 1
                self.enter(owner)
                return owner, item
        return None

    def remove(self, owner: object, item: T) -> bool:
        """Take *item* of *owner* out again, and say whether it was waiting."""
        queue = self._queues.get(owner)
        if queue is None or item not in queue:
            return False
        queue.remove(item)
        if not queue:
            del self._queues[owner]
        self.waiting -= 1
        return True

    def items(self) -> list[T]:
        """Return all that wait."""
        return [item for queue in self._queues.values() for item in queue]

    def clear(self) -> None:
        """Forget all that wait."""
        self._queues.clear()
        self.waiting = 0

    def startable(self, free: int) -> int:
        """Return how many of those that wait may have a place now that *free* are left."""
        within = beyond = 0
        for owner, queue in self._queues.items():
            mine = self.under_way.get(owner, 0)
            within += min(len(queue), max(0, self.share - mine)) if owner is not None else len(queue)
            beyond += min(len(queue), max(0, self.least - mine)) if owner is not None else 0
        return max(min(within, max(0, free)), beyond)

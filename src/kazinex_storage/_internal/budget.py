"""How much of the bodies under way a process holds in memory at once.

Waiting for room is an exchange and takes no thread: whoever has room may need a thread to go on, and would never get
one if those who wait for the room had them all.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Final

from ..source import Source
from ..transport import Exchange, Wait
from ..types import MIB

BUDGET_BYTES: Final = 128 * MIB
"""Bytes of bodies that the uploads of a process hold at once: sixteen parts of 8 MiB, four uploads at full speed."""

# A part of 8 MiB is on its way for 8 ms at 1 GB/s: the first in the queue looks often, those behind it seldom.
_FIRST_S: Final = 0.002
_MOST_S: Final = 0.1


class Budget:
    """Lets bodies into memory as long as there is room, first come, first served. Thread-safe and fork-safe."""

    def __init__(self, size: int) -> None:
        """Allow *size* bytes at once."""
        self._size = size
        self._left = size
        self._queue: deque[object] = deque()
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def take(self, size: int, source: Source) -> Exchange[None]:
        """Wait until *size* bytes have room; what is larger than all waits until it is alone.

        Raises:
            TransferCancelled: *source* was cancelled meanwhile.
        """
        self._after_fork()
        wanted, ticket = min(size, self._size), object()
        with self._lock:
            self._queue.append(ticket)
        try:
            while (place := self._try(wanted, ticket)) is not None:
                source.check_cancelled()
                yield Wait(min(_FIRST_S * (place + 1), _MOST_S))
        finally:
            with self._lock:
                if ticket in self._queue:
                    self._queue.remove(ticket)

    def give(self, size: int) -> None:
        """Take *size* bytes back."""
        if self._pid == os.getpid():
            with self._lock:
                self._left = min(self._size, self._left + min(size, self._size))

    def _try(self, wanted: int, ticket: object) -> int | None:
        """Take the room when it is the turn of *ticket*, else return how many are before it."""
        with self._lock:
            place = self._queue.index(ticket)
            if place or self._left < wanted:
                return place
            self._left -= wanted
            self._queue.popleft()
            return None

    def _after_fork(self) -> None:
        if self._pid != os.getpid():  # a child holds nothing yet
            self._left, self._queue, self._lock, self._pid = self._size, deque(), threading.Lock(), os.getpid()


BUDGET: Final = Budget(BUDGET_BYTES)
"""The one of this process."""

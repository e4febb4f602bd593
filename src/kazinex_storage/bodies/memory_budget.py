"""How much of the bodies under way a process holds in memory at once, and that memory itself.

Waiting for room is an exchange and takes no thread: an upload that has room may need a thread to go on. Each provider
that holds nothing is let in with one body, however full the memory is: organisations share a process, and the endpoint
of one may take an hour for what the others' take in a second. The memory of parts is lent: mapped, because malloc keeps
for each thread what many of them allocate and free by the megabyte, and given back to the system with the last body.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from ..errors import UnavailableError
from ..lazy import module
from ..transport import Exchange, Wait
from ..types import MIB

if TYPE_CHECKING:
    import mmap
else:
    mmap = module(__name__, "mmap")


BUDGET_BYTES: Final = 96 * MIB
"""Bytes of bodies that the uploads of a process hold at once: twelve parts of 8 MiB, three uploads at full speed. Above
it comes one body for each provider that would have none."""

# A part of 8 MiB is on its way for 8 ms at 1 GB/s: the first in the queue looks often, those behind it seldom.
_FIRST_S: Final = 0.002
_MOST_S: Final = 0.1

# Sixteen parts of 8 MiB share a line of 4 Mbit/s for 270 s; what moves less is a service that trickles, or a consumer
# that holds room and waits for itself.
PATIENCE_S: Final = 300.0
"""Seconds that an upload waits while no other one ends."""


class Cancellable(Protocol):
    """What waits for room: a body that may be given up meanwhile."""

    def check_cancelled(self) -> None:
        """End the work of the caller once the body was cancelled."""
        ...


class Budget:
    """Lets bodies into memory as long as there is room, and one body of each owner even when there is none.

    Room goes to the owner that holds the fewest bodies, among equals to the first to come. Thread-safe and fork-safe.
    """

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow *size* bytes at once; *clock* gives seconds since any moment."""
        self._clock = clock
        self._moved_at = clock()
        self._size = size
        self._left = size
        self._queue: deque[tuple[object, object]] = deque()
        """Tickets with their owners."""
        self._bodies: Counter[object] = Counter()
        self._spare: list[memoryview] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def take(self, size: int, source: Cancellable, owner: object) -> Exchange[None]:
        """Wait until *size* bytes have room, or until *owner*, which is a provider, holds no other body.

        Raises:
            TransferCancelled: *source* was cancelled meanwhile.
            UnavailableError: *owner* has its body, and those who have the room did not move for ``PATIENCE_S``.
        """
        self._after_fork()
        wanted, ticket = min(size, self._size), (object(), owner)
        begun = self._clock()
        with self._lock:
            self._queue.append(ticket)
        try:
            while (place := self._try(wanted, ticket, owner)) is not None:
                source.check_cancelled()
                if self._clock() - max(begun, self._moved_at) > PATIENCE_S:
                    raise UnavailableError(
                        f"the uploads under way in this process fill {self._size // MIB} MiB of memory, and none has "
                        f"ended for {PATIENCE_S:.0f} s; nothing was sent, repeat it"
                    )
                yield Wait(min(_FIRST_S * (place + 1), _MOST_S))
        finally:
            with self._lock:
                if ticket in self._queue:
                    self._queue.remove(ticket)

    def lend(self, size: int) -> memoryview:
        """Return memory for a body of *size* bytes that has room, zeros or what was in it before."""
        with self._lock:
            for index, memory in enumerate(self._spare):
                if len(memory) == size:
                    return self._spare.pop(index)
        return memoryview(_mapped(size)) if size else memoryview(b"")

    def give(self, size: int, owner: object, *memory: memoryview) -> None:
        """Take *size* bytes of *owner* back, and the *memory* that is not read or written any more."""
        if self._pid == os.getpid():
            with self._lock:
                self._moved_at = self._clock()
                self._left += min(size, self._size)
                self._bodies[owner] -= 1
                if self._bodies[owner] <= 0:  # it is forgotten, so that nothing is kept alive here
                    del self._bodies[owner]
                # Bodies of several sizes at once are rare; what the others leave is enough to go on with.
                self._spare += [each for each in memory if len(each)]
                held = sum(map(len, self._spare))
                while self._spare and (not self._bodies or held > self._left):
                    held -= len(self._spare.pop(0))

    def _try(self, wanted: int, ticket: tuple[object, object], owner: object) -> int | None:
        """Take the room when it is the turn of *ticket*, else return how many are before it."""
        with self._lock:
            place, mine, earlier = 0, self._bodies[owner], True
            for other in self._queue:
                if other is ticket:
                    earlier = False
                elif (held := self._bodies[other[1]]) < mine or (earlier and held == mine):
                    place += 1
            if mine and (place or self._left < wanted):
                return place
            self._left -= wanted
            self._bodies[owner] += 1
            self._queue.remove(ticket)
            return None

    def _after_fork(self) -> None:
        if self._pid != os.getpid():  # a child holds nothing yet
            self._left, self._queue, self._bodies, self._spare = self._size, deque(), Counter(), []
            self._lock, self._pid = threading.Lock(), os.getpid()


def _mapped(size: int) -> mmap.mmap:
    """Return new memory, in huge pages where the kernel has them: 32 MiB are 16 page faults instead of 8,192."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel that was built without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


BUDGET: Final = Budget(BUDGET_BYTES)
"""The one of this process."""

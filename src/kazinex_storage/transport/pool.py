"""The threads that blocking calls run on in bulk and async use: ours, sized, named and fork-safe.

Handing one call to a thread costs more than reading a small file: two threads wake each other, and then wait for the
lock of the interpreter at every system call. So calls are handed over together, to one thread that runs them one after
another, as long as they are quick. One that is not holds up nothing: the others get threads of their own.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from .exchange import Call

if TYPE_CHECKING:
    from ..threads import Threads
    from .shares import Turns

# Blocking calls wait for a disk or a third party's service, not for the processor; 32 keeps a disk's queue full
# (NVMe drives reach their rated operations per second near a queue depth of 32).
DEFAULT_THREADS = 32
"""Threads in a pool that was given no other size."""

# A small file takes 20 to 100 us, waking a thread and waiting for the lock as long; a disk that has to move takes more.
STALLED_S: Final = 0.001
"""A call that takes longer is not waited for: what is queued behind it gets threads of its own."""

_QUICK_S: Final = 0.0003
"""What the quickest of some calls takes where it pays to run them one after another."""

# Two, so that a call that waits for another one, as a token for its store, does not wait for itself.
_LEAST: Final = 2
"""Threads that every owner may have, whatever the others do."""

_MOST_THREADS: Final = 1024
"""Threads in all: those of the pool, and those that owners are owed beyond them."""

_SPREAD_CALLS: Final = 32
"""Calls that get threads of their own after one that was slow, before the next try."""


class Calls(Protocol):
    """What runs blocking calls: a pool, or the share that one owner has of it."""

    def submit(self, call: Call, on_end: Callable[[Running], object]) -> Running:
        """Queue *call*; ``start`` has it run."""
        ...

    def start(self, *, each: bool = False) -> bool:
        """Have what is queued run; see ``CallPool.start``."""
        ...

    @property
    def is_quick(self) -> bool:
        """Whether it pays to wait for calls together."""
        ...

    @property
    def base(self) -> CallPool:
        """The pool itself."""
        ...

    def owned(self, owner: object) -> Calls:
        """Return the share of *owner*."""
        ...


class OwnedCalls:
    """The share that one owner has of a pool; a ``Calls``."""

    __slots__ = ("_owner", "_pool")

    def __init__(self, pool: CallPool, owner: object) -> None:
        self._pool = pool
        self._owner = owner

    def submit(self, call: Call, on_end: Callable[[Running], object]) -> Running:
        """Queue *call* in the share of the owner."""
        return self._pool.submit(call, on_end, self._owner)

    def start(self, *, each: bool = False) -> bool:
        """Have what is queued run, whoever's it is."""
        return self._pool.start(each=each)

    @property
    def is_quick(self) -> bool:
        """Whether it pays to wait for calls together."""
        return self._pool.is_quick

    @property
    def base(self) -> CallPool:
        """The pool itself."""
        return self._pool

    def owned(self, owner: object) -> Calls:
        """Return the share of *owner*."""
        return OwnedCalls(self._pool, owner)


class CallPool:
    """A lazily started pool of threads. Thread-safe; after ``fork()`` the child starts its own threads."""

    def __init__(self, threads: int = DEFAULT_THREADS) -> None:
        """Size the pool; no thread starts before the first call."""
        self.threads = threads
        self._running: Threads | None = None
        self._queue: deque[Running] = deque()
        self._workers: list[_Worker] = []
        self._turns: Turns[Running] | None = None
        self._forget()

    def submit(self, call: Call, on_end: Callable[[Running], object], owner: object = None) -> Running:
        """Queue *call*, with the context variables of the caller; ``start`` has it run.

        *on_end* is called on the thread that ran it. The call is in the share of *owner*, or else of its own.
        """
        if self._pid != os.getpid():
            self._forget()
        running = Running(call, on_end)
        if owner is None:
            owner = call.owner
        if owner is None:
            self._queue.append(running)
        else:
            running.owner = owner
            with self._lock:
                if self._turns is None:
                    from .shares import Turns  # for services of many organisations alone

                    self._turns = Turns(self.threads, _LEAST)
                self._turns.line_up(owner, running)
        return running

    @property
    def base(self) -> CallPool:
        """The pool itself."""
        return self

    def owned(self, owner: object) -> OwnedCalls:
        """Return the share of *owner*: half of the threads at most, and some of its own whatever the others do."""
        return OwnedCalls(self, owner)

    def start(self, *, each: bool = False) -> bool:
        """Have what is queued run; with *each*, or while calls are slow, every call on a thread of its own.

        Whoever submitted calls comes back within ``STALLED_S`` as long as this returns True: some are still queued
        behind another.
        """
        turns = self._turns
        if not self._workers and not self._queue and (turns is None or not turns.waiting):
            return False
        with self._lock:
            self._workers = [worker for worker in self._workers if worker.live]
            busy, stalled = len(self._workers), perf_counter() - STALLED_S
            if busy and all(worker.began < stalled for worker in self._workers):
                self._spread, self._least_s = _SPREAD_CALLS, 1.0
            queued, owned = len(self._queue), turns.waiting if turns is not None else 0
            if not queued and not owned:
                return False
            each = each or bool(self._spread)
            wanted = min(busy + queued if each else max(1, busy), self.threads)
            if turns is not None and owned:
                startable = turns.startable(self.threads - busy - queued)
                if startable and (each or not busy):
                    wanted = max(wanted, busy + (startable if each else 1))
        for _ in range(wanted - busy):
            self._add_worker()
        return not each

    @property
    def is_quick(self) -> bool:
        """Whether calls are run one after another, and so soon that it pays to wait for them together."""
        return not self._spread

    def close(self, *, wait: bool = True) -> None:
        """End the threads when the calls that were submitted have ended. A later ``submit`` starts new ones."""
        if self._pid != os.getpid():
            return  # the threads are the parent's, and so may be the lock
        with self._lock:
            threads, self._running = self._running, None
        if threads is not None:
            threads.close(wait=wait)

    def _add_worker(self) -> None:
        worker = _Worker()
        with self._lock:  # or another thread closes them between looking and submitting
            if self._running is None:
                from ..threads import Threads  # most processes start none

                # More of them than ``threads`` are owed to owners only, see ``start``.
                self._running = Threads(_MOST_THREADS, "kazinex-storage")
            self._running.submit(partial(self._work, worker))
        # After that: an interrupt in between leaves a thread that is not counted, not one that is counted and missing.
        self._workers.append(worker)

    def _work(self, worker: _Worker) -> None:
        """Run what is queued, one after another, until nothing is that may be."""
        queue = self._queue
        while True:
            running, turns = None, self._turns
            if turns is not None and turns.waiting and (worker.turn or not queue):
                with self._lock:
                    running = self._next(turns, runs=not queue)
            worker.turn = not worker.turn  # what has owners and what has none take turns
            if running is None:
                try:
                    running = queue.popleft()
                except IndexError:
                    with self._lock:  # a call that is queued from now on finds this worker gone
                        if queue:
                            continue
                        running = self._next(self._turns)
                        if running is None:
                            worker.live = False
                            return
            worker.began = began = perf_counter()
            running.run()
            if running.owner is not None and self._turns is not None:
                with self._lock:
                    self._turns.leave(running.owner)
            if self._spread:
                self._judge(perf_counter() - began)

    def _next(self, turns: Turns[Running] | None, *, runs: bool = True) -> Running | None:
        """Return the next call of an owner, with the lock held."""
        if turns is None:
            return None
        found = turns.take(free=sum(worker.live for worker in self._workers) <= self.threads, runs=runs)
        return None if found is None else found[1]

    def _judge(self, seconds: float) -> None:
        """Note how long a call took on a thread of its own; two threads at once only make the count less exact."""
        self._least_s = min(self._least_s, seconds)
        self._spread = max(0, self._spread - 1)
        if not self._spread and self._least_s > _QUICK_S:
            self._spread, self._least_s = _SPREAD_CALLS, 1.0

    def _forget(self) -> None:
        """Begin anew; in a forked child, where the threads and perhaps the lock are the parent's."""
        self._lock = threading.Lock()
        self._queue, self._workers = deque(), []
        self._turns = None
        """What is queued by owners; None while there were none."""
        self._spread = 0
        """Calls to come that get threads of their own; 0 where they are run one after another."""
        self._least_s = 1.0
        """What the quickest of those took."""
        self._running = None
        self._pid = os.getpid()


class _Worker:
    """A thread that runs what is queued."""

    __slots__ = ("began", "live", "turn")

    def __init__(self) -> None:
        self.began = perf_counter()
        """When its call began."""
        self.turn = True
        """Whether what has an owner is next."""
        self.live = True


class Running:
    """A call that was submitted, and its outcome. A future without locks: 2 us where that takes 10."""

    __slots__ = ("_after", "_context", "_on_end", "_turn", "call", "ended", "error", "owner", "value")

    def __init__(self, call: Call, on_end: Callable[[Running], object]) -> None:
        self.call = call
        self.owner: object = None
        """In whose share it is."""
        self.value: Any = None
        self.error: BaseException | None = None
        self.ended = False
        """Whether it has run."""
        self._context = contextvars.copy_context()
        self._on_end = on_end
        # Whoever takes the only item runs it, or keeps it from being run: pop() of a list is atomic.
        self._turn = [None]
        self._after: list[Callable[[Running], object]] = []

    def run(self) -> None:
        """Run it on this thread, unless it was cancelled."""
        try:
            self._turn.pop()
        except IndexError:
            return
        try:
            self.value = self._context.run(self.call.run)
        except BaseException as error:  # kept for the driver
            self.error = error
        self.ended = True
        self._finish()
        self._on_end(self)

    def cancel(self) -> bool:
        """Keep it from beginning, and say whether it does not."""
        try:
            self._turn.pop()
        except IndexError:
            return False
        return True

    def give_up(self) -> None:
        """Stop it, and discard what it may still return."""
        if self.cancel():
            return
        if self.call.cancel is not None:
            self.call.cancel()
        if self.call.discard is not None:
            self.then(self._discard)

    def wait(self) -> None:
        """Wait until it has ended; it must not have been cancelled.

        Raises:
            BaseException: an interrupt.
        """
        ended = threading.Lock()  # an event is locked up by an interrupt that strikes while it takes its lock
        ended.acquire()
        self.then(lambda _: ended.release())
        ended.acquire()

    def then(self, after: Callable[[Running], object]) -> None:
        """Call *after* when it has ended, at once if it has."""
        self._after.append(after)
        if self.ended:
            self._finish()

    def _finish(self) -> None:
        while self._after:
            try:
                after = self._after.pop()
            except IndexError:  # the other thread was faster
                return
            after(self)

    def _discard(self, _: Running) -> None:
        if self.call.discard is not None and self.error is None:
            self.call.discard(self.value)

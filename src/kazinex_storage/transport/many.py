"""Run many exchanges from one thread, a bounded number of them at once.

Requests go through one curl multi, blocking calls to the pool; everything else (building requests, parsing, deciding
the next step) happens on the caller's thread. Groups nest: an exchange that yields ``Many`` has its children scheduled
along with all others.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..lazy import logger
from .attempt import Attempt
from .exchange import AnyOutcome, Call, Exchange, Many, Outcome, Through, Wait
from .groups import Group, Task
from .one import drive, one_by_one, outcome_of
from .pool import STALLED_S, Calls, Running
from .request import Request
from .sessions import OtherSessions, wait_for_any
from .wire import Wire

if TYPE_CHECKING:
    from .polling import SocketWaker
    from .session import Session, Waker

T = TypeVar("T")
_log = logger(__name__)

# One by one takes 40 calls for each of a get_many of S3, by eights 34; of small local files 29 us for each, and 27.
_HANDED_OUT: Final = 8
"""Outcomes that are handed out together."""


def run_many(
    exchanges: Iterable[Exchange[T]], window: int, pool: Calls, wire: Wire
) -> Iterator[tuple[int, Outcome[T]]]:
    """Yield (index, outcome) as the exchanges end, at most *window* of them under way.

    The iterable is read on the caller's thread, and only as places get free, so memory stays bounded. With a *window*
    of 1 the exchanges run there too, one by one with all that they yield. A call must not use the same transport for
    bulk work itself: the pool could be full of calls that wait for each other. Closing the iterator early, or an
    interrupt, cancels what is under way, waits for it to clean up, and starts nothing more.

    Raises:
        BaseException: an interrupt, or what reading *exchanges* raises; errors of one exchange are in its outcome.
    """
    if window <= 1:
        for index, exchange in enumerate(exchanges):
            yield index, outcome_of(exchange, wire)
        return
    scheduler = Scheduler(pool, wire)
    root = scheduler.add_group(exchanges, max(1, window), None)
    try:
        while True:
            scheduler.fill()
            if root.ended and scheduler.calls:
                pool.start(each=True)  # nobody knows when the caller comes back for the next
            while root.ended:
                yield root.ended.popleft()
            if root.exhausted and not root.active:
                scheduler.finish()
                return
            scheduler.advance(root)
    except BaseException as error:
        scheduler.abandon(error)
        raise


def run_all(exchanges: Iterable[Exchange[T]], window: int, pool: Calls, wire: Wire) -> list[Outcome[T]]:
    """Return how each of *exchanges* ended, in their order; as ``run_many``.

    Raises:
        BaseException: an interrupt, or what reading *exchanges* raises.
    """
    if window <= 1:
        return [outcome_of(exchange, wire) for exchange in exchanges]
    scheduler = Scheduler(pool, wire)
    root = scheduler.add_group(exchanges, window, None)
    try:
        scheduler.fill()
        while root.active or not root.exhausted:
            scheduler.advance()
            scheduler.fill()
        scheduler.finish()
    except BaseException as error:
        scheduler.abandon(error)
        raise
    return in_order(root.ended)


def in_order(ended: Iterable[tuple[int, Outcome[T]]]) -> list[Outcome[T]]:
    """Return the outcomes in the order of their exchanges."""
    by_index = dict(ended)
    return [by_index[index] for index in range(len(by_index))]


class Scheduler:
    """Exchanges under way on one thread, and what they wait for."""

    def __init__(self, pool: Calls, wire: Wire) -> None:
        """Send requests over *wire* and calls to *pool*."""
        self.pool = pool
        self.wire = wire
        self.pid = os.getpid()
        self.session: Session | None = None
        self.others: OtherSessions | None = None
        """Over the connections of other transports, where exchanges go through those."""
        self.waker: Waker | SocketWaker | None = None
        """What ends a wait for sockets when a call has ended; None unless something waits for sockets."""
        self.groups: list[Group] = []
        self.tasks: set[Task] = set()
        self.ready: deque[tuple[Task, Any, BaseException | None]] = deque()
        self.finished: deque[Task] = deque()
        """Those whose calls have ended."""
        self.wake_at = 1
        """How many of them end a wait."""
        self.bell = threading.Lock()
        """Held, and released when a wait for calls alone is to end."""
        self.calls = 0
        """Calls that were submitted and not collected yet."""
        self.fresh = False
        """Whether some of them were submitted since the last wait."""
        self.timers: list[tuple[float, int, Task]] = []
        self.order = itertools.count()

    def add_group(self, exchanges: Iterable[Exchange[Any]], window: int, parent: Task | None) -> Group:
        """Run *exchanges*, at most *window* at once; *parent* waits for all of them."""
        above = parent.group if parent is not None else None
        wire, calls = (self.wire, self.pool) if above is None else (above.wire, above.calls)
        group = Group(exchanges, window, parent, wire, calls)
        self.groups.append(group)
        return group

    def fill(self) -> None:
        """Start exchanges wherever a group has a free place, innermost groups first."""
        # Where many threads move large bodies at once, more connections for each only take memory from the others.
        share = self.wire.share()
        for group in reversed(self.groups):
            while group.active < group.window and not group.exhausted and group.active < share:
                try:
                    exchange = next(group.iterator, None)
                except Exception as error:
                    if group.parent is None:
                        raise
                    exchange, group.error = None, error
                if exchange is None:
                    group.exhausted = True
                    break
                task = Task(exchange, group, group.index)
                group.index += 1
                group.active += 1
                self.tasks.add(task)
                self.ready.append((task, None, None))
            if group.exhausted and not group.active and group.parent is not None:
                self._end_group(group, group.parent)

    def step(self, until: Group | None = None) -> None:
        """Advance every exchange that has an outcome, *until* some of that group have ended.

        What is handed out before the next is made leaves its memory to that.
        """
        while self.ready and (until is None or len(until.ended) < _HANDED_OUT):
            self._advance(*self.ready.popleft())
        if self.fresh:  # what is read next, the caller's exchanges, may take its time
            self.pool.start()

    def _advance(self, task: Task, outcome: Any, error: BaseException | None) -> None:
        """Resume an exchange, or the request that it waits for, until it waits for something outside or ends."""
        task.call = None
        nested = task.nested
        if task.first is not None:
            outcome, error = _read_first(task, task.first, error)
        while True:
            running = nested[-1]
            try:
                command = running.send(outcome) if error is None else running.throw(error)
            except StopIteration as stop:
                nested.pop()
                outcome, error = stop.value, None
            except Exception as failure:
                nested.pop()
                outcome, error = None, failure
            else:
                outcome = error = None
                try:
                    if not isinstance(command, Request):
                        if isinstance(command, Through) and command.carrier.wire.family == task.group.wire.family:
                            nested.append(command.exchange)
                            continue
                        self._start(task, command)
                        return
                    group = task.group
                    first = task.first = group.first(command)
                    if first is not None:  # as _start does: bulk work pays for each call
                        first.on_end = task
                        own = group.wire.kept is self.wire.kept
                        ((self.session or self._open()) if own else self._other(group.wire)).start(first)
                        return
                    nested.append(group.wire.exchange(command))
                except Exception as failure:  # no command, or one that cannot begin: raise it in its own exchange
                    task.first, error = None, failure
            if not nested:
                self._end(task, Outcome(outcome, error))
                return

    def _open(self) -> Session:
        session = self.session = self.wire.take()
        return session

    def _other(self, wire: Wire) -> Session:
        self.others = self.others or OtherSessions()
        return self.others.of(wire)

    def advance(self, until: Group | None = None) -> None:
        """Wait until something is ready, and advance that, *until* some of that group have ended."""
        if not self.ready:
            self.wait()
        self.step(until)

    def wait(self, most_s: float | None = None) -> None:
        """Block until a call or a transfer has ended or a wait is over, or something has moved; *most_s* at most."""
        timeout = most_s
        if self.timers:
            left = max(0.0, self.timers[0][0] - time.monotonic())
            timeout = left if timeout is None else min(left, timeout)
        if self.calls:
            timeout = self._wait_for_quick_calls(timeout)
        others = self.others.active() if self.others is not None else []
        if others or (self.session is not None and self.session.active):
            self._wait_for_sockets(self.session or self._open(), others, timeout)
        elif not self.finished and timeout != 0:
            self._wait_for_calls(1, timeout)
        while self.finished:
            self._collect(self.finished.popleft())
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            self.ready.append((heapq.heappop(self.timers)[2], None, None))

    @property
    def moved(self) -> bool:
        """Whether something moved in the last wait, so that another one may be over at once."""
        own = self.session is not None and self.session.moved
        return own or (self.others is not None and bool(self.others.active()))

    def _wait_for_quick_calls(self, timeout: float | None) -> float | None:
        """Have the calls run, wait for all of them if that is soon, and return how long to wait for anything else.

        While this thread waits it does not hold the lock of the interpreter, which the thread that runs the calls
        would have to ask it for at each system call. If that takes too long, both go on at once.
        """
        pool, soon = self.pool, STALLED_S if timeout is None else min(timeout, STALLED_S)
        queued = pool.start()
        if self.fresh and pool.is_quick and len(self.finished) < self.calls:
            self._wait_for_calls(self.calls, soon)
            queued = pool.start()
        self.fresh = False
        return 0 if self.finished else soon if queued else timeout

    def _wait_for_calls(self, count: int, timeout: float | None) -> None:
        """Wait until *count* calls have ended."""
        self.bell.acquire(blocking=False)
        self.wake_at = count
        # Looked at after that was set: a call that ends from now on rings.
        if len(self.finished) < count:
            self.bell.acquire(timeout=-1 if timeout is None else timeout)
        self.wake_at = 1

    def finish(self) -> None:
        """Give the session back."""
        session, self.session = self.session, None
        if session is not None:
            self.wire.give(session)
        if self.others is not None:
            self.others.finish()

    def abandon(self, error: BaseException) -> None:
        """Close the connections, cancel the calls under way, wait for them, raise *error* in every exchange.

        A forked child that inherits a run does nothing of the kind: the transfers and the clean-up are its parent's.
        """
        session, self.session = self.session, None
        if self.pid != os.getpid():
            if session is not None:
                self.wire.give(session)
            if self.others is not None:
                self.others.finish()
            return
        try:
            if session is not None:
                try:
                    session.finish_late()
                finally:
                    self.wire.drop(session)
        finally:
            if self.others is not None:
                self.others.drop()
        calls = [task.running for task in self.tasks if task.running is not None]
        # First those that have not begun: a thread that the second step sets free must find nothing to do.
        begun = [running for running in calls if not running.cancel()]
        for running in begun:
            running.give_up()
        for running in begun:
            running.wait()
        for task, outcome, failure in self.ready:
            if failure is None and task.call is not None and task.call.discard is not None:
                task.call.discard(outcome)
        self.ready.clear()
        self.timers.clear()
        for task in sorted(self.tasks, key=lambda task: -task.group.depth):
            try:
                while len(task.nested) > 1:
                    task.nested.pop().close()
                drive(one_by_one(task.group.wire), task.group.wire, task.nested[0], error)
            except BaseException:  # the caller receives *error*; a second one from cleaning up would hide it
                _log.debug("cleaning up after %r failed", error, exc_info=True)

    def _start(self, task: Task, command: Attempt | Call | Many | Through | Wait) -> None:
        group = task.group
        if isinstance(command, Attempt):
            command.on_end = task
            own = group.wire.kept is self.wire.kept
            ((self.session or self._open()) if own else self._other(group.wire)).start(command)
        elif isinstance(command, Call):
            task.call = command
            task.running = group.calls.submit(command, partial(self._finished, task))
            if group.calls is not self.pool and group.calls.base is not self.pool.base:
                group.calls.start(each=True)  # this one starts the calls of its own pool alone
            self.calls, self.fresh = self.calls + 1, True
        elif isinstance(command, Many):
            self.add_group(command.exchanges, max(1, command.window), task)
        elif isinstance(command, Through):
            self.groups.append(Group.carried(command.carrier, command.exchange, task))
        else:
            heapq.heappush(self.timers, (time.monotonic() + command.seconds, next(self.order), task))

    def _wait_for_sockets(self, session: Session, others: list[Session], timeout: float | None) -> None:
        if self.calls:
            self.waker = session.waker()
            # Looked at after the waker was set: a call that ends from now on wakes the wait.
            timeout = timeout if not self.finished else 0.0
        for attempt in session.wait(timeout) if not others else wait_for_any([session, *others], timeout):
            self.ready.append((attempt.on_end, None, None))
        self.waker = None

    def _finished(self, task: Task, _: Running) -> None:
        self.finished.append(task)
        if len(self.finished) >= self.wake_at:
            waker = self.waker
            if waker is not None:
                waker.wake()
            with suppress(RuntimeError):  # it has been rung
                self.bell.release()

    def _collect(self, task: Task) -> None:
        running, task.running = task.running, None
        self.calls -= 1
        if running is not None:
            error, running.error = running.error, None  # its traceback holds what holds it
            self.ready.append((task, running.value, error))

    def _end(self, task: Task, outcome: AnyOutcome) -> None:
        self.tasks.discard(task)
        task.group.active -= 1
        task.group.ended.append((task.index, outcome))

    def _end_group(self, group: Group, parent: Task) -> None:
        self.groups.remove(group)
        if group.single:
            _, outcome = group.ended.popleft()
            self.ready.append((parent, outcome.value, outcome.error))
        else:
            self.ready.append((parent, in_order(group.ended), group.error))


def _read_first(task: Task, first: Attempt, error: BaseException | None) -> tuple[Any, BaseException | None]:
    """Return the outcome of the request whose first attempt has ended, unless ``attempts`` has to go on from it."""
    task.first = None
    if error is not None:
        return None, error
    try:
        response = task.group.wire.plain(first)
    except Exception as failure:  # of the observer
        return None, failure
    if response is None:
        task.nested.append(task.group.wire.exchange(first.request, first))
    return response, None

"""A curl multi on the sockets and timers of an asyncio loop; one for each running loop.

Our own, although pycurl has ``AsyncCurlMulti``: that one cleans up a cancelled transfer a turn of the loop later, keeps
no bound on connections, and costs more for each transfer. Needs a loop with ``add_reader`` (all on POSIX).

Where there is epoll the loop watches one descriptor only, an epoll set that holds the sockets of all transfers: libcurl
requests a socket and releases it with each request, and updating the loop each time would cost 8 us of 70.
"""

from __future__ import annotations

import os
import select
from asyncio import AbstractEventLoop, CancelledError, wait
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pycurl

from ..errors import NotSupportedError
from .attempt import LATE_S, Attempt
from .fork_lock import leak_after_fork
from .session import MASKS, Multi
from .shares import Behind, Turns

if TYPE_CHECKING:
    from asyncio import Future, Handle

    from .handle import Option
    from .stall import Limits

# A page of documents is a handful of requests; beyond the bound they cost connections, so no more than that.
_LEAST: Final = 4
"""Transfers that every owner may have under way, whatever the others do."""

_IN: Final = 1
_OUT: Final = 2


class LoopMulti(Multi):
    """The transfers of one loop; used on that loop only."""

    def __init__(self, options: tuple[Option, ...], connections: int, limits: Limits, loop: AbstractEventLoop) -> None:
        """Watch sockets on *loop*; at most that many *connections* at once, further transfers wait.

        Raises:
            NotSupportedError: the loop watches no sockets.
        """
        _check_watches(loop)
        super().__init__(options, connections, limits)
        self.loop = loop
        self._connections = connections
        self._turns: Turns[Attempt] = Turns(connections, _LEAST)
        self._watched: dict[int, int] = {}
        self._soon = False
        """Whether libcurl is woken in the next turn of the loop."""
        self._due: float | None = None
        """When libcurl wants to be woken, by the clock of the loop."""
        self._timer: Handle | None = None
        self._timer_at = 0.0
        self._guard: AsyncGenerator[None, None] | None = None
        self.closed = False
        """Whether the loop has ended it."""
        self._set = select.epoll() if hasattr(select, "epoll") else None
        if self._set is not None:
            loop.add_reader(self._set.fileno(), self._moved, self._set)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch if self._set is None else self._watch_in_set)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._schedule)

    async def prepare(self) -> None:
        """Have it closed before its loop is; to be awaited once, when ``is_prepared`` is False."""
        # Loops close their asynchronous generators before they close: the only hook that they offer.
        self._guard = self._until_shutdown()
        await self._guard.asend(None)

    @property
    def is_prepared(self) -> bool:
        """Whether it can be used."""
        return self._guard is not None

    def begin(self, attempt: Attempt, owner: object = None) -> Future[None]:
        """Begin *attempt* in the share of *owner*; return what its end is waited for by. If that fails, ``abandon`` it.

        Raises:
            IntegrityError: the source of its body cannot be read any more.
        """
        future: Future[None] = self.loop.create_future()
        attempt.on_end = future
        free = len(self.active) < self._connections
        if owner is None and free:  # written out: single requests pay for each call
            self.start(attempt)
            return future
        attempt.owner = owner
        turns = self._turns
        mine = turns.under_way.get(owner, 0)
        if owner.__class__ is Behind:
            turns.line_up(owner, attempt)
            self._fill()
        elif owner is not None and (mine < turns.least or (free and mine < turns.share)):
            turns.under_way[owner] = mine + 1
            self.start(attempt)
        else:
            turns.line_up(owner, attempt)
        return future

    async def abandon(self, attempt: Attempt, error: BaseException) -> None:
        """Close the connection of *attempt*, whose waiter got *error*."""
        if attempt.request.late is not None and attempt.handle is not None and isinstance(error, CancelledError):
            attempt.on_end = self.loop.create_future()
            with suppress(CancelledError):
                await wait({attempt.on_end}, timeout=LATE_S)
        if not self._turns.remove(attempt.owner, attempt):
            self._leave(attempt)
        self.drop(attempt)
        self._fill()

    def close(self) -> None:
        """Stop everything and close the connections."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._turns.clear()
        self._turns.under_way.clear()
        super().close()
        if self._set is not None:
            if not self.loop.is_closed():
                self.loop.remove_reader(self._set.fileno())
            self._set.close()

    def close_if_idle(self) -> None:
        """Close the connections unless something is under way."""
        if not self.active and not self._turns.waiting:
            self.close()

    async def _until_shutdown(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.close()

    def _leave(self, attempt: Attempt) -> None:
        """Give its place back, once."""
        owner, attempt.owner = attempt.owner, None
        if owner is not None:
            self._turns.leave(owner)

    def _fill(self) -> None:
        while self._turns.waiting and not self.closed:
            found = self._turns.take(free=len(self.active) < self._connections)
            if found is None:
                return
            attempt = found[1]
            try:
                self.start(attempt)
            except Exception as error:
                if not attempt.on_end.done():
                    attempt.on_end.set_exception(error)

    def _ready(self, descriptor: int, event: int) -> None:
        """Let libcurl work on one socket; called by the loop."""
        self._work([(descriptor, event)])

    def _moved(self, sockets: select.epoll) -> None:
        """Let libcurl work on what is ready in the set; called by the loop."""
        self._work(sockets.poll(0))

    def _work(self, ready: list[tuple[int, int]] | None) -> None:
        """Let libcurl work on sockets, or on what its timer was for, and wake the waiters of finished transfers."""
        try:
            if ready is not None:
                self.act(ready)
                ended = self.collect()
            else:
                self.expire()
                ended = self.collect() + self.end_stalled()
        except BaseException as error:
            self._fail(error)
            raise
        for attempt in ended:
            if attempt.owner is not None:
                self._leave(attempt)
            if not attempt.on_end.done():
                attempt.on_end.set_result(None)
        if self._turns.waiting:
            self._fill()

    def _fail(self, error: BaseException) -> None:
        """End everything with *error*; an interrupt itself goes to the code that runs the loop."""
        lost = [*self.active.values(), *self._turns.items()]
        self.close()
        for attempt in lost:
            if attempt.on_end.done():
                continue
            if isinstance(error, Exception):
                attempt.on_end.set_exception(error)
            else:
                attempt.on_end.cancel()

    def _expire_soon(self) -> None:
        self._soon = False
        if not self.closed:
            self._work(None)

    def _expire(self) -> None:
        self._timer, due = None, self._due
        if due is None or self.closed:
            return
        if due > self.loop.time():  # libcurl has put it off in the meantime
            self._wake_at(due)
            return
        self._due = None
        self._work(None)

    def _schedule(self, after_ms: int) -> None:
        """Wake libcurl later; its timer callback.

        It puts its timer off with each request, so one of the loop stays as it is, unless it would be late.
        """
        if self.closed:
            return
        if after_ms > 0:
            self._due = due = self.loop.time() + after_ms / 1000
            if self._timer is None:
                self._wake_at(due)
            elif self._timer_at > due:
                self._timer.cancel()
                self._wake_at(due)
            return
        self._due = None
        if after_ms == 0 and not self._soon:
            self._soon = True
            self.loop.call_soon(self._expire_soon)  # not at once: libcurl must not be called from its own callback

    def _wake_at(self, due: float) -> None:
        self._timer, self._timer_at = self.loop.call_at(due, self._expire), due

    def _watch(self, wanted: int, descriptor: int, multi: object, data: object) -> None:
        """Watch a socket as libcurl wants; its socket callback."""
        del multi, data
        new = 0 if wanted == pycurl.POLL_REMOVE else wanted
        old = self._watched.get(descriptor, 0)
        if self.loop.is_closed():
            return
        if new & _IN and not old & _IN:
            self.loop.add_reader(descriptor, self._ready, descriptor, MASKS[_IN])
        elif old & _IN and not new & _IN:
            self.loop.remove_reader(descriptor)
        if new & _OUT and not old & _OUT:
            self.loop.add_writer(descriptor, self._ready, descriptor, MASKS[_OUT])
        elif old & _OUT and not new & _OUT:
            self.loop.remove_writer(descriptor)
        if wanted == pycurl.POLL_REMOVE:
            self._watched.pop(descriptor, None)
        else:
            self._watched[descriptor] = new

    def _watch_in_set(self, wanted: int, descriptor: int, multi: object, data: object) -> None:
        """Watch a socket as libcurl wants, in the set; its socket callback."""
        del multi, data
        if self._set is None or self._set.closed:
            return
        known = self._watched.pop(descriptor, None)
        if wanted == pycurl.POLL_REMOVE:
            if known is not None:
                try:  # noqa: SIM105 -- suppress() costs as much as the call
                    self._set.unregister(descriptor)
                except OSError:
                    pass
            return
        mask = self._watched[descriptor] = MASKS[wanted]
        if known is None:
            self._set.register(descriptor, mask)
        elif known != mask:
            self._set.modify(descriptor, mask)


def _check_watches(loop: AbstractEventLoop) -> None:
    # That of the abstract class raises NotImplementedError, inside of a callback of libcurl.
    if getattr(type(loop), "add_reader", None) is AbstractEventLoop.add_reader:
        raise NotSupportedError(
            f"a {type(loop).__name__} watches no sockets, and is what asyncio takes on Windows; run your code by "
            "asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)"
        )


class LoopMultis:
    """The multis of the loops that run; those of loops that have ended go when the next loop asks. Fork-safe."""

    def __init__(self, options: tuple[Option, ...], connections: int, limits: Limits) -> None:
        self._options = options
        self._connections = connections
        self._limits = limits
        self._by_loop: dict[AbstractEventLoop, LoopMulti] = {}
        self._pid = os.getpid()

    def of(self, loop: AbstractEventLoop) -> LoopMulti:
        """Return the multi of *loop*, which is the running one."""
        multi = self._by_loop.get(loop)
        if multi is not None and not multi.closed and self._pid == os.getpid():
            return multi
        if self._pid != os.getpid():
            leak_after_fork(self._by_loop)
            self._by_loop, self._pid = {}, os.getpid()
        for known_loop, known in list(self._by_loop.items()):
            if known.closed or known_loop.is_closed():
                known.close()
                self._by_loop.pop(known_loop, None)
        multi = self._by_loop[loop] = LoopMulti(self._options, self._connections, self._limits, loop)
        return multi

    def close(self) -> None:
        """Let every loop close its idle connections."""
        if self._pid != os.getpid():
            return
        for loop, multi in list(self._by_loop.items()):
            if loop.is_closed():
                multi.close()
            else:
                with suppress(RuntimeError):  # closed in the meantime
                    loop.call_soon_threadsafe(multi.close_if_idle)

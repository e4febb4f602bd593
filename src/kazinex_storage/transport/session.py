"""Sessions: a curl multi, its connections and its handles, used by one thread at a time.

``Multi`` keeps track of the transfers in progress; ``Session`` waits for their sockets on the caller's thread (the
asyncio driver waits on its loop instead). A ``Line`` carries one attempt at a time and tracks nothing. The pool in
``wire.py`` lends idle ones, with their connections and TLS sessions.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pycurl

from .attempt import LATE_S, Attempt
from .handle import WITH_BODY, Handles, was_repeated
from .stall import LOOK_S
from .status import TIMED_OUT

if TYPE_CHECKING:
    from .handle import Option
    from .polling import SocketWaker
    from .stall import Limits

# POLLIN, POLLOUT, POLLERR and POLLHUP, which the module ``select`` has where the system has poll().
_IN: Final = 1
_OUT: Final = 4
_BOTH: Final = _IN | _OUT
_BROKEN: Final = 8 | 16
# libcurl's CURL_POLL_* to the masks of poll(): nothing, in, out, both.
MASKS: Final = (0, _IN, _OUT, _BOTH)
_TIMER: Final = ((pycurl.SOCKET_TIMEOUT, 0),)
# epoll counts seconds, poll (where there is no epoll) milliseconds.
_SCALE: Final = 1 if hasattr(select, "epoll") else 1000


def _selected(event: int) -> int:
    """Return what an event of poll() is to libcurl."""
    mask = pycurl.CSELECT_IN if event & ~_OUT else 0
    return mask | pycurl.CSELECT_OUT if event & (_OUT | _BROKEN) else mask


# POLLIN to POLLNVAL are the six lowest bits; nothing else is asked for, or comes unasked.
SELECTED: Final = tuple(_selected(event) for event in range(64))
"""What each event of poll() is to libcurl."""


class Multi:
    """The transfers of one curl multi. Subclasses watch the sockets."""

    def __init__(self, options: tuple[Option, ...], connections: int, limits: Limits) -> None:
        """Make a multi whose handles have the *options*; it keeps up to that many idle connections."""
        self._handles = Handles(options)
        self._limits = limits
        self._looked_at = time.monotonic()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self.active: dict[pycurl.Curl, Attempt] = {}
        """What is under way."""

    def start(self, attempt: Attempt) -> None:
        """Begin *attempt*.

        Raises:
            IntegrityError: the source of its body cannot be read any more.
        """
        try:
            handle = self._handles.take(attempt)
            self._multi.add_handle(handle)
        except BaseException:
            attempt.end(0, "")
            raise
        attempt.handle = handle
        self.active[handle] = attempt

    def drop(self, attempt: Attempt) -> None:
        """Stop *attempt* and close its connection; harmless when it has ended."""
        handle = attempt.handle
        if handle is not None and self.active.pop(handle, None) is not None:
            self._release(handle, attempt)
        attempt.end(0, "")

    def act(self, ready: Sequence[tuple[int, int]]) -> None:
        """Let libcurl work on sockets, given with their events of poll().

        Raises:
            BaseException: an interrupt that struck in a callback.
        """
        action, selected = self._multi.socket_action, SELECTED
        try:
            for descriptor, event in ready:
                action(descriptor, selected[event])
        except pycurl.error:
            raise lost_error() from None

    def expire(self) -> None:
        """Let libcurl work on what it had set a timer for.

        Raises:
            BaseException: an interrupt that struck in a callback.
        """
        self.act(_TIMER)

    def collect(self) -> list[Attempt]:
        """Return the attempts that have ended since the last call."""
        ended: list[Attempt] = []
        multi, handles, active = self._multi, self._handles, self.active
        queued = 1
        while queued:
            queued, good, bad = multi.info_read()
            for handle in good:  # as _end does, written out: bulk work pays for each call
                attempt = active.pop(handle)
                attempt.whole = True
                if attempt.request.method in WITH_BODY:
                    attempt.repeated = was_repeated(handle, attempt)
                multi.remove_handle(handle)
                handles.give(handle, attempt)
                attempt.end(0, "")
                ended.append(attempt)
            for handle, code, message in bad:
                ended.append(self._end(handle, code, message))
        return ended

    def end_stalled(self) -> list[Attempt]:
        """End the attempts that do not move, and return them. It looks once in a while, whenever it is called."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_S:
            return []
        self._looked_at = now
        found = [(handle, self._limits.stalled(handle, attempt)) for handle, attempt in self.active.items()]
        return [self._end(handle, TIMED_OUT, waited) for handle, waited in found if waited is not None]

    def close(self) -> None:
        """Stop everything and close the connections."""
        for attempt in list(self.active.values()):
            with suppress(pycurl.error):
                self.drop(attempt)
        self._handles.close()
        self._multi.close()

    def _end(self, handle: pycurl.Curl, code: int, message: str) -> Attempt:
        attempt = self.active.pop(handle)
        attempt.whole = True
        attempt.repeated = was_repeated(handle, attempt)
        self._release(handle, attempt)
        attempt.end(code, message)
        return attempt

    def _release(self, handle: pycurl.Curl, attempt: Attempt) -> None:
        self._multi.remove_handle(handle)
        self._handles.give(handle, attempt)


class Session(Multi):
    """A multi whose sockets are waited for on the thread that uses it."""

    def __init__(self, options: tuple[Option, ...], connections: int, limits: Limits) -> None:
        super().__init__(options, connections, limits)
        self._poll: Any = select.epoll() if hasattr(select, "epoll") else new_poll()
        self._watched: dict[int, int] = {}
        self._timers: list[int] = []
        self._deadline: float | None = None
        self._waker: Waker | SocketWaker | None = None
        self.moved = False
        """Whether the last wait ended because something moved, and more may move at once."""
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._timers.append)

    def keep(self, connections: int) -> None:
        """Keep up to that many *connections* from now on; more of them are closed when a transfer ends."""
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)

    def wait(self, timeout_s: float | None) -> list[Attempt]:
        """Wait until something moves, at most *timeout_s*, and return the attempts that have ended.

        Raises:
            BaseException: an interrupt.
        """
        now, woken = time.monotonic(), False
        if self._timers:
            self._set_deadline(now)
        left = None if self._deadline is None else self._deadline - now
        if left is not None and left <= 0:
            woken = True
            self._expire()
            self.moved = True
        else:
            limits = [limit for limit in (left, timeout_s) if limit is not None]
            events = self._poll.poll(max(0.0, min(limits)) * _SCALE if limits else None)
            self.moved = bool(events)
            self.act(events if self._waker is None else self._without_waker(self._waker, events))
            if not events and self._deadline is not None and self._deadline <= time.monotonic():
                woken = True
                self._expire()
        ended = self.collect()
        return ended + self.end_stalled() if woken else ended

    def left_s(self) -> float | None:
        """Return how many seconds libcurl may be left alone; None: for as long as no socket moves."""
        now = time.monotonic()
        if self._timers:
            self._set_deadline(now)
        return None if self._deadline is None else max(0.0, self._deadline - now)

    def fileno(self) -> int | None:
        """Return a descriptor that can be read once something moves; None where there is no epoll."""
        return self._poll.fileno() if hasattr(self._poll, "fileno") else None

    def _set_deadline(self, now: float) -> None:
        after = self._timers[-1]
        self._timers.clear()
        self._deadline = None if after < 0 else now if after == 0 else now + after / 1000

    def finish_late(self) -> None:
        """Continue briefly with transfers whose responses are wanted even after the caller has gone.

        Raises:
            BaseException: another interrupt.
        """
        until = time.monotonic() + LATE_S
        while any(attempt.request.late is not None for attempt in self.active.values()):
            left = until - time.monotonic()
            if left <= 0:
                return
            self.wait(left)

    def waker(self) -> Waker | SocketWaker:
        """Return what makes ``wait`` return at once, from any thread."""
        if self._waker is None:
            self._waker = Waker() if hasattr(select, "poll") else new_waker()
            self._poll.register(self._waker.descriptor, _IN)
        return self._waker

    def close(self) -> None:
        """Stop everything and close the connections."""
        super().close()
        if hasattr(self._poll, "close"):
            self._poll.close()

    def _expire(self) -> None:
        self._deadline = None
        self.expire()

    @staticmethod
    def _without_waker(waker: Waker | SocketWaker, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
        sockets = [event for event in events if event[0] != waker.descriptor]
        if len(sockets) < len(events):
            waker.clear()
        return sockets

    def _watch(self, wanted: int, descriptor: int, multi: object, data: object) -> None:
        """Watch a socket as libcurl wants; its socket callback."""
        del multi, data
        if wanted == pycurl.POLL_REMOVE:
            if self._watched.pop(descriptor, None) is not None:
                try:  # noqa: SIM105 -- suppress() costs as much as the call
                    self._poll.unregister(descriptor)
                except (OSError, KeyError):
                    pass
            return
        mask = MASKS[wanted]
        known = self._watched.get(descriptor)
        if known is None:
            self._poll.register(descriptor, mask)
        elif known != mask:
            self._poll.modify(descriptor, mask)
        self._watched[descriptor] = mask


class Waker:
    """A pipe that ends a wait. It closes with its last reference: no late caller writes to a reused descriptor."""

    def __init__(self) -> None:
        self.descriptor, self._far = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._far, False)

    def wake(self) -> None:
        """End the wait under way, or the next one."""
        with suppress(BlockingIOError):  # full: it will wake in any case
            os.write(self._far, b"\0")

    def clear(self) -> None:
        """Forget the calls so far."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def __del__(self) -> None:
        os.close(self.descriptor)
        os.close(self._far)


def new_poll() -> Any:
    """Return a poll object of the system, or what stands in for it where there is none."""
    if hasattr(select, "poll"):
        return select.poll()
    from .polling import SelectPoll  # of Windows alone

    return SelectPoll()


def new_waker() -> SocketWaker:
    """Return a waker for where only sockets can be waited for."""
    from .polling import SocketWaker

    return SocketWaker()


def lost_error() -> BaseException:
    """Return what a callback raised when libcurl called it, which pycurl prints and loses: an interrupt."""
    lost = getattr(sys, "last_value", None)
    return lost if isinstance(lost, BaseException) else KeyboardInterrupt()

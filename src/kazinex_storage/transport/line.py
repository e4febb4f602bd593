"""A line: one handle and its connection, for the driver that carries out one attempt at a time on its own thread."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pycurl

from .attempt import LATE_S, Attempt
from .handle import WITH_BODY, Handles, was_repeated
from .status import TIMED_OUT

if TYPE_CHECKING:
    from .handle import Option
    from .stall import Limits

# select() of the C library has places for so many descriptors, and libcurl leaves out what lies above.
_FD_SETSIZE: Final = 1024
_LONGEST_WAIT_S: Final = 1.0
_NAP_S: Final = 0.005


class Line:
    """One handle and its connection for one attempt at a time, driven by libcurl alone.

    Of the 30 us that an attempt takes on a ``Session``, 4 go to bookkeeping, sockets and timers that one does not need.
    """

    blind = False
    """Whether a socket came up that ``select`` cannot wait for: use a ``Session`` from now on."""

    def __init__(self, options: tuple[Option, ...], connections: int, limits: Limits) -> None:
        """Make a line whose handle has the *options*; it keeps up to that many idle connections."""
        self._limits = limits
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._handles = Handles(options)
        self._handle: pycurl.Curl | None = None

    def perform(self, attempt: Attempt) -> None:
        """Carry out *attempt* on this thread. After an error the line is to be closed.

        Raises:
            IntegrityError: the source of its body cannot be read any more.
            BaseException: an interrupt.
        """
        multi = self._multi
        code, message = 0, ""
        interrupt: BaseException | None = None
        try:
            self._handle = handle = self._handles.take(attempt)
            multi.add_handle(handle)
            attempt.handle = handle
            try:
                stalled = self._go_on(handle, attempt, None)
            except BaseException as error:
                if attempt.request.late is None or isinstance(error, Exception):
                    raise
                interrupt = error
                stalled = self._go_on(handle, attempt, time.monotonic() + LATE_S)
            _, _, bad = multi.info_read()
            if stalled is not None:
                code, message = TIMED_OUT, stalled
            elif bad:
                _, code, message = bad[0]
            attempt.whole = True
            if attempt.request.method in WITH_BODY:
                attempt.repeated = was_repeated(handle, attempt)
            multi.remove_handle(handle)
            self._handle = None
            self._handles.give(handle, attempt)
        finally:
            attempt.end(code, message)
        if interrupt is not None:
            raise interrupt

    def _go_on(self, handle: pycurl.Curl, attempt: Attempt, until: float | None) -> str | None:
        """Let libcurl work until *attempt* ends, or *until*; return what it timed out waiting for, if anything."""
        multi = self._multi
        while multi.perform()[1]:
            left = multi.timeout()
            # A socket that moves is no reason to look; one that trickles is still too slow for libcurl.
            if left and not self._wait(handle, _LONGEST_WAIT_S if left < 0 else min(left / 1000, _LONGEST_WAIT_S)):
                stalled = self._limits.stalled(handle, attempt)
                if stalled is not None:
                    return stalled
            if until is not None and time.monotonic() > until:
                return "waited for an answer after an interrupt"
        return None

    def close(self) -> None:
        """Close the connections, and stop what is under way."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(pycurl.error):
                self._multi.remove_handle(handle)
            handle.close()
        self._handles.close()
        self._multi.close()

    def _wait(self, handle: pycurl.Curl, seconds: float) -> bool:
        """Wait until a socket is ready, for *seconds* at most, and say whether one is."""
        try:
            seen = self._multi.select(seconds)
        except InterruptedError:  # a signal whose handler raises nothing
            return False
        if seen < 0:  # libcurl has no socket yet, or one that select() has no place for
            self.blind = self.blind or handle.getinfo(pycurl.ACTIVESOCKET) >= _FD_SETSIZE
            time.sleep(min(seconds, _NAP_S))
        return seen > 0

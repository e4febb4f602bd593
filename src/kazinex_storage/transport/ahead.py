"""One exchange that goes on while its caller does something else: the next page of a listing.

No thread runs it, so nothing competes with the caller. Its request goes out at once; what arrives is taken up whenever
the caller says ``advance``, and until then lies in the buffers of the sockets, which bounds it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ..errors import UnavailableError
from .exchange import Exchange, Outcome
from .many import Scheduler
from .pool import Calls
from .wire import Wire

T = TypeVar("T")

# The timeouts of requests count from 1 s on, and a server may hang up on a client that does not read.
_NEGLECTED_S: Final = 0.5
"""Seconds without ``advance`` after which no answer may be the caller's fault."""

# A new connection to the same machine needs three, an old one a single one.
_TURNS: Final = 8
"""The most steps that one ``advance`` takes."""

_NO_ANSWER: Final = ("cut", "timeout")


class Ahead(Generic[T]):
    """One exchange under way. Not thread-safe; a forked child starts it anew."""

    __slots__ = ("_group", "_make", "_neglected", "_outcome", "_run", "_scheduler", "_seen_at")

    def __init__(
        self, make: Callable[[], Exchange[T]], pool: Calls, wire: Wire, run: Callable[[Exchange[T]], T]
    ) -> None:
        """Begin what *make* returns; should it fail because it was left alone, make it again and *run* that.

        Raises:
            BaseException: an interrupt.
        """
        self._make = make
        self._run = run
        self._scheduler: Scheduler | None = Scheduler(pool, wire)
        self._group = self._scheduler.add_group((make(),), 1, None)
        self._outcome: Outcome[T] | None = None
        self._neglected = False
        self._seen_at = time.monotonic()
        self.advance()

    def advance(self) -> None:
        """Let it go on as far as it can without waiting.

        Raises:
            BaseException: an interrupt; it is cancelled.
        """
        scheduler = self._scheduler
        if scheduler is not None and scheduler.pid == os.getpid():
            for _ in range(_TURNS):
                self._turn(scheduler, 0.0)
                if not scheduler.moved:
                    return

    def result(self) -> T:
        """Wait for it to end and return its result. To be called once.

        Raises:
            BaseException: what the exchange raises, or an interrupt.
        """
        scheduler = self._scheduler
        if scheduler is not None and scheduler.pid != os.getpid():
            self.close()  # the transfer is the parent's
        elif scheduler is not None:
            while self._outcome is None:
                self._turn(scheduler, None)
        outcome = self._outcome
        error = outcome.error if outcome is not None else None
        if outcome is None or (self._neglected and isinstance(error, UnavailableError) and error.code in _NO_ANSWER):
            return self._run(self._make())
        return outcome.result()

    def close(self) -> None:
        """Cancel it, unless it has ended."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.abandon(GeneratorExit())

    def _turn(self, scheduler: Scheduler, most_s: float | None) -> None:
        now = time.monotonic()
        self._neglected = self._neglected or now - self._seen_at > _NEGLECTED_S
        try:
            scheduler.fill()
            scheduler.step()
            if not self._group.ended:
                scheduler.wait(most_s)
                scheduler.step()
            if self._group.ended:
                _, self._outcome = self._group.ended.popleft()
                self._scheduler = None
                scheduler.finish()
        except BaseException as error:
            self._scheduler = None
            scheduler.abandon(error)
            raise
        self._seen_at = time.monotonic()

"""A gate shared by all requests of one client to one service: when one is throttled, all of them hold back.

Microsoft counts the requests of an app in a tenant across all senders, including those that it refuses —
learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online
(read 2026-08). A gate belongs to one app and tenant, so one organisation's throttling never delays another's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

from .fork_lock import ForkLock

# "RateLimit headers are returned when 80 % of the limit is used" — the page above.
_SCARCE: Final = 0.2
PASSING: Final = frozenset({429, 503})
"""The statuses by which a service asks for fewer requests."""

# A run takes a half of what is left, so that people who come find some: 2 is the interval of its requests by theirs.
_BEHIND: Final = 2.0

# Doubled by each refusal, and less by a tenth with each success, the rate of a run settles below what is refused.
_LEAST_PACE_S: Final = 0.01
_NO_PACE_S: Final = 0.002
_MOST_PACE_S: Final = 5.0
_EASED: Final = 0.9

# Microsoft counts in windows of up to a day but asks for waits of minutes; after an hour it is worth asking again.
LONGEST_S: Final = 3600.0
"""The longest that a gate stays closed, in seconds, whatever a response asks for."""


class Gate:
    """Holds requests back while the service asks to wait, and spreads them out when the quota runs low. Thread-safe and
    fork-safe.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start open; *clock* returns seconds since an arbitrary moment."""
        self._clock = clock
        self._lock = ForkLock()
        self._opens_at = 0.0
        self._pace_s = 0.0
        self._paced_until = 0.0
        self._next_at = 0.0
        self._waiting = (0, 0)
        """The process, and how many of its requests are held back here; a forked child has none of them."""
        self._behind_pace_s = 0.0
        self._behind_next_at = 0.0
        self._refused_until = 0.0

    def closed_s(self) -> float:
        """Return how many seconds the gate stays closed; 0 means open."""
        return max(0.0, self._opens_at - self._clock()) if self._opens_at else 0.0

    def place_s(self) -> float:
        """Take the next slot while requests are paced, and return the seconds until it; usually 0."""
        if not self._paced_until:
            return 0.0
        with self._lock:
            now = self._clock()
            if now >= self._paced_until:
                self._paced_until = self._next_at = 0.0
                return 0.0
            place = min(max(now, self._next_at), self._paced_until)  # from then on there is more
            self._next_at = place + self._pace_s
            return place - now

    def note(self, status: int, retry_after_s: float | None, headers: Mapping[str, str]) -> None:
        """Learn from a response: throttling closes the gate, a low quota slows it down."""
        if status in PASSING and retry_after_s is not None:
            with self._lock:
                self._opens_at = max(self._opens_at, self._clock() + min(retry_after_s, LONGEST_S))
        remaining = headers.get("ratelimit-remaining")
        if remaining is not None:
            self._spread(remaining, headers.get("ratelimit-limit", ""), headers.get("ratelimit-reset", ""))

    def enter(self) -> None:
        """Note that a request is held back; those of runs wait for it (``lane.py``)."""
        with self._lock:
            self._waiting = (os.getpid(), self.waiting + 1)

    def leave(self) -> None:
        """Note that it is not any more."""
        with self._lock:
            self._waiting = (os.getpid(), max(0, self.waiting - 1))

    @property
    def waiting(self) -> int:
        """How many requests are held back, without those of runs."""
        pid, count = self._waiting
        return count if count and pid == os.getpid() else 0

    @property
    def busy(self) -> bool:
        """Whether a request of a run has anything to wait for."""
        return bool(self._behind_pace_s or self._paced_until or self.waiting or self.closed_s())

    def place_behind_s(self) -> float:
        """Take the next slot of runs, which no other request waits for, and return the seconds until it."""
        if not (self._behind_pace_s or self._paced_until):
            return 0.0
        with self._lock:
            now = self._clock()
            place, pace = max(now, self._behind_next_at), self._behind_pace_s
            if now < self._paced_until and self._pace_s * _BEHIND > pace:
                place, pace = min(place, self._paced_until), self._pace_s * _BEHIND
            self._behind_next_at = place + pace
            return place - now

    def note_behind(self, status: int, retry_after_s: float | None, headers: Mapping[str, str]) -> None:
        """Learn from the response to a request of a run, as ``note`` does, and slow runs down or let them go on."""
        self.note(status, retry_after_s, headers)
        if status in PASSING:
            with self._lock:
                now = self._clock()
                if now >= self._refused_until:  # those that were sent together are refused together
                    self._behind_pace_s = min(_MOST_PACE_S, max(_LEAST_PACE_S, 2 * self._behind_pace_s))
                    self._refused_until = now + max(self._behind_pace_s, min(retry_after_s or 0.0, LONGEST_S))
                    self._behind_next_at = max(self._behind_next_at, self._opens_at)
        elif self._behind_pace_s and status < 400:
            with self._lock:
                eased = self._behind_pace_s * _EASED
                self._behind_pace_s = eased if eased >= _NO_PACE_S else 0.0

    def _spread(self, remaining: str, limit: str, reset: str) -> None:
        try:
            left, most, seconds = float(remaining), float(limit), float(reset)
        except ValueError:
            return
        with self._lock:
            if most <= 0 or left > most * _SCARCE:
                self._paced_until = self._next_at = 0.0
                return
            now = self._clock()
            self._pace_s = seconds / max(1.0, left)
            self._paced_until = now + seconds
            self._next_at = max(self._next_at, now)

"""A gate shared by all requests of one client to one service: when one is throttled, all of them hold back.

Microsoft counts the requests of an app in a tenant across all senders, including those that it refuses —
learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online
(read 2026-08). A gate belongs to one app and tenant, so one organisation's throttling never delays another's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from .fork_lock import ForkLock

# "RateLimit headers are returned when 80 % of the limit is used" — the page above.
_SCARCE: Final = 0.2
_PASSING: Final = frozenset({429, 503})

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
            place = max(now, self._next_at)
            self._next_at = place + self._pace_s
            return place - now

    def note(self, status: int, retry_after_s: float | None, headers: Mapping[str, str]) -> None:
        """Learn from a response: throttling closes the gate, a low quota slows it down."""
        if status in _PASSING and retry_after_s is not None:
            with self._lock:
                self._opens_at = max(self._opens_at, self._clock() + min(retry_after_s, LONGEST_S))
        remaining = headers.get("ratelimit-remaining")
        if remaining is not None:
            self._spread(remaining, headers.get("ratelimit-limit", ""), headers.get("ratelimit-reset", ""))

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

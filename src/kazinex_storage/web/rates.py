"""How often one caller may do what is costly: a bucket of tokens for each of them, in this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MINUTE_S: Final = 60.0

CALLERS: Final = 10_000
"""How many callers are remembered; the one that was idle for longest is forgotten."""


class RateLimit:
    """Lets each caller begin *per_minute* things at once, and one more whenever a minute's share has passed."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow *per_minute*; *clock* gives seconds since any moment.

        Raises:
            ValueError: the number is not positive.
        """
        if per_minute < 1:
            raise ValueError(f"a rate is at least 1 a minute, not {per_minute}")
        self._most = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()

    def wait_for(self, *caller: str) -> float:
        """Take one token of *caller* and return 0, or return the seconds until there is one."""
        now = self._clock()
        with self._lock:
            left, at = self._left.pop(caller, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / _MINUTE_S)
            allowed = left >= 1
            self._left[caller] = (left - 1 if allowed else left, now)
            if len(self._left) > CALLERS:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * _MINUTE_S / self._most

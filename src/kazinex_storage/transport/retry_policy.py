"""How often and how patiently requests are repeated: numbers only; ``retry.py`` acts on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..lazy import module
from ..values import value

if TYPE_CHECKING:
    import random
else:
    random = module(__name__, "random")


# A server that restarts needs seconds, and refusing a connection costs it nothing.
_REFUSED_FACTOR = 5.0
_LONGEST_REFUSED = 80.0


def _random() -> float:
    return random.random()


@value
class RetryPolicy:
    """How often and how patiently a request is repeated. The clocks are fields, so that tests need no time."""

    attempts: int = 5
    """The most times that a request is sent."""
    budget_s: float = 120.0
    """No wait starts that would end later than this after the first attempt."""
    # Room for one silent attempt of 30 s, which a loaded service may need, and a second on another connection.
    unanswered_s: float = 45.0
    """Total seconds that a request spends on attempts without a response, and on the waits after them. Time in which
    its body moves does not count. The last attempt is cut short.
    """
    refused_attempts: int = 7
    """The most times that it is sent when the server refuses connections, as during a restart. ``attempts`` of 1 is
    1 here as well.
    """
    # Full jitter — aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter (read 2026-08).
    base_s: float = 0.1
    """The first wait is random between 0 and this; each further bound is twice the one before."""
    max_wait_s: float = 20.0
    max_retry_after_s: float = 60.0
    """When a server asks for a longer wait, the error goes to the caller instead."""
    # R2: one write a second to a key, above it 429 — developers.cloudflare.com/r2/platform/limits (read 2026-08).
    first_429_wait_s: float = 1.1
    """The least first wait after a 429."""
    clock: Callable[[], float] = time.monotonic
    """Seconds since an arbitrary moment, for the budget."""
    now: Callable[[], float] = time.time
    """Seconds since 1970, for ``Retry-After`` with a date."""
    random: Callable[[], float] = _random
    """A number from 0 up to 1."""

    def __post_init__(self) -> None:
        """Refuse a policy that would never send.

        Raises:
            SettingsError: a number of attempts is below 1, or a time is negative.
        """
        times = (self.budget_s, self.base_s, self.max_wait_s, self.max_retry_after_s, self.first_429_wait_s)
        if min(self.attempts, self.refused_attempts) < 1 or min(*times, self.unanswered_s) < 0:
            raise SettingsError("a retry policy needs at least one attempt, and no negative times")

    def wait_s(self, number: int, status: int, asked_s: float | None) -> float:
        """Return how long to wait after attempt *number*, which got *status* and was asked to wait *asked_s*."""
        wait = self.random() * min(self.max_wait_s, self.base_s * 2.0 ** min(number - 1, 32))
        if asked_s is not None:
            wait = max(wait, asked_s)
        return max(wait, self.first_429_wait_s) if status == 429 and number == 1 else wait

    def refused_wait_s(self, number: int) -> float:
        """Return how long to wait after attempt *number*, whose connection was refused.

        With the defaults between a half and the whole of 0.5, 1, 2, 4, 8 and 8 s: 12 s at least.
        """
        longest = min(_LONGEST_REFUSED, _REFUSED_FACTOR * 2.0 ** min(number - 1, 32)) * self.base_s
        return min(self.max_wait_s, longest) * (1 + self.random()) / 2


def retry_after_s(value: str | None, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, given as seconds or as a date; None: it says nothing.

    Example:
        >>> retry_after_s("120", 0), retry_after_s("Thu, 01 Jan 1970 00:00:30 GMT", 10), retry_after_s("soon", 0)
        (120.0, 20.0, None)
    """
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime  # 3 ms of a start, for a header that few see

    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp() - now)
    except (ValueError, OverflowError):
        return None

"""What a run may use: bytes and requests a second, as an operator asks for it.

These are the limits that somebody chose. Those of a service need no setting: it says 429 and ``Retry-After``, and the
transport waits (``transport/retry.py``, ``transport/gate.py``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Final, Self

from ..errors import SettingsError
from ..transport import Exchange, Wait
from ..transport.fork_lock import ForkLock
from ..transport.rates import Bucket, parse_bandwidth
from ..values import value

__all__ = ["Pace", "RateLimits", "parse_bandwidth"]

# Less is not worth a request.
_LEAST_PIECE: Final = 64 * 1024


@value
class RateLimits:
    """The most that a run uses, all of its workers together. None is no limit."""

    bandwidth: int | None = None
    """Bytes a second through this run: what is read from the source, which is what is written to the target, and what
    is read back from there.
    """
    source_requests: float | None = None
    """Requests a second to the source."""
    target_requests: float | None = None
    """Requests a second to the target."""

    def __post_init__(self) -> None:
        """Refuse a limit at which nothing would move.

        Raises:
            SettingsError: a limit is not positive.
        """
        for name in ("bandwidth", "source_requests", "target_requests"):
            limit = getattr(self, name)
            if limit is not None and not 0 < limit < math.inf:
                raise SettingsError(f"{name} is {limit}; give a positive number, or None for no limit")

    def divided(self, workers: int) -> RateLimits:
        """Return the part of each of *workers* that share these limits."""
        count = max(1, workers)
        return RateLimits(
            bandwidth=None if self.bandwidth is None else max(1, self.bandwidth // count),
            source_requests=None if self.source_requests is None else self.source_requests / count,
            target_requests=None if self.target_requests is None else self.target_requests / count,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the limits that are set, as JSON holds them."""
        limits = {name: getattr(self, name) for name in ("bandwidth", "source_requests", "target_requests")}
        return {name: limit for name, limit in limits.items() if limit is not None}

    @classmethod
    def from_dict(cls, found: Mapping[str, object]) -> Self:
        """Return the limits that ``to_dict`` made *found* of.

        Raises:
            SettingsError: a limit is no positive number.
        """
        bandwidth = _number(found, "bandwidth")
        return cls(
            bandwidth=None if bandwidth is None else int(bandwidth),
            source_requests=_number(found, "source_requests"),
            target_requests=_number(found, "target_requests"),
        )


class Pace:
    """Holds one worker to its limits. Thread-safe and fork-safe; one for all threads of a worker.

    Whoever asks has taken what was asked for, and waits as long as it is told: those that ask together get their
    moments one after another. What is larger than a moment's worth is not cut up; whoever comes next waits for it.
    """

    def __init__(self, limits: RateLimits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold to *limits*; *clock* returns seconds since an arbitrary moment."""
        self._clock = clock
        self._lock = ForkLock()
        self._bytes: Bucket | None = None
        self._source: Bucket | None = None
        self._target: Bucket | None = None
        self.change(limits or RateLimits())

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return not (self._bytes is self._source is self._target is None)

    def change(self, limits: RateLimits) -> None:
        """Hold to *limits* from now on; waits that were given stay as they are."""
        with self._lock:
            self._bytes = _bucket(self._bytes, limits.bandwidth)
            self._source = _bucket(self._source, limits.source_requests)
            self._target = _bucket(self._target, limits.target_requests)

    def take(self, size: int = 0, *, source: int = 0, target: int = 0) -> float:
        """Take *size* bytes and so many requests to *source* and *target*; return the seconds to wait before them."""
        if not self.limited:
            return 0.0
        with self._lock:
            now = self._clock()
            asked = ((self._bytes, size), (self._source, source), (self._target, target))
            return max(0.0 if bucket is None else bucket.take(count, now) for bucket, count in asked)

    def piece(self, most: int) -> int:
        """Return how many bytes to take at once, up to *most*: what passes in about a second."""
        bandwidth = self._bytes
        return most if bandwidth is None else max(_LEAST_PIECE, min(most, int(bandwidth.rate)))

    def taking(self, size: int = 0, *, source: int = 0, target: int = 0) -> Exchange[None]:
        """Take as ``take`` does, and wait; for ``yield from``."""
        seconds = self.take(size, source=source, target=target)
        if seconds > 0:
            yield Wait(seconds)


def _bucket(known: Bucket | None, rate: float | None) -> Bucket | None:
    if rate is None:
        return None
    return Bucket(rate) if known is None else known.at(rate)


def _number(found: Mapping[str, object], name: str) -> float | None:
    number = found.get(name)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise SettingsError(f"{name} is {str(number)[:40]!r}; give a positive number, or leave it out for no limit")
    return number

"""Writes of one key, held apart as far as the service wants them: a wait here instead of a 429 and a repeat.

R2 takes one write of a key a second (developers.cloudflare.com/r2/platform/limits, read 2026-11). All storages of this
process that write to one bucket keep to one pace; other processes are not known, and then the 429 is still repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from ...transport import Exchange, Wait
from ...transport.fork_lock import ForkLock
from ...types import UploadState

P = ParamSpec("P")
T = TypeVar("T")

# What leaves here a second apart may arrive a little less than that apart.
_MARGIN: Final = 1.05

_MOST_KEYS: Final = 4096
"""Keys that are remembered before those that may be written again are forgotten."""


class Paces:
    """When the keys of all buckets may be written again. Thread-safe and fork-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Go by *clock*, which returns seconds."""
        self._clock = clock
        self._lock = ForkLock()
        self._free_at: dict[tuple[str, str], float] = {}
        self._ended_at: dict[tuple[str, str], float] = {}

    def take(self, place: str, key: str, interval_s: float) -> float:
        """Take the next moment at which *key* may be written; return the seconds until then."""
        with self._lock:
            now = self._clock()
            begin = max(now, self._free_at.get((place, key), now))
            self._free_at[place, key] = begin + interval_s * _MARGIN
            if len(self._free_at) > _MOST_KEYS:
                self._free_at = {name: moment for name, moment in self._free_at.items() if moment > now}
                self._ended_at = {name: moment for name, moment in self._ended_at.items() if name in self._free_at}
        return begin - now

    def left(self, place: str, key: str, interval_s: float) -> float:
        """Return the seconds that a write whose moment has come has still to wait: the one before took its time."""
        ended_at = self._ended_at.get((place, key))
        return 0.0 if ended_at is None else max(0.0, ended_at + interval_s * _MARGIN - self._clock())

    def wrote(self, place: str, key: str, interval_s: float) -> None:
        """Note that a write of *key* has ended just now: the service counts from when it was there."""
        with self._lock:
            now = self._clock()
            self._ended_at[place, key] = now
            self._free_at[place, key] = max(self._free_at.get((place, key), 0.0), now + interval_s * _MARGIN)


_WRITES: Final = ("put", "put_stream", "copy", "complete_upload")
"""The verbs that make an object; the first argument is its key, or the upload, and the second one of a copy."""

PACES: Final = Paces()
"""Those of this process: it has to outlive the providers that share a bucket."""


def pace(provider: object, place: str, interval_s: float) -> None:
    """Have *provider*, whose objects are at *place*, begin no write of a key less than *interval_s* after another."""
    for name in _WRITES:
        setattr(provider, name, _paced(getattr(provider, name), place, interval_s, key_at=name == "copy"))


def _paced(write: Callable[P, Exchange[T]], place: str, interval_s: float, *, key_at: int) -> Callable[P, Exchange[T]]:
    @wraps(write)
    def call(*args: P.args, **kwargs: P.kwargs) -> Exchange[T]:
        subject = args[key_at]
        key = subject.key if isinstance(subject, UploadState) else str(subject)
        return _in_turn(place, key, interval_s, write(*args, **kwargs))

    return call


def _in_turn(place: str, key: str, interval_s: float, write: Exchange[T]) -> Exchange[T]:
    """Run *write*, which writes *key* at *place*, when that may be written again."""
    seconds = PACES.take(place, key, interval_s)
    try:
        while seconds > 0:
            yield Wait(seconds)
            seconds = PACES.left(place, key, interval_s)
    except BaseException:
        write.close()
        raise
    result = yield from write
    PACES.wrote(place, key, interval_s)
    return result

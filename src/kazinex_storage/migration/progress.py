"""How far a run is: counts of its entries, how fast it goes, when it will have ended, and what was asked of services.

Counts come from the journal, so they are those of all processes that work on the run. ``watching`` tells a function
about them again and again while a pass is under way. Read next: ``throughput.py`` and ``report.py``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from ..lazy import logger
from ..values import value
from .journal import Count, EntryState, Journal, Run, RunKind, RunState

if TYPE_CHECKING:
    from ..transport import Observation

_log = logger(__name__)

# Long enough that one large object does not look like a stop, short enough that a throttled run is seen to be slow.
WINDOW_S: Final = 30.0
"""Seconds that a rate is the mean of."""
EVERY_S: Final = 1.0
"""Seconds between two calls of a watcher: each costs two queries of the journal."""
_LONGEST_JOIN_S: Final = 5.0
_THROTTLED: Final = frozenset({429, 503})  # S3: SlowDown is a 503

UNFINISHED: Final = frozenset({EntryState.PLANNED})
"""Where a pass has still something to do."""
WRONG: Final = frozenset({EntryState.FAILED, EntryState.MISSING, EntryState.DIFFERENT})
"""What somebody has to look at when a pass has ended; what was REFUSED was known before."""


@value
class RunProgress:
    """How far a run is at one moment."""

    run: Run
    counts: Mapping[EntryState, Count]
    """Entries in each state; states without any are left out."""
    seconds: float = 0.0
    """Since the watcher began."""
    objects_per_second: float = 0.0
    """Over the last ``WINDOW_S``."""
    bytes_per_second: float = 0.0
    """Likewise."""
    left_s: float | None = None
    """Seconds that the rest takes at this rate; None while that is not known."""
    pending: int = 0
    """Changes that a mirror still owes."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """Attempts of this process by ``provider:class``, where ``RunRequests`` counts them."""
    throttled: int = 0
    """Those that a service asked to slow down for."""

    @property
    def total(self) -> Count:
        """All entries; grows while the run is planned."""
        return summed(self.counts, frozenset(EntryState))

    @property
    def left(self) -> Count:
        """Those that nothing was done about yet."""
        return summed(self.counts, UNFINISHED)

    @property
    def done(self) -> Count:
        """The others."""
        return summed(self.counts, frozenset(EntryState) - UNFINISHED)

    def in_state(self, state: EntryState) -> Count:
        """Return how many are in *state*."""
        return self.counts.get(state, Count())

    def to_dict(self) -> dict[str, object]:
        """Return the progress as values that JSON can hold."""
        return {
            "run": self.run.id,
            "kind": self.run.kind.value,
            "state": self.run.state.value,
            "total": count_dict(self.total),
            "done": count_dict(self.done),
            "counts": counts_dict(self.counts),
            "seconds": round(self.seconds, 3),
            "objects_per_second": round(self.objects_per_second, 3),
            "bytes_per_second": round(self.bytes_per_second, 1),
            "left_seconds": None if self.left_s is None else round(self.left_s, 1),
            "pending": self.pending,
            "requests": dict(self.requests),
            "throttled": self.throttled,
        }


OnProgress: TypeAlias = Callable[[RunProgress], object]
"""Called on a thread of the watcher, one call at a time; what it raises is logged and stops nothing."""


def summed(counts: Mapping[EntryState, Count], states: frozenset[EntryState]) -> Count:
    """Return the sum of *counts* over *states*."""
    found = [count for state, count in counts.items() if state in states]
    return Count(objects=sum(count.objects for count in found), bytes=sum(count.bytes for count in found))


def count_dict(count: Count) -> dict[str, int]:
    """Return *count* as values that JSON can hold."""
    return {"objects": count.objects, "bytes": count.bytes}


def counts_dict(counts: Mapping[EntryState, Count]) -> dict[str, dict[str, int]]:
    """Return *counts* as values that JSON can hold, in the order of the states."""
    return {state.value: count_dict(counts[state]) for state in EntryState if counts.get(state, Count()).objects}


class RunRequests:
    """Counts the requests of a run: the ``meter`` of its resolver, before the resolver is used. Thread-safe.

    ``monitoring.Meters`` puts it together with other meters.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, int] = {}
        self._throttled = 0

    def of(self, organisation: str, provider: str) -> Callable[[Observation], object]:  # noqa: ARG002  # the interface
        """Return the observer of the requests to one provider."""
        from ..monitoring.requests import class_of

        def observe(seen: Observation) -> None:
            name = f"{provider}:{class_of(seen)}"
            with self._lock:
                self._counts[name] = self._counts.get(name, 0) + 1
                self._throttled += seen.status in _THROTTLED

        return observe

    def read(self) -> tuple[dict[str, int], int]:
        """Return the attempts by ``provider:class``, and how many of all were throttled."""
        with self._lock:
            return dict(self._counts), self._throttled


class RunMeter:
    """Reads the progress of one run from its journal, and knows from earlier readings how fast it goes."""

    def __init__(
        self,
        journal: Journal,
        run: Run,
        requests: RunRequests | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read *run* in *journal*.

        Args:
            clock: Seconds that never go back.
        """
        self._journal = journal
        self._run = run
        self._requests = requests
        self._clock = clock
        self._begun = clock()
        self._readings: deque[tuple[float, Count]] = deque()

    def read(self) -> RunProgress:
        """Return how far the run is: two queries, three for a mirror.

        Raises:
            StorageError: the journal does not answer.
        """
        self._run = self._journal.run(self._run.organisation, self._run.id) or self._run
        counts = {state: count for state, count in self._journal.counts(self._run).items() if count.objects}
        progress = RunProgress(run=self._run, counts=counts)
        now = self._clock()
        objects, size = self._rates(now, progress)
        asked, throttled = self._requests.read() if self._requests is not None else ({}, 0)
        return RunProgress(
            run=self._run,
            counts=counts,
            seconds=now - self._begun,
            objects_per_second=objects,
            bytes_per_second=size,
            left_s=_left(progress, objects, size),
            pending=self._journal.count_pending(self._run) if self._run.kind is RunKind.MIRROR else 0,
            requests=asked,
            throttled=throttled,
        )

    def _rates(self, now: float, progress: RunProgress) -> tuple[float, float]:
        done = progress.done
        self._readings.append((now, done))
        while len(self._readings) > 2 and now - self._readings[1][0] >= WINDOW_S:
            self._readings.popleft()
        then, before = self._readings[0]
        if now <= then:
            return 0.0, 0.0
        # What is reopened goes back, which is no rate.
        passed = now - then
        return max(0, done.objects - before.objects) / passed, max(0, done.bytes - before.bytes) / passed


def _left(progress: RunProgress, objects: float, size: float) -> float | None:
    """Return the seconds that the rest takes: by objects or by bytes, whatever takes longer."""
    left = progress.left
    if progress.run.state is RunState.PLANNING:
        return None  # there may be more than is known
    if not left.objects:
        return 0.0
    if objects <= 0 or (size <= 0 and left.bytes):
        return None
    return max(left.objects / objects, left.bytes / size if left.bytes else 0.0)


@contextmanager
def watching(
    journal: Journal,
    run: Run,
    on_progress: OnProgress | None,
    *,
    requests: RunRequests | None = None,
    every_s: float = EVERY_S,
) -> Iterator[None]:
    """Call *on_progress* every so many seconds for a ``with`` block, and once more when it ends; None does nothing.

    The last call is on the thread of the caller. A journal that does not answer is asked again next time.
    """
    if on_progress is None:
        yield
        return
    meter, ended, turn = RunMeter(journal, run, requests), Event(), Lock()

    def tell() -> None:
        try:
            with turn:
                on_progress(meter.read())
        except Exception as error:  # a display that fails must not end what it shows
            _log.warning("the progress of run %s could not be shown: %s", run.id, error)

    def watch() -> None:
        tell()
        while not ended.wait(every_s):
            tell()

    thread = Thread(target=watch, name="kazinex-storage-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_LONGEST_JOIN_S)
    tell()

"""One process at work on a run: it claims partitions, copies their entries, records what came of them.

Any number of processes do so at once. What is recorded is proven; what a killed process had under way is done again by
whoever gets its partition, and found to be the same where it had reached the target.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from ..documents.events import EventHook
from ..errors import (
    AuthenticationError,
    ClosedError,
    InvalidKeyError,
    NotSupportedError,
    PolicyError,
    QuotaExceededError,
    ReconnectRequiredError,
    SettingsError,
    StorageError,
    clean_text,
)
from ..lazy import logger
from ..transport import Exchange, Wait
from ..values import value
from .copying import Pair
from .endpoints import Endpoint
from .following import NOTHING, Follower, Known
from .holding import Holdings
from .journal import MAX_REASON_CHARACTERS, PARTITION_ENTRIES, PROVEN, Entry, EntryState, Journal, Partition, Run
from .options import CopyOptions
from .rates import Pace
from .reading import on
from .telling import documents_moved

_log = logger(__name__)

# A kill costs what was not recorded: half a second of work, proven again.
_BATCH: Final = 64
"""Entries that are recorded together."""
_BATCH_S: Final = 0.5
"""Seconds after which they are recorded however few they are."""
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 30.0
_LOOK_S: Final = 0.5
"""Seconds between two looks whether the pass was asked to stop."""
STOPPED: Final = "it was asked to stop"
_HOPELESS: Final = (AuthenticationError, ClosedError, QuotaExceededError, ReconnectRequiredError, SettingsError)
"""Errors that every other object would meet as well: they end the pass."""
_UNFIT: Final = (InvalidKeyError, NotSupportedError, PolicyError)
"""Errors that say that the target cannot hold the object."""


@value
class Job:
    """What a process works on."""

    journal: Journal
    run: Run
    source: Endpoint
    target: Endpoint
    follower: Follower
    options: CopyOptions
    owner: str
    """Who holds the leases: one process, or one thread of it."""
    observer: Callable[[Sequence[Entry]], object] | None = None
    """Called with entries as soon as they are recorded."""
    tell: EventHook | None = None
    """Called with the event of each partition that is done, in the transaction that records its last entries."""
    pace: Pace | None = None
    """What holds this process to its part of the limits; None: all of those of the options."""
    partitions: int | None = None
    """After how many partitions to end; None: when none is free."""


@value
class PassReport:
    """What one process did in one pass."""

    objects: dict[EntryState, int]
    """How many entries it brought into each state."""
    bytes: int
    """Of those that are on the target now."""
    seconds: float
    stopped: str | None = None
    """Why it ended before there was nothing left to do."""


def work(job: Job, stop: Callable[[], bool] = bool) -> PassReport:
    """Work on partitions of the run until none is free, or *stop* says so; then what is under way is finished.

    Blocks. What other processes hold is left to them: entries may be PLANNED still when it returns.

    Raises:
        StorageError: the journal does not answer. What was under way is found out by the next pass.
        BaseException: an interrupt; leases are given back.
    """
    return _Worker(job, stop).work()


@dataclass
class _Task:
    """One entry under way."""

    entry: Entry
    known: Known
    partition: int
    result: Entry | None = None


class _Worker:
    def __init__(self, job: Job, stop: Callable[[], bool]) -> None:
        self._job, self._stop = job, stop
        self._pair = Pair(job.source, job.target, job.options, job.pace or Pace(job.options.limits))
        self._stopped: str | None = None
        self._tasks: dict[int, _Task] = {}
        self._done: list[_Task] = []
        self._recorded_at = time.monotonic()
        self._counts: Counter[EntryState] = Counter()
        self._bytes = 0

    def work(self) -> PassReport:
        begun, job = time.monotonic(), self._job
        with Holdings(job.journal, job.run, job.owner, job.options.lease) as self._holdings:
            transport, at_once = job.target.storage.transport, job.options.at_once(job.source.info, job.target.info)
            try:
                for index, outcome in transport.run_many(self._exchanges(), at_once):
                    outcome.result()  # what an object meets is in its entry: this would be a defect
                    self._done.append(self._tasks.pop(index))
                    if len(self._done) >= _BATCH or time.monotonic() - self._recorded_at >= _BATCH_S:
                        self._record()
            finally:  # after an interrupt too: what is done need not be done again
                self._record()
        return PassReport(
            objects=dict(self._counts), bytes=self._bytes, seconds=time.monotonic() - begun, stopped=self._stopped
        )

    def _exchanges(self) -> Iterator[Exchange[None]]:
        """Yield what is to be done, as places get free; a partition is claimed when the one before is under way."""
        for number, (entry, known, partition) in enumerate(self._entries()):
            task = self._tasks[number] = _Task(entry, known, partition)
            yield self._attempts(task)

    def _entries(self) -> Iterator[tuple[Entry, Known, int]]:
        job = self._job
        left = job.partitions if job.partitions is not None else -1
        while left and not self._is_stopped() and (partition := self._holdings.claim()) is not None:
            left -= 1
            found = job.journal.entries(
                job.run, first=partition.first, last=partition.last, states=[EntryState.PLANNED]
            )
            self._holdings.expect(partition.number, len(found))
            for start in range(0, len(found), _BATCH):
                batch = found[start : start + _BATCH]
                known = job.follower.before([entry.key for entry in batch])
                for entry in batch:
                    if self._is_stopped() or not self._holdings.holds(partition.number):
                        break
                    yield entry, known.get(entry.key, NOTHING), partition.number

    def _is_stopped(self) -> bool:
        if self._stopped is None and self._stop():
            self._stopped = STOPPED
        return self._stopped is not None

    def _attempts(self, task: _Task) -> Exchange[None]:
        """Try the entry of *task* until it is done, or has failed for good, and keep what came of it."""
        entry, begun, attempts = task.entry, time.monotonic(), 0
        while True:
            attempts += 1
            try:
                copied = yield from self._pair.copy(entry, task.known)
            except StorageError as error:
                pause = yield from self._pause(error, entry.key, attempts, begun)
                if pause is None and error.retryable and self._is_stopped():
                    return  # it stays as it is
                if pause is None:
                    task.result = self._failed(entry, error, attempts)
                    return
                yield from self._wait(pause)
            else:
                task.result = replace(copied, attempts=entry.attempts + attempts, changed_at=datetime.now(UTC))
                return

    def _pause(self, error: StorageError, key: str, attempts: int, begun: float) -> Exchange[float | None]:
        """Return for how many seconds to wait before the next try; None: there is none.

        Tries are counted as long as both ends answer; one that does not answer at all is waited for.
        """
        if isinstance(error, _HOPELESS) or not error.retryable or self._is_stopped():
            return None
        options = self._job.options
        if attempts >= options.attempts:
            patient = time.monotonic() - begun < options.patience.total_seconds()
            if not patient or (yield from self._answer(key)):
                return None
        pause: float = min(_FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 10), _LONGEST_PAUSE_S)
        return max(pause, error.retry_after_s or 0.0)

    def _answer(self, key: str) -> Exchange[bool]:
        """Say whether both ends answer a look at *key*; one request each."""
        for end in (self._job.source, self._job.target):
            try:
                yield from on(end, end.storage.operations.exists(key))
            except StorageError as error:
                if error.retryable:
                    return False
        return True

    def _wait(self, seconds: float) -> Exchange[None]:
        """Let time pass, but not after the pass was asked to stop."""
        while seconds > 0 and not self._is_stopped():
            yield Wait(min(seconds, _LOOK_S))
            seconds -= _LOOK_S

    def _failed(self, entry: Entry, error: StorageError, attempts: int) -> Entry:
        if isinstance(error, _HOPELESS):
            self._stopped = self._stopped or clean_text(str(error), MAX_REASON_CHARACTERS)
        state = EntryState.REFUSED if isinstance(error, _UNFIT) else EntryState.FAILED
        return replace(
            entry,
            state=state,
            attempts=entry.attempts + attempts,
            reason=clean_text(str(error), MAX_REASON_CHARACTERS),
            changed_at=datetime.now(UTC),
        )

    def _record(self) -> None:
        """Record what is done, with what goes with it; what another process holds by now is left to that."""
        done, self._done = self._done, []
        self._recorded_at = time.monotonic()
        job = self._job
        mine = [task for task in done if task.result is not None and self._holdings.holds(task.partition)]
        entries = [task.result for task in mine if task.result is not None]
        if entries:
            with job.journal.together():
                recorded = job.follower.commit(job.journal, job.run, entries)
                self._tell(Counter(task.partition for task in mine))
            for before, after in zip(entries, recorded, strict=True):
                self._counts[after.state] += 1
                self._bytes += after.size if after.state in PROVEN else 0
                if before.state in PROVEN and after.state is EntryState.VANISHED:
                    self._take_back(after)
            if job.observer is not None:
                job.observer(recorded)
        for task in done:
            self._holdings.settle(task.partition)

    def _take_back(self, entry: Entry) -> None:
        """Delete the copy of a revision that was removed meanwhile, then record that; else the next pass does."""
        job = self._job
        try:
            if not self._pair.one_place:
                job.target.storage.transport.run(self._pair.delete(entry.key))
        except StorageError as error:
            _log.warning("the copy of the removed %s stays for now: %s", entry.key, error)
        else:
            job.journal.record(job.run, [entry])

    def _tell(self, recorded: Mapping[int, int]) -> None:
        """Tell of each partition that is done when so many entries of it are *recorded*."""
        job = self._job
        for number, entries in recorded.items() if job.tell is not None else ():
            if self._holdings.is_last(number, entries):
                first = number * PARTITION_ENTRIES
                partition = Partition(number=number, first=first, last=first + PARTITION_ENTRIES - 1)
                event = documents_moved(
                    job.run, partition, job.journal.entries(job.run, first=first, last=partition.last)
                )
                if event is not None and job.tell is not None:
                    job.tell(event)

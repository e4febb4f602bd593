"""The monitor: verifies providers again and again, tells when one is in another state, and ends expired direct uploads.

Any number of processes may run one: a check that is due is claimed in the catalogue, so one process does it. Refused
credentials change the status at once; what may pass by itself has to happen several times in a row. docs/adr/0025.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from ..errors import (
    RecordConflictError,
    RecordNotFoundError,
    SettingsError,
    StorageError,
)
from ..lazy import logger
from ..organisations.checks import DueCheck
from ..organisations.records import ProviderRecord, ProviderStatus, now
from ..secrecy.pickling import not_pickled
from ..threads import Threads
from ..values import value
from ..verification import DEFAULT_TIMEOUT_S
from ..verification.verify import try_provider

if TYPE_CHECKING:
    from ..documents.store import DocumentStore
    from ..organisations import Organisations
    from ..verification.reports import VerificationReport

_log = logger(__name__)

INTERVAL: Final = timedelta(hours=1)
"""How often each provider is verified."""

PATIENCE: Final = 3
"""How often in a row a provider is unreachable before it is FAILED."""

# A verification is given up after its timeout; what it then still removes must not race with another process.
_LEASE_MARGIN: Final = timedelta(minutes=1)
_RETRY: Final = timedelta(minutes=1)
# How soon providers that others have added, or checks that others left behind, are noticed.
_LOOK_S: Final = 30.0
_PLANNED_AT_ONCE: Final = 200


@value
class Pace:
    """How much a monitor does."""

    interval: timedelta = INTERVAL
    """Between two verifications of one provider."""
    jitter: float = 0.1
    """Each interval is longer or shorter by up to this share of it, so that checks do not stay bunched."""
    per_minute: int = 60
    """Verifications that one process begins in a minute; about nine requests each."""
    at_once: int = 4
    """Verifications that one process has under way."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    """Seconds that one verification may take."""
    patience: int = PATIENCE
    """How often in a row a provider is unreachable before it is FAILED."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            SettingsError: a number is not positive, or the jitter is no share.
        """
        if self.interval <= timedelta(0) or min(self.per_minute, self.at_once, self.timeout_s, self.patience) <= 0:
            raise SettingsError("the pace of a monitor is positive numbers; a provider is verified once in an interval")
        if not 0 <= self.jitter < 1:
            raise SettingsError(f"a jitter is a share of the interval from 0 to below 1, not {self.jitter}")


@value
class MonitorRound:
    """What one round of a monitor did."""

    verified: int = 0
    """Providers that were verified."""
    changed: int = 0
    """Those whose status changed."""
    unreachable: int = 0
    """Those that could not be reached, and whose status is left for now."""
    skipped: int = 0
    """Those that this process could not verify: it has not their key or their kind, or someone changed them."""
    expired: int = 0
    """Direct uploads that nobody confirmed in time, and that were ended."""


@not_pickled("make one there")
class Monitor:
    """Verifies the providers of all organisations again and again. Thread-safe.

    It looks after providers that are VERIFIED or FAILED; one that is PENDING waits for a person, and what the platform
    manages is verified by the host.
    """

    def __init__(
        self,
        organisations: Organisations,
        pace: Pace | None = None,
        *,
        by: str = "monitor",
        documents: DocumentStore | None = None,
        clock: Callable[[], datetime] = now,
        seed: int | None = None,
    ) -> None:
        """Look after the providers that *organisations* knows; it stays the caller's to close.

        Args:
            organisations: Its hook is told of each change of a status, once, by the process that found it.
            pace: How often, and how much at once.
            by: In whose name.
            documents: Whose direct uploads are ended when they have expired; see ``sweep_direct_uploads``.
            clock: Of all processes it should be about the same: leases are compared with it.
            seed: For the jitter; for tests.
        """
        self._organisations = organisations.acting(by)
        self._documents = documents.acting(by) if documents is not None else None
        self._table = organisations.catalogue.checks
        self._pace = pace if pace is not None else Pace()
        self._clock = clock
        self._owner = secrets.token_hex(8)
        self._random = random.Random(seed)  # noqa: S311 -- for spreading, not for secrets
        self._begun: list[float] = []
        self._lock = threading.Lock()

    def run_once(self, stop: threading.Event | None = None) -> MonitorRound:
        """Verify what is due, as far as the budget goes, end what has expired, and return what was done.

        Credentials whose grace is over are forgotten.

        Raises:
            StorageError: the catalogue does not answer.
        """
        self._plan()
        stop = stop if stop is not None else threading.Event()
        done: list[MonitorRound] = []
        errors: list[BaseException] = []
        threads = Threads(self._pace.at_once, "kazinex-storage-monitor")
        try:
            for job in [threads.submit(partial(self._work, stop, done, errors)) for _ in range(self._pace.at_once)]:
                job.wait()
        except BaseException:  # an interrupt: nothing more is begun
            stop.set()
            raise
        finally:
            threads.close()
        if errors:
            raise errors[0]
        self._organisations.drop_retired_credentials()
        return MonitorRound(
            verified=sum(each.verified for each in done),
            changed=sum(each.changed for each in done),
            unreachable=sum(each.unreachable for each in done),
            skipped=sum(each.skipped for each in done),
            expired=self._end_uploads(),
        )

    def run(self, stop: threading.Event) -> None:
        """Verify what is due until *stop* is set; it ends once the verifications under way have ended.

        A catalogue that does not answer is asked again later.
        """
        while not stop.is_set():
            try:
                self.run_once(stop)
                pause = self._pause_s()
            except StorageError as error:
                _log.warning("the monitor cannot reach the catalogue and tries again: %s", error)
                pause = _LOOK_S
            stop.wait(pause)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run on a thread of its own while the block runs, for programs that serve requests meanwhile."""
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=(stop,), name="kazinex-storage-monitor", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    async def run_async(self) -> None:
        """Run until the task is cancelled; what it does blocks threads of the loop's pool, never the loop."""
        import asyncio

        stop = threading.Event()
        try:
            await asyncio.to_thread(self.run, stop)
        finally:
            stop.set()

    def _end_uploads(self) -> int:
        """End direct uploads that have expired, and return how many; what cannot be removed is left for later."""
        if self._documents is None:
            return 0
        swept = self._documents.sweep_direct_uploads()
        for error in swept.failures:
            _log.warning("what an expired upload brought could not be removed: %s", error)
        return len(swept.expired)

    def _plan(self) -> None:
        """Give each provider that has no check one: an interval after it was last verified, or soon."""
        while found := self._table.unplanned(_PLANNED_AT_ONCE):
            self._table.plan([self._first(record) for record in found])

    def _first(self, record: ProviderRecord) -> DueCheck:
        seen = max(filter(None, (record.last_verified_at, record.failed_at)), default=record.created_at)
        due = max(seen + self._pace.interval, self._clock())
        # Those that are overdue together are spread over an interval, or all would be due together for good.
        spread = self._random.random() * self._pace.jitter * self._pace.interval
        return DueCheck(organisation=record.organisation, provider=record.id, due_at=due + spread)

    def _work(self, stop: threading.Event, done: list[MonitorRound], errors: list[BaseException]) -> None:
        try:
            self._verify_due(stop, done)
        except BaseException as error:  # for the thread that waits
            errors.append(error)

    def _verify_due(self, stop: threading.Event, done: list[MonitorRound]) -> None:
        while not stop.is_set() and self._affords():
            at = self._clock()
            lease = timedelta(seconds=2 * self._pace.timeout_s) + _LEASE_MARGIN
            check = self._table.claim(self._owner, at, at + lease)
            if check is None:
                with self._lock:
                    self._begun.pop()
                break
            done.append(self._verify(check))

    def _affords(self) -> bool:
        """Say whether one more verification may begin in this minute, and count it."""
        with self._lock:
            at = time.monotonic()
            self._begun = [begun for begun in self._begun if begun > at - 60]
            if len(self._begun) >= self._pace.per_minute:
                return False
            self._begun.append(at)
            return True

    def _verify(self, check: DueCheck) -> MonitorRound:
        wait = self._pace.interval * (1 + self._pace.jitter * (2 * self._random.random() - 1))
        failures, done = 0, MonitorRound(skipped=1)
        try:
            record = self._organisations.catalogue.provider(check.organisation, check.provider)
            if record.retired_at is not None:  # verifying writes
                self._table.finish(replace(check, due_at=self._clock() + wait, failures=0))
                return done
            self._organisations.settings(record)  # who has not the key, or not the kind, can say nothing of it
            report, discovered = try_provider(self._organisations, record, timeout_s=self._pace.timeout_s)
            if report.passing and check.failures + 1 < self._pace.patience and record.status is ProviderStatus.VERIFIED:
                failures, wait = check.failures + 1, min(_RETRY, wait)
                done = MonitorRound(verified=1, unreachable=1)
                _log.warning("the provider %s did not answer: %s", record.id, report.failure)
            else:
                done = self._record(record, report, discovered)
        except SettingsError as error:
            _log.warning("the provider %s cannot be verified by this process: %s", check.provider, error)
        except (RecordConflictError, RecordNotFoundError):
            wait = min(_RETRY, wait)  # someone was at it; the next round sees what became of it
        self._table.finish(replace(check, due_at=self._clock() + wait, failures=failures))
        return done

    def _record(
        self, record: ProviderRecord, report: VerificationReport, discovered: Mapping[str, object] | None
    ) -> MonitorRound:
        after = self._organisations.record_verification(
            record, ok=report.ok, error=report.failure, at=report.started_at, discovered=discovered, routine=True
        )
        if after.status is record.status:
            return MonitorRound(verified=1)
        _log.warning(
            "the provider %s (%s) of %s is %s%s",
            after.label,
            after.kind,
            after.organisation,
            after.status.value,
            f": {after.last_error}" if after.last_error else "",
        )
        return MonitorRound(verified=1, changed=1)

    def _pause_s(self) -> float:
        due = self._table.next_due()
        soon = (due - self._clock()).total_seconds() if due is not None else _LOOK_S
        with self._lock:
            full = len(self._begun) >= self._pace.per_minute
            budget = self._begun[0] + 60 - time.monotonic() if full else 0.0
        return max(0.1, budget, min(_LOOK_S, soon))

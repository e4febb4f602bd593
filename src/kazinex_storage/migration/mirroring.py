"""Mirrors: what is written to the source of a run is brought to its target too, as long as that goes on.

The register puts each change of a document into a queue of the journal, in the transaction of the change: no crash of a
mirror or an uploader loses one. The queue is worked off with patience: a target that is down for a day has everything
afterwards. What is removed goes from the target as well, if the run had put it there. The register goes on naming the
source; ``cutting_over.py`` changes that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from ..documents.register import RevisionRecord
from ..errors import InvalidKeyError, NotFoundError, SettingsError, StorageError, clean_text
from ..keys import DocumentKey
from ..lazy import logger
from ..values import value
from .following import RegisterFollower
from .journal import MAX_REASON_CHARACTERS, PROVEN, Count, Entry, EntryState, Pending, Run, RunKind, RunState
from .leasing import advance, never
from .migrations import Migration, finish
from .moving import follow_all
from .options import CopyOptions
from .owners import this_owner
from .planning import plan_run
from .runs import change_run, now
from .telling import run_begun, run_ended
from .working import Job, work

_log = logger(__name__)

Watch: TypeAlias = Callable[[Run], AbstractContextManager[object]]
"""Returns what the work on a run is done in, such as a progress display."""

_BATCH: Final = 64
_LEASE: Final = timedelta(minutes=2)
_EVER: Final = timedelta(days=3650)
"""After it every change is due, and every lease has ended."""
_LOOK_S: Final = 0.2
_FIRST_PAUSE: Final = timedelta(seconds=1)
_OVER: Final = frozenset({RunState.CUT_OVER, RunState.ENDED})
_SETTLED: Final = PROVEN | {EntryState.VANISHED, EntryState.REFUSED, EntryState.RETAINED, EntryState.PRUNED}


@value
class MirrorOptions:
    """How often a mirror looks, and for how long it leaves alone what did not work."""

    interval: timedelta = timedelta(seconds=2)
    """Between two looks at the queue."""
    rescan: timedelta = timedelta(hours=1)
    """Between two listings of the source, for objects that the register knows nothing of."""
    longest_pause: timedelta = timedelta(minutes=5)
    """Each try of a change that did not work comes twice as late as the one before, but no later than that."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: one of them is not positive.
        """
        if min(self.interval, self.rescan, self.longest_pause) <= timedelta(0):
            raise ValueError("a mirror looks again after some time, not at once")


DEFAULTS: Final = MirrorOptions()
"""The queue every two seconds, the source every hour."""


@value
class MirrorReport:
    """What a mirror did, and what it owes."""

    run: Run
    brought: int
    """Changes of the queue that reached the target, removals included."""
    pending: int
    """Those that have not: the next call goes on with them."""
    counts: dict[EntryState, Count]
    """Objects and bytes by state."""

    @property
    def complete(self) -> bool:
        """Whether the target has everything that it can hold."""
        left = (EntryState.PLANNED, EntryState.FAILED)
        return not self.pending and not any(self.counts.get(state, Count()).objects for state in left)

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "run": self.run.id,
            "state": self.run.state.value,
            "complete": self.complete,
            "brought": self.brought,
            "pending": self.pending,
            "counts": {
                state.value: {"objects": count.objects, "bytes": count.bytes} for state, count in self.counts.items()
            },
        }


def mirror(
    migration: Migration,
    *,
    watch: bool = False,
    options: MirrorOptions = DEFAULTS,
    stop: Callable[[], bool] = never,
    display: Watch = lambda _: nullcontext(),
) -> MirrorReport:
    """Bring everything to the target and what changes meanwhile; with *watch*, until *stop* says so or it is cut over.

    Without *watch* it returns when the queue has nothing that is due, so that it can be called again and again. From
    the first call on, changes are queued whether one runs or not, until ``end_mirror`` or a cut-over.

    Raises:
        SettingsError: the run was cut over.
        NotSupportedError: the target cannot create objects without the risk of replacing others.
        StorageError: the source cannot be listed, or the journal does not answer.
    """
    run = migration.begin(RunKind.MIRROR)
    if run.state in _OVER:
        raise SettingsError(f"the mirror {run.id!r} was cut over: nothing goes to the source any more; end it")
    migration.journal.follow(run, on=True)  # before the listing, so that nothing falls between
    if run.state is RunState.PLANNING and migration.tell is not None:
        migration.tell(run_begun(run, migration.journal.counts(run)))
    with display(run):
        return _Mirror(migration, run, options, stop).work(watch=watch)


def end_mirror(migration: Migration) -> Run:
    """Bring nothing to the target any more, and return the run; what is there stays, and what is queued is not done.

    Raises:
        SettingsError: there is no mirror.
        StorageError: the journal does not answer.
    """
    run = mirror_run(migration)
    if run is None:
        raise SettingsError(f"nothing mirrors {migration.source.label!r} on {migration.target.label!r}")
    migration.journal.follow(run, on=False)
    run = change_run(migration.journal, run, state=RunState.ENDED, ended_at=now())
    if migration.tell is not None:
        migration.tell(run_ended(run, migration.journal.counts(run)))
    return run


def mirror_run(migration: Migration) -> Run | None:
    """Return the mirror between the ends of *migration*; None when there is none, or it has ended."""
    return migration.journal.find_run(
        migration.organisation,
        (RunKind.MIRROR,),
        migration.source.provider,
        migration.target.provider,
        migration.project,
    )


def drain(migration: Migration, run: Run, *, stop: Callable[[], bool] = never) -> int:
    """Try every change in the queue of the mirror *run* once, due or not, and return how many are left.

    Raises:
        StorageError: the journal does not answer.
    """
    _Mirror(migration, run, DEFAULTS, stop).drain_all()
    return migration.journal.count_pending(run)


def mirror_job(migration: Migration, run: Run) -> Job:
    """Return what one process works on: as for a copy, but the register goes on naming the source."""
    follower = RegisterFollower(migration.resolver.revisions, run.organisation, run.source, run.target, moves=False)
    return replace(migration.job(run), follower=follower)


class _Mirror:
    """One call of ``mirror``."""

    def __init__(self, migration: Migration, run: Run, options: MirrorOptions, stop: Callable[[], bool]) -> None:
        self._migration, self._run, self._options, self._stop = migration, run, options, stop
        self._journal = migration.journal
        self._owner = this_owner()
        self._brought = 0
        self._failures = 0

    def work(self, *, watch: bool) -> MirrorReport:
        """Copy what is there, work off the queue, and go on if that was asked for."""
        copied_at = self._copy()
        self.drain()
        while watch and not self._is_over():
            if time.monotonic() - copied_at >= self._pause_s():
                copied_at = self._copy()
            self.drain()
            self._wait()
        run = self._journal.run(self._run.organisation, self._run.id) or self._run
        if run.state is RunState.CUT_OVER:  # what was under way meanwhile is on the target too
            follow_all(self._migration, run)
        return MirrorReport(
            run=run,
            brought=self._brought,
            pending=self._journal.count_pending(self._run),
            counts=dict(self._journal.counts(self._run)),
        )

    def _copy(self) -> float:
        """List the source, copy what is new or failed before, and return when it was done."""
        migration, journal, run = self._migration, self._journal, self._run
        try:
            plan_run(journal, run, migration.source, migration.target, prefix=migration.prefix, stop=self._stop)
            journal.reopen(run, (EntryState.FAILED,))
            stopped = finish(mirror_job(migration, run), self._stop)
        except StorageError as error:
            if not error.retryable:
                raise
            _log.warning("the mirror %s could not list its source: %s", run.id, error)
            stopped = str(error)
        counts = journal.counts(run)
        left = sum(counts.get(state, Count()).objects for state in (EntryState.PLANNED, EntryState.FAILED))
        self._failures = self._failures + 1 if left or stopped is not None else 0
        if not left:
            self._run = advance(journal, run, _done)
        return time.monotonic()

    def _pause_s(self) -> float:
        """Return how long to leave the source alone: shorter while something of it is not on the target."""
        if not self._failures:
            return self._options.rescan.total_seconds()
        return min(_backed_off(self._failures, self._options), self._options.rescan).total_seconds()

    def drain(self) -> None:
        """Work off what is due."""
        while not self._stop():
            at = now()
            due = self._journal.claim_pending(self._run, self._owner, now=at, until=at + _LEASE, limit=_BATCH)
            if not due:
                return
            self._bring(due)

    def drain_all(self) -> None:
        """Try everything once, also what was put off, or is held by a mirror that goes on meanwhile."""
        tried = set[str]()
        while not self._stop():
            at = now()
            limit = len(tried) + _BATCH  # what was put off again comes again
            found = self._journal.claim_pending(self._run, self._owner, now=at + _EVER, until=at + _LEASE, limit=limit)
            fresh = [pending for pending in found if pending.token not in tried][:_BATCH]
            if not fresh:
                return
            tried.update(pending.token for pending in fresh)
            self._bring(fresh)

    def _bring(self, due: Sequence[Pending]) -> None:
        """Bring one batch of changes to the target; what does not work is kept for later."""
        wanted = {pending.key: self._wanted(pending) for pending in due}
        known = self._journal.known(self._run, list(wanted))
        new = [entry for key, entry in wanted.items() if entry is not None and key not in known]
        self._journal.add_entries(self._run, new)
        again = [found for key, found in known.items() if wanted[key] is not None and found.state not in PROVEN]
        self._journal.record(self._run, [replace(entry, state=EntryState.PLANNED) for entry in again])
        if new or again:
            work(self._job(), self._stop)
        known = self._journal.known(self._run, list(wanted))
        for pending in due:
            entry = known.get(pending.key)
            reason = self._taken_away(entry) if wanted[pending.key] is None else _why_not(entry)
            if reason is None:
                self._journal.settle_pending(self._run, pending)
                self._brought += 1
            else:
                self._postpone(pending, reason)

    def _job(self) -> Job:
        """Return the work on a batch: who does not answer is asked again by the queue, and not waited for here."""
        options = CopyOptions.from_dict(self._run.options)
        hasty = replace(options, attempts=2, patience=timedelta(seconds=1))
        return replace(mirror_job(self._migration, self._run), options=hasty, owner=self._owner)

    def _wanted(self, pending: Pending) -> Entry | None:
        """Return the entry of what the target is to have under a key; None where it is to have nothing of it.

        The register is asked, since a change says that something happened and not what is there now.
        """
        record = self._record(pending.key)
        if record is None or record.removal is not None or not self._covers(pending.key):
            return None
        return Entry(number=0, key=pending.key, size=record.size or 0)

    def _record(self, key: str) -> RevisionRecord | None:
        try:
            document = DocumentKey.parse(f"{self._run.organisation}/{key}")
        except InvalidKeyError:
            return None
        record = self._migration.resolver.revisions.revision(document)
        return record if record is not None and record.document == document else None

    def _covers(self, key: str) -> bool:
        return key.startswith(self._migration.prefix)

    def _taken_away(self, entry: Entry | None) -> str | None:
        """Delete from the target what the run had put there; return why that did not work."""
        if entry is None or entry.state not in PROVEN:
            return None
        storage, reason = self._migration.target.storage, "its revision was removed"
        try:
            if entry.target_etag not in (None, storage.head(entry.key).etag):
                reason = "its revision was removed; the target has another object there, which was left as it is"
            else:
                storage.delete(entry.key)
        except NotFoundError:
            pass
        except StorageError as error:
            return str(error)
        gone = replace(entry, state=EntryState.VANISHED, target_etag=None, reason=reason, changed_at=now())
        self._journal.record(self._run, [gone])
        return None

    def _postpone(self, pending: Pending, reason: str) -> None:
        attempts = pending.attempts + 1
        later = now() + _backed_off(attempts, self._options)
        kept = replace(pending, attempts=attempts, due_at=later, reason=clean_text(reason, MAX_REASON_CHARACTERS))
        self._journal.postpone_pending(self._run, kept)

    def _is_over(self) -> bool:
        if self._stop():
            return True
        kept = self._journal.run(self._run.organisation, self._run.id)
        return kept is None or kept.state in _OVER

    def _wait(self) -> None:
        end = time.monotonic() + self._options.interval.total_seconds()
        while (left := end - time.monotonic()) > 0 and not self._stop():
            threading.Event().wait(min(left, _LOOK_S))


def _done(run: Run) -> Run:
    """Return *run* as done, unless a cut-over has gone further."""
    if run.state in (RunState.PLANNING, RunState.PLANNED, RunState.RUNNING):
        return replace(run, state=RunState.DONE, ended_at=now())
    return run


def _why_not(entry: Entry | None) -> str | None:
    """Return why an object is not on the target; None when it is, or cannot be."""
    if entry is not None and entry.state in _SETTLED:
        return None
    return (entry.reason if entry is not None else None) or "it was not copied yet"


def _backed_off(attempts: int, options: MirrorOptions) -> timedelta:
    return min(_FIRST_PAUSE * (1 << min(attempts - 1, 30)), options.longest_pause)

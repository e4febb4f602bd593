"""A journal that lives as long as the object: for a catalogue in memory, and for copies that nobody resumes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from ..documents.register import RevisionRecord, new_token, source_change
from ..errors import RecordConflictError, RecordNotFoundError
from ..secrecy.pickling import not_pickled
from . import tallies
from .journal import Count, Entry, EntryState, Partition, Pending, Run, RunKind, RunState
from .owners import is_gone

_Held = tuple[str, datetime]


class _Kept:
    """One run, and all that is known of it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.entries: list[Entry] = []
        self.numbers: dict[str, int] = {}
        self.tallies: list[tallies.Tally] = []
        self.held: dict[int, _Held] = {}
        self.followed = False
        self.pending: dict[str, tuple[Pending, _Held | None]] = {}


@not_pickled("let the other process open a journal that lasts")
class MemoryJournal:
    """A ``Journal`` for one process. Thread-safe; its methods raise what those of ``Journal`` do."""

    def __init__(self, together: Callable[[], AbstractContextManager[object]] | None = None) -> None:
        """Take what makes several changes of a catalogue one; alone, this journal lets no other thread in meanwhile."""
        self._lock = threading.RLock()
        self._together = together
        self._runs: dict[tuple[str, str], _Kept] = {}

    def together(self) -> AbstractContextManager[object]:
        """Let no other thread change anything meanwhile. Nothing is undone."""
        return self._lock if self._together is None else self._together()

    def add_run(self, run: Run) -> Run:
        """Keep a new run.

        Raises:
            RecordConflictError: there is one of that id.
        """
        with self._lock:
            if (run.organisation, run.id) in self._runs:
                raise RecordConflictError(f"there is a run {run.id!r} already; give the new one another id")
            run = _own(replace(run, version=1))
            self._runs[run.organisation, run.id] = _Kept(run)
            return _own(run)

    def run(self, organisation: str, run: str) -> Run | None:
        """Return the run of that id."""
        with self._lock:
            kept = self._runs.get((organisation, run))
            return None if kept is None else _own(kept.run)

    def runs(self, organisation: str, *, limit: int = 100) -> Sequence[Run]:
        """Return the latest runs, the newest first."""
        with self._lock:
            return [_own(run) for run in self._newest(organisation)[:limit]]

    def find_run(
        self, organisation: str, kinds: Iterable[RunKind], source: str, target: str, project: str | None
    ) -> Run | None:
        """Return the newest run of one of *kinds* between the two that has not ENDED."""
        wanted, place = frozenset(kinds), (source, target, project)
        with self._lock:
            for run in self._newest(organisation):
                here = (run.source, run.target, run.project) == place
                if here and run.kind in wanted and run.state is not RunState.ENDED:
                    return _own(run)
        return None

    def replace_run(self, run: Run) -> Run:
        """Put *run* in the place of the version it was made from.

        Raises:
            RecordConflictError: another version is kept.
        """
        with self._lock:
            kept = self._runs.get((run.organisation, run.id))
            if kept is None or kept.run.version != run.version:
                raise RecordConflictError(f"the run {run.id!r} has changed meanwhile; read it again")
            kept.run = _own(replace(run, version=run.version + 1))
            return _own(kept.run)

    def drop_run(self, organisation: str, run: str) -> None:
        """Forget a run with its entries."""
        with self._lock:
            self._runs.pop((organisation, run), None)

    def add_entries(self, run: Run, entries: Iterable[Entry]) -> int:
        """Keep new entries."""
        added = 0
        for entry in entries:  # which may come from a service, so nobody waits for them
            with self._lock:
                kept = self._kept(run)
                number = len(kept.entries)
                if kept.numbers.setdefault(entry.key, number) != number:
                    continue
                kept.entries.append(replace(entry, number=number))
                if tallies.partition_of(number) == len(kept.tallies):
                    kept.tallies.append({})
                tallies.add(kept.tallies[-1], entry.state.value, entry.size)
                added += 1
        return added

    def known(self, run: Run, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Return the entries of those of *keys* that the run knows."""
        with self._lock:
            kept = self._found(run)
            return {key: kept.entries[kept.numbers[key]] for key in keys if key in kept.numbers}

    def entries(
        self,
        run: Run,
        *,
        first: int = 0,
        last: int | None = None,
        states: Iterable[EntryState] | None = None,
        limit: int = 1000,
    ) -> Sequence[Entry]:
        """Return up to *limit* entries with numbers from *first* to *last*, in order."""
        wanted = None if states is None else frozenset(states)
        found = list[Entry]()
        with self._lock:
            kept = self._found(run).entries
            for number in range(max(first, 0), len(kept) if last is None else min(last + 1, len(kept))):
                if len(found) == limit:
                    break
                if wanted is None or kept[number].state in wanted:
                    found.append(kept[number])
        return found

    def record(self, run: Run, entries: Sequence[Entry]) -> None:
        """Put each of *entries* in the place of the one with its number.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._lock:
            kept = self._kept(run)
            for entry in entries:
                if not 0 <= entry.number < len(kept.entries):
                    raise RecordNotFoundError(f"the run {run.id!r} has no entry {entry.number}", key=entry.key)
            for entry in entries:
                before = kept.entries[entry.number]
                kept.entries[entry.number] = replace(entry, key=before.key)
                tally = kept.tallies[tallies.partition_of(entry.number)]
                tallies.add(tally, before.state.value, -before.size, objects=-1)
                tallies.add(tally, entry.state.value, entry.size)

    def counts(self, run: Run) -> Mapping[EntryState, Count]:
        """Return how many entries are in each state."""
        with self._lock:
            return tallies.counted(self._found(run).tallies)

    def reopen(self, run: Run, states: Iterable[EntryState]) -> int:
        """Make all entries in one of *states* PLANNED again."""
        wanted = frozenset(states) - {EntryState.PLANNED}
        with self._lock:
            kept = self._kept(run)
            for number, entry in enumerate(kept.entries):
                if entry.state in wanted:
                    kept.entries[number] = replace(entry, state=EntryState.PLANNED)
            return sum(tallies.reopened(tally, tallies.values(wanted)) for tally in kept.tallies)

    def claim(self, run: Run, owner: str, *, now: datetime, until: datetime) -> Partition | None:
        """Lease the first open partition that nobody holds."""
        with self._lock:
            kept = self._found(run)
            for number, tally in enumerate(kept.tallies):
                if tallies.is_open(tally) and _free(kept.held.get(number), now):
                    kept.held[number] = (owner, until)
                    return tallies.partition(number, len(kept.entries))
        return None

    def renew(self, run: Run, partition: int, owner: str, *, until: datetime) -> bool:
        """Extend a lease."""
        with self._lock:
            kept = self._found(run)
            mine = kept.held.get(partition, ("", until))[0] == owner
            if mine:
                kept.held[partition] = (owner, until)
            return mine

    def release(self, run: Run, partition: int, owner: str) -> None:
        """Give a lease back."""
        with self._lock:
            kept = self._found(run)
            if partition in kept.held and kept.held[partition][0] == owner:
                del kept.held[partition]

    def open_partitions(self, run: Run) -> Sequence[int]:
        """Return the numbers of the partitions that are open."""
        with self._lock:
            return [number for number, tally in enumerate(self._found(run).tallies) if tallies.is_open(tally)]

    def next_lease_end(self, run: Run) -> datetime | None:
        """Return when the first lease on an open partition ends."""
        with self._lock:
            kept = self._found(run)
            held = [until for number, (_, until) in kept.held.items() if tallies.is_open(kept.tallies[number])]
            return min(held, default=None)

    def follow(self, run: Run, *, on: bool) -> None:
        """From now on (or no longer), remember each change of a document on the source."""
        with self._lock:
            self._kept(run).followed = on

    def changed(self, before: RevisionRecord | None, after: RevisionRecord | None) -> None:
        """Remember what the register of the same catalogue changes, for each run that follows."""
        change = source_change(before, after)
        if change is None:
            return
        with self._lock:
            for kept in self._runs.values():
                run = kept.run
                if kept.followed and (run.organisation, run.source) == (change.organisation, change.provider):
                    pending = Pending(key=change.key, removed=change.removed, token=new_token(), due_at=change.at)
                    kept.pending[pending.token] = (pending, None)

    def claim_pending(self, run: Run, owner: str, *, now: datetime, until: datetime, limit: int) -> Sequence[Pending]:
        """Lease up to *limit* changes that are due."""
        with self._lock:
            pending = self._found(run).pending
            due = [one for one, held in pending.values() if one.due_at <= now and _free(held, now)]
            due = sorted(due, key=lambda one: (one.due_at, one.token))[:limit]
            for one in due:
                pending[one.token] = (one, (owner, until))
            return due

    def settle_pending(self, run: Run, pending: Pending) -> None:
        """Forget a change."""
        with self._lock:
            self._found(run).pending.pop(pending.token, None)

    def postpone_pending(self, run: Run, pending: Pending) -> None:
        """Keep a change for later."""
        with self._lock:
            kept = self._found(run).pending
            if pending.token in kept:
                kept[pending.token] = (pending, None)

    def count_pending(self, run: Run) -> int:
        """Return how many changes have not reached the target."""
        with self._lock:
            return len(self._found(run).pending)

    def _kept(self, run: Run) -> _Kept:
        kept = self._runs.get((run.organisation, run.id))
        if kept is None:
            raise unknown_run(run)
        return kept

    def _found(self, run: Run) -> _Kept:
        return self._runs.get((run.organisation, run.id)) or _Kept(run)

    def _newest(self, organisation: str) -> list[Run]:
        found = [kept.run for (owner, _), kept in self._runs.items() if owner == organisation]
        return sorted(found, key=lambda run: (run.begun_at, run.id), reverse=True)


def unknown_run(run: Run) -> RecordNotFoundError:
    """Return the error for a run that is not kept."""
    return RecordNotFoundError(f"the journal has no run {run.id!r} of that organisation; it may have been dropped")


def _own(run: Run) -> Run:
    return replace(run, options=deepcopy(dict(run.options)), facts=deepcopy(dict(run.facts)))


def _free(held: _Held | None, now: datetime) -> bool:
    return held is None or held[1] <= now or is_gone(held[0])

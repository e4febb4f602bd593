"""The journal of runs in the database of a catalogue, or in a SQLite file of its own.

Each call is one transaction, or part of the one of ``together``; only long ones (adding, reopening and dropping many
entries) are several, each of which leaves the journal right. ``migration/journal.py`` says what the calls mean,
``journal_runs.py``, ``journal_entries.py`` and ``journal_leases.py`` have the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..migration import tallies
from ..migration.journal import Count, Entry, EntryState, Partition, Pending, Run, RunKind
from ..secrecy.pickling import not_pickled
from . import journal_entries, journal_leases, journal_runs
from .database import Database
from .schema import prepare

# Some 50 ms, which another process waits for, and what an interrupted call has not kept.
_ADDED: Final = 2000
_RECORDED: Final = 500
_REOPENED: Final = 32


@not_pickled("let the other process open the catalogue, or the file of the journal")
class SqlJournal:
    """A ``Journal`` in SQL. Thread-safe and fork-safe, for any number of processes.

    Its methods raise what those of ``Journal`` do, and StorageError when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        """Use the tables of *database*; who opened it closes it."""
        self._database = database

    def __enter__(self) -> Self:
        """Return the journal, which is closed after the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal."""
        self.close()

    def close(self) -> None:
        """Close idle connections; using the journal, or its catalogue, again opens new ones."""
        self._database.close()

    def together(self) -> AbstractContextManager[object]:
        """Make all changes of this thread in the block one transaction, undone as a whole when the block raises."""
        return self._database.together()

    def add_run(self, run: Run) -> Run:
        """Keep a new run."""
        with self._database.changing() as connection:
            return journal_runs.add_run(connection, run)

    def run(self, organisation: str, run: str) -> Run | None:
        """Return the run of that id. One query by primary key."""
        with self._database.reading() as connection:
            return journal_runs.find_run(connection, organisation, run)

    def runs(self, organisation: str, *, limit: int = 100) -> Sequence[Run]:
        """Return the latest runs, the newest first."""
        with self._database.reading() as connection:
            return journal_runs.newest_runs(connection, organisation, limit)

    def find_run(
        self, organisation: str, kinds: Iterable[RunKind], source: str, target: str, project: str | None
    ) -> Run | None:
        """Return the newest run of one of *kinds* between the two that has not ENDED."""
        with self._database.reading() as connection:
            return journal_runs.open_run(connection, organisation, kinds, (source, target, project))

    def replace_run(self, run: Run) -> Run:
        """Put *run* in the place of the version it was made from."""
        with self._database.changing() as connection:
            return journal_runs.replace_run(connection, run)

    def drop_run(self, organisation: str, run: str) -> None:
        """Forget a run with its entries, some 10,000 of them in each transaction and the run in the last."""
        gone = False
        while not gone:
            with self._database.changing() as connection:
                gone = journal_runs.drop_some(connection, organisation, run)

    def add_entries(self, run: Run, entries: Iterable[Entry]) -> int:
        """Keep new entries, 2,000 in each transaction; what was not kept when the process ends is added by a repeat."""
        added, rest = 0, iter(entries)
        while batch := list(islice(rest, _ADDED)):  # which may come from a service: no lock is held meanwhile
            with self._database.changing() as connection:
                added += journal_entries.add_entries(connection, run, batch)
        return added

    def known(self, run: Run, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Return the entries of those of *keys* that the run knows."""
        with self._database.reading() as connection:
            return journal_entries.known(connection, run, keys)

    def entries(
        self,
        run: Run,
        *,
        first: int = 0,
        last: int | None = None,
        states: Iterable[EntryState] | None = None,
        limit: int = 1000,
    ) -> Sequence[Entry]:
        """Return up to *limit* entries; partitions without one of *states* are passed over."""
        with self._database.reading() as connection:
            return journal_entries.entries_of(connection, run, (first, last), states, limit)

    def record(self, run: Run, entries: Sequence[Entry]) -> None:
        """Put each of *entries* in the place of the one with its number."""
        with self._database.changing() as connection:
            for start in range(0, len(entries), _RECORDED):
                journal_entries.record(connection, run, entries[start : start + _RECORDED])

    def counts(self, run: Run) -> Mapping[EntryState, Count]:
        """Return how many entries are in each state. One query, of a row for each partition."""
        with self._database.reading() as connection:
            return tallies.counted(journal_entries.sums_of(connection, run))

    def reopen(self, run: Run, states: Iterable[EntryState]) -> int:
        """Make all entries in one of *states* PLANNED again, some 8,000 in each transaction."""
        wanted = tallies.values(states) - {EntryState.PLANNED.value}
        with self._database.reading() as connection:
            partitions = journal_entries.partitions_with(connection, run, wanted)
        objects = 0
        for start in range(0, len(partitions), _REOPENED):
            with self._database.changing() as connection:
                some = partitions[start : start + _REOPENED]
                objects += journal_entries.reopen(connection, run, some, wanted)
        return objects

    def claim(self, run: Run, owner: str, *, now: datetime, until: datetime) -> Partition | None:
        """Lease the first open partition that nobody holds, then the first of a process that is gone."""
        with self._database.changing() as connection:
            return journal_leases.claim(connection, run, owner, now, until)

    def renew(self, run: Run, partition: int, owner: str, *, until: datetime) -> bool:
        """Extend a lease."""
        with self._database.changing() as connection:
            return journal_leases.renew(connection, run, partition, owner, until)

    def release(self, run: Run, partition: int, owner: str) -> None:
        """Give a lease back."""
        with self._database.changing() as connection:
            journal_leases.release(connection, run, partition, owner)

    def open_partitions(self, run: Run) -> Sequence[int]:
        """Return the numbers of the partitions that are open."""
        with self._database.reading() as connection:
            return journal_leases.open_partitions(connection, run)

    def next_lease_end(self, run: Run) -> datetime | None:
        """Return when the first lease on an open partition ends."""
        with self._database.reading() as connection:
            return journal_leases.next_lease_end(connection, run)

    def follow(self, run: Run, *, on: bool) -> None:
        """From now on (or no longer), remember each change of a document on the source."""
        with self._database.changing() as connection:
            journal_runs.follow(connection, run, on=on)

    def claim_pending(self, run: Run, owner: str, *, now: datetime, until: datetime, limit: int) -> Sequence[Pending]:
        """Lease up to *limit* changes that are due."""
        with self._database.changing() as connection:
            return journal_leases.claim_pending(connection, run, owner, (now, until), limit)

    def settle_pending(self, run: Run, pending: Pending) -> None:
        """Forget a change that has reached the target."""
        with self._database.changing() as connection:
            journal_leases.settle_pending(connection, run, pending)

    def postpone_pending(self, run: Run, pending: Pending) -> None:
        """Keep a change for later."""
        with self._database.changing() as connection:
            journal_leases.postpone_pending(connection, run, pending)

    def count_pending(self, run: Run) -> int:
        """Return how many changes have not reached the target."""
        with self._database.reading() as connection:
            return journal_leases.count_pending(connection, run)


def open_journal(path: str | Path) -> SqlJournal:
    """Open the journal in the SQLite file *path*, which is made when it is missing; close it when you are done.

    It is for copies between storages that no catalogue knows; their runs may have an empty organisation.

    Raises:
        SettingsError: the file cannot be used, or holds the layout of another release.
        StorageError: its disk fails.
    """
    database = Database(Path(path))
    try:
        prepare(database)
    except BaseException:
        database.close()
        raise
    return SqlJournal(database)

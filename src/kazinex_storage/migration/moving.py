"""Has the register name the target for what is there already: after a mirror or a roll-back, which leave it alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .journal import PARTITION_ENTRIES, PROVEN, Entry, EntryState, Journal, Partition, Run
from .telling import documents_moved

if TYPE_CHECKING:
    from .migrate import Migration


def follow_all(migration: Migration, run: Run) -> None:
    """Have the register name the target for all that is proven there: after a mirror, which leaves the records alone.

    Raises:
        StorageError: the catalogue or the target does not answer.
    """
    journal, follower = migration.journal, migration.follower
    for entries in entries_in(journal, run, PROVEN):
        number = entries[0].number // PARTITION_ENTRIES
        partition = Partition(number=number, first=entries[0].number, last=entries[-1].number)
        with journal.together():
            recorded = follower.commit(journal, run, entries)
            event = documents_moved(run, partition, recorded)
            if event is not None:
                migration.resolver.emit(event)
        for entry in recorded:
            if entry.state is EntryState.VANISHED:
                migration.target.storage.delete(entry.key)
                journal.record(run, [entry])


def entries_in(journal: Journal, run: Run, states: Iterable[EntryState]) -> Iterator[Sequence[Entry]]:
    """Yield the entries in one of *states*, in pages of a partition's size.

    Raises:
        StorageError: the journal does not answer.
    """
    first, wanted = 0, frozenset(states)
    while page := journal.entries(run, first=first, states=wanted, limit=PARTITION_ENTRIES):
        first = page[-1].number + 1
        yield page

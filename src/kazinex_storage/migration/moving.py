"""Has the register name the target for what is there already, and that nothing has told it of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..documents.register import prepare_register
from .journal import PARTITION_ENTRIES, PROVEN, Entry, EntryState, Journal, Partition, Run
from .telling import documents_moved

if TYPE_CHECKING:
    from ..documents.listing import RevisionListing
    from .migrations import Migration


def follow_all(migration: Migration, run: Run) -> None:
    """Have the register name the target for all that is proven there and that it still has on the source.

    A mirror leaves the records alone, and an object that is copied before its upload is recorded has none to move yet.
    It reads the records of the organisation, some hundred a millisecond, and changes those alone that are left.

    Raises:
        StorageError: the catalogue or the target does not answer.
    """
    journal, follower = migration.journal, migration.follower
    listing: RevisionListing | None = getattr(migration.resolver.organisations.catalogue, "listing", None)
    pages = entries_in(journal, run, PROVEN) if listing is None else _left_on_source(listing, journal, run)
    for entries in pages:
        if not entries:
            continue
        number = entries[0].number // PARTITION_ENTRIES
        partition = Partition(number=number, first=entries[0].number, last=entries[-1].number)
        prepare_register(migration.resolver.revisions, run.organisation)
        with journal.together():
            recorded = follower.commit(journal, run, entries)
            event = documents_moved(run, partition, recorded)
            if event is not None:
                migration.resolver.emit(event)
        for entry in recorded:
            if entry.state is EntryState.VANISHED:
                migration.target.storage.delete(entry.key)


def _left_on_source(listing: RevisionListing, journal: Journal, run: Run) -> Iterator[Sequence[Entry]]:
    """Yield what the register has on the source and the journal on the target, in pages that may be empty."""
    after = None
    while page := listing.records(run.organisation, project=run.project, after=after):
        after = page[-1].document
        keys = [
            record.document.build().removeprefix(f"{run.organisation}/")
            for record in page
            if record.provider == run.source and record.removal is None
        ]
        found = [entry for entry in journal.known(run, keys).values() if entry.state in PROVEN] if keys else []
        yield sorted(found, key=lambda entry: entry.number)


def entries_in(journal: Journal, run: Run, states: Iterable[EntryState]) -> Iterator[Sequence[Entry]]:
    """Yield the entries in one of *states*, in pages of a partition's size.

    Raises:
        StorageError: the journal does not answer.
    """
    first, wanted = 0, frozenset(states)
    while page := journal.entries(run, first=first, states=wanted, limit=PARTITION_ENTRIES):
        first = page[-1].number + 1
        yield page

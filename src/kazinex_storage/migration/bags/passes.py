"""Working through a run: the partitions that this process holds, what became of their entries, and the run itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Final, TypeVar

from ...documents.events import Event
from ...documents.quotas import utc_now
from ...organisations.resolver import Resolver
from ..journal import Count, Entry, EntryState, Journal, Partition, Run
from ..leasing import Leased, advance, partitions
from ..owners import this_owner
from .options import SMALL_BYTES

T = TypeVar("T")

# What is lost when a process dies: some seconds of small objects.
RECORD_ENTRIES: Final = 64
"""Entries that are written to the journal together."""


class Portion:
    """The entries of a partition that this process holds."""

    def __init__(self, journal: Journal, run: Run, leased: Leased) -> None:
        self._journal = journal
        self._run = run
        self._leased = leased

    @property
    def partition(self) -> Partition:
        """Which one it is."""
        return self._leased.partition

    @property
    def lost(self) -> bool:
        """Whether another process has it by now, so that nothing more is to be written."""
        return self._leased.lost

    def entries(self) -> list[Entry]:
        """Return its entries as they are."""
        return list(self._journal.entries(self._run, first=self.partition.first, last=self.partition.last))

    def record(self, entries: list[Entry]) -> None:
        """Write what became of *entries*, unless another process has the partition; the list is emptied."""
        if entries and not self.lost:
            self._journal.record(self._run, entries)
        entries.clear()


def work_through(journal: Journal, run: Run, work: Callable[[Portion], None]) -> None:
    """Have *work* do every open partition of *run* that nobody else does; return when none is open.

    Raises:
        Exception: what *work* raises; its partition is given back.
    """
    with closing(partitions(journal, run, this_owner())) as found:
        for leased in found:
            work(Portion(journal, run, leased))


def keep_and_tell(
    resolver: Resolver,
    journal: Journal,
    run: Run,
    change: Callable[[Run], Run],
    tell: Callable[[Run, Mapping[EntryState, Count]], Event],
) -> Run:
    """Make *change* to the kept run, and tell of it in the same transaction.

    Raises:
        RecordConflictError: others change it all the time.
    """
    with journal.together():
        kept = advance(journal, run, change)
        resolver.emit(tell(kept, journal.counts(kept)))
    return kept


def with_facts(facts: Mapping[str, object]) -> Callable[[Run], Run]:
    """Return the change that adds *facts* to a run, for ``advance``."""
    return lambda run: replace(run, facts={**run.facts, **facts})


def is_due(entries: Sequence[Entry]) -> bool:
    """Say whether *entries* are to be written to the journal: enough of them, or a large one, to be done once only."""
    return len(entries) >= RECORD_ENTRIES or any(entry.size > SMALL_BYTES for entry in entries[-1:])


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield *items* in lists of *size*."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def ended(entry: Entry, state: EntryState, reason: str | None = None, sha256: str | None = None) -> Entry:
    """Return *entry* as it is after it was tried once more."""
    return replace(
        entry,
        state=state,
        sha256=sha256 if sha256 is not None else entry.sha256,
        attempts=entry.attempts + 1,
        reason=reason,
        changed_at=utc_now(),
    )

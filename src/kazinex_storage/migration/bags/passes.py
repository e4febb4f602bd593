"""Working through the partitions of a run under leases that are renewed meanwhile. For any number of processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Final, TypeVar

from ...documents.events import Event
from ...documents.quotas import utc_now
from ...errors import RecordConflictError, StorageError
from ...lazy import logger
from ...organisations.resolver import Resolver
from ..journal import Count, Entry, EntryState, Journal, Partition, Run
from ..owners import this_owner

_log = logger(__name__)

T = TypeVar("T")

LEASE: Final = timedelta(seconds=30)
"""How long a partition stays with a process that does not say that it still works on it."""

# What is lost when a process dies: some seconds of small objects.
RECORD_ENTRIES: Final = 64
"""Entries that are written to the journal together."""

_OTHERS_S: Final = 0.5
_TRIES: Final = 10


class Leased:
    """A partition that this process holds."""

    def __init__(self, journal: Journal, run: Run, partition: Partition, owner: str) -> None:
        self._journal = journal
        self._run = run
        self._owner = owner
        self.partition = partition
        """Its entries."""
        self.lost = False
        """Whether another process has it by now, so that nothing more is to be recorded."""

    def entries(self) -> list[Entry]:
        """Return its entries as they are."""
        partition = self.partition
        return list(self._journal.entries(self._run, first=partition.first, last=partition.last))

    def record(self, entries: list[Entry]) -> None:
        """Write what became of *entries*, unless another process has the partition; the list is emptied."""
        if entries and not self.lost:
            self._journal.record(self._run, entries)
        entries.clear()

    def renew(self) -> None:
        """Hold it on."""
        if not self._journal.renew(self._run, self.partition.number, self._owner, until=utc_now() + LEASE):
            self.lost = True


def work_through(journal: Journal, run: Run, work: Callable[[Leased], None]) -> None:
    """Have *work* do every open partition of *run* that nobody else does; return when none is open.

    Raises:
        Exception: what *work* raises; its partition is given back.
    """
    owner, others = this_owner(), threading.Event()
    while True:
        now = utc_now()
        partition = journal.claim(run, owner, now=now, until=now + LEASE)
        if partition is None:
            if not journal.open_partitions(run):
                return
            others.wait(_OTHERS_S)
            continue
        try:
            with _renewed(Leased(journal, run, partition, owner)) as leased:
                work(leased)
        finally:
            journal.release(run, partition.number, owner)


def keep(journal: Journal, run: Run) -> Run:
    """Keep *run* as it is now, whatever another process that works on it has kept meanwhile; both keep the same.

    Raises:
        RecordConflictError: others change it all the time.
    """
    for _ in range(_TRIES):
        try:
            return journal.replace_run(run)
        except RecordConflictError:
            kept = journal.run(run.organisation, run.id)
            if kept is None:
                raise
            run = replace(run, version=kept.version)
    return journal.replace_run(run)


def keep_and_tell(
    resolver: Resolver, journal: Journal, run: Run, tell: Callable[[Run, Mapping[EntryState, Count]], Event]
) -> Run:
    """Keep *run* as it is now, and tell of it in the same transaction.

    Raises:
        RecordConflictError: others change it all the time.
    """
    with journal.together():
        kept = keep(journal, run)
        resolver.emit(tell(kept, journal.counts(kept)))
    return kept


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield *items* in lists of *size*."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def ended(entry: Entry, state: EntryState, reason: str | None = None, sha256: str | None = None) -> Entry:
    """Return *entry* as it is after it was tried once more."""
    return Entry(
        number=entry.number,
        key=entry.key,
        size=entry.size,
        etag=entry.etag,
        last_modified=entry.last_modified,
        state=state,
        sha256=sha256 if sha256 is not None else entry.sha256,
        target_etag=entry.target_etag,
        attempts=entry.attempts + 1,
        reason=reason,
        changed_at=utc_now(),
    )


@contextmanager
def _renewed(leased: Leased) -> Iterator[Leased]:
    """Renew the lease from another thread for as long as the block runs."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 3):
            try:
                leased.renew()
            except StorageError as error:
                _log.warning("the lease of a partition could not be renewed: %s", error)

    thread = threading.Thread(target=renew, name="kazinex-lease", daemon=True)
    thread.start()
    try:
        yield leased
    finally:
        done.set()
        thread.join()

"""The journal of runs: what each run moves, compares or packs, object by object, and how far it is.

A run is planned before anything moves: one entry for each object. Entries are cut into partitions; who works on one
holds a lease on it, so that any number of processes work on one run, and what a killed one held is taken up by another
when its lease ends. A catalogue of organisations keeps a journal (``Catalogue.journal``), in the same database as the
register of revisions: the entry of a document and the record of where it lies change in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from ..values import value

# A partition is what one process holds, and what is proven again when it dies: some seconds of small objects.
PARTITION_ENTRIES: Final = 256
"""Entries in one partition."""

MAX_REASON_CHARACTERS: Final = 500
"""What is kept of why an object is as it is."""

REWRITTEN: Final = "rewritten by the service"
"""The ``reason`` of an entry whose bytes are what a service made of it, as whoever began the run accepts."""


class RunKind(Enum):
    """What a run does."""

    COPY = "copy"
    """Objects of the source are brought to the target; nothing is deleted."""
    MIRROR = "mirror"
    """A copy that goes on: what is written to the source meanwhile is brought to the target too."""
    AUDIT = "audit"
    """Source and target, or source and register, are compared; nothing is written to either."""
    EXPORT = "export"
    """Documents are packed into bags."""
    IMPORT = "import"
    """Documents of bags are stored."""


class RunState(Enum):
    """How far a run is."""

    PLANNING = "planning"
    """Entries are being added."""
    PLANNED = "planned"
    """All are there; nothing has moved yet."""
    RUNNING = "running"
    DONE = "done"
    """Every entry was worked on; those that failed say why."""
    CUT_OVER = "cut-over"
    """The choices of the organisation name the target now."""
    ROLLED_BACK = "rolled-back"
    """They name the source again."""
    ENDED = "ended"
    """Nothing goes on from here; a later run between the same providers is another one."""


class EntryState(Enum):
    """What became of one object."""

    PLANNED = "planned"
    """Nothing yet."""
    COPIED = "copied"
    """It is on the target, with the sha256 of the entry."""
    SAME = "same"
    """It was on the target before, and its bytes were proven to be the same."""
    REFUSED = "refused"
    """The target cannot hold it, as the plan said; ``reason`` says why."""
    FAILED = "failed"
    """It could not be done; ``reason`` says why, and the next pass tries again."""
    VANISHED = "vanished"
    """The source has it no more, or its revision was removed meanwhile; nothing of it is left on the target."""
    PRUNED = "pruned"
    """It was deleted from the source after the target had been proven."""
    RETAINED = "retained"
    """It was to be deleted from the source, which keeps it: a retention rule, a lock."""
    MATCHED = "matched"
    """An audit found it on both sides, as alike as was asked for."""
    MISSING = "missing"
    """An audit found it on the source, or in the register, and not on the target."""
    EXTRA = "extra"
    """An audit found it on the target alone."""
    DIFFERENT = "different"
    """An audit found other bytes."""
    REWRITTEN = "rewritten"
    """An audit found other bytes that the service itself made, as far as it reports."""
    PACKED = "packed"
    """It is in a bag."""
    STORED = "stored"
    """It came from a bag and is stored, with a receipt."""


PROVEN: Final = frozenset({EntryState.COPIED, EntryState.SAME})
"""Where the target holds the bytes of the entry."""


@value
class Run:
    """One run of one organisation."""

    organisation: str
    id: str
    kind: RunKind
    source: str
    """The id of the record of the provider; empty where it is no provider of the organisation."""
    target: str
    """Likewise."""
    project: str | None = None
    """The only project; None is all."""
    state: RunState = RunState.PLANNING
    options: Mapping[str, object] = field(default_factory=dict)
    """What was asked for, as values that JSON can hold; never a secret."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What later steps need: choices before a cut-over, the hash of a report; likewise."""
    begun_at: datetime
    """Aware UTC."""
    begun_by: str | None = None
    ended_at: datetime | None = None
    """When the last pass ended."""
    version: int = 0
    """Goes up with each change; 0 before it is kept."""


@value
class Entry:
    """One object of a run."""

    number: int
    """From 0, without gaps, in the order of planning; assigned by the journal."""
    key: str
    """Below the organisation."""
    size: int
    """Bytes, by the listing of the source."""
    etag: str | None = None
    """Of the source when it was listed, later when it was read."""
    last_modified: datetime | None = None
    """Of the source; aware UTC."""
    state: EntryState = EntryState.PLANNED
    sha256: str | None = None
    """Of the bytes that were read, and written."""
    target_etag: str | None = None
    """Of what is on the target."""
    attempts: int = 0
    """How many times it was tried."""
    reason: str | None = None
    """Why it is as it is, in one line."""
    changed_at: datetime | None = None
    """Aware UTC."""


@value
class Partition:
    """Entries that one worker does, under a lease."""

    number: int
    """From 0: that of its first entry by ``PARTITION_ENTRIES``."""
    first: int
    """The number of its first entry."""
    last: int
    """That of its last."""


@value
class Count:
    """How many objects, and how many bytes."""

    objects: int = 0
    """How many."""
    bytes: int = 0
    """In all."""


@value
class Pending:
    """One change of the source of a mirror that has not reached the target."""

    key: str
    removed: bool = False
    """Whether it was removed, and not written."""
    token: str
    """Distinguishes it from later changes of the same key."""
    attempts: int = 0
    """How many times it was tried."""
    due_at: datetime
    """When it is tried next; aware UTC."""
    reason: str | None = None
    """Why the last try failed."""


class Journal(Protocol):
    """Keeps runs and their entries. Thread-safe, for any number of processes; each call is one transaction.

    Every call but ``together`` names the organisation, itself or by the run: no id reaches a run of another one. A run
    that is not kept, or no longer, has no entries and nothing to claim; what would add to it or change its entries
    raises RecordNotFoundError. Adding, reopening and dropping many entries is several transactions, each of which
    leaves the journal right; repeating an interrupted call does the rest.
    """

    def together(self) -> AbstractContextManager[object]:
        """Make all changes of this thread in the block one, with those of the register of the same catalogue."""
        ...

    def add_run(self, run: Run) -> Run:
        """Keep a new run and return it at version 1.

        Raises:
            RecordConflictError: there is one of that id.
        """
        ...

    def run(self, organisation: str, run: str) -> Run | None:
        """Return the run of that id."""
        ...

    def runs(self, organisation: str, *, limit: int = 100) -> Sequence[Run]:
        """Return the latest runs, the newest first."""
        ...

    def find_run(
        self, organisation: str, kinds: Iterable[RunKind], source: str, target: str, project: str | None
    ) -> Run | None:
        """Return the newest run of one of *kinds* between the two that has not ENDED."""
        ...

    def replace_run(self, run: Run) -> Run:
        """Put *run* in the place of the version it was made from, and return it at the next version.

        Raises:
            RecordConflictError: another version is kept.
        """
        ...

    def drop_run(self, organisation: str, run: str) -> None:
        """Forget a run with its entries."""
        ...

    def add_entries(self, run: Run, entries: Iterable[Entry]) -> int:
        """Keep new entries, numbered from the end on, and return how many; keys that the run knows are left alone."""
        ...

    def known(self, run: Run, keys: Sequence[str]) -> Mapping[str, Entry]:
        """Return the entries of those of *keys* that the run knows; at most 1,000 keys."""
        ...

    def entries(
        self,
        run: Run,
        *,
        first: int = 0,
        last: int | None = None,
        states: Iterable[EntryState] | None = None,
        limit: int = 1000,
    ) -> Sequence[Entry]:
        """Return up to *limit* entries with numbers from *first* to *last*, in order; of *states* alone if given."""
        ...

    def record(self, run: Run, entries: Sequence[Entry]) -> None:
        """Put each of *entries* in the place of the one with its number; the counts of partitions follow."""
        ...

    def counts(self, run: Run) -> Mapping[EntryState, Count]:
        """Return how many entries are in each state. Cheap: from the partitions, whatever the number of entries."""
        ...

    def reopen(self, run: Run, states: Iterable[EntryState]) -> int:
        """Make all entries in one of *states* PLANNED again, open their partitions, and return how many."""
        ...

    def claim(self, run: Run, owner: str, *, now: datetime, until: datetime) -> Partition | None:
        """Lease the first open partition that nobody holds, until *until*; None: there is none for now.

        A partition is open while one of its entries is PLANNED. A lease that ended is nobody's; when no such partition
        is left, those of processes that are gone from this machine are taken (``owners.is_gone``).
        """
        ...

    def renew(self, run: Run, partition: int, owner: str, *, until: datetime) -> bool:
        """Extend a lease; False: another one holds the partition, so this one stops working on it."""
        ...

    def release(self, run: Run, partition: int, owner: str) -> None:
        """Give a lease back; nothing happens when another one holds it."""
        ...

    def open_partitions(self, run: Run) -> Sequence[int]:
        """Return the numbers of the partitions that are open, held or not."""
        ...

    def next_lease_end(self, run: Run) -> datetime | None:
        """Return when the first lease on an open partition ends; None when none is held."""
        ...

    def follow(self, run: Run, *, on: bool) -> None:
        """From now on (or no longer), remember each change of a document on the source of *run* as pending.

        The register does that in the transaction of the change, so nothing is missed.
        """
        ...

    def claim_pending(self, run: Run, owner: str, *, now: datetime, until: datetime, limit: int) -> Sequence[Pending]:
        """Lease up to *limit* changes that are due, the oldest first.

        A change says that something happened to the key, not what is there now: a later one may be under way.
        """
        ...

    def settle_pending(self, run: Run, pending: Pending) -> None:
        """Forget a change that has reached the target."""
        ...

    def postpone_pending(self, run: Run, pending: Pending) -> None:
        """Keep a change for later, with its ``due_at``, ``attempts`` and ``reason``."""
        ...

    def count_pending(self, run: Run) -> int:
        """Return how many changes have not reached the target."""
        ...

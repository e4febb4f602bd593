"""The work of an audit: lists both sides into the journal, and compares what is planned, partition by partition.

Memory stays flat. What is listed on both sides with the same size is settled by the listings when sizes are all that
was asked for; everything else is compared object by object (``comparing.py``), so what is uploaded or removed while the
listings run is no finding. Read next: ``audits.py``, which begins one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from ..documents.events import Event
from ..documents.listing import RevisionListing
from ..documents.receipts import StoredDocument
from ..errors import NotSupportedError
from ..storage.sync import Storage
from ..transport import Exchange
from ..values import value
from .audit_sources import RecordedSource, Source, StoredSource
from .comparing import AuditLevel, Comparison, Known
from .endpoints import endpoint_of
from .journal import PROVEN, Entry, EntryState, Journal, Run, RunKind, RunState
from .leasing import Leased, advance, in_state, never, partitions
from .owners import this_owner
from .rates import Pace, RateLimits

if TYPE_CHECKING:
    from ..organisations.resolver import Resolver

Receipts: TypeAlias = Callable[[str], StoredDocument | None]
"""Returns the receipt of the document with a whole key, organisation included; None where there is none."""

_BATCH: Final = 1000
_RECORD_ENTRIES: Final = 64
_RECORD_S: Final = 0.5


@value
class AuditJob:
    """All that working on an audit needs."""

    journal: Journal
    run: Run
    source: Source = field(repr=False)
    target: Storage = field(repr=False)
    receipts: Receipts | None = None
    """Where receipts are found, to tell what the service changed by itself from what others did."""
    copied: Run | None = None
    """The run that copied from the one side to the other, which knows the versions that it wrote."""
    tell: Callable[[Event], object] | None = None
    """Told when the audit has ended."""
    pace: Pace | None = None
    """The share of this process in the limits of the run; None is all of them."""

    @property
    def level(self) -> AuditLevel:
        """How closely objects are compared."""
        return cast(AuditLevel, self.run.options.get("level", "full"))

    @property
    def concurrency(self) -> int:
        """How many objects are compared at once."""
        return int(str(self.run.options.get("concurrency", 16)))

    @property
    def limits(self) -> RateLimits:
        """The most that the run uses, all of its workers together."""
        found = self.run.options.get("limits")
        return RateLimits.from_dict(found) if isinstance(found, Mapping) else RateLimits()


def audit_job(resolver: Resolver, run: Run, receipts: Receipts | None = None) -> AuditJob:
    """Return what working on the audit *run* needs, in any process.

    Raises:
        NotSupportedError: the catalogue cannot list its register.
        StorageError: a provider cannot be opened.
    """
    catalogue = resolver.organisations.catalogue
    target = endpoint_of(resolver, run.organisation, run.target).storage
    source: Source
    copied = None
    if run.source:
        source = StoredSource(endpoint_of(resolver, run.organisation, run.source).storage)
        kinds = (RunKind.COPY, RunKind.MIRROR)
        copied = catalogue.journal.find_run(run.organisation, kinds, run.source, run.target, run.project)
    else:
        listing: RevisionListing | None = getattr(catalogue, "listing", None)
        if listing is None:
            raise NotSupportedError("this catalogue cannot list its register, so nothing can be compared with that")
        source = RecordedSource(catalogue.revisions, listing, run.organisation, run.target)
    return AuditJob(
        journal=catalogue.journal,
        run=run,
        source=source,
        target=target,
        receipts=receipts,
        copied=copied,
        tell=resolver.emit,
    )


def plan_audit(job: AuditJob, *, stop: Callable[[], bool] = never) -> Run:
    """List both sides into the journal, and return the run, PLANNED; PLANNING still when it was stopped.

    One that was killed lists again.

    Raises:
        StorageError: a side cannot be listed, or the journal does not answer.
    """
    for batch in _batches(job.source.entries(job.run.project)):
        if stop():
            return job.run
        job.journal.add_entries(job.run, batch)
    for batch in _batches(StoredSource(job.target).entries(job.run.project)):
        if stop():
            return job.run
        _settle(job, batch)
    return advance(job.journal, job.run, in_state(RunState.PLANNED))


def work_audit(job: AuditJob, *, stop: Callable[[], bool] = never, wait: bool = True, most: int | None = None) -> int:
    """Compare what is planned, partition by partition, and return how many objects were compared.

    With *wait* also what other processes hold and do not finish; at most so many partitions where *most* is given.

    Raises:
        StorageError: the journal does not answer.
    """
    running = advance(job.journal, job.run, _begun)
    owner = this_owner()
    comparison = Comparison(job.source.reference, job.target, job.run.target, job.level)
    job = replace(job, pace=job.pace or Pace(job.limits))
    objects = 0
    with closing(partitions(job.journal, running, owner, stop=stop, wait=wait)) as every:
        for held in islice(every, most):
            objects += _work_on(job, running, comparison, held, stop)
    return objects


def _work_on(job: AuditJob, running: Run, comparison: Comparison, held: Leased, stop: Callable[[], bool]) -> int:
    first, last = held.partition.first, held.partition.last
    planned = job.journal.entries(running, first=first, last=last, states=(EntryState.PLANNED,))
    exchanges = (_paced(job, comparison, entry) for entry in planned if not stop() and not held.lost)
    done, objects = list[Entry](), 0
    recorded_at = monotonic()
    for _, outcome in job.target.transport.run_many(exchanges, job.concurrency):
        done.append(outcome.result())
        objects += 1
        if len(done) >= _RECORD_ENTRIES or monotonic() - recorded_at > _RECORD_S:
            job.journal.record(running, done)
            done, recorded_at = [], monotonic()
    job.journal.record(running, done)
    return objects


def _paced(job: AuditJob, comparison: Comparison, entry: Entry) -> Exchange[Entry]:
    """Compare one object when its turn has come; the bytes of both sides count, where they are read."""
    if job.pace is not None and job.pace.limited:
        sides = 2 if job.run.source else 1
        yield from job.pace.taking(sides * entry.size if job.level == "full" else 0, source=sides - 1, target=1)
    return (yield from comparison.judged(entry, _now(), _look_up(job, entry.key)))


def _look_up(job: AuditJob, key: str) -> Callable[[], Known] | None:
    """Return what finds out about an object; None where there is nothing that knows."""
    return partial(_known, job, key) if job.receipts is not None or job.copied is not None else None


def _known(job: AuditJob, key: str) -> Known:
    receipt = job.receipts(f"{job.run.organisation}/{key}") if job.receipts is not None else None
    if receipt is not None and receipt.provider not in (job.run.source, job.run.target):
        receipt = None
    copied = job.journal.known(job.copied, [key]).get(key) if job.copied is not None else None
    etag = copied.target_etag if copied is not None and copied.state in PROVEN else None
    return Known(receipt=receipt, etag=etag)


def _settle(job: AuditJob, listed: Sequence[Entry]) -> None:
    """Add what the target has besides; where sizes are all that counts, settle what has the same one on both sides."""
    known = job.journal.known(job.run, [entry.key for entry in listed])
    job.journal.add_entries(job.run, [replace(entry, etag=None) for entry in listed if entry.key not in known])
    if job.level != "size":
        return
    matched = [
        replace(source, state=EntryState.MATCHED, target_etag=entry.etag, attempts=1, changed_at=_now())
        for entry in listed
        if (source := known.get(entry.key)) is not None
        and source.state is EntryState.PLANNED
        and source.size == entry.size
    ]
    job.journal.record(job.run, matched)


def _begun(run: Run) -> Run:
    return replace(run, state=RunState.RUNNING) if run.state is RunState.PLANNED else run


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _now() -> datetime:
    return datetime.now(UTC)

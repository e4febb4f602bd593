"""Audits: whether a provider has what another one has, or what the register says it has. Nothing is written to either.

An audit is a run in the journal, so a killed one goes on, and any number of processes work on it: ``auditing.py``.
``evidence_writing.py`` makes a signed report of one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ..errors import SettingsError
from ..storage.sync import Storage
from ..values import value
from .audit_sources import StoredSource
from .auditing import AuditJob, Receipts, audit_job, plan_audit, work_audit
from .comparing import AuditLevel
from .endpoints import Endpoint, endpoint_at, endpoint_of
from .executors import Workers, drive
from .journal import Count, EntryState, Journal, Run, RunKind, RunState
from .leasing import advance, in_state, never
from .memory_journal import MemoryJournal
from .rates import RateLimits
from .telling import audit_ended

if TYPE_CHECKING:
    from ..organisations.resolver import Resolver

MAX_FINDINGS: Final = 100
"""Findings that a result lists; the journal has all."""

_LEVELS: Final = ("size", "checksum", "full")
_UNFINISHED: Final = frozenset({RunState.PLANNING, RunState.PLANNED, RunState.RUNNING})
_WRONG: Final = frozenset({EntryState.MISSING, EntryState.DIFFERENT, EntryState.FAILED})
_FINDINGS: Final = (*_WRONG, EntryState.EXTRA, EntryState.REWRITTEN)


@value
class Finding:
    """One object that an audit did not find as it should be."""

    key: str
    """Below the organisation."""
    state: EntryState
    reason: str | None
    """Why, in one line."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {"key": self.key, "state": self.state.value, "reason": self.reason}


@value
class AuditResult:
    """What an audit found so far."""

    run: Run
    counts: Mapping[EntryState, Count]
    """Objects and bytes by state."""
    findings: tuple[Finding, ...]
    """The first hundred that did not match; the entries of the run in the journal are all of them."""

    @property
    def finished(self) -> bool:
        """Whether every object was compared; not so when it was stopped."""
        return self.run.state not in _UNFINISHED and not self.counts.get(EntryState.PLANNED)

    @property
    def ok(self) -> bool:
        """Whether it is finished, and nothing is missing or different, or could not be compared.

        What the target has besides, and what the service changed by itself, are findings and no loss.
        """
        return self.finished and not any(self.counts.get(state) for state in _WRONG)

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "organisation": self.run.organisation,
            "run": self.run.id,
            "ok": self.ok,
            "finished": self.finished,
            "level": self.run.options.get("level"),
            "counts": {
                state.value: {"objects": count.objects, "bytes": count.bytes} for state, count in self.counts.items()
            },
            "findings": [found.to_dict() for found in self.findings],
        }


@value
class AuditPlan:
    """What is to be compared, and how."""

    target: str
    """The id or the label of a provider."""
    source: str | None = None
    """Another one; None is the register, which holds the size and the sha256 of every document."""
    project: str | None = None
    """The only project; None is all."""
    level: AuditLevel = "full"
    concurrency: int = 16
    """How many objects are compared at once."""
    limits: RateLimits = field(default_factory=RateLimits)
    """The most that it uses, all of its workers together."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: there is no such level, or nothing is to be compared at a time.
        """
        if self.level not in _LEVELS or self.concurrency < 1:
            raise ValueError(f"an audit is of level {', '.join(_LEVELS)}, of one object or more at once")


def audit(
    resolver: Resolver,
    organisation: str,
    plan: AuditPlan,
    *,
    receipts: Receipts | None = None,
    stop: Callable[[], bool] = never,
    watch: Callable[[Run], AbstractContextManager[object]] = lambda _: nullcontext(),
) -> AuditResult:
    """Compare, and return what was found; one that was stopped or killed goes on.

    One listing of each side, and then: for ``size`` two requests for each object that the listings do not settle; for
    ``checksum`` two for each object, and its bytes where the sides report no checksum in common; for ``full`` one
    request for each object of each side, and all its bytes. What fails is tried once more by the next call with the
    same plan.

    Args:
        resolver: Opens the providers.
        organisation: Whose they are.
        plan: What is compared.
        receipts: Where the receipts of documents are, if at hand: they tell what SharePoint changed by itself from what
            others did. Without them that is told only of what a copy between the same two sides has written.
        stop: Asked all the time; True ends the call, and the next one goes on.
        watch: Returns what the work is done in, such as a progress display.

    Raises:
        RecordNotFoundError: the organisation has no such provider.
        SettingsError: a provider cannot be opened, or both are the same.
        NotSupportedError: the catalogue cannot list its register.
        StorageError: a side cannot be listed.
    """
    job = begin_audit(resolver, organisation, plan, receipts=receipts)
    with watch(job.run):
        return run_audit(job, stop=stop)


def begin_audit(
    resolver: Resolver, organisation: str, plan: AuditPlan, *, receipts: Receipts | None = None
) -> AuditJob:
    """Return what ``run_audit`` needs: of the run of that *plan* that has not ended, or of a new one. Nothing is read.

    Raises:
        RecordNotFoundError: the organisation has no such provider.
        SettingsError: a provider cannot be opened, or both are the same.
        NotSupportedError: the catalogue cannot list its register.
    """
    journal = resolver.organisations.catalogue.journal
    target = endpoint_of(resolver, organisation, plan.target)
    source = endpoint_of(resolver, organisation, plan.source) if plan.source is not None else None
    if source is not None and source.provider == target.provider:
        raise SettingsError(
            f"source and target are both {target.label!r}; audit it against the register, or another one"
        )
    run = _open_run(journal, organisation, plan, (source, target), resolver.by)
    return audit_job(resolver, run, receipts)


def audit_storages(
    source: Storage,
    target: Storage,
    *,
    level: AuditLevel = "full",
    prefix: str = "",
    journal: Journal | None = None,
    stop: Callable[[], bool] = never,
) -> AuditResult:
    """Compare two storages that belong to no organisation; with a *journal* that lasts, a killed one goes on.

    Raises:
        StorageError: a side cannot be listed.
        ValueError: there is no such *level*.
    """
    kept = journal if journal is not None else MemoryJournal()
    one, other = (
        endpoint_at(source.scoped(prefix) if prefix else source),
        endpoint_at(target.scoped(prefix) if prefix else target),
    )
    plan = AuditPlan(target=other.provider, source=one.provider, level=level)
    run = _open_run(kept, "", plan, (one, other), None)
    job = AuditJob(journal=kept, run=run, source=StoredSource(one.storage), target=other.storage)
    return run_audit(job, stop=stop)


def run_audit(job: AuditJob, *, stop: Callable[[], bool] = never, workers: Workers | None = None) -> AuditResult:
    """List both sides if that was not done, compare all that is open, and return what was found.

    Args:
        job: What is compared.
        stop: Asked all the time; True ends the call, and the next one goes on.
        workers: Who compares what this process has listed, by default this process. Receipts stay here: workers know
            what a copy has written, and no more.

    Raises:
        StorageError: a side cannot be listed, or the journal does not answer.
        UnavailableError: the workers only die, or cannot open the catalogue.
    """
    if job.run.state is RunState.PLANNING:
        job = replace(job, run=plan_audit(job, stop=stop))
    if job.run.state is not RunState.PLANNING:
        if workers is None:
            work_audit(job, stop=stop)
        else:
            drive(workers, job.journal, job.run, stop=stop)
    counts = job.journal.counts(job.run)
    kept = job.journal.run(job.run.organisation, job.run.id) or job.run
    if kept.state is RunState.RUNNING and not counts.get(EntryState.PLANNED):
        with job.journal.together():
            kept = advance(job.journal, kept, in_state(RunState.DONE, ended_at=_now()))
            if job.tell is not None:
                job.tell(audit_ended(kept, counts, job.level))
    found = job.journal.entries(kept, states=_FINDINGS, limit=MAX_FINDINGS)
    findings = tuple(Finding(key=entry.key, state=entry.state, reason=entry.reason) for entry in found)
    return AuditResult(run=kept, counts=counts, findings=findings)


def _open_run(
    journal: Journal, organisation: str, plan: AuditPlan, sides: tuple[Endpoint | None, Endpoint], by: str | None
) -> Run:
    """Return the run that goes on: one of the same plan that has not ended, or a new one."""
    source, target = sides
    place = (source.provider if source is not None else "", target.provider, plan.project)
    options = {"level": plan.level, "concurrency": plan.concurrency, "limits": plan.limits.to_dict()}
    found = journal.find_run(organisation, (RunKind.AUDIT,), *place)
    if found is not None and found.options.get("level") == plan.level:
        if found.state is not RunState.DONE:
            return found
        if journal.reopen(found, (EntryState.FAILED,)):
            return advance(journal, found, in_state(RunState.RUNNING))
    return journal.add_run(
        Run(
            organisation=organisation,
            id=secrets.token_hex(8),
            kind=RunKind.AUDIT,
            source=place[0],
            target=place[1],
            project=plan.project,
            options=options,
            facts={"source": _side(source), "target": _side(target)},
            begun_at=_now(),
            begun_by=by,
        )
    )


def _side(end: Endpoint | None) -> dict[str, object]:
    if end is None:
        return {"kind": "register", "label": "the register of the organisation", "location": ""}
    return {"kind": end.kind, "label": end.label, "location": end.info.location}


def _now() -> datetime:
    return datetime.now(UTC)

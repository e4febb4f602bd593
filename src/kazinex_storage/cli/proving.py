"""``migrate audit``, ``evidence``, ``evidence-key`` and ``check-evidence``: whether all is there, and proof of that."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

import typer

from ..migration.audits import AuditPlan, begin_audit, run_audit
from ..migration.comparing import AuditLevel
from ..migration.evidence_checking import check_evidence as check_report
from ..migration.evidence_writing import evidence as make_evidence
from ..migration.progress import watching
from ..migration.rates import RateLimits, parse_bandwidth
from ..organisations.signing import evidence_key as key_of
from .command import RunningCommand
from .exits import ExitCode
from .moving import check_report_file, counting, end_pass, summary_lines, told, workers_of
from .run_display import RunDisplay, stopping

_AT_ONCE = 16


def plan_of(target: str, source: str | None, project: str | None, level: str, concurrency: int | None) -> AuditPlan:
    """Return what a command line wants to be compared."""
    return AuditPlan(
        target=target,
        source=source,
        project=project,
        level=cast(AuditLevel, level),
        concurrency=concurrency if concurrency is not None else _AT_ONCE,
    )


def limited(plan: AuditPlan, bandwidth: str | None) -> AuditPlan:
    """Return *plan* so that it uses no more than *bandwidth*.

    Raises:
        SettingsError: that is no such text.
    """
    return plan if bandwidth is None else replace(plan, limits=RateLimits(bandwidth=parse_bandwidth(bandwidth)))


def audit(
    command: RunningCommand,
    organisation: str,
    plan: AuditPlan,
    *,
    workers: int | None,
    dask: str | None,
    file: Path | None,
) -> None:
    """Compare, and say what is not as it should be.

    Raises:
        KeyboardInterrupt: it was stopped.
        typer.Exit: something is missing or different.
        StorageError: a provider or the catalogue does not answer.
    """
    check_report_file(file)
    journal = command.organisations.catalogue.journal
    with ExitStack() as stack:
        requests = stack.enter_context(counting(command))
        others = stack.enter_context(workers_of(command, workers, dask))
        display = stack.enter_context(RunDisplay(command.out, "audit"))
        stop = stack.enter_context(stopping(command.out))
        job = begin_audit(command.resolver.acting(command.organisations.by), organisation, plan)
        with watching(journal, job.run, told(display, requests)):
            found = run_audit(job, stop=stop.is_set, workers=others)
        end_pass(command, found.run, requests, file)
    lines = [f"run {found.run.id}:", *summary_lines(found.counts)]
    command.out.result({**found.to_dict(), "report": str(file) if file is not None else None}, lines)
    for finding in found.findings[:10]:
        command.out.note(f"{finding.state.value}: {finding.key}: {finding.reason or 'no reason is known'}")
    if not found.ok:
        raise typer.Exit(ExitCode.VERIFICATION)


def evidence(command: RunningCommand, organisation: str, run: str, file: Path) -> None:
    """Write the signed report of a run.

    Raises:
        StorageError: there is no such run, it has not ended, or *file* is there and is another report.
        OSError: *file* cannot be written.
    """
    made = make_evidence(command.resolver, organisation, run, file)
    lines = [f"{made.entries:,} objects in {file}; report {made.number} of {organisation}; keep its hash: {made.hash}"]
    command.out.result(made.to_dict(), lines)


def evidence_key(command: RunningCommand, organisation: str, key_id: str | None) -> None:
    """Print the public key of *organisation*.

    Raises:
        SettingsError: there are no keys, or none with that id.
    """
    key = key_of(command.organisations.catalogue, organisation, key_id)
    command.out.result(key.to_dict(), key.pem.splitlines())


def check_evidence(command: RunningCommand, file: Path, key: Path, previous: str | None) -> None:
    """Check a signed report.

    Raises:
        SettingsError: the key is none.
        OSError: a file cannot be read.
        typer.Exit: something is wrong with the report.
    """
    report = check_report(file, key.read_text(encoding="utf-8"), previous=previous)
    lines = [f"{'whole' if each.line is None else f'line {each.line}'}: {each.problem}" for each in report.problems]
    if report.ok:
        lines = [f"the {report.entries:,} objects are as they were signed; keep this: {report.hash}"]
    command.out.result(report.to_dict(), lines)
    if not report.ok:
        raise typer.Exit(ExitCode.VERIFICATION)

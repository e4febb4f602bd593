"""``migrate`` without a further word: a copy is planned, made, shown and reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..migration.journal import EntryState, RunState
from ..migration.migrations import Migration
from ..migration.options import CopyOptions
from ..migration.planning import PlanReport
from ..migration.plot import duration
from ..migration.progress import WRONG, RunRequests, summed
from ..migration.rates import RateLimits, parse_bandwidth
from ..migration.runs import RunReport
from ..values import value
from .command import RunningCommand
from .exits import UsageError
from .moving import (
    check_report_file,
    counting,
    end_pass,
    end_with,
    name_failures,
    summary_lines,
    told,
    workers_of,
    write_report,
)
from .run_display import RunDisplay, stopping


@value
class Ends:
    """Between which providers of which organisation."""

    organisation: str
    source: str
    """A label or an id."""
    target: str
    project: str | None


@value
class CopyRequest:
    """What the command line says about a copy."""

    ends: Ends
    options: dict[str, object]
    """Those that were given, as ``CopyOptions`` has them in JSON."""
    dry_run: bool
    report: Path | None


def check_alone(command: str, source: str | None, target: str | None) -> None:
    """Refuse options of a copy before another command.

    Raises:
        UsageError: there are some.
    """
    if source is not None or target is not None:
        raise UsageError(f"write the options after the command: migrate {command} --from ...")


def ends_of(organisation: str | None, source: str | None, target: str | None, project: str | None) -> Ends:
    """Return the ends that a command line names.

    Raises:
        UsageError: it does not name them all, or twice the same.
    """
    for given, name in ((organisation, "organisation"), (source, "from"), (target, "to")):
        if given is None:
            raise UsageError(f"missing option '--{name}'; see kazinex-storage migrate --help")
    if source == target:
        raise UsageError("--from and --to name the same provider; name another one")
    return Ends(organisation=str(organisation), source=str(source), target=str(target), project=project)


def limits_of(bandwidth: str | None, requests: float | None) -> dict[str, object]:
    """Return the limits that a command line sets, as ``CopyOptions`` has them in JSON.

    Raises:
        SettingsError: *bandwidth* is no such text.
    """
    size = None if bandwidth is None else parse_bandwidth(bandwidth)
    return RateLimits(bandwidth=size, source_requests=requests, target_requests=requests).to_dict()


def migration_of(command: RunningCommand, ends: Ends, options: dict[str, object] | None = None) -> Migration:
    """Return what goes from one of *ends* to the other.

    Raises:
        RecordNotFoundError: the organisation has no such provider.
        SettingsError: one of them cannot be opened, or both are the same.
    """
    return Migration(
        command.resolver,
        ends.organisation,
        ends.source,
        ends.target,
        project=ends.project,
        options=CopyOptions.from_dict(options or {}),
        by=command.organisations.by,
    )


def copy(command: RunningCommand, asked: CopyRequest, *, workers: int | None, dask: str | None) -> None:
    """Copy as *asked*, or only plan to, with *workers* on this machine or on a cluster of *dask*.

    Raises:
        UsageError: the report could not be written.
        KeyboardInterrupt: it was stopped.
        typer.Exit: not every object is on the target.
        StorageError: a provider or the catalogue does not answer.
    """
    check_report_file(asked.report)
    with counting(command) as requests, workers_of(command, workers, dask) as others:
        migration = migration_of(command, asked.ends, asked.options)
        title = f"{migration.source.label} to {migration.target.label}"
        with RunDisplay(command.out, title) as display, stopping(command.out) as stop:
            on_progress = told(display, requests)
            fresh = _with_options(migration, asked.options)
            if asked.dry_run or fresh:
                plan = migration.plan(on_progress, stop.is_set)
            if not asked.dry_run:
                report = migration.copy(on_progress, stop.is_set, workers=others)
                end_pass(command, report.run, requests, asked.report)
        if asked.dry_run:
            _show_plan(command, plan, asked)
        else:
            _show(command, report, asked, requests)


def _with_options(migration: Migration, given: dict[str, object]) -> bool:
    """Give a run that was begun before the options of this command line; say whether to plan it again.

    One that was planned on another day, and no more, lacks what has come since.
    """
    run = migration.run
    if run is None:
        return False
    options = {**run.options, **CopyOptions.from_dict({**run.options, **given}).to_dict()}
    if given and options != run.options:
        migration.journal.replace_run(replace(run, options=options))
    return run.state is RunState.PLANNED


def _show_plan(command: RunningCommand, plan: PlanReport, asked: CopyRequest) -> None:
    if asked.report is not None:
        write_report(command, plan.run, asked.report)
    lines = ["nothing was moved; the plan:", *summary_lines(plan.counts)]
    command.out.result({**plan.to_dict(), "dry_run": True}, lines)
    refused = plan.counts.get(EntryState.REFUSED)
    name_failures(command, plan.refused, 0 if refused is None else refused.objects)
    end_with(command, plan.counts)


def _show(command: RunningCommand, report: RunReport, asked: CopyRequest, requests: RunRequests) -> None:
    counts, throttled = requests.read()
    document = {
        **report.to_dict(),
        "requests": counts,
        "throttled": throttled,
        "report": str(asked.report) if asked.report is not None else None,
    }
    lines = [f"run {report.run.id}, {duration(report.seconds)}:", *summary_lines(report.counts)]
    command.out.result(document, lines)
    wrong = summed(report.counts, WRONG | {EntryState.REFUSED}).objects
    name_failures(command, (*report.failures, *report.refused), wrong)
    end_with(command, report.counts, report.stopped)

"""What the commands of runs share: requests that are counted, reports that are written, failures that are named."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..json_text import write_json
from .exits import ExitCode, UsageError
from .run_display import RunDisplay

if TYPE_CHECKING:
    from ..migration.executors import Workers
    from ..migration.journal import Count, Entry, EntryState, Run
    from ..migration.progress import OnProgress, RunProgress, RunRequests
    from .command import RunningCommand

_SHOWN = 10
"""Failures that are named on the terminal; the report has the others."""


@contextmanager
def counting(command: RunningCommand) -> Iterator[RunRequests]:
    """Count the requests of a ``with`` block, for its run and for ``usage``."""
    from ..migration.progress import RunRequests
    from ..monitoring import RequestCounter
    from ..monitoring.otel import Meters

    requests, counter = RunRequests(), RequestCounter(command.organisations)
    command.resolver.meter = Meters(requests, counter)
    try:
        yield requests
    finally:
        counter.close()


@contextmanager
def workers_of(command: RunningCommand, count: int | None, dask: str | None) -> Iterator[Workers | None]:
    """Yield who works on a run for a ``with`` block; None is this process.

    Raises:
        UsageError: both are given, and *dask* is no cluster of this machine.
        SettingsError: Dask is not installed.
        UnavailableError: no scheduler answers there.
    """
    if dask is not None:
        from ..migration.dask import LOCAL, DaskExecutor
        from ..migration.executors import Workers

        if count is not None and dask != LOCAL:
            raise UsageError("--workers is for this machine; a cluster of Dask has its own, so leave it out")
        with DaskExecutor(dask, workers=count) as cluster:
            command.out.note(f"the dashboard of the cluster: {cluster.dashboard}")
            yield Workers(executor=cluster)
    elif count is not None:
        from ..migration.executors import Workers
        from ..migration.pools import ProcessPool

        with ProcessPool(count) as pool:
            yield Workers(executor=pool)
    else:
        yield None


def told(display: RunDisplay, requests: RunRequests) -> OnProgress | None:
    """Return what a run calls so that *display* shows it with the requests of this process."""
    show = display.callback
    if show is None:
        return None

    def on_progress(progress: RunProgress) -> None:
        asked, throttled = requests.read()
        show(replace(progress, requests=asked, throttled=throttled))

    return on_progress


def end_pass(command: RunningCommand, run: Run, requests: RunRequests, file: Path | None) -> None:
    """Keep how fast a pass of *run* went, and write its report into *file* if one is wanted.

    Raises:
        StorageError: the catalogue does not answer.
        OSError: *file* cannot be written.
    """
    from ..migration.throughput import remember_pass

    kept = remember_pass(command.organisations.catalogue.journal, run, requests.read()[0])
    if file is not None:
        write_report(command, kept, file)


def write_report(command: RunningCommand, run: Run, file: Path) -> None:
    """Write the report on *run* into *file*, in the place of an earlier one; whole or not at all.

    Raises:
        StorageError: the catalogue does not answer.
        OSError: *file* cannot be written.
    """
    from ..migration.report import report_html
    from ..migration.summary import summary_of

    journal = command.organisations.catalogue.journal
    summary = summary_of(journal, run, labels_of(command, run.organisation), at=datetime.now(UTC))
    text = write_json(summary.to_dict(), indent=2) + "\n" if file.suffix == ".json" else report_html(summary)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    command.out.note(f"the report is in {file}")


def labels_of(command: RunningCommand, organisation: str) -> dict[str, str]:
    """Return what people call the providers of *organisation*, by id."""
    return {record.id: record.label for record in command.organisations.providers(organisation)}


def find_run(command: RunningCommand, organisation: str, run: str) -> Run:
    """Return the run with that id.

    Raises:
        RecordNotFoundError: the organisation has none.
    """
    from ..errors import RecordNotFoundError
    from ..migration.evidence_writing import CHAIN_ID

    found = command.organisations.catalogue.journal.run(organisation, run)
    if found is None or found.id == CHAIN_ID:
        raise RecordNotFoundError(
            f"the organisation {organisation!r} has no run {run!r}; "
            f"see kazinex-storage migrate list --organisation {organisation}"
        )
    return found


def check_report_file(file: Path | None) -> None:
    """Refuse a report that could not be written when the run has ended.

    Raises:
        UsageError: its folder does not exist.
    """
    if file is not None and not file.absolute().parent.is_dir():
        raise UsageError(f"{str(file)!r} is in no folder that exists; make it, or name another file")


def summary_lines(counts: Mapping[EntryState, Count]) -> list[str]:
    """Return one line for each state that an object is in."""
    from ..migration.plot import short_bytes
    from ..migration.report import MEANINGS

    lines = [
        f"{count.objects:>12,}  {short_bytes(count.bytes):>10}  {state.value}: {MEANINGS[state]}"
        for state, count in counts.items()
        if count.objects
    ]
    return lines or ["there is nothing to do"]


def name_failures(command: RunningCommand, entries: Sequence[Entry], count: int) -> None:
    """Name the first of *entries*, and say how many there are."""
    for entry in entries[:_SHOWN]:
        command.out.note(f"{entry.state.value}: {entry.key}: {entry.reason or 'no reason is known'}")
    if count > _SHOWN:
        command.out.note(f"... and {count - _SHOWN:,} more; --report FILE names them")


def end_with(command: RunningCommand, counts: Mapping[EntryState, Count], stopped: str | None = None) -> None:
    """End with the exit code of a pass that left *counts*.

    Raises:
        typer.Exit: not every object is where it should be.
    """
    from ..migration.progress import WRONG, summed
    from ..migration.summary import KNOWN

    if stopped is not None:
        command.out.note(f"it ended before all was done: {stopped}; the same command goes on")
    elif summed(counts, WRONG).objects:
        command.out.note("the same command tries again what failed")
    elif not summed(counts, KNOWN).objects:
        return
    raise typer.Exit(ExitCode.VERIFICATION)

"""``migrate mirror``, ``cut-over``, ``roll-back`` and ``prune``: what goes on after a copy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import typer

from ..migration.cutting_over import cut_over as cut_over_run
from ..migration.mirroring import MirrorOptions
from ..migration.mirroring import end_mirror as end_run
from ..migration.mirroring import mirror as mirror_run
from ..migration.plot import short_bytes
from ..migration.progress import watching
from ..migration.prune_values import Proof, PruneAsk, PruneOptions
from ..migration.pruning import prune as prune_run
from ..migration.retention import KeptFor
from ..migration.rolling_back import roll_back as roll_back_run
from .command import RunningCommand, confirm
from .copying import Ends, migration_of
from .exits import ExitCode
from .moving import check_report_file, counting, end_pass, summary_lines, told
from .run_display import RunDisplay, asking, stopping


def mirror(command: RunningCommand, ends: Ends, *, watch: bool, interval: float, file: Path | None) -> None:
    """Bring to the target what the source has, and what changes there.

    Raises:
        KeyboardInterrupt: it was stopped.
        SettingsError: the mirror was cut over.
        typer.Exit: something is not on the target yet.
        StorageError: a provider or the catalogue does not answer.
    """
    check_report_file(file)
    with counting(command) as requests:
        migration = migration_of(command, ends)
        title = f"mirror of {migration.source.label}"
        with RunDisplay(command.out, title) as display, stopping(command.out) as stop:
            if watch:
                command.out.note("mirroring; end it with Ctrl-C, and changes wait in the catalogue for the next time")
            report = mirror_run(
                migration,
                watch=watch,
                options=MirrorOptions(interval=timedelta(seconds=interval)),
                stop=stop.is_set,
                display=lambda run: watching(migration.journal, run, told(display, requests)),
            )
            end_pass(command, report.run, requests, file)
    lines = [f"run {report.run.id}: {report.brought:,} changes were brought", *summary_lines(report.counts)]
    command.out.result({**report.to_dict(), "report": str(file) if file is not None else None}, lines)
    if not report.complete:
        command.out.note(f"{report.pending:,} changes wait, and what failed is tried again; the same command goes on")
        raise typer.Exit(ExitCode.VERIFICATION)


def end_mirror(command: RunningCommand, ends: Ends) -> None:
    """Bring nothing to the target any more.

    Raises:
        SettingsError: there is no mirror.
        StorageError: the catalogue does not answer.
    """
    run = end_run(migration_of(command, ends))
    command.out.result({"run": run.id, "state": run.state.value}, [f"the mirror {run.id} has ended"])


def cut_over(command: RunningCommand, ends: Ends, *, allow_refused: bool) -> None:
    """Send new documents to the target.

    Raises:
        SettingsError: the copy is not done, or the target does not pass its verification.
        typer.Exit: something came meanwhile that is not on the target.
        StorageError: a provider or the catalogue does not answer.
    """
    with counting(command), stopping(command.out) as stop:
        migration = migration_of(command, ends)
        report = cut_over_run(migration, allow_refused=allow_refused, stop=stop.is_set)
    chosen = [*(["the default"] if report.default else []), *(f"the project {name}" for name in report.overrides)]
    lines = [f"new documents go to {migration.target.label}: {', '.join(chosen) or 'no choice named the source'}"]
    if report.stragglers:
        lines.append(f"{report.stragglers:,} objects that came meanwhile were copied")
    command.out.result(report.to_dict(), lines)
    if report.left:
        command.out.note(f"{report.left:,} objects are not on the target yet; the same command brings them")
        raise typer.Exit(ExitCode.VERIFICATION)


def roll_back(command: RunningCommand, ends: Ends, *, copy_back: bool) -> None:
    """Send new documents to the source again.

    Raises:
        SettingsError: nothing was copied, or the source does not pass its verification.
        StorageError: a provider or the catalogue does not answer.
    """
    with counting(command), stopping(command.out) as stop:
        migration = migration_of(command, ends)
        report = roll_back_run(migration, copy_back=copy_back, stop=stop.is_set)
    label = migration.source.label
    lines = [
        f"new documents go where they went before: {label}",
        f"{report.moved:,} documents are read from {label} again",
    ]
    command.out.result(report.to_dict(), lines)
    if report.stragglers:
        command.out.note(
            f"{report.stragglers:,} documents are only on {migration.target.label}, and are read there; "
            "--copy-back copies them"
        )


def prune(command: RunningCommand, ends: Ends, options: Mapping[str, object], *, keep_days: float, yes: bool) -> None:
    """Delete from the source what is proven on the target, after a question.

    Raises:
        UsageError: there is no terminal to ask on.
        SettingsError: the copy is not done, or new documents still go to the source.
        typer.Exit: the answer is no, or objects stayed that no rule keeps.
        StorageError: a provider or the catalogue does not answer.
    """

    def asked(ask: PruneAsk) -> bool:
        bin_of = "; its recycle bin keeps them" if ask.recycled else ""
        what = f"{ask.objects:,} objects ({short_bytes(ask.bytes)}) from {ask.label} ({ask.location})"
        with asking():
            confirm(f"Delete up to {what}{bin_of}? Each is proven on the target before it goes.", yes=yes)
        return True

    careful = PruneOptions(
        verify=cast(Proof, options["verify"]),
        allow_failed=bool(options["allow_failed"]),
        allow_chosen=bool(options["allow_chosen"]),
    )
    rules = [KeptFor(timedelta(days=keep_days))] if keep_days else []
    with counting(command):
        migration = migration_of(command, ends)
        with stopping(command.out) as stop:
            report = prune_run(migration, asked, careful, rules=rules, stop=stop.is_set)
    where = ", into its recycle bin" if report.recycled else ""
    pruned, label = report.pruned, migration.source.label
    lines = [f"{pruned.objects:,} objects ({short_bytes(pruned.bytes)}) were deleted from {label}{where}"]
    if report.retained:
        lines.append(f"{report.retained:,} objects are kept there by a rule or a lock")
    command.out.result(report.to_dict(), lines)
    for entry in report.kept[:10]:
        command.out.note(f"stayed: {entry.key}: {entry.reason}")
    if report.stopped is not None:
        command.out.note(f"it ended before all was done: {report.stopped}; the same command goes on")
    if report.stopped is not None or report.kept:
        raise typer.Exit(ExitCode.VERIFICATION)

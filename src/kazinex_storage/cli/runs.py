"""``migrate list``, ``status`` and ``report``: the runs of an organisation, from whatever processes work on them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ..migration.evidence_writing import CHAIN_ID
from ..migration.progress import RunMeter
from ..migration.summary import place_of, run_dict, summary_of
from .command import RunningCommand
from .moving import check_report_file, find_run, labels_of, summary_lines, write_report
from .output import format_time
from .run_display import bytes_of, objects_of


def list_(command: RunningCommand, organisation: str, limit: int) -> None:
    """Show the newest runs.

    Raises:
        StorageError: the catalogue does not answer.
    """
    journal, labels = command.organisations.catalogue.journal, labels_of(command, organisation)
    found = [run for run in journal.runs(organisation, limit=limit) if run.id != CHAIN_ID]
    readings = [RunMeter(journal, run).read() for run in found]
    rows = [
        [
            each.run.id,
            each.run.kind.value,
            each.run.state.value,
            f"{each.done.objects:,}/{each.total.objects:,}",
            format_time(each.run.begun_at),
            place_of(each.run.source, labels),
            place_of(each.run.target, labels),
        ]
        for each in readings
    ]
    document = {
        "organisation": organisation,
        "runs": [
            {
                **run_dict(each.run),
                **{
                    name: said
                    for name, said in each.to_dict().items()
                    if name in ("total", "done", "counts", "pending")
                },
            }
            for each in readings
        ],
    }
    columns = ["RUN", "KIND", "STATE", "OBJECTS", "BEGUN", "FROM", "TO"]
    command.out.table(document, columns, rows, f"{organisation} has no runs")


def status(command: RunningCommand, organisation: str, run: str) -> None:
    """Show how far a run is.

    Raises:
        RecordNotFoundError: there is no such run.
    """
    found = find_run(command, organisation, run)
    journal, labels = command.organisations.catalogue.journal, labels_of(command, organisation)
    progress = RunMeter(journal, found).read()
    summary = summary_of(journal, found, labels, at=datetime.now(UTC), most_plotted=0)
    lines = [
        f"{found.kind.value} from {summary.source} to {summary.target}: {found.state.value}",
        f"begun {format_time(found.begun_at)}" + (f" by {found.begun_by}" if found.begun_by else ""),
        f"{objects_of(progress)}; {bytes_of(progress)}",
        *summary_lines(summary.counts),
        *(f"{entry.state.value}: {entry.key}: {entry.reason}" for entry in (*summary.wrong, *summary.known)),
    ]
    command.out.result({**summary.to_dict(), "progress": progress.to_dict()}, lines)


def report(command: RunningCommand, organisation: str, run: str, file: Path) -> None:
    """Write the report on a run.

    Raises:
        RecordNotFoundError: there is no such run.
        UsageError: the folder of *file* does not exist.
        OSError: *file* cannot be written.
    """
    check_report_file(file)
    write_report(command, find_run(command, organisation, run), file)
    command.out.result({"run": run, "report": str(file)}, ())

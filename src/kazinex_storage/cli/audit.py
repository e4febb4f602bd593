"""``audit``: what happened in an organisation, whether that was altered since, and taking it elsewhere."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..lazy import regex
from .command import Organisation, RunningCommand, Yes, command_of, confirm
from .exits import ExitCode, UsageError
from .output import format_time

if TYPE_CHECKING:
    from ..organisations import AuditEntry, AuditReport

_KNOWN = regex(r"([0-9]+):([0-9a-f]{64})")

Known = Annotated[
    str | None,
    typer.Option("--known", metavar="NUMBER:HASH", help="What an earlier verification printed: shows a rollback."),
]
"""The option for what is known from outside."""


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        help="Show, verify, export and shorten the audit. An empty organisation is for what concerns all.",
        rich_markup_mode=None,
    )
    for name, command in (("list", list_), ("verify", verify), ("export", export), ("prune", prune)):
        group.command(name, epilog=epilog)(command)
    return group


def list_(
    context: typer.Context,
    organisation: Organisation,
    event: Annotated[
        str | None, typer.Option("--event", help="Such as document.removed; 'document.' is all that begin so.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="In whose name.")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="The id of a provider.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="The id of a project.")] = None,
    days: Annotated[float | None, typer.Option("--days", min=0, help="Only the last days.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest entries that fit, at most.")] = 50,
) -> None:
    """Show the newest entries, the oldest of them first."""
    from ..organisations import AuditQuery

    command = command_of(context)
    wanted = AuditQuery(
        event=event,
        by=by,
        provider=provider,
        project=project,
        since=None if days is None else datetime.now(UTC) - timedelta(days=days),
        limit=limit,
        newest_first=True,
    )
    entries = command.organisations.audit.query(organisation, wanted)[::-1]
    rows = [_row(entry) for entry in entries]
    command.out.table(
        {"organisation": organisation, "entries": [{"number": each.number, **each.said()} for each in entries]},
        ["NUMBER", "AT", "EVENT", "OUTCOME", "BY", "OF"],
        rows,
        "nothing that fits happened",
    )


def verify(
    context: typer.Context,
    organisation: Organisation,
    file: Annotated[
        Path | None, typer.Option("--file", help="Verify what 'audit export' wrote, not the catalogue.")
    ] = None,
    known: Known = None,
) -> None:
    """Check that nothing was changed, taken out, put in, moved or cut off. Exit code 3 if something was."""
    command = command_of(context)
    earlier = _earlier(known)
    if file is None:
        report = command.organisations.audit.verify_audit(organisation, earlier)
    else:
        report = _verify_file(command, organisation, file, earlier)
    lines = [f"{each.number if each.number is not None else 'whole'}: {each.problem}" for each in report.problems]
    if report.ok:
        lines = [f"{report.entries} entries are as they were written; keep this: {report.number}:{report.hash}"]
    command.out.result(report.to_dict(), lines)
    if not report.ok:
        raise typer.Exit(ExitCode.VERIFICATION)


def export(
    context: typer.Context,
    organisation: Organisation,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file, or - for standard output.")],
    after: Annotated[int, typer.Option("--after", min=0, help="Leave out the entries up to this number.")] = 0,
) -> None:
    """Write the audit as JSON lines, which 'audit verify --file' checks anywhere."""
    command = command_of(context)
    audit = command.organisations.audit
    if file == "-":
        for line in audit.lines(organisation, after=after):
            command.out.data(line.encode())
        return
    from ..system import CLOSE_ON_EXEC  # what only looks at commands does without

    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOSE_ON_EXEC, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{file!r} exists already, and an export is never overwritten; name another file") from error
    with open(opened, "w", encoding="ascii") as text:
        count = audit.export(organisation, text, after=after)
    command.out.result({"organisation": organisation, "file": file, "entries": count}, [f"{count} entries in {file}"])


def prune(
    context: typer.Context,
    organisation: Organisation,
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", min=0, help="Entries from then on are kept.")
    ],
    yes: Yes = False,
) -> None:
    """Forget entries by their age; the rest goes on being verifiable. Export them first."""
    command = command_of(context)
    confirm(f"Forget what happened in {organisation!r} more than {older_than:g} days ago?", yes=yes)
    time = datetime.now(UTC) - timedelta(days=older_than)
    dropped = command.organisations.audit.drop_before(organisation, time, by=command.organisations.by)
    count = 0 if dropped is None else dropped.last - dropped.first + 1
    command.out.result({"organisation": organisation, "dropped": count}, [f"{count} entries are forgotten"])


def _row(entry: AuditEntry) -> list[str]:
    said = entry.said()
    of = said.get("document") or said.get("label") or entry.project or ""
    return [str(entry.number), format_time(entry.at), entry.event, entry.outcome, entry.by or "", str(of)]


def _verify_file(command: RunningCommand, organisation: str, file: Path, known: tuple[int, str] | None) -> AuditReport:
    from ..organisations import verify_exported
    from ..organisations.catalogue import keys_of

    keys = keys_of(command.organisations.catalogue, organisation)
    with file.open(encoding="utf-8") as lines:
        report = verify_exported(lines, keys, known)
    if report.organisation != organisation:
        raise UsageError(f"{file} is the audit of {report.organisation!r}; name that one")
    return report


def _earlier(known: str | None) -> tuple[int, str] | None:
    if known is None:
        return None
    found = _KNOWN.fullmatch(known)
    if found is None:
        raise UsageError("--known is NUMBER:HASH as 'audit verify' prints it")
    return int(found[1]), found[2]

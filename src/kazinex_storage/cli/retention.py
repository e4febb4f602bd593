"""``retention``: what keeps documents, from the shell, and how long new ones are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from .addresses import find_document
from .command import Organisation, RunningCommand, command_of
from .exits import UsageError
from .monitoring import OptionalProject
from .objects import Document

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument
    from ..documents.retaining import RetentionState
    from ..documents.retentions import DefaultRetention


class Mode(Enum):
    """As ``RetentionMode``."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


Reason: TypeAlias = Annotated[str | None, typer.Option("--reason", help="For the audit.")]
Strictness: TypeAlias = Annotated[
    Mode, typer.Option("--mode", help="governance can be lifted before its time, compliance never.")
]


def build(epilog: str) -> typer.Typer:
    """Return the group ``retention``."""
    group = typer.Typer(help="Keep documents from change and removal.", rich_markup_mode=None)
    commands = (
        ("show", show),
        ("retain", retain),
        ("lift", lift),
        ("hold", hold),
        ("release", release),
        ("defaults", defaults),
        ("set-default", set_default),
    )
    for name, command in commands:
        group.command(name, epilog=epilog)(command)
    return group


def show(context: typer.Context, document: Document) -> None:
    """Show what keeps a document, and whether its service does or this library alone."""
    command = command_of(context)
    receipt = find_document(command, document)
    _result(command, receipt, command.documents.retention(receipt))


def retain(
    context: typer.Context,
    document: Document,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Such as 2036-12-31, in UTC.")] = None,
    days: Annotated[int | None, typer.Option("--days", metavar="DAYS", min=1, help="From now on.")] = None,
    mode: Strictness = Mode.GOVERNANCE,
    reason: Reason = None,
) -> None:
    """Keep a document until a date; it may be made longer by anyone and shorter by nobody."""
    from ..retention import RetentionMode

    if (until is None) is (days is None):
        raise UsageError("give --until, or --days")
    moment = _moment(until) if until is not None else datetime.now(UTC) + timedelta(days=days or 0)
    command = command_of(context)
    receipt = find_document(command, document)
    _result(command, receipt, command.documents.retain(receipt, moment, RetentionMode(mode.value), reason=reason))


def lift(
    context: typer.Context,
    document: Document,
    by: Annotated[str, typer.Option("--by", help="Who says so, for the audit.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit.")],
) -> None:
    """End a governance retention before its time."""
    command = command_of(context)
    receipt = find_document(command, document)
    _result(command, receipt, command.documents.lift_retention(receipt, by=by, reason=reason))


def hold(
    context: typer.Context,
    document: Document,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit and for whoever is refused.")],
) -> None:
    """Keep a document until its release."""
    command = command_of(context)
    receipt = find_document(command, document)
    _result(command, receipt, command.documents.hold(receipt, reason))


def release(context: typer.Context, document: Document, reason: Reason = None) -> None:
    """End the hold of a document; a retention goes on."""
    command = command_of(context)
    receipt = find_document(command, document)
    _result(command, receipt, command.documents.release(receipt, reason=reason))


def defaults(context: typer.Context, organisation: Organisation) -> None:
    """Show how long new documents are kept."""
    command = command_of(context)
    rules = command.organisations.retentions(organisation)
    rows = [[rule.project or "-", _days(rule), rule.mode.value] for rule in rules]
    document = {"organisation": organisation, "defaults": [_fields(rule) for rule in rules]}
    command.out.table(document, ["PROJECT", "DAYS", "MODE"], rows, f"{organisation} keeps nothing by default")


def set_default(
    context: typer.Context,
    organisation: Organisation,
    days: Annotated[str, typer.Option("--days", metavar="DAYS", help="From each upload on; 'none' keeps nothing.")],
    project: OptionalProject = None,
    mode: Strictness = Mode.GOVERNANCE,
) -> None:
    """Keep each new document of an organisation, or of one project, for a time. What is stored is not touched."""
    from ..retention import RetentionMode

    if days != "none" and not days.isdecimal():
        raise UsageError("--days is a number, or 'none'")
    period = None if days == "none" else timedelta(days=int(days))
    command = command_of(context)
    rule = command.organisations.set_retention(organisation, project, period, RetentionMode(mode.value))
    whose = f"new documents of {project or 'projects that say nothing'} are"
    line = f"{whose} kept for {_days(rule)} days ({rule.mode.value})" if period is not None else f"{whose} not kept"
    command.out.result(_fields(rule), [line])


def _result(command: RunningCommand, receipt: StoredDocument, state: RetentionState) -> None:
    retention, held = state.retention, state.hold
    document = {
        "key": receipt.key,
        "until": retention.until.isoformat() if retention is not None else None,
        "mode": retention.mode.value if retention is not None else None,
        "hold": {"reason": held.reason, "by": held.by, "at": held.at.isoformat()} if held is not None else None,
        "kept": state.keeps(),
        "enforced_by": state.enforced_by,
    }
    hold = f"{held.reason}, by {held.by or 'nobody named'}, {held.at:%Y-%m-%d}" if held is not None else "none"
    until = f"{retention.until:%Y-%m-%d %H:%M} UTC ({retention.mode.value})" if retention is not None else "no date"
    lines = [
        f"{receipt.key} is {'kept' if state.keeps() else 'free'}",
        f"  until         {until}",
        f"  hold          {hold}",
        f"  enforced by   {'its service and the register' if state.enforced_by == 'service' else 'the register'}",
    ]
    command.out.result(document, lines)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no date; write it as 2036-12-31, or 2036-12-31T18:00") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _days(rule: DefaultRetention) -> str:
    return f"{rule.period / timedelta(days=1):g}" if rule.period is not None else "-"


def _fields(rule: DefaultRetention) -> dict[str, object]:
    period_s = int(rule.period.total_seconds()) if rule.period is not None else None
    return {"project": rule.project, "period_s": period_s, "mode": rule.mode.value, "version": rule.version}

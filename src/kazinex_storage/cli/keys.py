"""``keys``: the data keys of an organisation, listed, renewed, wrapped again, destroyed; what they seal, resealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .command import Organisation, Yes, command_of, confirm
from .exits import ExitCode, UsageError
from .output import format_time

if TYPE_CHECKING:
    from ..organisations.data_key_rows import DataKey
    from ..organisations.keyed import ResealStep


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(help="The data keys that a key service wraps for organisations.", rich_markup_mode=None)
    for name, command in (
        ("list", list_),
        ("renew", renew),
        ("rewrap", rewrap),
        ("reseal", reseal),
        ("destroy", destroy),
    ):
        group.command(name, epilog=epilog)(command)
    return group


def list_(context: typer.Context, organisation: Organisation) -> None:
    """List every data key that the organisation ever had, the newest first; never a key."""
    command = command_of(context)
    keys = command.organisations.data_keys(organisation)
    rows = [
        [
            key.id,
            key.status.value,
            f"{key.source}:{key.key}",
            key.key_version or "-",
            format_time(key.created_at),
            format_time(key.expires_at) or "-",
            format_time(key.ended_at) or "-",
        ]
        for key in keys
    ]
    columns = ["ID", "STATUS", "WRAPPED BY", "VERSION", "CREATED", "EXPIRES", "ENDED"]
    document = {"organisation": organisation, "keys": [_document(key) for key in keys]}
    command.out.table(document, columns, rows, "no data key yet: nothing is sealed, or one ring seals for all")


def renew(context: typer.Context, organisation: Organisation) -> None:
    """Have another data key seal from now on, and seal what there is under it."""
    command = command_of(context)
    made = command.organisations.renew_data_key(organisation)
    report = command.organisations.reseal_each([organisation])
    for failure in report.failures:
        command.out.note(f"not sealed again: {failure.error}")
    lines = [f"{made.id} seals for {organisation} now; {report.changed} providers were sealed again"]
    command.out.result({"organisation": organisation, "key": _document(made), "resealed": report.changed}, lines)
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def rewrap(context: typer.Context, organisation: Organisation) -> None:
    """Wrap the data keys under the newest version of the key in the key service. What they seal stays as it is."""
    command = command_of(context)
    changed = command.organisations.rewrap_data_keys(organisation)
    command.out.result(
        {"organisation": organisation, "rewrapped": changed}, [f"{changed} data keys were wrapped again"]
    )


def reseal(
    context: typer.Context,
    organisation: Annotated[
        str | None,
        typer.Option("--organisation", "-o", envvar="KAZINEX_STORAGE_ORGANISATION", help="Only this one."),
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every organisation of the catalogue.")] = False,
) -> None:
    """Seal secrets under the newest keys, one organisation after the other. It may be stopped and run again.

    Exit code 1 when the secrets of one cannot be opened.
    """
    if organisation is None and not everyone:
        raise UsageError("give --organisation, or --all")
    command = command_of(context)

    def tell(step: ResealStep) -> None:
        outcome = f"{step.changed} sealed again" if step.error is None else f"left as it is: {step.error}"
        command.out.note(f"{step.done} of {step.total}: {step.organisation}: {outcome}")

    names = None if everyone or organisation is None else [organisation]
    report = command.organisations.reseal_each(names, on_progress=tell)
    failures = [{"organisation": step.organisation, "error": str(step.error)} for step in report.failures]
    document = {"organisations": len(report.steps), "resealed": report.changed, "failures": failures}
    command.out.result(document, [f"{report.changed} providers of {len(report.steps)} organisations were sealed again"])
    if not report.ok:
        raise typer.Exit(ExitCode.FAILED)


def destroy(
    context: typer.Context,
    organisation: Organisation,
    reason: Annotated[str, typer.Option("--reason", help="Why; the audit keeps it.")],
    keys: Annotated[list[str] | None, typer.Option("--key", metavar="ID", help="Only this one. Repeatable.")] = None,
    yes: Yes = False,
) -> None:
    """Destroy the data keys of the organisation for good: its sealed secrets cannot be opened any more by anybody.

    Documents stay where they are. Backups of the database still hold the keys wrapped.
    """
    command = command_of(context)
    what = f"{len(keys)} data keys" if keys else "all data keys"
    confirm(f"Destroy {what} of {organisation}? What they seal is lost for good.", yes=yes)
    gone = command.organisations.destroy_data_keys(organisation, reason=reason, keys=keys or None)
    lines = [f"{len(gone)} data keys of {organisation} are destroyed"]
    command.out.result({"organisation": organisation, "destroyed": [key.id for key in gone]}, lines)


def _document(key: DataKey) -> dict[str, object]:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "ended_at")}
    return {
        "id": key.id,
        "status": key.status.value,
        "source": key.source,
        "key": key.key,
        "key_version": key.key_version,
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
        "ended_by": key.ended_by,
        "ended_for": key.ended_for,
    }

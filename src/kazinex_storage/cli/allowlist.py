"""``allowlist``: which types of files an organisation takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .command import Organisation, command_of
from .output import Output

if TYPE_CHECKING:
    from ..organisations.records import OrganisationRecord


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(help="Restrict the types of files that an organisation takes.", rich_markup_mode=None)
    for name, command in (("show", show), ("set", set_), ("clear", clear)):
        group.command(name, epilog=epilog)(command)
    return group


def show(context: typer.Context, organisation: Organisation) -> None:
    """Show the allowed extensions; none listed means that every type is allowed."""
    command = command_of(context)
    _print(command.out, command.organisations.organisation(organisation))


def set_(
    context: typer.Context,
    organisation: Organisation,
    extensions: Annotated[list[str], typer.Argument(metavar="EXTENSION...", help="Such as pdf dwg ifc.")],
) -> None:
    """Allow these extensions only. Stored documents are not touched."""
    command = command_of(context)
    _print(command.out, command.organisations.set_allowlist(organisation, extensions))


def clear(context: typer.Context, organisation: Organisation) -> None:
    """Allow every type again."""
    command = command_of(context)
    _print(command.out, command.organisations.set_allowlist(organisation, ()))


def _print(out: Output, record: OrganisationRecord) -> None:
    allowed = list(record.allowlist)
    text = f"allowed: {' '.join(allowed)}" if allowed else "every type of file is allowed"
    out.result({"organisation": record.organisation, "allowlist": allowed}, [text])

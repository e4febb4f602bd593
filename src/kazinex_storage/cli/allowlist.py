"""``allowlist``: which types of files an organisation takes, and which it refuses whatever the list says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from .command import Organisation, command_of
from .output import Output

if TYPE_CHECKING:
    from ..file_rules import FileRules
    from ..organisations.records import OrganisationRecord


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(help="Restrict the types of files that an organisation takes.", rich_markup_mode=None)
    for name, command in (("show", show), ("set", set_), ("clear", clear), ("rules", rules)):
        group.command(name, epilog=epilog)(command)
    return group


def show(context: typer.Context, organisation: Organisation) -> None:
    """Show the allowed extensions; none listed means that every type is allowed."""
    command = command_of(context)
    _print(command.out, command.organisations.organisation(organisation))


def set_(
    context: typer.Context,
    organisation: Organisation,
    extensions: Annotated[list[str], typer.Argument(metavar="EXTENSION...", help="Such as pdf dwg image/*.")],
) -> None:
    """Allow these extensions, or MIME types, only. Stored documents are not touched."""
    command = command_of(context)
    _print(command.out, command.organisations.set_allowlist(organisation, extensions))


def clear(context: typer.Context, organisation: Organisation) -> None:
    """Allow every type again."""
    command = command_of(context)
    _print(command.out, command.organisations.set_allowlist(organisation, ()))


def rules(
    context: typer.Context,
    organisation: Organisation,
    content: Annotated[
        str | None, typer.Option(help="Compare bytes with names: off, recognised or required.", metavar="RULE")
    ] = None,
    never: Annotated[
        str | None, typer.Option(help="Extensions never taken, by commas; 'preset' or 'none'.", metavar="LIST")
    ] = None,
    plain_names: Annotated[
        bool | None, typer.Option("--plain-names/--any-names", help="Refuse names that deceive, or take any.")
    ] = None,
) -> None:
    """Show what is refused whatever the list says, or change what is given. Stored documents are not touched."""
    from ..file_rules import NEVER_ALLOWED, PRESET
    from ..policy import normal_extensions

    command = command_of(context)
    record = command.organisations.organisation(organisation)
    found = record.file_rules or PRESET
    given: dict[str, object] = {"content": content} if content is not None else {}
    if never is not None:
        named = {"preset": NEVER_ALLOWED, "none": frozenset[str]()}.get(never)
        given["never"] = frozenset(normal_extensions(never.split(","))) if named is None else named
    if plain_names is not None:
        given["plain_names"] = plain_names
    if given:
        changed = replace(found, **given)  # type: ignore[arg-type]
        found = command.organisations.set_file_rules(organisation, changed, version=record.version).file_rules or PRESET
    _show_rules(command.out, organisation, found)


def _show_rules(out: Output, organisation: str, found: FileRules) -> None:
    lines = [
        f"contents: {found.content}",
        f"never allowed: {' '.join(sorted(found.never)) or 'nothing'}",
        f"names that deceive: {'refused' if found.plain_names else 'taken'}",
    ]
    document: dict[str, object] = {
        "organisation": organisation,
        "content": found.content,
        "never": sorted(found.never),
        "plain_names": found.plain_names,
    }
    out.result(document, lines)


def _print(out: Output, record: OrganisationRecord) -> None:
    allowed = list(record.allowlist)
    text = (
        f"allowed: {' '.join(allowed)}"
        if allowed
        else "every type of file is allowed, but for what allowlist rules shows"
    )
    out.result({"organisation": record.organisation, "allowlist": allowed}, [text])

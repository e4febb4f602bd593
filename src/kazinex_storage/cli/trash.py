"""``trash``: removed documents that can be brought back, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import policy
from ..errors import NotFoundError
from .addresses import parse_document, parse_path
from .command import Organisation, RunningCommand, Yes, command_of, confirm
from .objects import Document
from .output import format_time

if TYPE_CHECKING:
    from ..documents.recovering import RemovedDocument
    from ..keys import DocumentKey

_ANY_FILE = "-"

By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it, for the record.")]


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    app = typer.Typer(help="List removed documents, bring them back, or end them for good.", rich_markup_mode=None)
    for name, command in (("list", show), ("undelete", undelete), ("purge", purge)):
        app.command(name, epilog=epilog)(command)
    return app


def show(
    context: typer.Context,
    organisation: Organisation,
    project: Annotated[str | None, typer.Option("--project", metavar="PROJECT", help="Only of this one.")] = None,
) -> None:
    """List the removed documents that can be brought back, those removed last first."""
    command = command_of(context)
    found = command.documents.removed(organisation, project)
    rows = [
        [
            format_time(one.removal.at) or "-",
            one.removal.by or "-",
            format_time(one.expires_at) or "as its place says",
            str(one.size),
            one.document.build(),
        ]
        for one in found
    ]
    document = {"organisation": organisation, "removed": [_as_values(one) for one in found]}
    command.out.table(document, ["REMOVED", "BY", "KEPT UNTIL", "BYTES", "DOCUMENT"], rows, "nothing is kept")


def undelete(context: typer.Context, document: Document, by: By = None) -> None:
    """Bring a removed document back, the same bytes under the same revision."""
    command = command_of(context)
    receipt = command.documents.undelete(_removed(command, document), by=by)
    command.out.result(receipt.to_dict(), [f"brought back {receipt.key} ({policy.format_bytes(receipt.size)})"])


def purge(
    context: typer.Context,
    document: Document,
    by: By = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")] = None,
    yes: Yes = False,
) -> None:
    """Remove all that is kept of a removed document, for good. The revision stays taken."""
    command = command_of(context)
    key = _removed(command, document)
    confirm(f"Remove what is kept of {key.build()} for good?", yes=yes)
    command.documents.purge(key, by=by, reason=reason)
    command.out.result({"purged": key.build()}, [f"purged {key.build()}"])


def _removed(command: RunningCommand, text: str) -> DocumentKey:
    """Return the document that *text* names, with or without its file name.

    Raises:
        NotFoundError: no file of that revision is kept.
    """
    key = parse_document(text, _ANY_FILE)
    if len(parse_path(text)) == 5:
        return key
    for one in command.documents.removed(key.organisation, key.project):
        if one.document.revision_prefix == key.revision_prefix:
            return one.document
    raise NotFoundError("nothing is kept of that revision", operation="undelete", key=key.revision_prefix)


def _as_values(one: RemovedDocument) -> dict[str, object]:
    return {
        "key": one.document.build(),
        "provider": one.provider,
        "size": one.size,
        "removed_at": one.removal.at.isoformat(),
        "removed_by": one.removal.by,
        "reason": one.removal.reason,
        "expires_at": one.expires_at.isoformat() if one.expires_at is not None else None,
    }

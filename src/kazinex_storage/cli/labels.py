"""``tags`` and ``storage-class``: what the service of a document keeps with it, shown and changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from .addresses import find_document
from .command import command_of
from .exits import UsageError
from .objects import Document


def tags(
    context: typer.Context,
    document: Document,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Add a tag, or change it; repeatable.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="NAME", help="Remove a tag; repeatable.")
    ] = None,
) -> None:
    """Show the tags of a document, or change some of them; the others stay."""
    from ..storage.tag_rules import check_tags

    changes, gone = _pairs(given or ()), frozenset(remove or ())
    if both := sorted(gone & changes.keys()):
        raise UsageError(f"{both[0]!r} is to be set and removed; give one of --set and --remove")
    command = command_of(context)
    receipt = find_document(command, document)
    before = command.documents.tags(receipt)
    after = {name: value for name, value in before.items() if name not in gone} | changes
    if after != before:
        try:
            check_tags(after)
        except ValueError as error:
            raise UsageError(str(error)) from error
        command.documents.set_tags(receipt, after)
    rows = [[name, after[name]] for name in sorted(after)]
    command.out.table({"key": receipt.key, "tags": after}, ["TAG", "VALUE"], rows, f"{receipt.key} has no tags")


def storage_class(
    context: typer.Context,
    document: Document,
    wanted: Annotated[
        str | None, typer.Argument(metavar="[CLASS]", help="In the words of the service, such as Cool.")
    ] = None,
) -> None:
    """Show the storage class of a document, or change it where its service does that in place."""
    command = command_of(context)
    receipt = find_document(command, document)
    if wanted is None:
        found = command.documents.storage_class(receipt)
    else:
        found = command.documents.set_storage_class(receipt, wanted)
    shown = found if found is not None else "that of an ordinary write"
    command.out.result({"key": receipt.key, "storage_class": found}, [f"{receipt.key}: {shown}"])


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """Return what ``--set`` was given.

    Raises:
        UsageError: one of *texts* names no tag.
    """
    found = dict[str, str]()
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"{text!r} is no tag; write --set name=value")
        found[name] = value
    return found

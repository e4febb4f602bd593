"""``du``: how much a place, or a folder of it, holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import NotFoundError
from .command import RunningCommand, command_of
from .exits import UsageError
from .operands import RemoteOperand, parse_remote

if TYPE_CHECKING:
    from ..syncing.entries import Entry
    from ..syncing.sizes import FolderSize


def du(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="organisation[/project/...], or a URL such as r2://bucket/folder/.")
    ],
    depth: Annotated[
        int, typer.Option("--depth", "-d", min=0, metavar="N", help="Folders down to this level; 0 is the sum alone.")
    ] = 0,
    by_project: Annotated[
        bool, typer.Option("--by-project", help="Each project of an organisation; the same as --depth 1.")
    ] = False,
    exact: Annotated[bool, typer.Option("--bytes", "-b", help="Sizes as numbers of bytes.")] = False,
) -> None:
    """Add up the objects below PATH, each once: what can be read now, without earlier versions and the trash."""
    command, operand = command_of(context), parse_remote(path)
    if by_project:
        if operand.organisation is None or operand.key:
            raise UsageError(f"--by-project looks at a whole organisation, and {path!r} is none; use --depth")
        depth = max(depth, 1)
    found = _sizes(command, operand, depth)
    document = {"path": operand.name, **found[0].to_dict(), "folders": [one.to_dict() for one in found[1:]]}
    rows = [[_size(one.size, exact=exact), f"{one.objects:,}", _name(operand, one.folder)] for one in found]
    command.out.table(document, ("SIZE", "OBJECTS", "FOLDER"), [*rows[1:], rows[0]], "")


def _sizes(command: RunningCommand, operand: RemoteOperand, depth: int) -> list[FolderSize]:
    """Return the size of the whole, then those of its folders.

    Raises:
        NotFoundError: nothing is there.
        StorageError: a provider that may hold something does not answer.
    """
    from ..syncing.sizes import FolderSize, sizes_of
    from .places import find_object, open_place

    found = sizes_of(_entries(command, operand), depth)
    if found[0].objects or not operand.key:
        return found
    single = None if operand.folder else find_object(open_place(command, operand), operand.key)
    if single is None:
        why = "there is nothing; list the level above to see what there is"
        raise NotFoundError(why, operation="du", key=operand.name)
    return [FolderSize(folder="", size=single.size, objects=1)]


def _entries(command: RunningCommand, operand: RemoteOperand) -> Iterator[Entry]:
    from ..syncing.entries import Listings
    from ..syncing.selecting import Selection
    from .syncing import end_of

    end = end_of(command, operand)
    if operand.organisation is None:
        yield from end.entries(Selection())
        return
    with Listings() as listings:  # several providers may hold one key, which counts once
        listings.load("source", end.entries(Selection()))
        yield from listings.entries("source")


def _size(size: int, *, exact: bool) -> str:
    from ..policy import format_bytes

    return str(size) if exact else format_bytes(size)


def _name(operand: RemoteOperand, folder: str) -> str:
    return f"{operand.base}{operand.prefix}{folder}" if folder else operand.name

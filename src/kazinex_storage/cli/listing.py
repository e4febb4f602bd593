"""``ls``: what an organisation, a project, a document or a revision holds, over all providers of the organisation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import NotFoundError, RecordNotFoundError, StorageError
from ..lazy import logger
from ..organisations import commands
from ..values import value
from .addresses import parse_path
from .command import RunningCommand, command_of
from .objects import complete_remote
from .output import aligned, format_time

if TYPE_CHECKING:
    from ..documents.receipts import ResolvedProvider
    from ..types import ObjectInfo


_log = logger(__name__)


@value
class Entry:
    """One line of a listing."""

    name: str
    """Below the folder that is listed; folders end with a slash."""
    key: str
    """With the organisation."""
    folder: bool
    provider: str | None = None
    """The id of the provider that holds it; None for folders, which several may share."""
    size: int | None = None
    last_modified: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the entry as values that JSON can hold."""
        return {
            "name": self.name,
            "key": self.key,
            "type": "folder" if self.folder else "file",
            "size": self.size,
            "last_modified": self.last_modified.isoformat() if self.last_modified else None,
            "provider": self.provider,
        }


def ls(
    context: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            help="organisation[/project[/document[/revision]]], or a URL such as kazinex:// or r2://bucket/folder.",
            autocompletion=complete_remote,
        ),
    ],
    long: Annotated[bool, typer.Option("-l", "--long", help="With size, time and provider.")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="Everything below, not one level.")] = False,
) -> None:
    """List what is stored. Where several providers hold a key, the one that is read counts."""
    command = command_of(context)
    if "://" in path and not path.startswith("kazinex://"):
        name, found = _list_url(command, path, recursive=recursive)
    else:
        name, found = "/".join(parse_path(path)), _list(command, path, recursive=recursive)
    document = {"path": name, "entries": [entry.to_dict() for entry in found]}
    rows = [
        [
            "-" if entry.size is None else str(entry.size),
            format_time(entry.last_modified) or "-",
            entry.provider or "-",
            entry.name,
        ]
        for entry in found
    ]
    lines = (
        (aligned([["BYTES", "STORED", "PROVIDER", "NAME"], *rows]) if rows else [])
        if long
        else [entry.name for entry in found]
    )
    command.out.result(document, lines)


def _list_url(command: RunningCommand, url: str, *, recursive: bool) -> tuple[str, list[Entry]]:
    """Return what is in a folder behind *url*, or the object there, and its name."""
    from .operands import parse_remote
    from .places import Found, find_object, open_place
    from .selecting import nothing_there

    operand = parse_remote(url)
    place = open_place(command, operand)
    entries = list[Entry]()
    for found in place.scan(operand.prefix, recursive=recursive):
        key = found.key if isinstance(found, Found) else found.prefix
        size, changed = (found.size, found.last_modified) if isinstance(found, Found) else (None, None)
        name = key.removeprefix(operand.prefix)
        entries.append(
            Entry(name=name, key=operand.base + key, folder=key.endswith("/"), size=size, last_modified=changed)
        )
    single = find_object(place, operand.key) if not entries and not operand.folder else None
    if single is not None:
        name = single.key.rpartition("/")[2]
        entries = [
            Entry(name=name, key=operand.name, folder=False, size=single.size, last_modified=single.last_modified)
        ]
    if not entries and operand.key:
        raise nothing_there(operand)
    return operand.name, sorted(entries, key=lambda entry: entry.key)


def _list(command: RunningCommand, path: str, *, recursive: bool) -> list[Entry]:
    organisation, *rest = parse_path(path)
    providers = command.resolver.in_order(organisation, rest[0] if rest else None)
    if not providers:
        raise RecordNotFoundError(
            f"the organisation {organisation!r} has no provider; add one: {commands.add(organisation)}"
        )
    folder = "".join(f"{segment}/" for segment in rest)
    asked: tuple[Callable[[ResolvedProvider], list[Entry]], ...] = (
        lambda provider: _entries(provider, organisation, folder, recursive=recursive),
        lambda provider: _single(provider, organisation, "/".join(rest)),  # as ls of a file shows the file
    )
    found: dict[str, Entry] = {}
    silent: dict[str, tuple[ResolvedProvider, StorageError]] = {}
    for ask in asked[: 2 if rest else 1]:
        for provider in providers if not found else ():
            try:
                entries = ask(provider)
            except StorageError as error:
                silent[provider.provider] = (provider, error)
                continue
            for entry in entries:
                found.setdefault(entry.key, entry)
    for provider, reason in silent.values():
        if len(silent) == len(providers) or (not found and rest and provider.used):
            raise reason  # nothing would be shown of what may be there
        _log.warning("provider %s did not answer, and what it holds is missing here: %s", provider.label, reason)
    if not found and rest:
        raise NotFoundError(
            "there is nothing; list the level above to see what there is",
            operation="ls",
            key="/".join(parse_path(path)),
        )
    return [found[key] for key in sorted(found)]


def _entries(provider: ResolvedProvider, organisation: str, folder: str, *, recursive: bool) -> list[Entry]:
    from ..types import Folder
    from ..verification.verify import PROBE_FOLDER

    entries = []
    for found in provider.storage.list(folder, recursive=recursive):
        key = found.prefix if isinstance(found, Folder) else found.key
        if key.startswith(f"{PROBE_FOLDER}/"):
            continue  # a verification is under way, or was cut off
        entries.append(
            Entry(name=key.removeprefix(folder), key=f"{organisation}/{key}", folder=True)
            if isinstance(found, Folder)
            else _file(provider, organisation, found, key.removeprefix(folder))
        )
    return entries


def _single(provider: ResolvedProvider, organisation: str, key: str) -> list[Entry]:
    try:
        return [_file(provider, organisation, provider.storage.head(key), key.rpartition("/")[2])]
    except NotFoundError:
        return []


def _file(provider: ResolvedProvider, organisation: str, info: ObjectInfo, name: str) -> Entry:
    return Entry(
        name=name,
        key=f"{organisation}/{info.key}",
        folder=False,
        provider=provider.provider,
        size=info.size,
        last_modified=info.last_modified,
    )

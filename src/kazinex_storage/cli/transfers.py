"""``cp`` and ``mv``: objects and documents from one remote place to another; nothing is replaced but by ``--force``.

Within one storage the service copies; between two the bytes go through a file of this machine, proved by a checksum.
A move copies, then removes the source: a document by the rules that keep it, into the trash.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PreconditionFailedError, RetentionError, StorageError
from ..fs.transfers import same_objects
from ..keys import DocumentKey, ObjectKey
from ..policy import format_bytes
from ..storage.rules import options_of_copy
from ..transport import Call
from ..types import PutMode
from ..values import value
from .addresses import parse_document
from .batches import Batch, Job, Problem, Told, refuse_all
from .exits import UsageError
from .operands import RemoteOperand, parse_remote
from .places import Place, open_place
from .printing import url_fields
from .removing import removed
from .selecting import Selected, select

if TYPE_CHECKING:
    from ..transport import Exchange
    from ..types import ObjectInfo
    from .command import RunningCommand


@value
class CopyRequest:
    """What a command line says about a copy or a move."""

    sources: tuple[str, ...]
    target: str
    move: bool
    recursive: bool = False
    force: bool = False
    dry_run: bool = False
    by: str | None = None
    """In whose name a document is removed from where it was."""


@value
class Transfer:
    """One object, and where it goes."""

    selected: Selected
    place: Place
    key: str
    """Below the place."""
    document: DocumentKey | None
    """The document that it becomes, if it becomes one."""

    @property
    def name(self) -> str:
        """Where it goes, for a person; an operand again."""
        return f"{self.place.operand.base}{self.key}"

    @property
    def fields(self) -> dict[str, object]:
        """How JSON names it."""
        return {"source": self.selected.address, "target": self.name}


def transfer(command: RunningCommand, asked: CopyRequest) -> None:
    """Copy or move what is *asked*.

    Raises:
        UsageError: what is asked for makes no sense.
        typer.Exit: some were not copied or moved, and were told.
        StorageError: the only operand means nothing, or has no place to go to.
    """
    target = parse_remote(asked.target)
    selection = select(command, asked.sources, recursive=asked.recursive)
    refuse_all(command, selection.problems)
    transfers = _planned(command, asked, target, selection.items)
    batch = Batch(command, dry_run=asked.dry_run)
    verb = "move" if asked.move else "copy"
    if asked.dry_run:
        for one in transfers:
            size = format_bytes(one.selected.found.size)
            batch.done(one.fields, f"would {verb} {one.selected.address} to {one.name} ({size})")
    else:
        work = _moved if asked.move else _copied
        jobs = [
            Job(name=one.selected.address, fields=one.fields, work=partial(work, command, asked, one))
            for one in transfers
        ]
        try:
            batch.run(command.transport, jobs)
        except KeyboardInterrupt:
            command.out.note(f"each is whole where it was or where it goes; {verb} the rest again")
            raise
    for problem in selection.unseen:
        batch.fail(*problem)
    batch.finish("dry run: nothing was changed" if asked.dry_run else "")


def _planned(
    command: RunningCommand, asked: CopyRequest, target: RemoteOperand, items: Sequence[Selected]
) -> list[Transfer]:
    """Return what goes where.

    Raises:
        StorageError: the only one cannot go there.
        typer.Exit: several cannot; each was told.
    """
    place = open_place(command, target)
    several = len(items) > 1 or len(asked.sources) > 1
    into_folder = target.folder or asked.recursive or several
    transfers, problems, taken = list[Transfer](), list[Problem](), dict[str, Transfer]()
    for item in items:
        fields = {"source": item.address, "target": target.name}
        try:
            one = _transfer_of(item, place, into_folder=into_folder)
            where = one.document.revision_prefix if one.document is not None else one.name
            first = taken.setdefault(where, one)
            if first is not one:
                raise UsageError(f"{item.address} and {first.selected.address} both go to {where}; choose one")
            if one.name == item.address:
                raise UsageError(f"{item.address} would go to itself")
            _check_kept(command, asked, item)
            transfers.append(one)
        except (StorageError, UsageError) as error:
            problems.append((item.address, fields, error))
    refuse_all(command, problems)
    return transfers


def _transfer_of(item: Selected, place: Place, *, into_folder: bool) -> Transfer:
    target = place.operand
    key = str(ObjectKey(f"{target.prefix}{item.name}")) if into_folder else target.key
    document = None
    # What was a document stays one, and what comes from elsewhere becomes one; other keys of an organisation stay so.
    is_other = item.found.document is None and item.place.operand.organisation is not None
    if target.organisation is not None and not (is_other and key.count("/") != 3):
        document = parse_document(f"{target.place}/{key}", None if into_folder else item.name.rpartition("/")[2])
        key = document.build().removeprefix(f"{target.place}/")
    return Transfer(selected=item, place=place, key=key, document=document)


def _check_kept(command: RunningCommand, asked: CopyRequest, item: Selected) -> None:
    """Refuse to move what cannot be removed from where it is.

    Raises:
        RetentionError: a retention or a hold keeps it.
    """
    document = item.found.document
    if asked.move and document is not None and command.documents.retention(document).keeps():
        raise RetentionError(
            "a retention or a hold keeps it; copy it, or move it when that has ended", key=item.address
        )


def _copied(command: RunningCommand, asked: CopyRequest, one: Transfer) -> Exchange[Told]:
    fields, size = yield from _copy(command, asked, one)
    line = f"copied {one.selected.address} to {one.name} ({format_bytes(size)})"
    return Told(fields={**fields, **one.fields}, line=line)


def _moved(command: RunningCommand, asked: CopyRequest, one: Transfer) -> Exchange[Told]:
    source, writer = one.selected.found, one.place.writer(one.key)
    fields: dict[str, object]
    if source.document is None and one.document is None and same_objects(source.storage, writer):
        info = yield from writer.operations.move(source.key, one.key, _mode(asked, one))
        fields, size = url_fields(one.name, info), info.size
        for storage in one.selected.place.holders(source.key):
            if not same_objects(storage, writer):
                yield from storage.operations.delete(source.key)
    else:
        fields, size = yield from _copy(command, asked, one)
        if source.document is None:
            after = yield from source.storage.operations.head(source.key)
            if after.etag != source.info.etag and source.info.etag is not None:
                raise PreconditionFailedError(
                    f"the object was replaced while it was copied to {one.name}; both are there, nothing was removed",
                    key=one.selected.address,
                )
        yield from removed(command, one.selected, asked.by, f"moved to {one.name}")
    line = f"moved {one.selected.address} to {one.name} ({format_bytes(size)})"
    return Told(fields={**fields, **one.fields}, line=line)


def _copy(command: RunningCommand, asked: CopyRequest, one: Transfer) -> Exchange[tuple[dict[str, object], int]]:
    """Copy one object; return what is known of the copy, and its size."""
    source, writer = one.selected.found, one.place.writer(one.key)
    if same_objects(source.storage, writer):
        info = yield from writer.operations.copy(source.key, one.key, _mode(asked, one))
        if one.document is not None:
            receipt = yield from command.documents.operations.find(one.document)
            return receipt.to_dict(), receipt.size
        return url_fields(one.name, info), info.size
    folder = yield Call(tempfile.mkdtemp)
    path = Path(str(folder)) / "object"
    try:
        return (yield from _carried(command, asked, one, path))
    finally:
        path.unlink(missing_ok=True)
        os.rmdir(str(folder))


def _carried(
    command: RunningCommand, asked: CopyRequest, one: Transfer, path: Path
) -> Exchange[tuple[dict[str, object], int]]:
    """Copy one object through the file *path*."""
    source, writer, documents = one.selected.found, one.place.writer(one.key), command.documents.operations
    info: ObjectInfo
    if source.document is not None:
        receipt = yield from documents.find(source.document)
        info = yield from documents.download(receipt, path, None)
        sha256, content_type = receipt.sha256, receipt.content_type
    else:
        info = yield from source.storage.operations.download(source.key, path, None)
        sha256, content_type = info.sha256, info.content_type
    if one.document is not None:
        stored = yield from documents.upload(one.document, path, content_type, sha256, None)
        return stored.to_dict(), stored.size
    options = options_of_copy(info, writer.info, _mode(asked, one))
    written = yield from writer.operations.put(one.key, path, options, sha256=sha256)
    return url_fields(one.name, written), written.size


def _mode(asked: CopyRequest, one: Transfer) -> PutMode:
    replace = asked.force and one.place.operand.organisation is None
    return PutMode.REPLACE if replace else PutMode.CREATE

"""``get``: documents, objects and folders become files of this machine, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..bodies import special_files
from ..errors import AlreadyExistsError, IntegrityError
from ..policy import format_bytes
from ..transport import Call
from ..values import value
from .addresses import parse_document
from .batches import Batch, Job, Problem, SharedBar, Told, refuse_all
from .check import read_receipt
from .exits import UsageError
from .operands import is_url, parse_remote
from .places import find_object, open_place
from .printing import url_fields
from .progress import TransferBar
from .selecting import Selected, nothing_there, select, single_document

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument
    from ..transport import Exchange
    from ..types import Progress
    from .command import RunningCommand
    from .places import Found

STANDARD = "-"
"""Standard output."""


@value
class GetRequest:
    """What a command line says about a get."""

    sources: tuple[str, ...]
    target: str | None
    recursive: bool = False
    force: bool = False
    skip_existing: bool = False
    receipt: str | None = None
    accept_rewritten: bool = False
    dry_run: bool = False


@value
class Download:
    """One object, and the file that it becomes."""

    selected: Selected
    path: Path

    @property
    def fields(self) -> dict[str, object]:
        """How JSON names it."""
        return {"source": self.selected.address, "file": str(self.path)}


def split(operands: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """Return what to read and where to put it: the last of several operands, unless that is a URL."""
    if len(operands) > 1 and not is_url(operands[-1]):
        return tuple(operands[:-1]), operands[-1]
    return tuple(operands), None


def get(command: RunningCommand, asked: GetRequest) -> None:
    """Read what is *asked*.

    Raises:
        UsageError: what is asked for makes no sense.
        typer.Exit: of several, some were not read.
        StorageError: the only one was not read.
    """
    alone = len(asked.sources) == 1 and not asked.recursive
    if (asked.receipt is not None or asked.accept_rewritten or asked.target == STANDARD) and not alone:
        raise UsageError("standard output, --receipt and --accept-rewritten are for one document at a time")
    if asked.target == STANDARD:
        stream(command, asked.sources[0], asked.receipt, accept_rewritten=asked.accept_rewritten)
        return
    if alone and not asked.dry_run:
        receipt = proof_of(command, asked.sources[0], asked.receipt)
        if receipt is not None:
            _get_document(command, asked, receipt)
            return
    selection = select(command, asked.sources, recursive=asked.recursive)
    refuse_all(command, selection.problems)
    downloads = _planned(command, asked, selection.items)
    batch = Batch(command, dry_run=asked.dry_run)
    if asked.dry_run:
        for one in downloads:
            line = f"would write {one.path} ({format_bytes(one.selected.found.size)})"
            batch.done({**one.fields, "size": one.selected.found.size}, line)
    elif alone and len(downloads) == 1 and not selection.unseen and asked.sources[0] == downloads[0].selected.address:
        _get_object(command, downloads[0])
        return
    else:
        _get_many(command, batch, downloads)
    for problem in selection.unseen:
        batch.fail(*problem)
    verb = "would be written, nothing was changed" if asked.dry_run else "written"
    batch.finish(f"{len(downloads) - batch.failed if not asked.dry_run else len(downloads)} files {verb}")


def proof_of(command: RunningCommand, document: str, receipt_file: str | None) -> StoredDocument | None:
    """Return what a document is compared with: the receipt in the file, else what the services keep; None for others.

    Raises:
        UsageError: the receipt is of another document.
    """
    if receipt_file is None:
        return single_document(command, document)
    receipt = read_receipt(receipt_file)
    if parse_document(document, receipt.document.filename) != receipt.document:
        raise UsageError(f"the receipt is of {receipt.key!r}, not of {document!r}")
    return receipt


def stream(command: RunningCommand, text: str, receipt_file: str | None, *, accept_rewritten: bool) -> None:
    """Write a document or an object to standard output; its last bytes come only when all of them are proved.

    Raises:
        UsageError: JSON is wanted.
        IntegrityError: not all of it arrived.
    """
    if command.out.as_json:
        raise UsageError("this writes the document itself to standard output; use stat --json, or get --json FILE")
    receipt = proof_of(command, text, receipt_file)
    if receipt is not None:
        chunks, whole = command.documents.stream(receipt, accept_rewritten=accept_rewritten), receipt.size
        title = receipt.document.filename
    else:
        found = one_object(command, text)
        chunks, whole, title = found.storage.stream(found.key), found.size, found.key.rpartition("/")[2]
    size = 0
    with TransferBar(command.out, title, whole) as bar:
        for chunk in chunks:
            size += len(chunk)
            command.out.data(chunk)
            if bar.callback is not None:
                bar.advance(size, whole)
    command.out.flush()
    if size != whole and not accept_rewritten:
        raise IntegrityError(f"{size} of {whole} bytes arrived; read it again", key=text)


def one_object(command: RunningCommand, text: str) -> Found:
    """Return the object that *text* names.

    Raises:
        InvalidKeyError: it can only be a document, and names none.
        NotFoundError: there is none.
    """
    operand = parse_remote(text)
    found = find_object(open_place(command, operand), operand.key)
    if found is not None:
        return found
    if operand.organisation is not None:
        parse_document(text, "-")
    raise nothing_there(operand)


def _get_document(command: RunningCommand, asked: GetRequest, receipt: StoredDocument) -> None:
    target = Path(asked.target) if asked.target is not None else Path()
    if target.is_dir() or (asked.target or "").endswith("/"):
        target = target / receipt.document.filename
    if asked.skip_existing and os.path.lexists(target):
        command.out.result({**receipt.to_dict(), "file": str(target)}, [f"{target}: is there already"])
        return
    _check_free(target, force=asked.force)
    if (asked.target or "").endswith("/"):
        target.parent.mkdir(parents=True, exist_ok=True)
    with TransferBar(command.out, receipt.document.filename, receipt.size) as bar:
        command.documents.download(receipt, target, on_progress=bar.callback, accept_rewritten=asked.accept_rewritten)
    document = {**receipt.to_dict(), "file": str(target)}
    command.out.result(document, [f"{target}: {format_bytes(receipt.size)}, sha256 {receipt.sha256 or 'not kept'}"])


def _get_object(command: RunningCommand, download: Download) -> None:
    found, path = download.selected.found, download.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with TransferBar(command.out, path.name, found.size) as bar:
        info = found.storage.download(found.key, path, on_progress=bar.callback)
    fields = {**url_fields(download.selected.address, info), "file": str(path)}
    command.out.result(fields, [f"{path}: {format_bytes(info.size)}"])


def _planned(command: RunningCommand, asked: GetRequest, items: Sequence[Selected]) -> list[Download]:
    """Return what becomes which file.

    Raises:
        UsageError: the target is no folder, and several files go there.
        AlreadyExistsError: a file is there already.
        typer.Exit: several are; each was told.
    """
    target = Path(asked.target) if asked.target is not None else Path()
    made = (asked.target or "").endswith("/") or asked.recursive
    several = len(items) > 1 or len(asked.sources) > 1
    if several and not made and not target.is_dir():
        raise UsageError(f"{asked.target!r} is no folder, and {len(items)} files cannot be one; write {asked.target}/")
    into_folder = several or made or target.is_dir()
    downloads, problems, taken = list[Download](), list[Problem](), dict[Path, Download]()
    for item in items:
        path = target.joinpath(*item.name.split("/")) if into_folder else target
        one = Download(selected=item, path=path)
        if asked.skip_existing and os.path.lexists(path):
            continue
        try:
            _check_free(path, force=asked.force)
            if taken.setdefault(path, one) is not one:
                raise UsageError(f"{item.address} and {taken[path].selected.address} would both be {str(path)!r}")
            downloads.append(one)
        except (AlreadyExistsError, UsageError) as error:
            problems.append((item.address, one.fields, error))
    refuse_all(command, problems)
    return downloads


def _check_free(path: Path, *, force: bool) -> None:
    """Refuse to replace a file but by *force*.

    Raises:
        AlreadyExistsError: there is one.
    """
    if not force and os.path.lexists(path) and not special_files.is_stream(path):
        raise AlreadyExistsError(f"the file {str(path)!r} is there already; add --force to replace it")


def _get_many(command: RunningCommand, batch: Batch, downloads: Sequence[Download]) -> None:
    total = sum(one.selected.found.size for one in downloads)
    try:
        with TransferBar(command.out, f"{len(downloads)} files", total) as bar:
            shared = SharedBar(bar, total)
            jobs = [
                Job(
                    name=one.selected.address,
                    fields=one.fields,
                    work=partial(_written, command, one, shared.part(str(one.path))),
                )
                for one in downloads
            ]
            batch.run(command.transport, jobs)
    except KeyboardInterrupt:
        command.out.note("files that were written are whole and stay; the same command with --skip-existing goes on")
        raise


def _written(command: RunningCommand, download: Download, on_progress: Progress | None) -> Exchange[Told]:
    found, path = download.selected.found, download.path
    yield Call(lambda: path.parent.mkdir(parents=True, exist_ok=True))
    fields: dict[str, object]
    if found.document is not None:
        receipt = yield from command.documents.operations.find(found.document)
        yield from command.documents.operations.download(receipt, path, on_progress)
        fields, size = receipt.to_dict(), receipt.size
    else:
        info = yield from found.storage.operations.download(found.key, path, on_progress)
        fields, size = url_fields(download.selected.address, info), info.size
    return Told(fields={**fields, **download.fields}, line=f"{path}: {format_bytes(size)}")

"""``put``: files and folders of this machine become documents, or objects behind a URL."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from ..documents.receipts import StoredDocument
from ..errors import AlreadyExistsError, InvalidKeyError, StorageError
from ..policy import format_bytes
from .addresses import parse_document
from .batches import Batch, Job, SharedBar, Told
from .exits import UsageError
from .local_files import LocalFile
from .operands import RemoteOperand, document_at, parse_remote
from .places import Found, Place, open_place
from .printing import print_object, print_receipt, url_fields
from .progress import TransferBar
from .put_plans import STANDARD, PutRequest, Upload, open_place_for, put_options
from .resuming import Resumable, resumes, upload_resumed

if TYPE_CHECKING:
    from ..storage.rules import Body
    from ..transport import Exchange
    from ..types import ObjectInfo, Progress, UploadState
    from .command import RunningCommand


def store_files(command: RunningCommand, asked: PutRequest) -> None:
    """Store what is *asked*.

    Raises:
        UsageError: a file is missing, or its place makes no sense.
        typer.Exit: of several, some were not stored.
        StorageError: the only one was not stored.
    """
    target = parse_remote(asked.target)
    alone = len(asked.files) == 1 and not asked.recursive
    if asked.sha256 is not None and not alone:
        raise UsageError("--sha256 is that of one file; put it by itself")
    if asked.files == (STANDARD,):
        _put_standard_input(command, asked, target)
        return
    place, uploads = open_place_for(command, asked, target)
    if asked.skip_existing or asked.dry_run:
        there = _existing(place, uploads)
        if asked.skip_existing:
            uploads = [upload for upload in uploads if upload.key not in there]
        if asked.dry_run:
            _show(command, uploads, set() if asked.force and target.organisation is None else there)
            return
    if asked.resume and not (alone and len(uploads) == 1):
        _put_in_turn(command, asked, place, uploads)
    elif alone and len(uploads) == 1:
        _put_one(command, asked, place, uploads[0])
    else:
        _put_many(command, asked, place, uploads)


def _existing(place: Place, uploads: Sequence[Upload]) -> set[str]:
    """Return the keys among *uploads* that are there, or whose revision has another file."""
    wanted: dict[str, set[str]] = {}
    for upload in uploads:
        prefix = upload.key.rpartition("/")[0] if upload.document is not None else upload.key
        wanted.setdefault(prefix, set()).add(upload.key)
    there = set[str]()
    for prefix, keys in wanted.items():
        if document_at(place.operand, next(iter(keys))) is not None:
            there |= keys if any(True for _ in place.scan(f"{prefix}/")) else set()
        elif any(isinstance(found, Found) and found.key == prefix for found in place.scan(prefix, recursive=False)):
            there |= keys
    return there


def _show(command: RunningCommand, uploads: Sequence[Upload], there: set[str]) -> None:
    """Print what would be stored."""
    batch = Batch(command, dry_run=True)
    for upload in uploads:
        size = format_bytes(upload.file.size) if upload.file.size is not None else "size unknown"
        if upload.key in there:
            reason = AlreadyExistsError("it is there already and would not be replaced", key=upload.name)
            batch.fail(upload.name, upload.fields, reason)
        else:
            line = f"would store {upload.file.path} as {upload.name} ({size})"
            batch.done({**upload.fields, "size": upload.file.size}, line)
    batch.finish(f"dry run: {len(uploads) - batch.failed} would be stored, nothing was changed")


def _put_standard_input(command: RunningCommand, asked: PutRequest, target: RemoteOperand) -> None:
    if asked.resume or asked.dry_run:
        raise UsageError("standard input cannot be read twice; put a file, or leave --resume and --dry-run away")
    if target.organisation is None and target.folder:
        raise InvalidKeyError(f"standard input has no name; name the object: {target.base}{target.prefix}NAME")
    document = parse_document(asked.target) if target.organisation is not None else None
    file = LocalFile(path=Path(STANDARD), name=STANDARD, size=None)
    upload = Upload(file=file, key=target.key, document=document, name=target.name)
    _put_one(command, asked, open_place(command, target), upload, cast(BinaryIO, sys.stdin.buffer))


def _put_one(
    command: RunningCommand, asked: PutRequest, place: Place, upload: Upload, body: Body | None = None
) -> None:
    stored = _stored_alone(command, asked, place, upload, body)
    if isinstance(stored, StoredDocument):
        print_receipt(command, stored, "stored")
    else:
        print_object(command, upload.name, stored, "stored")


def _stored_alone(
    command: RunningCommand, asked: PutRequest, place: Place, upload: Upload, body: Body | None = None
) -> StoredDocument | ObjectInfo:
    """Store one file while nothing else is stored."""
    if asked.resume:
        resumed = upload_resumed(command, _resumable(command, asked, place, upload))
        if resumed is not None:
            return resumed
    title = upload.key.rpartition("/")[2]
    try:
        with TransferBar(command.out, title, upload.file.size) as bar:
            stored = _stored(command, asked, place, upload, body or upload.file.path, bar.callback)
            return command.transport.run(stored)
    except KeyboardInterrupt:
        if body is None and not asked.resume and resumes(place.writer(upload.key)):
            command.out.note("nothing was stored; with --resume an upload can be interrupted, and goes on where it was")
        raise


def _resumable(command: RunningCommand, asked: PutRequest, place: Place, upload: Upload) -> Resumable:
    from ..documents.resuming import ResumableUploads

    writer, options, document = place.writer(upload.key), put_options(asked, place), upload.document
    uploads = writer.operations.uploads

    def begin(size: int, sha256: str | None) -> Exchange[UploadState]:
        if document is not None:
            return ResumableUploads(command.resolver).begin(document, size, asked.content_type, sha256)
        return uploads.begin(upload.key, size, options, sha256)

    def resume(state: UploadState, path: Path, on_progress: Progress | None) -> Exchange[StoredDocument | ObjectInfo]:
        if document is not None:
            return (yield from ResumableUploads(command.resolver).resume(document, state, path, on_progress))
        return (yield from uploads.resume(state, path, on_progress))

    return Resumable(
        path=upload.file.path, name=upload.name, writer=writer, sha256=asked.sha256, begin=begin, resume=resume
    )


def _put_in_turn(command: RunningCommand, asked: PutRequest, place: Place, uploads: Sequence[Upload]) -> None:
    """Store one file after the other, so that an interruption leaves one unfinished."""
    batch = Batch(command)
    for upload in uploads:
        try:
            told = _telling(upload, _stored_alone(command, asked, place, upload))
            batch.done(told.fields, told.line)
        except (StorageError, UsageError, OSError) as error:
            batch.fail(str(upload.file.path), upload.fields, error)
    batch.finish(f"{len(uploads) - batch.failed} of {len(uploads)} stored")


def _put_many(command: RunningCommand, asked: PutRequest, place: Place, uploads: Sequence[Upload]) -> None:
    batch = Batch(command)
    total = sum(upload.file.size or 0 for upload in uploads)
    try:
        with TransferBar(command.out, f"{len(uploads)} files", total) as bar:
            shared = SharedBar(bar, total)
            jobs = [
                Job(
                    name=upload.name,
                    fields=upload.fields,
                    work=partial(_uploaded, command, asked, place, upload, shared.part(upload.name)),
                )
                for upload in uploads
            ]
            batch.run(command.transport, jobs)
    except KeyboardInterrupt:
        command.out.note("what was stored stays, nothing is half there; the same command with --skip-existing goes on")
        raise
    batch.finish(f"{len(uploads) - batch.failed} of {len(uploads)} stored")


def _uploaded(
    command: RunningCommand, asked: PutRequest, place: Place, upload: Upload, on_progress: Progress | None
) -> Exchange[Told]:
    return _telling(upload, (yield from _stored(command, asked, place, upload, upload.file.path, on_progress)))


def _telling(upload: Upload, stored: StoredDocument | ObjectInfo) -> Told:
    known = stored.to_dict() if isinstance(stored, StoredDocument) else url_fields(upload.name, stored)
    line = f"stored {upload.name} ({format_bytes(stored.size)})"
    return Told(fields={**known, **upload.fields}, line=line)


def _stored(
    command: RunningCommand,
    asked: PutRequest,
    place: Place,
    upload: Upload,
    body: Body,
    on_progress: Progress | None,
) -> Exchange[StoredDocument | ObjectInfo]:
    if upload.document is not None:
        operations = command.documents.operations
        return (yield from operations.upload(upload.document, body, asked.content_type, asked.sha256, on_progress))
    writer, options = place.writer(upload.key), put_options(asked, place)
    return (yield from writer.operations.put(upload.key, body, options, sha256=asked.sha256, on_progress=on_progress))

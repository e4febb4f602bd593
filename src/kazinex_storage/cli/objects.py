"""``put``, ``get``, ``cat``, ``stat``, ``rm``: one document at a time, through ``DocumentStore``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeAlias, cast

import typer

from ..errors import AlreadyExistsError, IntegrityError
from ..lazy import module
from .addresses import find_document, parse_document, url_of
from .check import read_receipt
from .command import RunningCommand, Yes, command_of, confirm
from .exits import UsageError
from .progress import TransferBar

if TYPE_CHECKING:
    from .. import policy
    from ..bodies import special_files
    from ..documents.receipts import StoredDocument
else:
    policy = module(__name__, "..policy")
    special_files = module(__name__, "..bodies.special_files")


Document: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DOCUMENT", help="organisation/project/document/revision[/filename], or its kazinex:// URL."
    ),
]

Receipt: TypeAlias = Annotated[
    str | None,
    typer.Option("--receipt", metavar="RECEIPT", help="Compare with what put --json printed, - is standard input."),
]

AcceptRewritten: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--accept-rewritten", help="Accept a file that SharePoint rewrote after the upload; goes with --receipt."
    ),
]

STANDARD = "-"
"""Standard input or output."""


def put(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to store; - is standard input.")],
    document: Document,
    content_type: Annotated[str | None, typer.Option(help="By default that of the file name.")] = None,
    sha256: Annotated[str | None, typer.Option(help="What the file must have, in hexadecimal.")] = None,
) -> None:
    """Store the file of a revision, once, and print the receipt. A revision is never overwritten."""
    command = command_of(context)
    body = cast(BinaryIO, sys.stdin.buffer) if file == STANDARD else _readable(file)
    key = parse_document(document, None if file == STANDARD else os.path.basename(file))
    size = os.stat(body).st_size if isinstance(body, Path) and body.is_file() else None
    with TransferBar(command.out, key.filename, size) as bar:
        receipt = command.documents.upload(
            key, body, content_type=content_type, sha256=sha256, on_progress=bar.callback
        )
    _print(command, receipt, "stored")


def get(
    context: typer.Context,
    document: Document,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A file or a folder; - is standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file when there is one.")] = False,
    receipt_file: Receipt = None,
    accept_rewritten: AcceptRewritten = False,
) -> None:
    """Write a document into a file, whole or not at all, proved by its sha256. By default under its own name, here."""
    command = command_of(context)
    if file == STANDARD:
        _stream(command, document, receipt_file, accept_rewritten=accept_rewritten)
        return
    receipt = _proof_of(command, document, receipt_file)
    target = Path(file) if file is not None else Path()
    if target.is_dir():
        target = target / receipt.document.filename
    if not force and os.path.lexists(target) and not special_files.is_stream(target):
        raise AlreadyExistsError(f"the file {str(target)!r} is there already; add --force to replace it")
    with TransferBar(command.out, receipt.document.filename, receipt.size) as bar:
        command.documents.download(receipt, target, on_progress=bar.callback, accept_rewritten=accept_rewritten)
    document_ = {**receipt.to_dict(), "file": str(target)}
    command.out.result(
        document_, [f"{target}: {policy.format_bytes(receipt.size)}, sha256 {receipt.sha256 or 'not kept'}"]
    )


def cat(
    context: typer.Context,
    document: Document,
    receipt_file: Receipt = None,
    accept_rewritten: AcceptRewritten = False,
) -> None:
    """Write a document to standard output; its last bytes come only when all of them are proved."""
    _stream(command_of(context), document, receipt_file, accept_rewritten=accept_rewritten)


def stat(context: typer.Context, document: Document) -> None:
    """Show what is known of a document."""
    command = command_of(context)
    _print(command, find_document(command, document), "stored")


def rm(
    context: typer.Context,
    document: Document,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who removes it, for the record.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Keep nothing of it; without, trash undelete undoes it.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Remove a document from every provider of the organisation that holds it. The revision stays taken."""
    command = command_of(context)
    receipt = find_document(command, document)
    ending = " for good" if purge else ""
    confirm(f"Remove {receipt.key} ({policy.format_bytes(receipt.size)}){ending}?", yes=yes)
    command.documents.remove(receipt.document, by=by, reason=reason, purge=purge)
    command.out.result({"removed": receipt.key}, [f"removed {receipt.key}"])


def _readable(file: str) -> Path:
    path = Path(file)
    if path.is_dir():
        raise UsageError(f"{file!r} is a folder; put one file at a time")
    if not os.access(path, os.R_OK):
        reason = "may not be read; change its mode" if path.exists() else "does not exist; check its path"
        raise UsageError(f"the file {file!r} {reason}")
    return path


def _proof_of(command: RunningCommand, document: str, receipt_file: str | None) -> StoredDocument:
    """Return what the document is compared with: the receipt in the file, else what the services keep."""
    if receipt_file is None:
        return find_document(command, document)
    receipt = read_receipt(receipt_file)
    if parse_document(document, receipt.document.filename) != receipt.document:
        raise UsageError(f"the receipt is of {receipt.key!r}, not of {document!r}")
    return receipt


def _stream(command: RunningCommand, document: str, receipt_file: str | None, *, accept_rewritten: bool) -> None:
    if command.out.as_json:
        raise UsageError("this writes the document itself to standard output; use stat --json, or get --json FILE")
    receipt = _proof_of(command, document, receipt_file)
    size = 0
    with TransferBar(command.out, receipt.document.filename, receipt.size) as bar:
        for chunk in command.documents.stream(receipt, accept_rewritten=accept_rewritten):
            size += len(chunk)
            command.out.data(chunk)
            if bar.callback is not None:
                bar.advance(size, receipt.size)
    command.out.flush()
    if size != receipt.size and not accept_rewritten:
        raise IntegrityError(f"{size} of {receipt.size} bytes arrived; read it again", key=receipt.key)


def _print(command: RunningCommand, receipt: StoredDocument, verb: str) -> None:
    lines = [
        f"{verb} {receipt.document.filename} ({policy.format_bytes(receipt.size)})",
        f"  url           {url_of(receipt.document)}",
        f"  provider      {receipt.provider}",
        f"  content type  {receipt.content_type or 'not kept'}",
        f"  sha256        {receipt.sha256 or 'not kept'}",
        f"  etag          {receipt.etag or 'none'}",
        f"  stored at     {receipt.stored_at.isoformat() if receipt.stored_at else 'unknown'}",
    ]
    command.out.result(receipt.to_dict(), lines)

"""``check``: whether a stored document is what its receipt says; ``adopt``: hash what has no sha256."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..json_text import parse_own_json
from .addresses import parse_path
from .command import command_of
from .exits import ExitCode, UsageError

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument


_MEANINGS = {  # by the name of the ``IntegrityState``
    "INTACT": "the bytes are those that were uploaded",
    "PROVIDER_MUTATED": "the service rewrote the file, as it does with files of this kind",
    "TAMPERED": "other bytes than were uploaded; nothing was changed, compare them with the original",
    "SAME_VERSION": "the service says that it is the version that was uploaded; nothing was read",
    "UNKNOWN": "nothing proves whether the bytes are those that were uploaded",
}


class By(Enum):
    """What a check goes by."""

    BYTES = "bytes"
    VERSION = "version"


def check(
    context: typer.Context,
    receipt: Annotated[
        str,
        typer.Argument(
            metavar="RECEIPT",
            help="What put --json printed, - is standard input; with --recursive a document or folder.",
        ),
    ],
    by: Annotated[
        By, typer.Option("--by", help="bytes: read and compare all of it. version: ask the service, read nothing.")
    ] = By.BYTES,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-R", help="All that the register has below organisation[/project[/...]].")
    ] = False,
) -> None:
    """Say whether a stored document is what its receipt says; exit code 3 when it was tampered with, or is unproved."""
    from ..documents.integrity import IntegrityState

    command = command_of(context)
    if recursive:
        from .checking import check_below

        check_below(command, receipt, by.value)
        return
    found = read_receipt(receipt)
    state = command.documents.check(found, by=by.value)
    document = {"key": found.key, "provider": found.provider, "state": state.value}
    command.out.result(document, [f"{found.key}: {state.value}: {_MEANINGS[state.name]}"])
    if state in (IntegrityState.TAMPERED, IntegrityState.UNKNOWN):
        raise typer.Exit(ExitCode.VERIFICATION)


def adopt(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="organisation[/project[/document[/...]]]")],
) -> None:
    """Hash the stored files whose sha256 is not recorded, once, and record it; repeat it if it was ended."""
    from ..documents.adopting import adopt_below

    command = command_of(context)
    organisation, *rest = parse_path(path)
    below = "/".join(rest) + ("/" if rest and len(rest) < 4 else "")
    done = adopt_below(command.documents.adopt, command.resolver, f"{organisation}/{below}")
    for error in done.failures:
        command.out.note(str(error))
    failed = f", {done.failed} failed" if done.failed else ""
    text = f"{done.hashed} hashed ({done.hashed_bytes:,} bytes), {done.known} known{failed}"
    command.out.result({"path": path, **done.to_dict()}, [text])
    if done.failed:
        raise typer.Exit(ExitCode.FAILED)


def read_receipt(file: str) -> StoredDocument:
    """Return the receipt in *file*; ``-`` is standard input.

    Raises:
        UsageError: it holds none; the message names each field that is wrong.
        OSError: it cannot be read.
    """
    from ..documents.receipts import StoredDocument

    text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        return StoredDocument.from_dict(cast("dict[str, object]", parse_own_json(text)))
    except ValueError as error:
        reason = str(error).rpartition("; ")[0] or str(error)  # the advice that follows is for programs
        raise UsageError(f"this is no receipt: {reason}; give what put --json printed, unchanged") from error

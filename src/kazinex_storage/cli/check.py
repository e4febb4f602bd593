"""``check``: whether a stored document is what its receipt says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .._internal.json_text import parse_json
from ..documents.integrity import IntegrityState
from ..documents.receipts import StoredDocument
from ..errors import InvalidKeyError
from .exits import ExitCode, UsageError
from .session import session_of

_MEANINGS = {
    IntegrityState.INTACT: "the bytes are those that were uploaded",
    IntegrityState.PROVIDER_MUTATED: "the service wrote the file anew, as it does with files of this kind",
    IntegrityState.TAMPERED: "other bytes than were uploaded; nothing was changed, compare them with the original",
}


def check(
    context: typer.Context,
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="What put --json printed; - is standard input.")],
) -> None:
    """Say whether a stored document is what its receipt says; exit code 3 when it was tampered with."""
    session = session_of(context)
    found = _receipt(sys.stdin.buffer.read() if receipt == "-" else Path(receipt).read_bytes())
    state = session.documents.check(found)
    document = {"key": found.key, "provider": found.provider, "state": state.value}
    session.out.result(document, [f"{found.key}: {state.value}: {_MEANINGS[state]}"])
    if state is IntegrityState.TAMPERED:
        raise typer.Exit(ExitCode.VERIFICATION)


def _receipt(text: bytes) -> StoredDocument:
    try:
        fields = parse_json(text)
        if isinstance(fields, dict):
            return StoredDocument.from_dict(fields)
    except (ValueError, TypeError, AttributeError, InvalidKeyError):
        pass
    raise UsageError("this is no receipt; give what put --json printed, unchanged")

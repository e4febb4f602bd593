"""The form of the evidence of receipts: lines of JSON, each signed, and each with the hash of the one before it.

A file of it has a first line that says which part of which chain follows; then each line of the chain with its
signature on the line after it; then the end, signed as well, so that a file that was cut off shows it. The hash of a
line is the SHA-256 of its bytes without the line feed, as in ``migration/evidence_lines.py``. Values and texts only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ...documents.register import RevisionRecord
from ...errors import InvalidJsonError
from ...json_text import TEXT, TIME, Kind, Schema, matching, optional, parse_own_json, whole_number, write_json
from ...keys import DocumentKey
from ...values import value

FORMAT: Final = 1
"""The version of the form."""

START: Final = "0" * 64
"""Stands for the hash of the line before the first."""

# A line has some 600 bytes; two texts of 2,000 characters, escaped, and a time stamp with its certificates fit as well.
MAX_LINE_BYTES: Final = 256 * 1024
"""No line of the form is longer."""

WINDOW: Final = 1024
"""A time stamp is of one of that many lines before its own, so that a check need not remember more."""

KEY: Final = "key"
"""The kind of a line that names the key of all lines after it."""

STAMP: Final = "stamped"
"""The kind of a line that holds the time stamp of an earlier line."""

STATES: Final = frozenset({"stored", "removed", "restored", "withdrawn", "moved", "changed", "known"})
"""The kinds of lines that say what the register has of a revision."""

_UNCHANGED = "give the file as it was written"
_HASH: Final = matching("[0-9a-f]{64}", "64 hexadecimal digits")
_FIELDS: Final = Kind("fields by name", lambda found: isinstance(found, dict))

HEADER: Final = Schema(
    what="the first line of the evidence",
    fix=_UNCHANGED,
    fields={
        "kazinex_receipts": whole_number(1, "the version of the form"),
        "organisation": TEXT,
        "project": TEXT,
        "first": whole_number(1, "the number of the first line of the chain that follows"),
        "before_first": _HASH,
    },
)
"""Which part of which chain follows."""

LINE: Final = Schema(
    what="a line of the evidence",
    fix=_UNCHANGED,
    fields={
        "organisation": TEXT,
        "project": TEXT,
        "number": whole_number(1, "the number of the line"),
        "at": TIME,
        "kind": TEXT,
        "document": optional(TEXT),
        "revision": optional(TEXT),
        "filename": optional(TEXT),
        "provider": optional(TEXT),
        "size": optional(whole_number(0, "bytes")),
        "sha256": optional(_HASH),
        "by": optional(TEXT),
        "reason": optional(TEXT),
        "said": _FIELDS,
        "key_id": TEXT,
        "before": _HASH,
    },
)
"""What happened; ``before`` is the hash of the line before, ``key_id`` names the key that signs."""

END: Final = Schema(
    what="the end of the evidence",
    fix=_UNCHANGED,
    fields={
        "organisation": TEXT,
        "project": TEXT,
        "end": whole_number(0, "the number of the last line"),
        "hash": _HASH,
        "chain_end": whole_number(0, "the number of the last line of the chain"),
        "chain_hash": _HASH,
        "made_at": TIME,
        "key_id": TEXT,
    },
)
"""The number and the hash of the last line of the file, and of the last line of the chain at that time."""

SIGNATURE: Final = Schema(what="the signature of a line", fix=_UNCHANGED, fields={"signature": TEXT})
"""The signature, in base64, of the bytes of the line before."""


@value
class Happening:
    """What a line says apart from its place in the chain."""

    kind: str
    """``stored``, ``removed``, ``restored``, ``withdrawn``, ``moved``, ``changed``, ``known``, and of what keeps it or
    is kept of it: ``retained``, ``lifted``, ``held``, ``released``, ``purged``."""
    document: DocumentKey | None = None
    provider: str | None = None
    size: int | None = None
    sha256: str | None = None
    by: str | None = None
    reason: str | None = None
    said: Mapping[str, object] | None = None
    """What belongs to its kind, as values that JSON can hold."""


@value
class ChainHead:
    """Where the chain of a project ends."""

    organisation: str
    project: str
    number: int = 0
    """That of the last line; 0 before there is one."""
    hash: str = START
    """Of the last line."""
    key_id: str | None = None
    """The key that signs lines now; None before there is one."""


@value
class SignedLine:
    """One line of a chain, and its signature."""

    text: bytes
    """Without the line feed."""
    signature: str
    """In base64."""

    @property
    def hash(self) -> str:
        """Names it: the next line holds it."""
        return hash_of(self.text)

    def read(self) -> dict[str, object]:
        """Return what it says.

        Raises:
            InvalidJsonError: it is no line of a chain.
        """
        return LINE.read(parsed(self.text))

    def file_lines(self) -> bytes:
        """Return both lines, as they stand in a file."""
        return b"%b\n%b\n" % (self.text, signature_line(self.signature))


@value
class ChainEnd:
    """The end of what was exported."""

    organisation: str
    project: str
    lines: int
    """How many of the chain are in it."""
    number: int
    """That of the last one."""
    hash: str
    """Of the last one. Keep both elsewhere: a later check shows with them that nothing before it was rolled back."""
    key_id: str

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        names = ("organisation", "project", "lines", "number", "hash", "key_id")
        return {name: getattr(self, name) for name in names}


def happening(before: RevisionRecord | None, after: RevisionRecord | None) -> Happening:
    """Return what a swap of the register is in the evidence.

    Raises:
        ValueError: both are None.
    """
    record = after if after is not None else before
    if record is None:
        raise ValueError("a swap is of one revision")
    removal = after.removal if after is not None else None
    kind = _kind(before, after)
    by = removal.by if removal is not None else record.recorded_by if kind == "stored" else None
    return Happening(
        kind=kind,
        document=record.document,
        provider=record.provider or None,
        size=record.size,
        sha256=record.sha256,
        by=by,
        reason=removal.reason if removal is not None else None,
    )


def _kind(before: RevisionRecord | None, after: RevisionRecord | None) -> str:
    if after is None:
        return "withdrawn"
    if before is None:
        return "removed" if after.removal is not None else "stored"
    same_upload = before.recorded_at == after.recorded_at
    if before.removal is None and after.removal is not None:
        return "removed" if same_upload else "withdrawn"  # the upload of a removed revision was taken back
    if before.removal is not None and after.removal is None:
        return "restored" if same_upload else "stored"
    return "moved" if before.provider != after.provider else "changed"


def line_text(what: Happening, head: ChainHead, key_id: str, at: datetime) -> bytes:
    """Return the text of the line after *head*, without its line feed."""
    document = what.document
    fields = {
        "organisation": head.organisation,
        "project": head.project,
        "number": head.number + 1,
        "at": at.isoformat(),
        "kind": what.kind,
        "document": document.document if document is not None else None,
        "revision": document.revision if document is not None else None,
        "filename": document.filename if document is not None else None,
        "provider": what.provider,
        "size": what.size,
        "sha256": what.sha256,
        "by": what.by,
        "reason": what.reason,
        "said": dict(what.said or {}),
        "key_id": key_id,
        "before": head.hash,
    }
    return write_json(fields).encode()


def header_line(before: ChainHead) -> bytes:
    """Return the first line of a file of what follows on the line *before*, without the line feed."""
    fields = {
        "kazinex_receipts": FORMAT,
        "organisation": before.organisation,
        "project": before.project,
        "first": before.number + 1,
        "before_first": before.hash,
    }
    return write_json(fields).encode()


def end_line(last: ChainHead, head: ChainHead, key_id: str, at: datetime) -> bytes:
    """Return the end of a file, without the line feed; *last* is its last line, *head* that of the chain."""
    fields = {
        "organisation": head.organisation,
        "project": head.project,
        "end": last.number,
        "hash": last.hash,
        "chain_end": head.number,
        "chain_hash": head.hash,
        "made_at": at.isoformat(),
        "key_id": key_id,
    }
    return write_json(fields).encode()


def signature_line(signature: str) -> bytes:
    """Return the line of a signature, without the line feed."""
    return write_json({"signature": signature}).encode()


def hash_of(line: bytes) -> str:
    """Return the hash of a line that has no line feed."""
    return hashlib.sha256(line).hexdigest()


def parsed(line: bytes) -> object:
    """Return what a line says.

    Raises:
        InvalidJsonError: it is no JSON.
    """
    try:
        return parse_own_json(line)
    except ValueError as error:
        raise InvalidJsonError(f"a line of the evidence is no JSON; {_UNCHANGED}") from error

"""What our tag files say besides the bytes: the receipt and the properties of each object, and removals. JSON lines."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ...documents.register import Removal, RevisionRecord
from ...errors import IntegrityError
from ...json_text import (
    TEXT,
    TEXT_BY_NAME,
    TIME,
    Kind,
    Schema,
    matching,
    optional,
    parse_own_json,
    whole_number,
    write_json,
)
from ...keys import DocumentKey
from ...types import ObjectInfo, PutMode, PutOptions
from ...values import value

FOLDER: Final = "kazinex/"
"""Our tag files in a bag."""
OBJECTS: Final = f"{FOLDER}objects/"
"""A file for each partition of the export: what was packed, line by line in the order of keys."""
REMOVALS: Final = f"{FOLDER}removals.jsonl"
"""The revisions that were removed and stay taken."""
LEFT_OUT: Final = f"{FOLDER}left-out.jsonl"
"""What could not be packed, and why."""
EXPORT: Final = f"{FOLDER}export.json"
"""Whose bag it is, when and from where it was exported."""

_FIX: Final = "the bag was altered; get it again"
_PROPERTIES: Final = ("content_type", "content_disposition", "cache_control", "content_encoding", "content_language")
_SHA256 = matching("[0-9a-f]{64}", "64 hexadecimal digits")
_OBJECT = Schema(
    what="a line of an object",
    fix=_FIX,
    fields={
        "key": TEXT,
        "sha256": _SHA256,
        "receipt": optional(Kind("a receipt", lambda found: isinstance(found, dict))),
        "properties": TEXT_BY_NAME,
        "metadata": TEXT_BY_NAME,
    },
    optional={"receipt": None, "properties": {}, "metadata": {}},
)
_REMOVAL = Schema(
    what="a line of a removal",
    fix=_FIX,
    fields={
        "key": TEXT,
        "sha256": optional(_SHA256),
        "size": optional(whole_number(0, "bytes")),
        "recorded_at": TIME,
        "at": TIME,
        "by": optional(TEXT),
        "reason": optional(TEXT),
    },
)


@value
class TaggedObject:
    """What a bag says of one object besides its bytes."""

    key: str
    """Below the organisation."""
    sha256: str
    receipt: dict[str, object] | None
    """Of a document: ``StoredDocument.to_dict()`` at the time of the export."""
    options: PutOptions
    """Content type, metadata and the like."""

    def line(self) -> str:
        """Return the line that says so."""
        properties = {name: text for name in _PROPERTIES if (text := getattr(self.options, name)) is not None}
        fields = {
            "key": self.key,
            "sha256": self.sha256,
            "receipt": self.receipt,
            "properties": properties,
            "metadata": dict(self.options.metadata),
        }
        return f"{write_json(_OBJECT.shortened(fields))}\n"

    @classmethod
    def of(cls, key: str, sha256: str, receipt: dict[str, object] | None, info: ObjectInfo) -> TaggedObject:
        """Return what there is to say of an object with *info*."""
        return cls(key=key, sha256=sha256, receipt=receipt, options=PutOptions.of(info, PutMode.CREATE))


def read_objects(text: bytes) -> list[TaggedObject]:
    """Return what a file of ``OBJECTS`` says.

    Raises:
        IntegrityError: a line is no JSON; ``InvalidJsonError``: it is not as it was written.
    """
    found = []
    for line in text.split(b"\n"):
        if not line:
            continue
        fields = _OBJECT.read(_parsed(line))
        options = PutOptions(
            mode=PutMode.CREATE,
            metadata=fields["metadata"],
            **{name: text for name, text in fields["properties"].items() if name in _PROPERTIES},
        )
        found.append(
            TaggedObject(key=fields["key"], sha256=fields["sha256"], receipt=fields["receipt"], options=options)
        )
    return found


def removal_line(record: RevisionRecord, removal: Removal) -> bytes:
    """Return the line of a revision that was removed."""
    fields = {
        "key": record.document.build().partition("/")[2],
        "sha256": record.sha256,
        "size": record.size,
        "recorded_at": record.recorded_at.isoformat(),
        "at": removal.at.isoformat(),
        "by": removal.by,
        "reason": removal.reason,
    }
    return f"{write_json(fields)}\n".encode()


def read_removal(line: str, organisation: str, provider: str) -> RevisionRecord:
    """Return the record of a removed revision of *organisation*; *provider* stands for the one it was on.

    Raises:
        IntegrityError: the line is no JSON, or no removal; ``InvalidJsonError``: it is not as it was written.
    """
    fields = _REMOVAL.read(_parsed(line.encode()))
    try:
        return RevisionRecord(
            document=DocumentKey.parse(f"{organisation}/{fields['key']}"),
            provider=provider,
            sha256=fields["sha256"],
            size=fields["size"],
            recorded_at=datetime.fromisoformat(fields["recorded_at"]),
            removal=Removal(at=datetime.fromisoformat(fields["at"]), by=fields["by"], reason=fields["reason"]),
        )
    except ValueError as error:
        raise IntegrityError(f"a line of a removal is not as it was written: {error}; {_FIX}") from error


def _parsed(line: bytes) -> object:
    try:
        return parse_own_json(line)
    except ValueError as error:
        raise IntegrityError(f"a tag file has a line that is no JSON: {error}; {_FIX}") from error

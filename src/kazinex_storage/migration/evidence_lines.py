"""The form of a report of evidence: lines of JSON, each with the hash of the one before it. Values and texts only.

The first line says what was compared; each following one is an entry of the run; the last but one has the totals, and
the last a signature over the bytes of that one, which by the chain of hashes stands for all that is before it. The hash
of a line is the SHA-256 of its bytes without the line feed. docs/evidence.md has a check of a few lines that uses
nothing of this package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..errors import InvalidJsonError
from ..json_text import TEXT, TIME, Kind, Schema, optional, parse_own_json, whole_number, write_json
from ..values import value
from .journal import Count, Entry, EntryState, Run

FORMAT: Final = 1
"""The version of the form."""

START: Final = "0" * 64
"""Stands for the hash of the report before the first one of an organisation."""

MAX_LINE_BYTES: Final = 1 << 20
"""Bytes of a line, at most: a key has 1,024, a reason one line."""

_UNCHANGED: Final = "give the file as it was written"
_FIELDS: Final = Kind("an object", lambda found: isinstance(found, dict))
_HASH: Final = Kind("64 hexadecimal digits", lambda found: isinstance(found, str) and len(found) == len(START))

HEADER: Final = Schema(
    what="the first line of the evidence",
    fix=_UNCHANGED,
    fields={
        "kazinex_evidence": whole_number(1, "the version of the form"),
        "report": whole_number(1, "the number of the report"),
        "previous": _HASH,
        "organisation": TEXT,
        "run": TEXT,
        "kind": TEXT,
        "source": _FIELDS,
        "target": _FIELDS,
        "project": optional(TEXT),
        "options": _FIELDS,
        "begun_at": TIME,
        "begun_by": optional(TEXT),
        "ended_at": optional(TIME),
        "made_at": TIME,
    },
)
"""What was compared, by whom and when; ``previous`` is the hash of the report before it."""

ENTRY: Final = Schema(
    what="an entry of the evidence",
    fix=_UNCHANGED,
    fields={
        "number": whole_number(0, "the number of the entry"),
        "key": TEXT,
        "state": TEXT,
        "size": whole_number(0, "bytes"),
        "sha256": optional(TEXT),
        "etag": optional(TEXT),
        "target_etag": optional(TEXT),
        "last_modified": optional(TIME),
        "changed_at": optional(TIME),
        "reason": optional(TEXT),
        "before": _HASH,
    },
)
"""One object; ``before`` is the hash of the line before."""

FOOTER: Final = Schema(
    what="the end of the evidence",
    fix=_UNCHANGED,
    fields={
        "entries": whole_number(0, "how many there are"),
        "totals": _FIELDS,
        "key_id": TEXT,
        "before": _HASH,
    },
)
"""How many entries there are, how many objects and bytes in each state, and the id of the key that signs; the hash of
this line is that of the report."""

SIGNATURE: Final = Schema(what="the signature of the evidence", fix=_UNCHANGED, fields={"signature": TEXT})
"""The signature, in base64, of the bytes of the line before."""


@value
class ReportPlace:
    """Where a report stands among those of its organisation."""

    number: int
    """From 1."""
    previous: str
    """The hash of the one before, or ``START``."""
    made_at: str
    """As ISO 8601."""
    key_id: str
    """The id of the key that signs it."""


def lines_of(run: Run, entries: Iterable[Entry], place: ReportPlace) -> Iterator[bytes]:
    """Yield the lines up to the totals, without line feeds."""
    facts = run.facts
    line = _line(
        {
            "kazinex_evidence": FORMAT,
            "report": place.number,
            "previous": place.previous,
            "organisation": run.organisation,
            "run": run.id,
            "kind": run.kind.value,
            "source": _side(facts.get("source"), run.source),
            "target": _side(facts.get("target"), run.target),
            "project": run.project,
            "options": dict(run.options),
            "begun_at": run.begun_at.isoformat(),
            "begun_by": run.begun_by,
            "ended_at": run.ended_at.isoformat() if run.ended_at is not None else None,
            "made_at": place.made_at,
        }
    )
    totals = Totals()
    yield line
    for entry in entries:
        line = _entry_line(entry, hash_of(line))
        totals.add(entry.state.value, entry.size)
        yield line
    yield _line(
        {"entries": totals.entries, "totals": totals.to_dict(), "key_id": place.key_id, "before": hash_of(line)}
    )


def signature_line(signature: str) -> bytes:
    """Return the last line, without the line feed."""
    return _line({"signature": signature})


def hash_of(line: bytes) -> str:
    """Return the hash of a line that has no line feed."""
    return hashlib.sha256(line).hexdigest()


def parsed(line: bytes) -> object:
    """Return what a line says.

    Raises:
        InvalidJsonError: it is no line of a report.
    """
    try:
        return parse_own_json(line)
    except ValueError as error:
        raise InvalidJsonError(f"a line of the evidence is no JSON; {_UNCHANGED}") from error


class Totals:
    """Counts objects and bytes by the names of their states."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    @property
    def entries(self) -> int:
        """How many objects there are in all."""
        return sum(objects for objects, _ in self._found.values())

    def add(self, state: str, size: int) -> None:
        """Count one object."""
        counted = self._found.setdefault(state, [0, 0])
        counted[0] += 1
        counted[1] += size

    def to_dict(self) -> dict[str, object]:
        """Return the counts as values that JSON can hold, by state."""
        return {state: {"objects": objects, "bytes": size} for state, (objects, size) in sorted(self._found.items())}

    def counts(self) -> Mapping[EntryState, Count]:
        """Return the counts of those states that this release knows."""
        known = {state.value: state for state in EntryState}
        return {
            known[state]: Count(objects=objects, bytes=size)
            for state, (objects, size) in sorted(self._found.items())
            if state in known
        }


def _side(facts: object, provider: str) -> dict[str, object]:
    return {**facts, "id": provider} if isinstance(facts, Mapping) else {"id": provider}


def _entry_line(entry: Entry, before: str) -> bytes:
    return _line(
        {
            "number": entry.number,
            "key": entry.key,
            "state": entry.state.value,
            "size": entry.size,
            "sha256": entry.sha256,
            "etag": entry.etag,
            "target_etag": entry.target_etag,
            "last_modified": entry.last_modified.isoformat() if entry.last_modified is not None else None,
            "changed_at": entry.changed_at.isoformat() if entry.changed_at is not None else None,
            "reason": entry.reason,
            "before": before,
        }
    )


def _line(fields: Mapping[str, object]) -> bytes:
    return write_json(fields).encode()

"""A chain outside of the catalogue: JSON lines, which can be checked without it.

The first line says where the chain ends and what the first entry follows on; each other line is an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain as joined
from typing import Final

from ...errors import InvalidJsonError
from ...json_text import TEXT, Schema, parse_own_json, whole_number, write_json
from ...storage.states import StateKeys
from .checking import AuditReport, Beginning, check_chain
from .entries import AuditEntry, AuditHead, Seals

FORMAT: Final = 1
"""The version of the form."""

_HEADER = Schema(
    what="the first line of an exported audit",
    fix="give what export wrote, unchanged",
    fields={
        "kazinex_audit": whole_number(FORMAT, "the version of the form"),
        "first": whole_number(1, "the number of the first entry"),
        "before_first": TEXT,
        "head": whole_number(0, "the end of the chain")._replace(fits=lambda value: isinstance(value, dict)),
    },
)


def lines_of(head: AuditHead, entries: Iterable[AuditEntry], after: int) -> Iterator[str]:
    """Yield the lines of a chain, those of entries up to *after* left out; each ends with a line feed."""
    first, before_first = head.first, head.before_first
    rest = iter(entries)
    opening: list[AuditEntry] = []
    for entry in rest:
        if entry.number > after:
            opening.append(entry)
            break
        first, before_first = entry.number + 1, entry.hash
    header = {"kazinex_audit": FORMAT, "first": first, "before_first": before_first, "head": head.to_dict()}
    yield f"{write_json(header)}\n"
    for entry in joined(opening, rest):
        yield f"{write_json(entry.to_dict())}\n"


def verify_exported(
    lines: Iterable[str | bytes], keys: StateKeys | None = None, known: tuple[int, str] | None = None
) -> AuditReport:
    """Check what ``AuditLog.export`` wrote: the lines of a file, for instance. The catalogue is not needed.

    Args:
        lines: The lines in their order.
        keys: What the seals are checked with: ``OrganisationKeys(key_ring, organisation)``. Without it, only the hashes
            are, and those can be computed by whoever writes another chain.
        known: The ``number`` and ``hash`` of an earlier report or export, which this one must contain or follow.

    Raises:
        InvalidJsonError: a line is not of such a file.
        StorageError: the keys cannot be read.
    """
    rest = iter(lines)
    header = _HEADER.read(_parsed(next(rest, "")))
    if header["kazinex_audit"] != FORMAT:
        raise InvalidJsonError("the export is of a later release; upgrade kazinex-storage")
    head = AuditHead.from_dict(header["head"])
    beginning = Beginning(first=header["first"], before_first=header["before_first"])
    entries = (AuditEntry.from_dict(_parsed(line)) for line in rest if line.strip())
    return check_chain(head, entries, Seals(keys), known, beginning)


def _parsed(line: str | bytes) -> object:
    try:
        return parse_own_json(line)
    except ValueError as error:
        raise InvalidJsonError("a line of the exported audit is no JSON; give the file as it was written") from error

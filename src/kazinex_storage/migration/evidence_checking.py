"""Checks a report of evidence, with the public key of the organisation and nothing else: no catalogue, no network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import BinaryIO, Final

from ..errors import InvalidJsonError
from ..organisations.signing import is_signed
from ..values import value
from .evidence_lines import (
    ENTRY,
    FOOTER,
    FORMAT,
    HEADER,
    MAX_LINE_BYTES,
    SIGNATURE,
    Totals,
    hash_of,
    parsed,
)

MAX_PROBLEMS: Final = 100
"""Problems that a report lists."""


@value
class EvidenceProblem:
    """One thing that is wrong with a report of evidence."""

    line: int | None
    """From 1; None for the file as a whole."""
    problem: str
    """In words."""


@value
class EvidenceReport:
    """What a check of a report of evidence found."""

    ok: bool
    """Whether nothing is wrong: it is what the holder of the key signed."""
    problems: tuple[EvidenceProblem, ...]
    """The first hundred."""
    header: Mapping[str, object]
    """What the report says was compared, by whom and when. Believe it only when ``ok``."""
    entries: int
    """How many objects it lists."""
    totals: Mapping[str, object]
    """Objects and bytes by state, counted here."""
    hash: str
    """Names the report: the next one of the organisation holds it."""
    key_id: str
    """The id of the key, as the report says."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "ok": self.ok,
            "problems": [{"line": each.line, "problem": each.problem} for each in self.problems],
            "header": dict(self.header),
            "entries": self.entries,
            "totals": dict(self.totals),
            "hash": self.hash,
            "key_id": self.key_id,
        }


def check_evidence(path: str | os.PathLike[str], public_key: str, *, previous: str | None = None) -> EvidenceReport:
    """Check every line of the file *path*: that nothing was changed, taken out, put in, moved or cut off.

    Memory stays flat.

    Args:
        path: What ``evidence`` wrote.
        public_key: In PEM, got by another way than the file: who made the file could have put any key into it.
        previous: The hash of the report that it has to follow.

    Raises:
        SettingsError: *public_key* is none of Ed25519.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        check = _Check(public_key, previous)
        problems = tuple(islice(check.problems(file), MAX_PROBLEMS))
    return EvidenceReport(
        ok=not problems,
        problems=problems,
        header=check.header,
        entries=check.totals.entries,
        totals=check.totals.to_dict(),
        hash=check.hash,
        key_id=check.key_id,
    )


class _Check:
    """One walk through a file."""

    def __init__(self, public_key: str, previous: str | None) -> None:
        self._public_key = public_key
        self._previous = previous
        self._line = 0
        self.header: Mapping[str, object] = {}
        self.totals = Totals()
        self.hash = ""
        self.key_id = ""

    def problems(self, file: BinaryIO) -> Iterator[EvidenceProblem]:
        """Yield what is wrong, in the order of the lines."""
        is_signed(b"", "", self._public_key)  # so that a wrong key is told before anything of the file
        lines = self._lines(file)
        line = next(lines, b"")
        yield from self._header(line)
        footer = None
        for following in lines:
            found = _read(following)
            if found is not None and "totals" in found:
                yield from self._footer(found, hash_of(line))
                footer = following
                break
            yield from self._entry(found, hash_of(line))
            line = following
        if footer is None:
            yield self._whole("the end is missing: the file was cut off")
            return
        self.hash = hash_of(footer)
        yield from self._signature(next(lines, b""), footer)
        if next(lines, None) is not None:
            yield self._here("something stands after the end")

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        while line := file.readline(MAX_LINE_BYTES + 1):
            self._line += 1
            if not line.endswith(b"\n"):
                return  # cut off in a line, or one that no report has
            yield line[:-1]

    def _header(self, line: bytes) -> Iterator[EvidenceProblem]:
        found = _read(line)
        try:
            self.header = HEADER.read(found)
        except InvalidJsonError as error:
            yield self._here(str(error))
            return
        if self.header["kazinex_evidence"] != FORMAT:
            yield self._here("it was written by a later release; upgrade kazinex-storage")
        if self._previous is not None and self.header["previous"] != self._previous:
            yield self._here("it does not follow the report that was given as the one before it")

    def _entry(self, found: Mapping[str, object] | None, before: str) -> Iterator[EvidenceProblem]:
        try:
            entry = ENTRY.read(found)
        except InvalidJsonError as error:
            yield self._here(str(error))
            return
        if entry["number"] != self.totals.entries:
            yield self._here(f"the entry {entry['number']} stands where {self.totals.entries} belongs")
        if entry["before"] != before:
            yield self._here("it does not follow the line before it: one of them was changed, taken out or put in")
        self.totals.add(entry["state"], entry["size"])

    def _footer(self, found: Mapping[str, object], before: str) -> Iterator[EvidenceProblem]:
        try:
            footer = FOOTER.read(found)
        except InvalidJsonError as error:
            yield self._here(str(error))
            return
        if footer["before"] != before:
            yield self._here("the end does not follow the line before it: one of them was changed or taken out")
        self.key_id = footer["key_id"]
        if footer["entries"] != self.totals.entries or footer["totals"] != self.totals.to_dict():
            yield self._here("the totals are not those of the entries")

    def _signature(self, line: bytes, footer: bytes) -> Iterator[EvidenceProblem]:
        try:
            found = SIGNATURE.read(_read(line))
        except InvalidJsonError:
            yield self._whole("it is not signed: the last line is missing, or no signature")
            return
        if not is_signed(footer, found["signature"], self._public_key):
            yield self._here("the signature is not that of the holder of the key over this report")

    def _here(self, problem: str) -> EvidenceProblem:
        return EvidenceProblem(line=self._line, problem=problem)

    def _whole(self, problem: str) -> EvidenceProblem:
        return EvidenceProblem(line=None, problem=problem)


def _read(line: bytes) -> Mapping[str, object] | None:
    try:
        found = parsed(line)
    except InvalidJsonError:
        return None
    return found if isinstance(found, dict) else None

"""Checks a file of the evidence of receipts with public keys and nothing else: no catalogue, no network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO, Final

from ...errors import InvalidJsonError, SettingsError
from ...values import value
from ..signing import is_signed
from .lines import END, FORMAT, HEADER, KEY, LINE, MAX_LINE_BYTES, SIGNATURE, STAMP, START, WINDOW, hash_of, parsed
from .stamp_checking import check_stamp

MAX_PROBLEMS: Final = 100
"""Problems that a report lists."""


@value
class ChainProblem:
    """One thing that is wrong with the evidence."""

    line: int | None
    """Of the file, from 1; None for the file as a whole."""
    problem: str
    """In words."""


@value
class ChainReport:
    """What a check of the evidence of receipts found."""

    ok: bool
    """Whether nothing is wrong: it is what the holder of the keys signed, all of it, in this order."""
    problems: tuple[ChainProblem, ...]
    """The first hundred."""
    organisation: str
    project: str
    lines: int
    """How many lines of the chain are in the file."""
    first: int
    """The number of the first of them."""
    number: int
    """The number of the last; with ``hash`` it is what to keep elsewhere."""
    hash: str
    """Of the last."""
    chain_end: int
    """The number of the last line of the chain when the file was made: larger where this is a part of it."""
    document: Mapping[str, object] | None
    """The last line of the file that was asked for by its sha256, or of a part that has one line of a document."""
    kinds: Mapping[str, int]
    """How many lines there are of each kind."""
    key_ids: tuple[str, ...]
    """The keys that signed, in their order."""
    made_at: str
    """When the file was made, in ISO 8601; what happened later is not in it."""
    stamps: tuple[str, ...]
    """The times of the time stamps that were checked, oldest first, in ISO 8601."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "ok": self.ok,
            "problems": [{"line": each.line, "problem": each.problem} for each in self.problems],
            "organisation": self.organisation,
            "project": self.project,
            "lines": self.lines,
            "first": self.first,
            "number": self.number,
            "hash": self.hash,
            "chain_end": self.chain_end,
            "document": dict(self.document) if self.document is not None else None,
            "kinds": dict(self.kinds),
            "key_ids": list(self.key_ids),
            "made_at": self.made_at,
            "stamps": list(self.stamps),
        }


@value
class Trust:
    """What a check goes by, each got by another way than the file."""

    keys: tuple[str, ...]
    """Public keys in PEM. Keys that one of these hands over to are trusted as well."""
    known: tuple[int, str] | None = None
    """The number and hash of a line from an earlier check: shows that nothing before it was rolled back."""
    sha256: str | None = None
    """Of a file that has to be one of those that the lines are of."""
    whole: bool = False
    """Whether it has to go to the end of the chain, as an export does and the proof of one receipt does not."""
    stamp_roots: tuple[bytes, ...] = ()
    """The certificates of time stamp services, in PEM; without them stamps are listed and not believed."""


def check_receipts(path: str | os.PathLike[str], trust: Trust) -> ChainReport:
    """Check every line of the file *path*: that nothing was changed, taken out, put in, moved or cut off.

    Memory stays flat.

    Raises:
        SettingsError: a key is none of Ed25519, or there is none.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        return check_lines(_read_lines(file), trust)


def check_lines(lines: Iterable[bytes], trust: Trust) -> ChainReport:
    """Check *lines*, without their line feeds, as ``check_receipts`` does those of a file.

    Raises:
        SettingsError: as there.
    """
    if not trust.keys:
        raise SettingsError("nothing is checked without a public key; `kazinex-storage evidence key` prints it")
    check = _Check(trust)
    problems = tuple(islice(check.problems(iter(lines)), MAX_PROBLEMS))
    return ChainReport(
        ok=not problems,
        problems=problems,
        organisation=check.organisation,
        project=check.project,
        lines=check.seen,
        first=check.first,
        number=check.number,
        hash=check.hash,
        chain_end=check.chain_end,
        document=check.document,
        kinds=dict(sorted(check.kinds.items())),
        key_ids=tuple(check.signed_by),
        made_at=check.made_at,
        stamps=tuple(sorted(check.stamps)),
    )


class _Keys:
    """The public keys that are trusted; those that are named by a line that one of them signed too."""

    def __init__(self, given: Sequence[str]) -> None:
        self._given = list(given)
        self._named: dict[str, str] = {}
        for pem in given:
            is_signed(b"", "", pem)  # so that a wrong key is told before anything of the file

    def has_signed(self, text: bytes, signature: str, key_id: str) -> bool:
        """Say whether a trusted key has signed *text*, which names it as *key_id*."""
        if key_id in self._named:
            return is_signed(text, signature, self._named[key_id])
        for pem in self._given:
            if is_signed(text, signature, pem):
                self._named[key_id] = pem
                return True
        return False

    def hand_over(self, said: Mapping[str, object]) -> None:
        """Trust the key of *said*, which stands in a line that a trusted one has signed."""
        key_id, pem = said.get("id"), said.get("pem")
        if isinstance(key_id, str) and isinstance(pem, str):
            self._named.setdefault(key_id, pem)


class _Check:
    """One walk through a file."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._keys = _Keys(trust.keys)
        self._line = 0
        self._hashes: dict[int, str] = {}  # of the last lines
        self._documents = 0
        self.document: Mapping[str, object] | None = None
        self._before = START  # the hash that the first line follows on
        self._known_here: str | None = None
        self.organisation = self.project = self.made_at = ""
        self.seen, self.first, self.number, self.hash, self.chain_end = 0, 1, 0, START, 0
        self.kinds: dict[str, int] = {}
        self.signed_by: dict[str, None] = {}
        self.stamps: list[str] = []

    def problems(self, lines: Iterator[bytes]) -> Iterator[ChainProblem]:
        """Yield what is wrong, in the order of the lines."""
        yield from self._header(self._next(lines))
        while (line := self._next(lines)) is not None:
            found = _read(line)
            end = found is not None and "end" in found
            yield from self._end(found) if end else self._entry(line, found)
            yield from self._signature(line, found, self._next(lines))
            if end:
                if self._next(lines) is not None:
                    yield self._here("something stands after the end")
                return
        yield self._whole("the end is missing: the file was cut off")

    def _next(self, lines: Iterator[bytes]) -> bytes | None:
        self._line += 1
        return next(lines, None)

    def _header(self, line: bytes | None) -> Iterator[ChainProblem]:
        try:
            found = HEADER.read(_read(line))
        except InvalidJsonError as error:
            yield self._here(str(error))
            return
        if found["kazinex_receipts"] != FORMAT:
            yield self._here("it was written by a later release; upgrade kazinex-storage")
        self.organisation, self.project, self.first = found["organisation"], found["project"], found["first"]
        self.number, self.hash = self.first - 1, found["before_first"]
        self._before = self.hash
        if self.first == 1 and self.hash != START:
            yield self._here("something came before the first line of the chain")

    def _entry(self, line: bytes, found: Mapping[str, object] | None) -> Iterator[ChainProblem]:
        try:
            entry = LINE.read(found)
        except InvalidJsonError as error:
            yield self._here(str(error))
            return
        if (entry["organisation"], entry["project"]) != (self.organisation, self.project):
            yield self._here("it is of another organisation or project")
        if entry["number"] != self.number + 1:
            yield self._here(f"the line {entry['number']} of the chain stands where {self.number + 1} belongs")
        if entry["before"] != self.hash:
            yield self._here("it does not follow the line before it: one of them was changed, taken out or put in")
        if entry["kind"] == STAMP:
            yield from self._stamp(entry["said"])
        self.seen, self.number, self.hash = self.seen + 1, entry["number"], hash_of(line)
        self.kinds[entry["kind"]] = self.kinds.get(entry["kind"], 0) + 1
        self._look(entry)
        self._hashes[self.number] = self.hash
        self._hashes.pop(self.number - WINDOW, None)
        if self._trust.known is not None and self._trust.known[0] == self.number:
            self._known_here = self.hash

    def _look(self, entry: Mapping[str, object]) -> None:
        if entry["document"] is None:
            return
        self._documents += 1
        if self._trust.sha256 is not None:
            self.document = entry if entry["sha256"] == self._trust.sha256 else self.document
        else:
            self.document = entry if self._documents == 1 else None

    def _stamp(self, said: Mapping[str, object]) -> Iterator[ChainProblem]:
        number = said.get("number")
        if not isinstance(number, int) or number < self.first:
            return  # of a line that is not in this part
        if self._hashes.get(number) != said.get("hash"):
            yield self._here(f"it stamps another line {number} than the one that is here")
            return
        if not self._trust.stamp_roots:
            return
        try:
            self.stamps.append(check_stamp(said, self._trust.stamp_roots))
        except ValueError as error:
            yield self._here(f"its time stamp is not one of the services that are trusted: {error}")

    def _signature(
        self, line: bytes, found: Mapping[str, object] | None, below: bytes | None
    ) -> Iterator[ChainProblem]:
        try:
            signature = SIGNATURE.read(_read(below))["signature"]
        except InvalidJsonError:
            yield self._here("it is no signature of the line before: that is not signed, or the file was cut off")
            return
        key_id = str((found or {}).get("key_id"))
        if not self._keys.has_signed(line, signature, key_id):
            yield self._here(f"no key that is trusted has signed the line before, which names the key {key_id!r}")
            return
        self.signed_by.setdefault(key_id)
        if found is not None and found.get("kind") == KEY and isinstance(found.get("said"), Mapping):
            self._keys.hand_over(found["said"])  # type: ignore[arg-type]  # it is one

    def _end(self, found: Mapping[str, object] | None) -> Iterator[ChainProblem]:
        try:
            end = END.read(found)
        except InvalidJsonError as error:
            yield self._here(str(error))
            return
        self.made_at = end["made_at"]
        if (end["organisation"], end["project"]) != (self.organisation, self.project):
            yield self._here("the end is that of another organisation or project")
        if (end["end"], end["hash"]) != (self.number, self.hash):
            yield self._here("the end is that of another line: lines before it were changed or taken out")
        self.chain_end = end["chain_end"]
        if self.chain_end == self.number and end["chain_hash"] != self.hash:
            yield self._here("the end of the chain has another hash than its last line")
        if self._trust.whole and self.chain_end != self.number:
            yield self._here(f"the chain ended with the line {self.chain_end}, and the last one here is {self.number}")
        if self._trust.sha256 is not None and self.document is None:
            yield self._here(f"no line is of a file with the sha256 {self._trust.sha256}")
        if self._trust.known is not None:
            yield from self._known(self._trust.known, end["chain_end"], end["chain_hash"])

    def _known(self, known: tuple[int, str], chain_end: int, chain_hash: str) -> Iterator[ChainProblem]:
        number, hash_ = known
        found = self._before if number == self.first - 1 else self._known_here
        found = chain_hash if number == chain_end else found
        if number > chain_end:
            yield self._here(f"there was a line {number}, and the chain ended before it: it was rolled back")
        elif found is None:
            yield self._here(f"the line {number} that was known is not in this part; export all of the chain")
        elif found != hash_:
            yield self._here(f"the line {number} is another one than was known: the chain was written again")

    def _here(self, problem: str) -> ChainProblem:
        return ChainProblem(line=self._line, problem=problem)

    def _whole(self, problem: str) -> ChainProblem:
        return ChainProblem(line=None, problem=problem)


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES + 1):
        if not line.endswith(b"\n"):
            return  # cut off in a line, or one that no file of ours has
        yield line[:-1]


def _read(line: bytes | None) -> Mapping[str, object] | None:
    try:
        found = parsed(line or b"")
    except InvalidJsonError:
        return None
    return found if isinstance(found, dict) else None

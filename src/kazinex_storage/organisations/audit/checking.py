"""Whether a chain is what was written: nothing changed, taken out, put in, moved or cut off. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from ...values import value
from .entries import START, AuditEntry, AuditHead, Seals

MAX_PROBLEMS: Final = 100
"""Problems that a report lists."""


@value
class Beginning:
    """What a chain is checked from."""

    first: int
    """The number of the first entry."""
    before_first: str
    """The hash of the entry before it."""


@value
class AuditProblem:
    """One thing that is wrong with a chain."""

    number: int | None
    """Of the entry; None for the chain as a whole."""
    problem: str
    """In words."""


@value
class AuditReport:
    """What verifying a chain found."""

    organisation: str
    entries: int
    """How many there are."""
    first: int
    """The number of the first that is kept; what was before it was dropped on purpose."""
    number: int
    """The number of the last."""
    hash: str
    """Its hash. Keep it elsewhere, and give it to a later verification, which then shows that nothing before it was
    rolled back."""
    sealed: bool
    """Whether the seals could be checked: without keys, who can write the table can write another chain."""
    problems: tuple[AuditProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "organisation": self.organisation,
            "ok": self.ok,
            "entries": self.entries,
            "first": self.first,
            "number": self.number,
            "hash": self.hash,
            "sealed": self.sealed,
            "problems": [{"number": each.number, "problem": each.problem} for each in self.problems],
        }


def check_chain(
    head: AuditHead,
    entries: Iterable[AuditEntry],
    seals: Seals,
    known: tuple[int, str] | None = None,
    beginning: Beginning | None = None,
) -> AuditReport:
    """Check *entries*, all that there are in the order of their numbers, against *head*.

    Args:
        head: The end of the chain.
        entries: From the first that is kept.
        seals: What checks the seals.
        known: The number and hash of an entry that was the last at an earlier time.
        beginning: Where *entries* begin, if not at the first that is kept.

    Raises:
        StorageError: the keys cannot be read.
    """
    beginning = beginning or Beginning(first=head.first, before_first=head.before_first)
    chain = _Chain(head, seals, known, beginning)
    problems = tuple(islice(chain.problems(entries), MAX_PROBLEMS))
    return AuditReport(
        organisation=head.organisation,
        entries=chain.seen,
        first=beginning.first,
        number=head.number,
        hash=head.hash,
        sealed=seals.seals,
        problems=problems,
    )


class _Chain:
    """One walk along a chain."""

    def __init__(self, head: AuditHead, seals: Seals, known: tuple[int, str] | None, beginning: Beginning) -> None:
        self._head = head
        self._beginning = beginning
        self._seals = seals
        self._known = known
        self.seen = 0

    def problems(self, entries: Iterable[AuditEntry]) -> Iterator[AuditProblem]:
        """Yield what is wrong, in the order of the chain."""
        head = self._head
        due, previous = self._beginning.first, self._beginning.before_first
        for entry in entries:
            self.seen += 1
            if entry.number > head.number:
                yield _at(entry, "it stands after the end of the chain: it was put in, or the end was set back")
            elif entry.number > due:
                yield AuditProblem(number=due, problem=f"{_range(due, entry.number - 1)} missing")
            elif entry.number < due:
                yield _at(entry, "it stands before the first entry that is kept, or twice")
            elif entry.previous != previous:
                yield _at(entry, "it does not follow the entry before it: one of them was replaced")
            yield from self._alone(entry)
            due, previous = entry.number + 1, entry.hash
        if due <= head.number:
            yield AuditProblem(number=due, problem=f"{_range(due, head.number)} missing: the end was cut off")
        elif due == head.number + 1 and previous != head.hash:
            yield AuditProblem(
                number=head.number, problem="the end of the chain names another hash than the last entry"
            )
        yield from self._whole()

    def _alone(self, entry: AuditEntry) -> Iterator[AuditProblem]:
        if entry.organisation != self._head.organisation:
            yield _at(entry, "it is of another organisation")
        if entry.digest() != entry.hash:
            yield _at(entry, "it was changed: its hash is another one")
        wrong = self._seals.why_not(entry.seal, entry.hash)
        if wrong is not None:
            yield _at(entry, wrong)
        if self._known is not None and entry.number == self._known[0] and entry.hash != self._known[1]:
            yield _at(entry, "it is another one than was known: the chain was written again")

    def _whole(self) -> Iterator[AuditProblem]:
        head, known, beginning = self._head, self._known, self._beginning
        wrong = self._seals.why_not(head.seal, head.text()) if self.seen or head.number else None
        if wrong is not None:
            yield AuditProblem(number=None, problem=f"the end of the chain: {wrong}")
        if beginning.first == 1 and beginning.before_first != START:
            yield AuditProblem(number=None, problem="something came before the first entry of the chain")
        if known is not None and known[0] == beginning.first - 1 and known[1] != beginning.before_first:
            yield AuditProblem(number=None, problem="the chain does not follow on the entry that was known")
        if known is not None and known[0] > head.number:
            yield AuditProblem(number=None, problem=f"there was an entry {known[0]}: the chain was rolled back")


def _at(entry: AuditEntry, problem: str) -> AuditProblem:
    return AuditProblem(number=entry.number, problem=problem)


def _range(first: int, last: int) -> str:
    return f"the entry {first} is" if first == last else f"the entries {first} to {last} are"

"""How fast a run went, over its whole life: in steps of time, from the times that its entries were changed at.

Nothing is kept while the run works, so it costs the run nothing, and passes that were killed are in it like all others.
``remember_pass`` keeps the steps in the facts of the run, because a later prune gives entries another time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from ..errors import RecordConflictError
from ..values import value
from .journal import Entry, EntryState, Journal, Run

MOST_STEPS: Final = 400
"""Steps that are kept: some pixels of a plot each, and a few KiB of the facts of a run."""
# A provider that is down is waited for, and that belongs to the run; a night between two passes does not.
PAUSE_S: Final = 120.0
"""Seconds without an entry that are a pause between passes."""
FACT: Final = "throughput"
"""Where the facts of a run have it."""
REQUESTS: Final = "requests"
"""Where the facts of a run have the attempts of all passes, by ``provider:class``."""
_TRIES: Final = 5

DONE_WITH: Final = frozenset(
    {
        EntryState.COPIED,
        EntryState.SAME,
        EntryState.MATCHED,
        EntryState.MISSING,
        EntryState.EXTRA,
        EntryState.DIFFERENT,
        EntryState.REWRITTEN,
        EntryState.PACKED,
        EntryState.STORED,
    }
)
"""What a pass leaves behind; entries that failed are tried again, and count when they are done."""


@value
class Step:
    """What was done in one step of time."""

    begun_s: float
    """Seconds since 1970."""
    objects: int
    """How many."""
    bytes: int
    """In all."""


@value
class Throughput:
    """The steps of a run in which something was done."""

    width_s: float = 1.0
    steps: tuple[Step, ...] = ()
    """In the order of time; at most ``MOST_STEPS``."""

    def spans(self) -> Iterator[Sequence[Step]]:
        """Yield the steps between two pauses, those in which nothing was done included."""
        span: list[Step] = []
        pause = max(PAUSE_S, 2 * self.width_s)
        for step in self.steps:
            if span and step.begun_s - span[-1].begun_s > pause:
                yield span
                span = []
            while span and step.begun_s - span[-1].begun_s > 1.5 * self.width_s:
                span.append(Step(begun_s=span[-1].begun_s + self.width_s, objects=0, bytes=0))
            span.append(step)
        if span:
            yield span

    def to_fact(self) -> dict[str, object]:
        """Return it as the facts of a run hold it."""
        return {"width_s": self.width_s, "steps": [[step.begun_s, step.objects, step.bytes] for step in self.steps]}

    @classmethod
    def of_fact(cls, fact: object) -> Throughput:
        """Return what ``to_fact`` made; of anything else, nothing."""
        if not isinstance(fact, Mapping):
            return cls()
        width, steps = fact.get("width_s"), fact.get("steps")
        if not isinstance(width, int | float) or width < 1 or not isinstance(steps, Sequence):
            return cls()
        found = [
            Step(begun_s=float(step[0]), objects=int(step[1]), bytes=int(step[2]))
            for step in steps
            if isinstance(step, Sequence) and len(step) == 3 and all(isinstance(part, int | float) for part in step)
        ]
        return cls(width_s=float(width), steps=tuple(found[:MOST_STEPS]))


def throughput_of(journal: Journal, run: Run, *, most: int | None = None) -> Throughput:
    """Return how fast *run* went; it reads all entries page by page, in flat memory.

    Args:
        most: Read at most so many entries beyond what the facts of the run have; for more, those facts alone.

    Raises:
        StorageError: the journal does not answer.
    """
    known = Throughput.of_fact(run.facts.get(FACT))
    total = sum(count.objects for state, count in journal.counts(run).items() if state in DONE_WITH)
    if most is not None and total > most:
        return known
    steps = _Steps()
    for entry in all_entries(journal, run, DONE_WITH):
        if entry.changed_at is not None:
            steps.add(entry.changed_at.timestamp(), 1, entry.size)
    return steps.joined(known)


def all_entries(journal: Journal, run: Run, states: frozenset[EntryState]) -> Iterator[Entry]:
    """Yield the entries of *run* in *states*, in order, a page at a time.

    Raises:
        StorageError: the journal does not answer.
    """
    first = 0
    while page := journal.entries(run, first=first, states=states):
        yield from page
        first = page[-1].number + 1


def remember_pass(journal: Journal, run: Run, requests: Mapping[str, int]) -> Run:
    """Keep the throughput of *run*, and add *requests* to those of its passes, when a pass has ended.

    Returns:
        The run as it is kept now.

    Raises:
        StorageError: the journal does not answer.
    """
    for _ in range(_TRIES):
        current = journal.run(run.organisation, run.id) or run
        before = current.facts.get(REQUESTS)
        asked = {str(name): int(count) for name, count in before.items()} if isinstance(before, Mapping) else {}
        for name, count in requests.items():
            asked[name] = asked.get(name, 0) + count
        facts = {**current.facts, FACT: throughput_of(journal, current).to_fact(), REQUESTS: asked}
        try:
            return journal.replace_run(replace(current, facts=facts))
        except RecordConflictError:
            continue  # somebody else changed it meanwhile
    return run


class _Steps:
    """Steps that are made wider when there are too many."""

    def __init__(self) -> None:
        self._width = 1.0
        self._counts: dict[int, list[int]] = {}

    def add(self, at: float, objects: int, size: int) -> None:
        """Count *objects* of *size* bytes in all, done at a time in seconds."""
        kept = self._counts.setdefault(int(at // self._width), [0, 0])
        kept[0] += objects
        kept[1] += size
        while len(self._counts) > MOST_STEPS:
            self._widen()

    def joined(self, known: Throughput) -> Throughput:
        """Return these steps with those *known* before: of each step what shows more.

        An entry only ever leaves a step, when it is changed again.
        """
        before = _Steps()
        for step in known.steps:
            before.add(step.begun_s, step.objects, step.bytes)
        while before._width < max(self._width, known.width_s):
            before._widen()
        while self._width < before._width:
            self._widen()
        for number, (objects, size) in before._counts.items():
            kept = self._counts.setdefault(number, [0, 0])
            kept[:] = [max(kept[0], objects), max(kept[1], size)]
        while len(self._counts) > MOST_STEPS:
            self._widen()
        return Throughput(
            width_s=self._width,
            steps=tuple(
                Step(begun_s=number * self._width, objects=objects, bytes=size)
                for number, (objects, size) in sorted(self._counts.items())
            ),
        )

    def _widen(self) -> None:
        self._width *= 2
        merged: dict[int, list[int]] = {}
        for number, (objects, size) in self._counts.items():
            kept = merged.setdefault(number // 2, [0, 0])
            kept[0] += objects
            kept[1] += size
        self._counts = merged


def moment_of(seconds: float) -> datetime:
    """Return the time, aware UTC, of *seconds* since 1970."""
    return datetime.fromtimestamp(seconds, UTC)

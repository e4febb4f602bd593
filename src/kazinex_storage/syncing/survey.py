"""What is to be done, found before anything is: listings, comparisons, and what the target cannot take.

Only reads. The steps are kept in the temporary database of the listings: memory is flat, and each is decided once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Final

from ..caseless import fold
from ..errors import StorageError
from ..migration.fitting import Collisions
from ..transport import Exchange, Transport
from ..types import ProviderInfo
from .ends import Source, Target
from .entries import Entry, LeftOut, Listings, entry_of_row
from .judging import Comparison, judge_of
from .plan import Judge, Step, StepKind, plan
from .reports import OnStep, SyncReport, done, failed

_KEPT: Final = (StepKind.COPY, StepKind.REPLACE, StepKind.DELETE)

_ONCE: Final = "it is written once, and the source has something else by now; store that under a new revision"


class Survey:
    """Finds what makes one target equal to one source."""

    def __init__(self, listings: Listings, source: Source, target: Target, by: Comparison) -> None:
        """Compare what *listings* has of both, as *by* says."""
        self._listings, self._source, self._target, self._by = listings, source, target, by
        self._ignores_case = target.ignores_case
        self._collisions: Collisions | None = None
        self._collided = set[str]()
        """Folded keys of the source that the target takes for others that it has."""
        self.is_incomplete = False
        """Whether not all of the source is known, so that nothing may be deleted."""
        listings.database.execute("CREATE TABLE steps (kind TEXT, key TEXT, reason TEXT, folded TEXT)")

    def look(self, transport: Transport, window: int, report: SyncReport, on_step: OnStep, *, delete: bool) -> None:
        """Decide about every key, *window* comparisons at once; what is not done in any case goes into *report*.

        Raises:
            BaseException: an interrupt.
        """
        pending, numbers = dict[int, Step](), count()

        def comparisons() -> Iterator[Exchange[bool]]:
            entries = (self._listings.entries("source"), self._listings.entries("target"))
            for step in plan(*entries, self._judge(), delete=delete):
                if step.kind is StepKind.COMPARE and step.source is not None and step.target is not None:
                    pending[next(numbers)] = step
                    yield self._compare(step.source, step.target)
                else:
                    self._settle(step, report, on_step)

        self._listings.database.execute("BEGIN")
        for index, outcome in transport.run_many(comparisons(), window):
            step = pending.pop(index)
            if outcome.error is None:
                kind = StepKind.SAME if outcome.result() else StepKind.REPLACE
                self._settle(replace(step, kind=kind), report, on_step)
            elif isinstance(outcome.error, StorageError | OSError):
                on_step(failed(report, step, outcome.error))
            else:
                raise outcome.error
        self._spare_collided(report)
        self._listings.database.execute("COMMIT")

    def count(self, kind: StepKind) -> int:
        """Return how many steps of *kind* there are."""
        query = "SELECT count(*) FROM steps WHERE kind = ?"
        return int(self._listings.database.execute(query, (kind.value,)).fetchone()[0])

    def steps(self, *kinds: StepKind) -> Iterator[Step]:
        """Yield the steps of *kinds*, in the order of their keys."""
        marks = ", ".join("?" * len(kinds))
        query = (
            "SELECT steps.kind, steps.reason, source.*, target.* FROM steps "  # noqa: S608 -- marks alone
            "LEFT JOIN source ON source.key = steps.key LEFT JOIN target ON target.key = steps.key "
            f"WHERE steps.kind IN ({marks}) ORDER BY steps.key"
        )
        for kind, reason, *row in self._listings.database.execute(query, [kind.value for kind in kinds]):
            half = len(row) // 2
            source, target = entry_of_row(row[:half]), entry_of_row(row[half:])
            key = source.key if source is not None else target.key if target is not None else ""
            yield Step(StepKind(kind), key, source, target, reason)

    def close(self) -> None:
        """Forget what was looked at."""
        if self._collisions is not None:
            self._collisions.close()

    def _judge(self) -> Judge:
        judge = judge_of(self._by, keeps_times=self._target.keeps_times)
        by_bytes = judge_of("sha256", keeps_times=False)

        def is_same(one: Entry, other: Entry) -> bool | None:
            # A time says nothing of what was written once and for all, and a refusal has to be right.
            return by_bytes(one, other) if self._target.is_written_once(one.key) else judge(one, other)

        return is_same

    def _compare(self, one: Entry, other: Entry) -> Exchange[bool]:
        there = yield from self._target.sha256(other)
        here = yield from self._source.sha256(one)
        return here == there

    def _settle(self, step: Step, report: SyncReport, on_step: OnStep) -> None:
        """Keep what is to be done, and tell of what is not."""
        if step.kind is StepKind.SAME:
            report.same += 1
            return
        if step.kind is StepKind.EXTRA:
            report.extra += 1
            return
        if step.kind in (StepKind.COPY, StepKind.REPLACE) and step.source is not None:
            why = self._why_not(step, step.source)
            if why is not None:
                step = replace(step, kind=StepKind.REFUSE, reason=why)
        if step.kind in _KEPT:
            folded = fold(step.key) if step.kind is StepKind.DELETE and self._ignores_case else None
            row = (step.kind.value, step.key, step.reason, folded)
            self._listings.database.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", row)
            return
        if step.source is not None and step.source.left_out is LeftOut.UNREADABLE:
            self.is_incomplete = True
        on_step(done(report, step))

    def _why_not(self, step: Step, source: Entry) -> str | None:
        if step.kind is StepKind.REPLACE and self._target.is_written_once(step.key):
            return _ONCE
        why = self._target.refusal(step.key, source.size)
        if why is not None or step.kind is StepKind.REPLACE:
            return why
        why = self._collision(step.key)
        if why is not None and self._ignores_case:
            self._collided.add(fold(step.key))
        return why

    def _collision(self, key: str) -> str | None:
        """Return why a new *key* cannot stand beside those that are there and those that came before."""
        if self._collisions is None:
            info = ProviderInfo(
                kind="",
                location="",
                capabilities=frozenset(),
                max_object_bytes=0,
                hierarchical=self._target.hierarchical,
                ignores_case=self._ignores_case,
            )
            self._collisions = Collisions(info)
            for there in self._listings.keys("target") if self._collisions.possible else ():
                self._collisions.collision(there)
        return self._collisions.collision(key)

    def _spare_collided(self, report: SyncReport) -> None:
        """Delete nothing that differs only in case from what the source has and the target could not take."""
        for folded in self._collided:
            spared = self._listings.database.execute("DELETE FROM steps WHERE folded = ?", (folded,)).rowcount
            report.extra += spared

"""Runs in the journal: begun once whoever asks, changed whoever else changes them, and what is reported of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ..errors import RecordConflictError, RecordNotFoundError
from ..values import value
from .journal import PROVEN, Count, Entry, EntryState, Journal, Run, RunState
from .planning import SHOWN, counts_to_dict, entry_to_dict


@value
class RunReport:
    """What became of a run so far."""

    run: Run
    counts: dict[EntryState, Count]
    """By state."""
    seconds: float
    """How long this pass took."""
    failures: tuple[Entry, ...] = ()
    """The first of those that failed, each with its reason."""
    refused: tuple[Entry, ...] = ()
    """The first of those that the target cannot hold; likewise."""
    stopped: str | None = None
    """Why the pass ended before all was done; None when nothing was left."""

    @property
    def complete(self) -> bool:
        """Whether everything that the target can hold is there, proven."""
        left = (EntryState.PLANNED, EntryState.FAILED)
        return self.stopped is None and not any(self.counts.get(state, Count()).objects for state in left)

    @property
    def bytes(self) -> int:
        """Bytes of all objects that are proven to be on the target."""
        return sum(count.bytes for state, count in self.counts.items() if state in PROVEN)

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "run": self.run.id,
            "kind": self.run.kind.value,
            "state": self.run.state.value,
            "counts": counts_to_dict(self.counts),
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "complete": self.complete,
            "stopped": self.stopped,
            "failures": [entry_to_dict(entry) for entry in self.failures],
            "refused": [entry_to_dict(entry) for entry in self.refused],
        }


def begin_run(journal: Journal, draft: Run) -> Run:
    """Return the open run of the kind and between the ends of *draft*, or keep that as a new one, with an id.

    Of processes that begin one at once, all get the same. *draft* needs no id of its own.

    Raises:
        StorageError: the journal does not answer.
    """
    number = 0
    while True:
        found = journal.find_run(draft.organisation, [draft.kind], draft.source, draft.target, draft.project)
        if found is not None:
            return found
        try:
            return journal.add_run(replace(draft, id=_id_of(draft, number)))
        except RecordConflictError:  # another process was first, or it is one that has ended
            number += 1


def change_run(journal: Journal, run: Run, *, state: RunState | None = None, ended_at: datetime | None = None) -> Run:
    """Return *run* with another state or end, whatever another process has changed about it meanwhile.

    Raises:
        RecordNotFoundError: it was dropped.
    """
    while True:
        found = journal.run(run.organisation, run.id)
        if found is None:
            raise RecordNotFoundError(f"there is no run {run.id!r} any more; begin another one")
        try:
            changed = replace(found, state=state or found.state, ended_at=ended_at or found.ended_at)
            return found if changed == found else journal.replace_run(changed)
        except RecordConflictError:
            continue


def report_of(journal: Journal, run: Run, seconds: float, stopped: str | None = None) -> RunReport:
    """Return what became of *run* so far; four queries.

    Raises:
        StorageError: the journal does not answer.
    """
    return RunReport(
        run=run,
        counts=dict(journal.counts(run)),
        seconds=seconds,
        failures=tuple(journal.entries(run, states=[EntryState.FAILED], limit=SHOWN)),
        refused=tuple(journal.entries(run, states=[EntryState.REFUSED], limit=SHOWN)),
        stopped=stopped,
    )


def left_in(counts: Mapping[EntryState, Count]) -> int:
    """Return how many entries of a run nothing was done about yet."""
    return counts.get(EntryState.PLANNED, Count()).objects


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


def _id_of(draft: Run, number: int) -> str:
    """Return an id that all processes make that begin the same run."""
    parts = (draft.kind.value, draft.source, draft.target, draft.project or "", str(number))
    return f"{draft.kind.value}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:12]}"

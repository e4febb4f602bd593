"""A run as somebody files it: what, between which providers, when and by whom, how much, how fast, what went wrong.

``report.py`` makes HTML of it; ``to_dict`` is what ``--json`` prints and the HTTP API answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from itertools import islice
from typing import Final

from ..values import value
from .journal import Count, Entry, EntryState, Journal, Run
from .progress import WRONG, counts_dict, summed
from .throughput import REQUESTS, Throughput, all_entries, throughput_of

MOST_ROWS: Final = 1_000
"""Entries in each table of a report; those that are left out are counted."""

KNOWN: Final = frozenset({EntryState.REFUSED, EntryState.RETAINED})
"""What stays where it is for a reason that was known beforehand."""
NOTABLE: Final = frozenset({EntryState.EXTRA, EntryState.REWRITTEN, EntryState.VANISHED})
"""What is no failure, and is worth knowing."""


@value
class RunSummary:
    """What a report says."""

    run: Run
    source: str
    """What people call it."""
    target: str
    """Likewise."""
    counts: Mapping[EntryState, Count]
    """Entries in each state."""
    wrong: tuple[Entry, ...] = ()
    """The first of those that failed, are missing or different."""
    known: tuple[Entry, ...] = ()
    """The first of those that the target cannot hold, or the source has to keep."""
    notable: tuple[Entry, ...] = ()
    """The first of those that are worth knowing of."""
    throughput: Throughput = Throughput()
    requests: Mapping[str, int] = field(default_factory=dict)
    """Attempts by ``provider:class``, as far as passes told."""
    pending: int = 0
    """Changes that a mirror still owes."""
    made_at: datetime
    """Aware UTC."""

    @property
    def total(self) -> Count:
        """All entries."""
        return summed(self.counts, frozenset(EntryState))

    def to_dict(self) -> dict[str, object]:
        """Return the summary as values that JSON can hold."""
        run = self.run
        return {
            "run": run_dict(run),
            "source": self.source,
            "target": self.target,
            "total": {"objects": self.total.objects, "bytes": self.total.bytes},
            "counts": counts_dict(self.counts),
            "failures": [entry_dict(entry) for entry in self.wrong],
            "refused": [entry_dict(entry) for entry in self.known],
            "notable": [entry_dict(entry) for entry in self.notable],
            "requests": dict(self.requests),
            "pending": self.pending,
        }


def run_dict(run: Run) -> dict[str, object]:
    """Return *run* as values that JSON can hold; of its facts, none."""
    return {
        "organisation": run.organisation,
        "id": run.id,
        "kind": run.kind.value,
        "state": run.state.value,
        "source": run.source,
        "target": run.target,
        "project": run.project,
        "options": dict(run.options),
        "begun_at": run.begun_at.isoformat(),
        "begun_by": run.begun_by,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "version": run.version,
    }


def entry_dict(entry: Entry) -> dict[str, object]:
    """Return *entry* as values that JSON can hold."""
    return {
        "number": entry.number,
        "key": entry.key,
        "size": entry.size,
        "state": entry.state.value,
        "sha256": entry.sha256,
        "attempts": entry.attempts,
        "reason": entry.reason,
        "changed_at": entry.changed_at.isoformat() if entry.changed_at else None,
    }


def summary_of(
    journal: Journal,
    run: Run,
    labels: Mapping[str, str],
    *,
    at: datetime,
    most_rows: int = MOST_ROWS,
    most_plotted: int | None = None,
) -> RunSummary:
    """Return what a report on *run* says at *at*.

    Args:
        labels: What people call providers, by their ids.
        most_rows: Entries in each table.
        most_plotted: For runs with more entries than that, the throughput is that of the facts alone: it would cost
            reading all of them.

    Raises:
        StorageError: the journal does not answer.
    """
    counts = {state: count for state, count in journal.counts(run).items() if count.objects}

    def first(states: frozenset[EntryState]) -> tuple[Entry, ...]:
        some = states & counts.keys()
        return tuple(islice(all_entries(journal, run, some), most_rows)) if some else ()

    asked = run.facts.get(REQUESTS)
    return RunSummary(
        run=run,
        source=place_of(run.source, labels),
        target=place_of(run.target, labels),
        counts=counts,
        wrong=first(WRONG),
        known=first(KNOWN),
        notable=first(NOTABLE),
        throughput=throughput_of(journal, run, most=most_plotted),
        requests={str(name): int(count) for name, count in asked.items()} if isinstance(asked, Mapping) else {},
        pending=journal.count_pending(run),
        made_at=at,
    )


def place_of(provider: str, labels: Mapping[str, str]) -> str:
    """Return what people call a side of a run; an id whose record is gone stays an id."""
    if not provider:
        return "outside"
    label = labels.get(provider)
    return f"{label} ({provider})" if label else provider

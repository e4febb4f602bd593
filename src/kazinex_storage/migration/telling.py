"""What runs do, told as events of ``documents/events/runs.py``: made of what the journal has.

Whoever works on a run gives them to ``Resolver.emit``; those that belong to a change of the journal, in its
``together()``, so that the audit has the entry exactly when the journal has the change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from ..documents.events import AuditEnded, DocumentsMoved, RunBegun, RunEnded, SourcePruned
from .journal import PROVEN, Count, Entry, EntryState, Partition, Run

_DONE = PROVEN | {
    EntryState.PRUNED,
    EntryState.RETAINED,
    EntryState.MATCHED,
    EntryState.EXTRA,
    EntryState.MISSING,
    EntryState.DIFFERENT,
    EntryState.REWRITTEN,
    EntryState.PACKED,
    EntryState.STORED,
}
"""What a pass leaves behind that it need not look at again."""


class _Of(TypedDict):
    organisation: str
    run: str
    source: str
    target: str
    project: str | None


def run_begun(run: Run, counts: Mapping[EntryState, Count]) -> RunBegun:
    """Return the event of a run that was planned; *counts* are those of its journal then."""
    refused = counts.get(EntryState.REFUSED, Count())
    return RunBegun(
        **_of(run),
        kind=run.kind.value,
        objects=sum(count.objects for count in counts.values()),
        bytes=sum(count.bytes for count in counts.values()),
        refused=refused.objects,
    )


def run_ended(run: Run, counts: Mapping[EntryState, Count]) -> RunEnded:
    """Return the event of a pass that ended; *counts* are those of the journal after it."""
    failed = counts.get(EntryState.FAILED, Count()).objects
    done = [count for state, count in counts.items() if state in _DONE]
    event = RunEnded(
        **_of(run),
        kind=run.kind.value,
        objects=sum(count.objects for count in done),
        bytes=sum(count.bytes for count in done),
        failed=failed,
        refused=counts.get(EntryState.REFUSED, Count()).objects,
        vanished=counts.get(EntryState.VANISHED, Count()).objects,
    )
    return replace(event, outcome="failed") if failed else event


def documents_moved(run: Run, partition: Partition, entries: Iterable[Entry]) -> DocumentsMoved | None:
    """Return the event of what is proven of *entries*, those of one partition; None when nothing is."""
    proven = [entry for entry in entries if entry.state in PROVEN]
    if not proven:
        return None
    return DocumentsMoved(
        **_of(run),
        partition=partition.number,
        objects=len(proven),
        bytes=sum(entry.size for entry in proven),
        sha256=entries_sha256(proven),
    )


def source_pruned(run: Run, partition: Partition, entries: Sequence[Entry]) -> SourcePruned | None:
    """Return the event of what was deleted, or retained, of *entries*, those of one partition; None if nothing was."""
    pruned = [entry for entry in entries if entry.state is EntryState.PRUNED]
    retained = sum(entry.state is EntryState.RETAINED for entry in entries)
    if not pruned and not retained:
        return None
    return SourcePruned(
        **_of(run),
        partition=partition.number,
        objects=len(pruned),
        bytes=sum(entry.size for entry in pruned),
        sha256=entries_sha256(pruned),
        retained=retained,
    )


def audit_ended(run: Run, counts: Mapping[EntryState, Count], level: str) -> AuditEnded:
    """Return the event of an audit that ended; it failed when something is missing, different, or was not compared."""

    def of(state: EntryState) -> int:
        return counts.get(state, Count()).objects

    event = AuditEnded(
        **_of(run),
        level=level,
        matched=of(EntryState.MATCHED),
        missing=of(EntryState.MISSING),
        extra=of(EntryState.EXTRA),
        different=of(EntryState.DIFFERENT),
        rewritten=of(EntryState.REWRITTEN),
    )
    wrong = (EntryState.MISSING, EntryState.DIFFERENT, EntryState.FAILED, EntryState.PLANNED)
    return replace(event, outcome="failed") if any(map(of, wrong)) else event


def entries_sha256(entries: Iterable[Entry]) -> str:
    """Return the sha256 over a line for each of *entries*, in the order of their numbers.

    A line is the key, the size in bytes and the sha256, divided by tabs, in UTF-8, and ends with a line feed; keys have
    neither. It is empty for a sha256 that is not known.

    Example:
        >>> entries_sha256([])[:8]
        'e3b0c442'
    """
    digest = hashlib.sha256()
    for entry in sorted(entries, key=lambda entry: entry.number):
        digest.update(f"{entry.key}\t{entry.size}\t{entry.sha256 or ''}\n".encode())
    return digest.hexdigest()


def _of(run: Run) -> _Of:
    return {
        "organisation": run.organisation,
        "run": run.id,
        "source": run.source,
        "target": run.target,
        "project": run.project,
    }

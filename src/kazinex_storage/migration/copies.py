"""Which copies of one document the journal knows: for reading, checking and removing it by an old receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..documents.copies import KnownCopy
from ..documents.quotas import utc_now
from ..documents.searching import relative_key
from ..keys import DocumentKey
from .journal import PROVEN, REWRITTEN, Entry, EntryState, Journal, Run, RunKind

_COPYING: Final = frozenset({RunKind.COPY, RunKind.MIRROR})
_ON_SOURCE: Final = PROVEN | {EntryState.RETAINED}
_ON_TARGET: Final = _ON_SOURCE | {EntryState.PRUNED}

_REMOVED: Final = "its revision was removed"

# An organisation moves a few times in its life, a project at a time at worst.
_RUNS: Final = 1000


def copies_of(journal: Journal, document: DocumentKey) -> Sequence[KnownCopy]:
    """Return where runs have left the file of *document*, the newest run first: on their targets, and their sources.

    Runs that have ended count as well: a copy ends nothing on the source. So does the target of an object that was not
    copied yet: its copy may be there and not be recorded. One query for the runs, and one for each.

    Raises:
        StorageError: the journal does not answer.
    """
    key, found = relative_key(document), list[KnownCopy]()
    for run in journal.runs(document.organisation, limit=_RUNS):
        if run.kind in _COPYING and run.project in (None, document.project):
            entry = journal.known(run, (key,)).get(key)
            if entry is not None:
                found += _copies_in(run, entry)
    return found


def mark_removed(journal: Journal, document: DocumentKey) -> None:
    """Record that nothing is left of the file of *document*, wherever runs had brought it; its bytes may come back.

    One query for the runs, one for each, and a change for each that had it.

    Raises:
        StorageError: the journal does not answer.
    """
    key = relative_key(document)
    for run in journal.runs(document.organisation, limit=_RUNS):
        entry = journal.known(run, (key,)).get(key) if run.kind in _COPYING else None
        if entry is not None and entry.state in _ON_TARGET:
            gone = replace(entry, state=EntryState.VANISHED, target_etag=None, reason=_REMOVED, changed_at=utc_now())
            journal.record(run, [gone])


def _copies_in(run: Run, entry: Entry) -> list[KnownCopy]:
    found, rewritten = [], entry.reason == REWRITTEN
    if entry.state is EntryState.PLANNED and run.target:  # under way, or left by a worker that was killed
        found.append(KnownCopy(provider=run.target, etag=None, sha256=None))
    if entry.state in _ON_TARGET and run.target:
        found.append(KnownCopy(provider=run.target, etag=entry.target_etag, sha256=entry.sha256, rewritten=rewritten))
    if entry.state in _ON_SOURCE and run.source:
        found.append(KnownCopy(provider=run.source, etag=entry.etag, sha256=entry.sha256, rewritten=rewritten))
    return found

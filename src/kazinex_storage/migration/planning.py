"""Planning a run: every object of the source becomes an entry of the journal, or is refused there with the reason.

Nothing moves meanwhile. Planning again adds what is new, so a plan that was cut short is simply made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from ..capabilities import Capability
from ..errors import NotSupportedError, RecordConflictError, StorageError
from ..types import ObjectInfo
from ..values import value
from .endpoints import Endpoint, are_one_place
from .fitting import Collisions, Fit
from .journal import Count, Entry, EntryState, Journal, Run, RunState
from .options import CopyOptions
from .rates import Pace
from .scanning import heads_of, pages_of, wait

SHOWN: Final = 100
"""Entries that a report names one by one."""

_GONE: Final = frozenset({EntryState.VANISHED, EntryState.PRUNED})
"""Of what the source had no more."""

_PAUSE_S: Final = 5.0
"""Seconds between two tries to list a source that does not answer."""


@value
class PlanReport:
    """What a plan found."""

    run: Run
    counts: dict[EntryState, Count]
    """By state, of the whole run."""
    added: int
    """Entries that this planning added."""
    refused: tuple[Entry, ...]
    """The first of those that the target cannot hold, each with its reason."""
    seconds: float
    """How long it took."""

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "run": self.run.id,
            "state": self.run.state.value,
            "counts": counts_to_dict(self.counts),
            "added": self.added,
            "refused": [entry_to_dict(entry) for entry in self.refused],
            "seconds": round(self.seconds, 3),
        }


def plan_run(
    journal: Journal,
    run: Run,
    source: Endpoint,
    target: Endpoint,
    *,
    prefix: str = "",
    stop: Callable[[], bool] = bool,
) -> PlanReport:
    """List *source* below *prefix* and add an entry for each object that *run* does not know; see the module.

    Memory is flat. One request a page of the source; one more for each object if it has properties that the target may
    not keep; and where keys can collide on the target, its own listing. A source that does not answer is listed again
    within the patience of the options.

    Raises:
        NotSupportedError: the target cannot create objects without the risk of replacing others.
        StorageError: the source cannot be listed.
    """
    begun = time.monotonic()
    if not target.info.can(Capability.CREATE_ONLY):
        target.storage.operations.context.rules.need(Capability.CREATE_ONLY, "a copy that replaces nothing")
        raise NotSupportedError("the target replaces what it has")  # need has said it better
    options = CopyOptions.from_dict(run.options)
    failing_since: float | None = None
    added = 0
    while True:
        try:
            added += _scan(journal, run, source, target, _Ask(prefix, options, stop))
            break
        except StorageError as error:
            failing_since = failing_since or time.monotonic()
            if not error.retryable or time.monotonic() - failing_since > options.patience.total_seconds():
                raise
            wait(source, error.retry_after_s or _PAUSE_S)
    if not stop():
        run = _planned(journal, run)
    refused = tuple(journal.entries(run, states=[EntryState.REFUSED], limit=SHOWN))
    counts = dict(journal.counts(run))
    return PlanReport(run=run, counts=counts, added=added, refused=refused, seconds=time.monotonic() - begun)


@value(kw_only=False)
class _Ask:
    prefix: str
    options: CopyOptions
    stop: Callable[[], bool]


def _scan(journal: Journal, run: Run, source: Endpoint, target: Endpoint, ask: _Ask) -> int:
    fit, collisions, added = Fit(target, ask.options), Collisions(target.info), 0
    pace = Pace(ask.options.limits)
    looks = fit.needs_properties and source.info.can(Capability.METADATA)
    is_known = bool(journal.counts(run))
    try:
        if collisions.possible and not are_one_place(source, target):
            for page in pages_of(target, ask.prefix):
                for info in page:
                    collisions.collision(info.key)
        for page in pages_of(source, ask.prefix):
            if ask.stop():
                break
            heads = heads_of(source, [info.key for info in page], pace) if looks else page
            entries = [
                _entry(info, _reason(info, head, fit, collisions)) for info, head in zip(page, heads, strict=True)
            ]
            if is_known:
                journal.record(run, _come_back(journal.known(run, [info.key for info in page]), entries))
            added += journal.add_entries(run, entries)
    finally:
        collisions.close()
    return added


def _come_back(known: Mapping[str, Entry], listed: Iterable[Entry]) -> list[Entry]:
    """Return those *listed* that were gone from the source, as entries to be worked on: removed, and stored again."""
    return [
        replace(entry, number=known[entry.key].number)
        for entry in listed
        if entry.key in known and known[entry.key].state in _GONE
    ]


def _reason(info: ObjectInfo, head: ObjectInfo | None, fit: Fit, collisions: Collisions) -> str | None:
    reason = fit.misfit(info.key, info.size)
    if reason is None and head is not None:
        reason = fit.lost(head)
    return reason if reason is not None else collisions.collision(info.key)


def _entry(info: ObjectInfo, reason: str | None) -> Entry:
    return Entry(
        number=0,
        key=info.key,
        size=info.size,
        etag=info.etag,
        last_modified=info.last_modified,
        state=EntryState.PLANNED if reason is None else EntryState.REFUSED,
        reason=reason,
    )


def _planned(journal: Journal, run: Run) -> Run:
    """Return *run* as PLANNED; another process may have been as quick, and even gone on."""
    if run.state is not RunState.PLANNING:
        return run
    try:
        return journal.replace_run(replace(run, state=RunState.PLANNED))
    except RecordConflictError:
        found = journal.run(run.organisation, run.id)
        if found is None:
            raise
        return _planned(journal, found)


def counts_to_dict(counts: dict[EntryState, Count]) -> dict[str, object]:
    """Return *counts* as values that JSON can hold."""
    return {state.value: {"objects": count.objects, "bytes": count.bytes} for state, count in counts.items()}


def entry_to_dict(entry: Entry) -> dict[str, object]:
    """Return what a report says of *entry*."""
    return {"key": entry.key, "size": entry.size, "state": entry.state.value, "reason": entry.reason}

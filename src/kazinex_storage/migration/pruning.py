"""Pruning: deletes from the source of a run what is proven to be on its target. Nothing else here ever deletes there.

An object goes only while all of this holds: the journal has it as copied, the register does not name the source, the
source has the very version that was copied, no rule keeps it, and the target has the same bytes, read again unless that
is waived. Who was killed in between goes on by the same call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from ..documents.register import RevisionRecord
from ..errors import (
    AccessDeniedError,
    AuthenticationError,
    ClosedError,
    InvalidKeyError,
    LockedError,
    NotFoundError,
    ReconnectRequiredError,
    SettingsError,
    StorageError,
    clean_text,
)
from ..keys import DocumentKey
from ..lazy import logger
from ..transport import Call, Exchange
from ..types import ObjectInfo, PutMode, PutOptions
from .journal import (
    MAX_REASON_CHARACTERS,
    PARTITION_ENTRIES,
    PROVEN,
    Count,
    Entry,
    EntryState,
    Partition,
    Run,
    RunKind,
    RunState,
)
from .leasing import never
from .options import CopyOptions
from .prune_values import DEFAULTS, Confirm, PruneAsk, PruneOptions, PruneReport
from .rates import Pace
from .reading import on, sha256_of
from .retention import RetentionRule, kept_by, kept_until, refused_by_service
from .runs import now
from .telling import source_pruned

if TYPE_CHECKING:
    from ..documents.retentions import KeptRevision
    from .migrations import Migration

_log = logger(__name__)

MAX_KEPT: Final = 100
"""Objects that a report names of those that were to go and stayed."""


_PRUNABLE: Final = PROVEN | {EntryState.RETAINED}
_OPEN: Final = frozenset({EntryState.PLANNED, EntryState.FAILED})
_READY: Final = frozenset({RunState.DONE, RunState.CUT_OVER})
_HOPELESS: Final = (AuthenticationError, ClosedError, ReconnectRequiredError, SettingsError)


def prune(
    migration: Migration,
    confirm: Confirm | bool = False,
    options: PruneOptions = DEFAULTS,
    *,
    rules: Sequence[RetentionRule] = (),
    stop: Callable[[], bool] = never,
) -> PruneReport:
    """Delete from the source what is proven on the target; see the module.

    Four requests for each object, and its bytes from the target, within the limits that the run was begun with. Where
    the service has a recycle bin, what was deleted is there; a versioned bucket keeps it as an earlier version. Both
    cost what they did until they are emptied.

    Args:
        migration: Names both ends.
        confirm: Is asked once, with what is about to go; nothing is deleted without a yes.
        options: How carefully.
        rules: What keeps objects on the source, such as ``retention.KeptFor``.
        stop: Asked before each object.

    Raises:
        SettingsError: it was not confirmed, there is no run that is done, something of it failed, new documents still
            go to the source, or both ends have their objects in one place.
        StorageError: a provider or the journal does not answer.
    """
    run = _prunable_run(migration)
    counts = migration.journal.counts(run)
    _check_complete(run, counts, options)
    if not options.allow_chosen:
        _check_chosen(migration)
    ask = _ask(migration, run, counts)
    if not (confirm(ask) if callable(confirm) else confirm):
        raise SettingsError(
            f"nothing was deleted: {ask.objects:,} objects ({ask.bytes:,} bytes) would go from {ask.label!r} "
            f"({ask.location}); confirm that"
        )
    _check_apart(migration)
    return _Prune(migration, run, options, tuple(rules), stop).work(ask.recycled)


def _prunable_run(migration: Migration) -> Run:
    ends = (migration.source.provider, migration.target.provider)
    run = migration.journal.find_run(migration.organisation, (RunKind.COPY, RunKind.MIRROR), *ends, migration.project)
    if run is None or run.state not in _READY:
        state = "there is none" if run is None else f"it is {run.state.value}"
        raise SettingsError(f"only a run that is done proves what may be deleted, and {state}; copy first")
    return run


def _check_complete(run: Run, counts: Mapping[EntryState, Count], options: PruneOptions) -> None:
    left = sum(counts[state].objects for state in _OPEN if state in counts)
    if left and not options.allow_failed:
        raise SettingsError(
            f"{left:,} objects of the run {run.id!r} are not on the target; copy them first, or allow that with "
            "allow_failed: they stay on the source in any case"
        )


def _check_chosen(migration: Migration) -> None:
    organisations, source, project = migration.resolver.organisations, migration.source, migration.project
    overrides = {
        override.project: override.provider for override in organisations.catalogue.overrides(migration.organisation)
    }
    chosen = []
    default = organisations.organisation(migration.organisation).default_provider
    if default == source.provider and project not in overrides:  # an override decides for its project
        chosen.append("the default of the organisation")
    chosen += [
        f"that of the project {name!r}"
        for name, provider in overrides.items()
        if provider == source.provider and project in (None, name)
    ]
    if chosen:
        raise SettingsError(
            f"new documents still go to {source.label!r}: it is {', '.join(chosen)}; cut over first, or allow that "
            "with allow_chosen"
        )


def _ask(migration: Migration, run: Run, counts: Mapping[EntryState, Count]) -> PruneAsk:
    found = [counts[state] for state in _PRUNABLE if state in counts]
    return PruneAsk(
        run=run,
        label=migration.source.label,
        location=migration.source.info.location,
        objects=sum(count.objects for count in found),
        bytes=sum(count.bytes for count in found),
        recycled=_recycles(migration),
    )


def _recycles(migration: Migration) -> bool:
    """Say whether the source moves what is deleted into a recycle bin, as SharePoint does unless it is told not to."""
    if migration.source.info.kind != "sharepoint":
        return False
    record = migration.resolver.organisations.find(migration.organisation, migration.source.provider)
    return not record.settings.get("permanent_delete")


def _check_apart(migration: Migration) -> None:
    """Refuse two ends that turn out to have their objects in one place, whatever their settings say.

    An object is put on the target and looked for on the source: no comparison of addresses finds every second name of
    one bucket or folder, and the one copy would go.

    Raises:
        SettingsError: they have.
    """
    key = f"kazinex-probe-{secrets.token_hex(8)}.txt"
    target = migration.target.storage.with_policy(None)
    target.put(key, b"a probe of prune, which removes it", PutOptions(mode=PutMode.CREATE))
    try:
        shared = migration.source.storage.exists(key)
    finally:
        try:
            target.delete(key)
        except (LockedError, AccessDeniedError) as error:  # a place that keeps everything, or credentials that do
            _log.warning("the probe %s stays on the target: %s", key, error)
    if shared:
        raise SettingsError(
            f"{migration.source.label!r} and {migration.target.label!r} have their objects in one place: nothing may "
            "be deleted there"
        )


class _Prune:
    """One call of ``prune``."""

    def __init__(
        self,
        migration: Migration,
        run: Run,
        options: PruneOptions,
        rules: tuple[RetentionRule, ...],
        stop: Callable[[], bool],
    ) -> None:
        self._migration, self._run, self._options = migration, run, options
        self._rules, self._stop = rules, stop
        self._source, self._target = migration.source, migration.target
        self._pace = Pace(CopyOptions.from_dict(run.options).limits)
        self._stopped: str | None = None
        self._kept: list[Entry] = []

    def work(self, recycled: bool) -> PruneReport:
        """Go through the partitions."""
        pruned, retained, first = Count(), 0, 0
        while not self._is_stopped() and (partition := self._next(first)) is not None:
            done = self._partition(partition)
            gone = [entry for entry in done if entry.state is EntryState.PRUNED]
            pruned = Count(objects=pruned.objects + len(gone), bytes=pruned.bytes + sum(entry.size for entry in gone))
            retained += sum(entry.state is EntryState.RETAINED for entry in done)
            stayed = [entry for entry in done if entry.state not in (EntryState.PRUNED, EntryState.RETAINED)]
            self._kept += stayed[: MAX_KEPT - len(self._kept)]
            first = partition.last + 1
        return PruneReport(
            run=self._run,
            pruned=pruned,
            retained=retained,
            kept=tuple(self._kept),
            recycled=recycled,
            stopped=self._stopped,
        )

    def _next(self, first: int) -> Partition | None:
        found = self._migration.journal.entries(self._run, first=first, states=_PRUNABLE, limit=1)
        if not found:
            return None
        number = found[0].number // PARTITION_ENTRIES
        first = number * PARTITION_ENTRIES
        return Partition(number=number, first=first, last=first + PARTITION_ENTRIES - 1)

    def _partition(self, partition: Partition) -> list[Entry]:
        """Prune what is proven of one partition, and record and tell it in one transaction."""
        journal, run = self._migration.journal, self._run
        entries = journal.entries(run, first=partition.first, last=partition.last, states=_PRUNABLE)
        exchanges = (self._tried(entry) for entry in entries if not self._is_stopped())
        transport, done = self._source.storage.transport, list[Entry]()
        try:
            for _, outcome in transport.run_many(exchanges, self._options.concurrency):
                done.append(outcome.result())
        finally:  # what an interrupt comes after is recorded as well
            with journal.together():
                journal.record(run, done)
                event = source_pruned(run, partition, done)
                if event is not None:
                    self._migration.resolver.emit(event)
        return done

    def _is_stopped(self) -> bool:
        if self._stopped is None and self._stop():
            self._stopped = "it was asked to"
        return self._stopped is not None

    def _tried(self, entry: Entry) -> Exchange[Entry]:
        """Return *entry* as it is afterwards; what stays keeps its state, and says why."""
        try:
            done = yield from self._one(entry)
            # What stays keeps the time at which it was copied, which rules count from.
            return replace(done, changed_at=now()) if done.state is EntryState.PRUNED else done
        except StorageError as error:
            if isinstance(error, _HOPELESS):
                self._stopped = self._stopped or clean_text(str(error), MAX_REASON_CHARACTERS)
            kept = refused_by_service(error)
            if kept is not None:
                return _stays(entry, kept, EntryState.RETAINED)
            return _stays(entry, f"not pruned: {error}")

    def _one(self, entry: Entry) -> Exchange[Entry]:
        reason = yield from self._by_register(entry)
        if reason is not None:
            return _stays(entry, reason)
        reason = yield from self._is_kept(entry)
        if reason is not None:
            return _stays(entry, reason, EntryState.RETAINED)
        if self._pace.limited:
            yield from self._pace.taking(entry.size if self._options.verify == "full" else 0, source=2, target=1)
        info = yield from self._on_source(entry)
        if info is not None:
            if info.size != entry.size or (entry.etag is not None and info.etag != entry.etag):
                return _stays(entry, "not pruned: the source has another version than was copied")
            reason = kept_by(self._rules, self._run, entry, info)
            if reason is not None:
                return _stays(entry, reason, EntryState.RETAINED)
        try:
            proven = yield from self._is_proven(entry)
        except NotFoundError:
            return _stays(entry, "not pruned: the target has it no more; copy it again", EntryState.FAILED)
        if not proven:
            return _stays(entry, "not pruned: the target has other bytes than were copied")
        if info is not None:
            yield from on(self._source, self._source.storage.operations.delete(entry.key))
        return replace(entry, state=EntryState.PRUNED, reason=None)

    def _on_source(self, entry: Entry) -> Exchange[ObjectInfo | None]:
        try:
            return (yield from on(self._source, self._source.storage.operations.head(entry.key)))
        except NotFoundError:  # a prune that was killed after it had deleted it
            return None

    def _is_proven(self, entry: Entry) -> Exchange[bool]:
        """Say whether the target has the bytes that were copied.

        Raises:
            NotFoundError: it has nothing.
        """
        if self._options.verify == "version" and entry.target_etag is not None:
            info = yield from on(self._target, self._target.storage.operations.head(entry.key))
            if info.etag == entry.target_etag and info.size == entry.size:
                return True
        found, _ = yield from sha256_of(self._target, entry.key)
        return entry.sha256 is not None and found == entry.sha256

    def _document(self, entry: Entry) -> DocumentKey | None:
        try:
            return DocumentKey.parse(f"{self._migration.organisation}/{entry.key}")
        except InvalidKeyError:
            return None

    def _is_kept(self, entry: Entry) -> Exchange[str | None]:
        """Return why a retention or a hold keeps the revision, on the source too; None when there is none."""
        document = self._document(entry)
        if document is None:
            return None
        look = partial(self._migration.resolver.revisions.retentions.find, document)
        return kept_until(cast("KeptRevision", (yield Call(look, owner=document.organisation))))

    def _by_register(self, entry: Entry) -> Exchange[str | None]:
        """Return why the register wants the object to stay; None when it does not."""
        organisation, document = self._migration.organisation, self._document(entry)
        if document is None:
            return None
        look = partial(self._migration.resolver.revisions.revision, document)
        record = cast("RevisionRecord | None", (yield Call(look, owner=organisation)))
        if record is None or record.document != document:
            return None
        if record.removal is not None:
            return "not pruned: its revision was removed; remove it once more"
        if record.provider == self._source.provider:
            return "not pruned: the register still names the source"
        return None


def _stays(entry: Entry, reason: str, state: EntryState | None = None) -> Entry:
    return replace(entry, state=state or entry.state, reason=clean_text(reason, MAX_REASON_CHARACTERS))

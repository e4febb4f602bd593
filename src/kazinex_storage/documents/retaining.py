"""Keeping documents: the register first, then the service; and ending that in the opposite order.

So whatever is cut off on the way, a document that was to be kept is kept. The register keeps it from every call that
comes through this library; a service that can keep objects by itself is told as well, and keeps its bytes from
whoever reaches it in another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, TypeVar, cast

from ..capabilities import Capability
from ..errors import NotFoundError, PolicyError, RecordConflictError, StorageError
from ..keys import DocumentKey
from ..lazy import logger
from ..retention import Retention, RetentionMode, check_change
from ..transport import Call, Exchange
from ..values import value
from .events import DocumentHeld, DocumentReleased, DocumentRetained, DocumentUnretained, Event
from .receipts import ResolvedProvider, StoredDocument
from .register import RevisionRecord, check_words
from .retentions import Hold, KeptRevision, RetentionTable
from .searching import Search, relative_key

T = TypeVar("T")

KeptBy: TypeAlias = Literal["service", "ours"]
"""What keeps a document: its service by itself, or this library alone."""

_log = logger(__name__)

# Each try fails only when another call changed what keeps the same revision in between.
_TRIES: Final = 5


@value
class RetentionState:
    """What keeps a document."""

    retention: Retention | None
    """The last one that was set; it may be over."""
    hold: Hold | None
    """None when there is none."""
    enforced_by: KeptBy
    """``service`` where its provider was told and keeps the bytes by itself; ``ours`` where the register alone does."""
    provider: str | None
    """The id of the record of the provider that holds it; None when nothing was ever set."""

    def keeps(self, now: datetime | None = None) -> bool:
        """Say whether the document may be neither changed nor removed at that time, by default now."""
        moment = now if now is not None else datetime.now(UTC)
        return self.hold is not None or (self.retention is not None and not self.retention.is_over(moment))


class Keeper:
    """What one call does about one document."""

    def __init__(self, search: Search, document: StoredDocument | DocumentKey) -> None:
        """Work on *document*.

        Raises:
            AccessDeniedError: it is of another organisation than the search is bound to.
            SettingsError: the receipt was altered.
        """
        if isinstance(document, StoredDocument):
            search.admit_receipt(document)
            document = document.document
        search.admit(document)
        self._search = search
        self._document = document

    def state(self) -> Exchange[RetentionState]:
        """Return what keeps it."""
        kept = yield from self._kept()
        record = (yield from self._search.revision(self._document)) if kept.version else None
        return _state(kept, record.provider if record is not None else None)

    def retain(
        self, until: datetime, mode: RetentionMode, by: str | None, reason: str | None
    ) -> Exchange[RetentionState]:
        """Keep it until then; see ``DocumentStore.retain``."""
        retention, key = _retention(until, mode), self._document.build()
        _check("reason", reason)
        record = yield from self._record()

        def change(before: KeptRevision) -> KeptRevision:
            check_change(before.retention, retention, datetime.now(UTC), bypass=False, key=key)
            told = before.by_service and before.retention == retention
            return replace(before, retention=retention, by_default=False, by_service=told)

        event = DocumentRetained(document=self._document, until=retention.until, mode=mode.value, reason=reason, by=by)
        kept = yield from self._change(change, event)
        return (yield from self._tell(record, kept))

    def lift(self, by: str, reason: str) -> Exchange[RetentionState]:
        """End a GOVERNANCE retention early; see ``DocumentStore.lift_retention``."""
        _check("by", by, needed=True)
        _check("reason", reason, needed=True)
        before, record = (yield from self._kept()), (yield from self._record())
        check_change(before.retention, None, datetime.now(UTC), bypass=True, key=self._document.build())
        provider = yield from self._search.by_id(self._document.organisation, record.provider)
        if before.retention is not None and provider.storage.info.can(Capability.RETENTION):
            keeping = provider.storage.operations.keeping
            yield from keeping.retain(relative_key(self._document), None, True)

        def change(kept: KeptRevision) -> KeptRevision:
            check_change(kept.retention, None, datetime.now(UTC), bypass=True, key=self._document.build())
            return replace(kept, retention=None, by_default=False, by_service=kept.by_service and kept.hold is not None)

        event = DocumentUnretained(document=self._document, reason=reason, by=by)
        return _state((yield from self._change(change, event)), record.provider)

    def hold(self, reason: str, by: str | None) -> Exchange[RetentionState]:
        """Keep it until its release; see ``DocumentStore.hold``."""
        _check("reason", reason, needed=True)
        record = yield from self._record()
        hold = Hold(reason=reason, at=datetime.now(UTC), by=by)
        event = DocumentHeld(document=self._document, reason=reason, by=by)

        def change(before: KeptRevision) -> KeptRevision:
            return before if before.hold is not None else replace(before, hold=hold, by_service=False)

        kept = yield from self._change(change, event)
        return (yield from self._tell(record, kept))

    def release(self, by: str | None, reason: str | None) -> Exchange[RetentionState]:
        """End the hold; see ``DocumentStore.release``."""
        _check("reason", reason)
        before = yield from self._kept()
        record = yield from self._record()
        if before.hold is None:
            return _state(before, record.provider)
        provider = yield from self._search.by_id(self._document.organisation, record.provider)
        if provider.storage.info.can(Capability.LEGAL_HOLD):
            yield from provider.storage.operations.keeping.hold(relative_key(self._document), False)
        event = DocumentReleased(document=self._document, reason=reason, by=by)
        return _state((yield from self._change(lambda kept: replace(kept, hold=None), event)), record.provider)

    def _tell(self, record: RevisionRecord, kept: KeptRevision) -> Exchange[RetentionState]:
        """Have the service keep what the register keeps, where it can; remember that."""
        provider = yield from self._search.by_id(self._document.organisation, record.provider)
        told = yield from tell_service(provider, kept)
        if told and not kept.by_service:
            kept = yield from self._change(lambda before: replace(before, by_service=True))
        return _state(kept, record.provider)

    def _kept(self) -> Exchange[KeptRevision]:
        return _asked(self._table.find, self._document)

    def _record(self) -> Exchange[RevisionRecord]:
        """Return what the register has of the revision; what it does not know yet is recorded as it is stored.

        Raises:
            NotFoundError: the document is not stored.
        """
        for _ in range(_TRIES):
            known = yield from self._search.revision(self._document)
            if known is not None:
                if known.removal is not None or known.document != self._document:
                    raise NotFoundError("the document is not stored (any more)", key=self._document.build())
                return known
            found, info = yield from self._search.find(self._document)
            record = RevisionRecord(
                document=self._document,
                provider=found.provider,
                sha256=info.sha256,
                size=info.size,
                recorded_at=datetime.now(UTC),
            )
            if (yield Call(self._search.register.swap_revision, None, record, owner=self._document.organisation)):
                return record
        raise self._busy()

    def _change(
        self, change: Callable[[KeptRevision], KeptRevision], event: Event | None = None
    ) -> Exchange[KeptRevision]:
        """Change what keeps it, and tell the *event* in the same transaction; nothing where nothing changes."""
        for _ in range(_TRIES):
            before = yield from self._kept()
            after = change(before)
            if after == before:
                return before
            events = () if event is None else (lambda: event,)
            by = (event.by if event is not None else None) or self._search.by
            swap = _Swap(self._table, after, by, getattr(event, "reason", None))
            if (yield from self._search.announced(swap, *events)):
                return replace(after, version=after.version + 1)
        raise self._busy()

    def _busy(self) -> RecordConflictError:
        return RecordConflictError(
            f"what keeps the revision {self._document.build()!r} is being changed by other calls, or the revision was "
            "removed meanwhile; try again"
        )

    @property
    def _table(self) -> RetentionTable:
        return self._search.register.retentions


class _Swap:
    """One change of the table, to be made together with its event."""

    def __init__(self, table: RetentionTable, after: KeptRevision, by: str | None, reason: str | None) -> None:
        self._table, self._after, self._by, self._reason = table, after, by, reason

    def __call__(self) -> bool:
        return self._table.set_kept(self._after, by=self._by, reason=self._reason)


def tell_service(provider: ResolvedProvider, kept: KeptRevision) -> Exchange[bool]:
    """Have the service of *provider* keep what *kept* says, as far as it can; say whether all of that is kept by it.

    Raises:
        StorageError: it refuses, or does not answer; the register keeps the document in any case.
    """
    info, keeping = provider.storage.info, provider.storage.operations.keeping
    key, done = relative_key(kept.document), list[Capability]()
    wanted = list[Capability]()
    if kept.retention is not None and not kept.retention.is_over(datetime.now(UTC)):
        wanted.append(Capability.RETENTION)
        if info.can(Capability.RETENTION):
            yield from keeping.retain(key, kept.retention, True)
            done.append(Capability.RETENTION)
    if kept.hold is not None:
        wanted.append(Capability.LEGAL_HOLD)
        if info.can(Capability.LEGAL_HOLD):
            yield from keeping.hold(key, True)
            done.append(Capability.LEGAL_HOLD)
    return bool(done) and done == wanted and info.ours.isdisjoint(done)


def tell_default(search: Search, provider: ResolvedProvider, document: DocumentKey) -> Exchange[None]:
    """Have the service of *provider* keep a new document that a default keeps; where it does not, the register does.

    Called where the provider can. One query, and three requests and a transaction where there is a default.
    """
    kept = yield from _asked(search.register.retentions.find, document)
    if not kept.by_default or kept.by_service or not kept.keeps(datetime.now(UTC)):
        return
    try:
        if (yield from tell_service(provider, kept)):
            change = replace(kept, by_service=True)
            yield Call(search.register.retentions.set_kept, change, owner=document.organisation)
    except StorageError as error:
        _log.warning("%s is kept by the register, and its service was not told: %s", document.build(), error)


def check_unkept(search: Search, document: DocumentKey) -> Exchange[None]:
    """Refuse what would remove, purge or move *document* while something keeps its revision. One query.

    Raises:
        RetentionError: something does.
    """
    kept = yield from _asked(search.register.retentions.find, document)
    if kept.keeps(datetime.now(UTC)):
        raise kept.refusal()


def _asked(look: Callable[[DocumentKey], T], document: DocumentKey) -> Exchange[T]:
    return cast(T, (yield Call(look, document, owner=document.organisation)))


def _state(kept: KeptRevision, provider: str | None) -> RetentionState:
    return RetentionState(
        retention=kept.retention,
        hold=kept.hold,
        enforced_by="service" if kept.by_service else "ours",
        provider=provider,
    )


def _check(name: str, text: str | None, *, needed: bool = False) -> None:
    """Refuse what the audit cannot keep.

    Raises:
        PolicyError: it is missing, too long, or no text.
    """
    if needed and not text:
        raise PolicyError(f"{name!r} is needed: the audit keeps it")
    if text is not None:
        try:
            check_words(f"{name!r}", text)
        except ValueError as error:
            raise PolicyError(str(error)) from None


def _retention(until: datetime, mode: RetentionMode) -> Retention:
    """Return the retention.

    Raises:
        PolicyError: the time has no zone, or is after the last one that there is.
    """
    try:
        return Retention(until=until, mode=mode)
    except (ValueError, OverflowError) as error:
        raise PolicyError(f"until is no time: {error}") from None

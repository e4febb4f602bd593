"""How direct uploads end without becoming documents: aborted, replaced, expired, swept. ``direct.py`` begins them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, cast

from ..errors import NotFoundError, NotSupportedError, RecordNotFoundError, StorageError
from ..keys import DocumentKey, check_identifier
from ..lazy import logger
from ..storage.claiming import give_back
from ..storage.quota import Claim
from ..storage.sync import Storage
from ..transport import Call, Exchange, Many, Outcome
from ..values import value
from .direct_plans import discard
from .events import DocumentAborted, DocumentExpired
from .receipts import ProviderResolver, ResolvedProvider, TicketResolver, check_bound
from .searching import Search
from .ticket_register import TicketRecord, TicketRegister, TicketStatus, moved
from .tickets import DirectUpload
from .writing import is_here

_log = logger(__name__)

LINGER: Final = timedelta(days=1)
"""How long a ticket is remembered after it expired: a confirmed one to give its receipt again, another one because a
request that began in time may end later. What arrives in between is removed at the end of it."""

_GIVEN_UP: Final = LINGER + timedelta(days=7)
"""How long after it expired a ticket is forgotten even if what it brought could not be removed."""

_BATCH: Final = 200
"""Tickets that are looked at together."""
_AT_ONCE: Final = 8
"""Of these, how many are ended at once."""


@value
class DirectSweep:
    """What a sweep of direct uploads found, and what became of it."""

    expired: tuple[DirectUpload, ...] = ()
    """Those that nobody confirmed in time."""
    forgotten: int = 0
    """Tickets that ended long ago, and are no longer remembered."""
    failures: tuple[StorageError, ...] = ()
    """Why something that expired uploads brought is still there; the sweep that forgets them tries again."""
    dry_run: bool = False
    """Whether nothing was changed."""

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "dry_run": self.dry_run,
            "expired": [upload.to_dict() for upload in self.expired],
            "forgotten": self.forgotten,
            "failures": [str(error) for error in self.failures],
        }


class TicketEnds:
    """The ends of tickets, as exchanges."""

    def __init__(self, resolver: ProviderResolver, search: Search, organisation: str | None) -> None:
        """End the tickets of *organisation*, or of all, that *resolver* remembers."""
        self._resolver = resolver
        self._search = search
        self._organisation = organisation

    @property
    def keeper(self) -> TicketResolver:
        """What remembers tickets.

        Raises:
            NotSupportedError: the resolver does not.
        """
        found = self._resolver
        # By an attribute, not by isinstance: a runtime protocol takes 50 us to be compared, several times a call.
        if not hasattr(found, "state_keys"):
            raise NotSupportedError("this resolver remembers no tickets; use a Resolver of organisations")
        return cast(TicketResolver, found)

    @property
    def register(self) -> TicketRegister:
        """What is remembered of direct uploads."""
        return self.keeper.tickets

    def read(self, record: TicketRecord) -> Exchange[TicketRecord]:
        """Return the ticket as it is now; one that is not remembered any more has expired."""
        call = Call(self.register.ticket, record.document.organisation, record.id)
        return cast("TicketRecord | None", (yield call)) or moved(record, "expired")

    def provider(self, record: TicketRecord) -> Exchange[ResolvedProvider]:
        """Return the provider that the ticket is for.

        Raises:
            RecordNotFoundError: it was removed meanwhile.
        """
        call = Call(self._resolver.by_id, record.document.organisation, record.provider)
        return cast(ResolvedProvider, (yield call))

    def is_recorded(self, record: TicketRecord, target: ResolvedProvider) -> Exchange[bool]:
        """Say whether the register has the file there as that of the revision."""
        seen = yield from self._search.revision(record.document)
        if seen is None or seen.document != record.document or seen.removal is not None:
            return False
        if (yield from is_here(self._search, seen, target)):
            return True
        # A run has moved it: what is still there is a copy of the document, which only a prune deletes.
        copies = yield from self._search.copies(record.document)
        return any(copy.provider == target.provider and copy.sha256 is not None for copy in copies)

    def refuse_ended(self, record: TicketRecord) -> Exchange[None]:
        """Refuse a ticket that is no longer open; what one that has expired brought is removed first.

        Raises:
            NotFoundError: it is not.
        """
        if record.status == "open" and record.expires_at <= datetime.now(UTC):
            if (yield from self.end(record, "expired")):
                yield from self.try_discard(record)
            record = yield from self.read(record)
        if record.status != "open":
            raise gone(record)

    def end(self, record: TicketRecord, status: TicketStatus) -> Exchange[bool]:
        """Move an open ticket to *status*; say whether this call did."""
        event = DocumentAborted if status == "aborted" else DocumentExpired
        return (
            yield from self._search.announced(
                partial(self.register.swap_ticket, record, moved(record, status)),
                partial(event, document=record.document, provider=record.provider, ticket=record.id),
            )
        )

    def clear(self, document: DocumentKey, *, supersede: bool) -> Exchange[int]:
        """Throw away what ended tickets brought to the revision too late; *supersede* ends its open ones first.

        Returns how many tickets have ended.
        """
        ended = 0
        for other in cast("list[TicketRecord]", (yield Call(self.register.tickets_of, document))):
            if other.status != "open" or (supersede and (yield from self.end(other, "aborted"))):
                yield from self.try_discard(other)
                ended += 1
        return ended

    def discard(self, record: TicketRecord) -> Exchange[None]:
        """Throw away what a ticket that has ended brought, unless it is recorded.

        Raises:
            StorageError: the provider does not answer, or refuses.
        """
        try:
            chosen = yield from self.provider(record)
        except RecordNotFoundError:
            return  # nothing of it can be reached any more
        recorded = yield from self.is_recorded(record, chosen)
        yield from discard(proving(chosen), record, recorded=recorded)
        yield from give_back(claim_of(chosen, record.document, record.id))

    def try_discard(self, record: TicketRecord) -> Exchange[None]:
        """Do that, or leave it to a sweep."""
        try:
            yield from self.discard(record)
        except StorageError as error:
            _log.warning("what the upload %s brought could not be removed; a sweep tries again: %s", record.id, error)

    def sweep(self, organisation: str | None, *, dry_run: bool) -> Exchange[DirectSweep]:
        """Remove what nobody confirmed; see ``DocumentStore.sweep_direct_uploads``."""
        if organisation is not None:
            check_bound(self._organisation, check_identifier(organisation, "organisation"))
        now, seen, failures = datetime.now(UTC), dict[str, TicketRecord](), list[StorageError]()
        due = partial(
            self.register.due_tickets, organisation or self._organisation, expired_by=now, gone_by=now - LINGER
        )
        while True:
            found = cast("list[TicketRecord]", (yield Call(partial(due, limit=_BATCH + len(seen)))))
            fresh = [record for record in found if record.id not in seen]
            seen.update((record.id, record) for record in fresh)
            if not dry_run:
                failures += yield from self._sweep(fresh, now)
            if not fresh:
                break
        return DirectSweep(
            expired=tuple(DirectUpload.of(record) for record in seen.values() if record.status == "open"),
            forgotten=sum(record.expires_at <= now - LINGER for record in seen.values()),
            failures=tuple(failures),
            dry_run=dry_run,
        )

    def _sweep(self, records: list[TicketRecord], now: datetime) -> Exchange[list[StorageError]]:
        """End *records*, several at once: a provider that does not answer holds up no other one."""
        swept = Many((self._swept(record, now) for record in records), _AT_ONCE)
        errors = [outcome.error for outcome in cast("list[Outcome[None]]", (yield swept)) if outcome.error is not None]
        for error in errors:
            if not isinstance(error, StorageError):
                raise error
        return cast("list[StorageError]", errors)

    def _swept(self, record: TicketRecord, now: datetime) -> Exchange[None]:
        if record.status == "open":
            if not (yield from self.end(record, "expired")):
                return  # confirmed or aborted at this moment
            record = moved(record, "expired")
        # What signed a part may go on writing where parts are staged, after they were confirmed as well.
        gone_by = record.expires_at <= now - LINGER
        try:
            if record.status != "confirmed" or (gone_by and record.plan == "parts"):
                yield from self.discard(record)
        except StorageError:
            if record.expires_at > now - _GIVEN_UP:
                raise
        if gone_by:
            yield Call(self.register.swap_ticket, record, None)


def proving(chosen: ResolvedProvider) -> Storage:
    """Return the storage with the sha256, which receipts keep; the register and the quotas are asked here instead."""
    storage = chosen.storage.with_digest("sha256")
    storage.operations.context.rules.taken = storage.operations.context.rules.quota = None
    return storage


def claim_of(chosen: ResolvedProvider, document: DocumentKey, ticket: str) -> Claim | None:
    """Return the room that a ticket holds; None where there are no quotas."""
    quota = chosen.storage.operations.context.rules.quota
    return None if quota is None else quota.claim(document.build(), ticket)


def gone(record: TicketRecord) -> NotFoundError:
    """Return the error for a ticket that has ended."""
    what = "was aborted, or replaced by a later one" if record.status == "aborted" else "has expired"
    return NotFoundError(
        f"the ticket {what}; what it brought is removed, begin the upload again",
        operation="confirm_direct_upload",
        key=record.document.build(),
    )

"""Direct uploads: a client without credentials sends the file of a revision; this side begins, confirms and sweeps.

What a ticket may be used for stands in the register of tickets, and its token proves it. Confirming it and recording
the file of the revision are one transaction, so whatever process dies at whatever moment, a call that is repeated finds
what there is: nothing, an object to check, or the receipt. ``direct_plans.py`` says what each provider is asked.
docs/adr/0021 and docs/direct-uploads.md.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, cast

from ..bodies.source import Source
from ..capabilities import Capability
from ..content_types import guess_content_type
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    NotSupportedError,
    QuotaExceededError,
    RecordConflictError,
    StorageError,
)
from ..keys import DocumentKey
from ..lazy import logger, regex
from ..secrecy.masking import Masked
from ..storage.arrivals import NOTE, Arrivals
from ..storage.claiming import give_back
from ..storage.quota import SIGNED_GRACE
from ..storage.rules import Body
from ..storage.sync import Storage
from ..storage.tickets import TicketPart
from ..transport import Call, Exchange
from ..types import PresignedUrl, PutMode, PutOptions
from .direct_ends import TicketEnds, claim_of, gone, proving
from .direct_plans import Begun, Wanted, arrived, begin, names_tickets, plan_for
from .patience import Patience
from .receipts import ProviderResolver, ResolvedProvider, StoredDocument, check_bound, receipt_of
from .register import RevisionRecord
from .searching import Search, relative_key
from .sized import exactly
from .taken import refused
from .telling import announced_if_refused, presigned
from .telling import confirmed as confirmed_event
from .ticket_register import PlanName, TicketRecord, moved
from .tickets import DirectUpload, Purpose, UploadTicket, check_token, make_token, read_token
from .writing import RevisionWrite

_log = logger(__name__)

LONGEST: Final = timedelta(days=7)
"""How long a ticket is valid at most: as long as services sign URLs for."""

_SHA256: Final = regex(r"[0-9a-f]{64}")


class DirectUploads:
    """Direct uploads of the organisations that a resolver knows, as exchanges; see ``DocumentStore``."""

    def __init__(
        self, resolver: ProviderResolver, organisation: str | None, patience: Patience, route: str | None
    ) -> None:
        """Work for *organisation*, or for all; *route* is where the host answers, without a slash at the end."""
        self._resolver = resolver
        self._search = Search(resolver, organisation)
        self._ends = TicketEnds(resolver, self._search, organisation)
        self.sweep = self._ends.sweep
        self._organisation = organisation
        self._patience = patience
        self._route = route.rstrip("/") if route is not None else None
        self.by = resolver.by
        """In whose name tickets are begun."""

    def begin(
        self,
        document: DocumentKey,
        size: int,
        content_type: str | None,
        sha256: str | None,
        expires_in: timedelta,
    ) -> Exchange[UploadTicket]:
        """Begin; see ``DocumentStore.begin_direct_upload``.

        Raises:
            ValueError: the size, the sha256 or the time makes no sense.
        """
        declared = _checked(size, sha256, expires_in)
        chosen = yield from self._search.chosen(document)
        wanted = Wanted(
            id=secrets.token_hex(16),
            document=document,
            size=size,
            content_type=content_type or guess_content_type(relative_key(document)),
            sha256=declared,
            begun_at=datetime.now(UTC),
            begun_by=self.by,
            expires_in=expires_in,
        )
        return (yield from announced_if_refused(self._search, document, chosen, self._begin(wanted, chosen), "presign"))

    def _begin(self, wanted: Wanted, chosen: ResolvedProvider) -> Exchange[UploadTicket]:
        document, size, storage = wanted.document, wanted.size, proving(chosen)
        plan = self._plan(storage, document, size)
        yield from Arrivals(storage.operations.context).admit(relative_key(document), size, wanted.content_type)
        if not names_tickets(storage, plan):
            yield from self._ends.clear(document, supersede=True)
        demanded = yield from self._before(document, chosen, wanted.sha256)
        wanted = replace(wanted, sha256=wanted.sha256 or demanded)
        claim = claim_of(chosen, document, wanted.id)
        if claim is not None:
            yield from claim.reserve(size, wanted.expires_in + SIGNED_GRACE)
        try:
            begun = yield from begin(storage, plan, wanted)
        except StorageError:
            yield from give_back(claim)
            raise
        record = begun.record(wanted, chosen.provider)
        try:
            yield from self._search.announced(partial(self._add, record), partial(presigned, record))
        except StorageError:
            yield from self._ends.try_discard(record)
            raise
        return cast(UploadTicket, (yield Call(self._ticket, record, begun)))

    def confirm(self, token: str) -> Exchange[StoredDocument]:
        """Confirm; see ``DocumentStore.confirm_direct_upload``."""
        record = yield from self._found(token, "end")
        if record.status == "confirmed":
            return _receipt(record)
        yield from self._ends.refuse_ended(record)
        chosen = yield from self._ends.provider(record)
        try:
            confirmed = self._confirmed(record, chosen)
            return (yield from announced_if_refused(self._search, record.document, chosen, confirmed, "confirm"))
        except RecordConflictError:
            now = yield from self._ends.read(record)
            if now.status == "confirmed":
                return _receipt(now)  # by another call, with the same receipt
            raise gone(now) from None

    def abort(self, token: str) -> Exchange[None]:
        """Abort; see ``DocumentStore.abort_direct_upload``.

        Raises:
            AlreadyExistsError: it is confirmed.
        """
        record = yield from self._found(token, "end")
        if record.status == "open" and not (yield from self._ends.end(record, "aborted")):
            record = yield from self._ends.read(record)
        if record.status == "confirmed":
            raise AlreadyExistsError(
                "the upload is confirmed; the file is a document now, and remove() removes it",
                operation="abort_direct_upload",
                key=record.document.build(),
            )
        yield from self._ends.discard(record)

    def look(self, token: str) -> Exchange[DirectUpload]:
        """Return what a ticket is for; see ``DocumentStore.find_direct_upload``."""
        return DirectUpload.of((yield from self._found(token, "end")))

    def receive(self, token: str, body: Body, size: int | None) -> Exchange[None]:
        """Store what a client sends to the route; see ``DocumentStore.receive_direct_upload``.

        Raises:
            IntegrityError: it has another size than the ticket says.
        """
        record = yield from self.admit(token, size)
        chosen = yield from self._ends.provider(record)
        storage = proving(chosen)
        keeps = storage.info.can(Capability.METADATA)
        options = PutOptions(
            mode=PutMode.CREATE, content_type=record.content_type, metadata={NOTE: record.id} if keeps else {}
        )
        sized = exactly(body, record.size)
        declared = None if isinstance(body, Source) else record.sha256  # a source has its own
        yield from storage.operations.put(relative_key(record.document), sized, options, sha256=declared)
        now = yield from self._ends.read(record)
        if now.status in ("aborted", "expired"):  # meanwhile, when there was nothing to remove yet
            yield from self._ends.discard(now)
            raise gone(now)

    def admit(self, token: str, size: int | None) -> Exchange[TicketRecord]:
        """Return the ticket whose file may be sent to the route now.

        Raises:
            NotFoundError: it was aborted, or has expired.
            AlreadyExistsError: it is confirmed.
            IntegrityError: *size* is another one than the ticket says.
        """
        record = yield from self._found(token, "send")
        if record.status == "confirmed":
            raise AlreadyExistsError("the file was sent and confirmed already", key=record.document.build())
        yield from self._ends.refuse_ended(record)
        if size is not None and size != record.size:
            raise IntegrityError(
                f"the ticket is for {record.size:,} bytes, and {size:,} were announced; nothing was stored",
                operation="receive_direct_upload",
                key=record.document.build(),
            )
        return record

    def _confirmed(self, record: TicketRecord, chosen: ResolvedProvider) -> Exchange[StoredDocument]:
        storage, document = proving(chosen), record.document
        unnamed = not names_tickets(storage, record.plan)
        if unnamed and (yield from self._ends.is_recorded(record, chosen)):
            raise refused(document, "has a file by now, which another upload brought")
        info = yield from arrived(storage, record)
        receipt = receipt_of(document, chosen, info)
        after, register, done = moved(record, "confirmed", receipt.to_dict()), self._ends.register, list[bool]()
        event = partial(confirmed_event, record, receipt)

        def record_both(
            before: RevisionRecord | None, mine: RevisionRecord | None, *, claim: str | None = None
        ) -> bool:
            done.append(register.confirm_ticket(record, after, before, mine, claim=claim))
            return done[-1]

        write = RevisionWrite(self._search, document, chosen, self._patience, record_both, record.id)
        write.followed_by = (event,)
        try:
            yield from write.adopt(info, proven=record.sha256 is not None and info.sha256 == record.sha256)
        except (AlreadyExistsError, QuotaExceededError) as error:
            if isinstance(error, QuotaExceededError) and error.limit is None:
                raise  # the catalogue itself is full, which decides nothing
            yield from self._ends.end(record, "aborted")
            yield from self._ends.try_discard(record)
            raise
        if True not in done:  # another way in has recorded the file already, so only the ticket is left
            yield from self._search.announced(partial(record_both, None, None), event)
        if storage.info.can(Capability.RETENTION):
            from .retaining import tell_default

            yield from tell_default(self._search, chosen, document)
        return receipt

    def _add(self, record: TicketRecord) -> bool:
        self._ends.register.add_ticket(record)
        return True

    def _plan(self, storage: Storage, document: DocumentKey, size: int) -> PlanName:
        plan = plan_for(storage, size)
        if plan == "route" and self._route is None:
            raise NotSupportedError(
                f"clients cannot send to {storage.info.kind} themselves; make the DocumentStore with upload_route= the "
                "URL at which the host calls receive_direct_upload, or upload through this process",
                operation="begin_direct_upload",
                key=document.build(),
            )
        return plan

    def _before(self, document: DocumentKey, chosen: ResolvedProvider, sha256: str | None) -> Exchange[str | None]:
        """Refuse when the revision is taken, and not merely by what a ticket that has ended brought too late."""
        write = RevisionWrite(self._search, document, chosen, self._patience)
        try:
            return (yield from write.before(sha256))
        except AlreadyExistsError:
            if write.is_known or not (yield from self._ends.clear(document, supersede=False)):
                raise
        return (yield from write.before(sha256))

    def _ticket(self, record: TicketRecord, begun: Begun) -> UploadTicket:
        keys = self._ends.keeper.state_keys(record.document.organisation)
        parts = begun.parts
        if begun.plan == "route":
            url = PresignedUrl(
                method="PUT",
                url=Masked(f"{self._route}/{make_token(keys, 'send', record)}"),
                headers={"Content-Type": record.content_type or ""},
                expires_at=record.expires_at,
                bound=frozenset({"size", "create"} | ({"sha256"} if record.sha256 else set())),
            )
            parts = (TicketPart(number=1, offset=0, size=record.size, request=url),)
        return UploadTicket(
            id=record.id,
            document=record.document,
            size=record.size,
            content_type=record.content_type or "",
            sha256=record.sha256,
            expires_at=record.expires_at,
            plan=record.plan,
            in_order=record.plan == "session",
            parts=parts,
            bound=replace(begun, parts=parts).bound,
            token=Masked(make_token(keys, "end", record)),
        )

    def _found(self, token: str, purpose: Purpose) -> Exchange[TicketRecord]:
        organisation, ticket = read_token(token)
        check_bound(self._organisation, organisation)
        record = yield Call(self._ends.register.ticket, organisation, ticket)
        keys = self._ends.keeper.state_keys(organisation)
        return cast(TicketRecord, (yield Call(check_token, keys, purpose, record, token)))


def _receipt(record: TicketRecord) -> StoredDocument:
    return StoredDocument.from_dict(record.receipt or {})


def _checked(size: int, sha256: str | None, expires_in: timedelta) -> str | None:
    """Return the declared sha256 in lower case.

    Raises:
        ValueError: the size, the sha256 or the time makes no sense.
    """
    if size < 0:
        raise ValueError(f"a file has 0 bytes or more, not {size}")
    if not timedelta(seconds=1) <= expires_in <= LONGEST:
        raise ValueError(f"a ticket is valid for 1 second to 7 days, not {expires_in}")
    if sha256 is not None and not _SHA256.fullmatch(sha256.lower()):
        raise ValueError("a sha256 is 64 hexadecimal digits")
    return sha256.lower() if sha256 is not None else None

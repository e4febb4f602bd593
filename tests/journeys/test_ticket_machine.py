"""Whatever is done with tickets, uploads and removals in whatever order, a revision has one file, and it is intact."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from secrets import token_hex

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    DocumentKey,
    IntegrityError,
    NotFoundError,
    StoredDocument,
    UploadTicket,
)
from kazinex_storage.documents import direct, direct_ends

from .direct import House, document
from .services import Service

BODIES = (b"%PDF-1.7 one", b"%PDF-1.7 two")
REVISIONS = st.sampled_from(["P01", "P02"])
NAMES = st.sampled_from(["a.pdf", "b.pdf"])


@dataclass
class Begun:
    """What the model knows of a ticket."""

    ticket: UploadTicket
    body: bytes
    sent: bytes | None = None
    receipt: StoredDocument | None = None
    ended: bool = False


class Tickets(RuleBasedStateMachine):
    """Clients, a host and time on one memory store; the register of revisions is the model's to check."""

    begun = Bundle("begun")

    def __init__(self) -> None:
        super().__init__()
        self.house = House(Service(kind="memory", settings={"name": f"machine-{token_hex(8)}"}))
        self.held: dict[str, DocumentKey] = {}
        self.bytes: dict[str, bytes] = {}
        self.now = datetime.now(UTC)
        self.patch = pytest.MonkeyPatch()

    @initialize()
    def open(self) -> None:
        self.house.add()
        machine = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Clock:
                return cls.fromtimestamp(machine.now.timestamp(), tz)

        for module in (direct, direct_ends):
            self.patch.setattr(module, "datetime", Clock)

    @rule(target=begun, revision=REVISIONS, name=NAMES, body=st.sampled_from(BODIES), sha256=st.booleans())
    def begin(self, revision: str, name: str, body: bytes, sha256: bool) -> Begun | None:
        declared = hashlib.sha256(body).hexdigest() if sha256 else None
        key = document(revision, name=name)
        try:
            ticket = self.house.documents.begin_direct_upload(key, len(body), sha256=declared)
        except AlreadyExistsError:
            assert self.is_taken(revision), "a revision is refused only when something is there, or was"
            return None
        assert revision not in self.stored()
        return Begun(ticket=ticket, body=body)

    @rule(one=begun, other=st.booleans())
    def send(self, one: Begun | None, other: bool) -> None:
        if one is None:
            return
        body = b"%PDF-1.7 xxx" if other else one.body
        if self.house.browser.send(one.ticket, body) == [201]:
            assert not one.ended, "what has ended takes nothing any more"
            one.sent = body

    @rule(one=begun)
    def confirm(self, one: Begun | None) -> None:
        if one is None:
            return
        try:
            receipt = self.house.documents.confirm_direct_upload(one.ticket)
        except IntegrityError:
            one.sent = None
            self.never(one)
            return
        except (NotFoundError, AlreadyExistsError):
            self.never(one)
            return
        except AccessDeniedError:
            self.long_ago(one)
            return
        assert one.receipt in (None, receipt)
        assert one.sent is not None
        if one.receipt is None:
            self.keep(receipt, one.sent)
        one.receipt = receipt

    @rule(one=begun)
    def abort(self, one: Begun | None) -> None:
        if one is None:
            return
        try:
            self.house.documents.abort_direct_upload(one.ticket)
        except AlreadyExistsError:
            self.was_confirmed(one)
        except AccessDeniedError:
            self.long_ago(one)
        else:
            self.never(one)
            one.ended = True

    @rule(revision=REVISIONS, name=NAMES, body=st.sampled_from(BODIES))
    def upload(self, revision: str, name: str, body: bytes) -> None:
        try:
            receipt = self.house.documents.upload(document(revision, name=name), body)
        except AlreadyExistsError:
            assert self.is_taken(revision)
        else:
            self.keep(receipt, body)

    @rule(revision=REVISIONS)
    def remove(self, revision: str) -> None:
        key = self.stored().get(revision)
        if key is not None:
            self.house.documents.remove(key)
            del self.held[revision]

    @rule(hours=st.sampled_from([0, 2, 30]))
    def sweep(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        assert () == self.house.documents.sweep_direct_uploads().failures

    @invariant()
    def every_receipt_leads_to_its_bytes(self) -> None:
        assert self.held == self.stored()
        for revision, key in self.stored().items():
            assert self.bytes[revision] == self.house.documents.get_bytes(key), key

    @invariant()
    def what_is_listed_is_recorded_or_belongs_to_a_ticket(self) -> None:
        recorded = {key.build().removeprefix("acme/") for key in self.stored().values()}
        assert recorded <= set(self.house.files())

    def teardown(self) -> None:
        self.now += timedelta(days=3)
        self.house.documents.sweep_direct_uploads()
        assert sorted(key.build().removeprefix("acme/") for key in self.stored().values()) == self.house.files()
        self.patch.undo()
        self.house.close()

    def never(self, one: Begun) -> None:
        assert one.receipt is None, "what was confirmed once is confirmed again"

    def was_confirmed(self, one: Begun) -> None:
        assert one.receipt is not None

    def long_ago(self, one: Begun) -> None:
        assert one.ticket.expires_at + direct_ends.LINGER <= self.now, "a ticket is remembered for a day"

    def keep(self, receipt: StoredDocument, body: bytes) -> None:
        revision = receipt.document.revision
        assert revision not in self.held, "a revision has one file"
        assert len(body) == receipt.size
        self.held[revision] = receipt.document
        assert self.bytes.setdefault(revision, body) == body, "only its own bytes come back"

    def stored(self) -> dict[str, DocumentKey]:
        """Return the documents that the register has, by revision."""
        found = {}
        for revision in ("P01", "P02"):
            seen = self.house.organisations.catalogue.revisions.revision(document(revision))
            if seen is not None and seen.removal is None:
                found[revision] = seen.document
        return found

    def is_taken(self, revision: str) -> bool:
        """Say whether the revision has a file, recorded or not, or had one."""
        seen = self.house.organisations.catalogue.revisions.revision(document(revision))
        return seen is not None or bool(self.house.files(prefix=f"bridge/DRG-1/{revision}/"))


Tickets.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_whatever_is_done_a_revision_has_one_file_that_is_intact = Tickets.TestCase

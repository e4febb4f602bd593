"""What is remembered of direct uploads that were begun: one record each, until they are confirmed or swept.

A catalogue of organisations is one such register (``organisations/tickets.py``). A record moves from ``open`` to
``confirmed``, ``aborted`` or ``expired``, once; confirming it and recording the file of the revision are one step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from ..errors import RecordConflictError
from ..keys import DocumentKey
from ..values import value
from .register import RevisionRecord, RevisionRegister

PlanName: TypeAlias = Literal["put", "parts", "session", "route"]
"""How a client sends the file; ``tickets.py`` says what each one is."""

TicketStatus: TypeAlias = Literal["open", "confirmed", "aborted", "expired"]
"""How far a direct upload has come."""


@value
class TicketRecord:
    """One direct upload that was begun, and the bytes that it reserves while it is open."""

    id: str
    document: DocumentKey
    provider: str
    """The id of the record of the provider that it goes to."""
    size: int
    """Bytes."""
    content_type: str | None
    sha256: str | None
    """Declared, in lower-case hexadecimal."""
    plan: PlanName
    state: str
    """JSON of what the plan needs to end it; a secret."""
    begun_at: datetime
    """Aware UTC."""
    begun_by: str | None = None
    """The person or program that the caller named."""
    expires_at: datetime
    """Aware UTC."""
    status: TicketStatus = "open"
    receipt: Mapping[str, object] | None = None
    """What ``StoredDocument.to_dict`` returned, once it is confirmed."""
    version: int = 1
    """Grows with every change."""


class TicketRegister(Protocol):
    """Remembers direct uploads. Thread-safe, shared by all processes; every method is one atomic step."""

    def ticket(self, organisation: str, ticket: str) -> TicketRecord | None:
        """Return the record of that id."""
        ...

    def tickets_of(self, document: DocumentKey) -> Sequence[TicketRecord]:
        """Return those of the revision of *document* that are not confirmed, whatever file name they have."""
        ...

    def due_tickets(
        self, organisation: str | None, *, expired_by: datetime, gone_by: datetime, limit: int
    ) -> Sequence[TicketRecord]:
        """Return open ones that expired until *expired_by*, and all of any status that did until *gone_by*.

        Args:
            organisation: The only one to look at; None is all of them.
            limit: How many at most, those that expired first.
        """
        ...

    def add_ticket(self, record: TicketRecord) -> None:
        """Remember a new one."""
        ...

    def swap_ticket(self, before: TicketRecord, after: TicketRecord | None) -> bool:
        """Replace *before*, or forget it, unless another version is kept; say whether that was done."""
        ...

    def confirm_ticket(
        self,
        before: TicketRecord,
        after: TicketRecord,
        revision_before: RevisionRecord | None,
        revision_after: RevisionRecord | None,
        *,
        claim: str | None = None,
    ) -> bool:
        """Replace *before* and record the file of its revision, both or neither; False when the revision was changed.

        Args:
            claim: As for ``RevisionRegister.swap_revision``.

        Raises:
            QuotaExceededError: likewise.
            RecordConflictError: another version of the ticket is kept; nothing was changed.
        """
        ...


class MemoryTickets:
    """A register for tests and short-lived programs: it lives as long as the object. Thread-safe."""

    def __init__(self, revisions: RevisionRegister) -> None:
        """Record confirmed files in *revisions*."""
        self._revisions = revisions
        self._records: dict[tuple[str, str], TicketRecord] = {}
        self._lock = threading.Lock()

    def ticket(self, organisation: str, ticket: str) -> TicketRecord | None:
        """Return the record of that id."""
        return self._records.get((organisation, ticket))

    def tickets_of(self, document: DocumentKey) -> Sequence[TicketRecord]:
        """Return those of the revision that are not confirmed."""
        prefix = document.revision_prefix
        with self._lock:
            records = list(self._records.values())
        return [found for found in records if found.status != "confirmed" and found.document.revision_prefix == prefix]

    def due_tickets(
        self, organisation: str | None, *, expired_by: datetime, gone_by: datetime, limit: int
    ) -> Sequence[TicketRecord]:
        """Return those that are to be swept."""
        with self._lock:
            records = sorted(self._records.values(), key=lambda found: (found.expires_at, found.id))
        due = [
            found
            for found in records
            if organisation in (None, found.document.organisation)
            and found.expires_at <= (expired_by if found.status == "open" else gone_by)
        ]
        return due[:limit]

    def add_ticket(self, record: TicketRecord) -> None:
        """Remember a new one."""
        with self._lock:
            self._records[_key(record)] = record

    def swap_ticket(self, before: TicketRecord, after: TicketRecord | None) -> bool:
        """Replace *before* unless another version is kept."""
        with self._lock:
            return self._swap(before, after)

    def confirm_ticket(
        self,
        before: TicketRecord,
        after: TicketRecord,
        revision_before: RevisionRecord | None,
        revision_after: RevisionRecord | None,
        *,
        claim: str | None = None,
    ) -> bool:
        """Replace *before* and record the file.

        Raises:
            RecordConflictError: another version of the ticket is kept.
        """
        with self._lock:
            kept = self._records.get(_key(before))
            if kept is None or kept.version != before.version:
                raise ticket_changed(before)
            swap = self._revisions.swap_revision
            if revision_after is not None and not swap(revision_before, revision_after, claim=claim):
                return False
            return self._swap(before, after)

    def _swap(self, before: TicketRecord, after: TicketRecord | None) -> bool:
        kept = self._records.get(_key(before))
        if kept is None or kept.version != before.version:
            return False
        if after is None:
            del self._records[_key(before)]
        else:
            self._records[_key(before)] = after
        return True


def moved(record: TicketRecord, status: TicketStatus, receipt: Mapping[str, object] | None = None) -> TicketRecord:
    """Return *record* with another status, at the next version."""
    return replace(record, status=status, receipt=receipt, version=record.version + 1)


def ticket_changed(record: TicketRecord) -> RecordConflictError:
    """Return the error for a ticket that is no longer the one that was read."""
    return RecordConflictError(f"the ticket {record.id!r} was confirmed, aborted or swept at this moment")


def _key(record: TicketRecord) -> tuple[str, str]:
    return record.document.organisation, record.id

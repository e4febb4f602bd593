"""What every register of direct uploads does alike, on memory, SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from kazinex_storage import DocumentKey, RecordConflictError, SealError
from kazinex_storage.documents.register import RevisionRecord
from kazinex_storage.documents.ticket_register import TicketRecord, moved
from kazinex_storage.organisations import Catalogue, KeyRing, Sealer, SqlCatalogue

AT = datetime(2026, 8, 1, 12, 0, 0, 123456, tzinfo=UTC)
FAR = AT - timedelta(days=300)


def begun(number: int = 1, organisation: str = "org-1", **changes: object) -> TicketRecord:
    record = TicketRecord(
        id=f"{number:032x}",
        document=DocumentKey(organisation, "bridge", "DRG-1", "P01", "Plan Ü.pdf"),
        provider="local-1",
        size=2**40,
        content_type="application/pdf",
        sha256="0" * 64,
        plan="session",
        state='{"url": "https://upload.example/secret"}',
        begun_at=AT,
        begun_by="müller",
        expires_at=AT.astimezone(timezone(timedelta(hours=2))),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def recorded(ticket: TicketRecord) -> RevisionRecord:
    return RevisionRecord(document=ticket.document, provider=ticket.provider, sha256=None, recorded_at=AT)


def test_what_is_added_is_found_as_it_was_in_its_own_organisation(catalogue: Catalogue) -> None:
    record = begun()
    catalogue.tickets.add_ticket(record)

    found = catalogue.tickets.ticket("org-1", record.id)

    assert record == found
    assert catalogue.tickets.ticket("org-2", record.id) is None
    assert catalogue.tickets.ticket("org-1", begun(2).id) is None


def test_a_ticket_is_changed_from_the_version_that_was_read(catalogue: Catalogue) -> None:
    first = begun()
    catalogue.tickets.add_ticket(first)
    second = moved(first, "aborted")

    assert catalogue.tickets.swap_ticket(first, second)
    assert not catalogue.tickets.swap_ticket(first, moved(first, "expired"))
    assert not catalogue.tickets.swap_ticket(first, None)

    assert second == catalogue.tickets.ticket("org-1", first.id)
    assert catalogue.tickets.swap_ticket(second, None)
    assert catalogue.tickets.ticket("org-1", first.id) is None


def test_a_ticket_and_the_file_of_its_revision_are_recorded_together(catalogue: Catalogue) -> None:
    ticket = begun()
    catalogue.tickets.add_ticket(ticket)
    after, file = moved(ticket, "confirmed", {"key": "a", "unasked": []}), recorded(ticket)

    assert catalogue.tickets.confirm_ticket(ticket, after, None, file)

    assert after == catalogue.tickets.ticket("org-1", ticket.id)
    assert file == catalogue.revisions.revision(ticket.document)


def test_of_a_taken_revision_nothing_is_recorded(catalogue: Catalogue) -> None:
    ticket = begun()
    catalogue.tickets.add_ticket(ticket)
    theirs = recorded(ticket)
    catalogue.revisions.swap_revision(None, theirs)

    assert not catalogue.tickets.confirm_ticket(ticket, moved(ticket, "confirmed", {}), None, recorded(ticket))

    assert ticket == catalogue.tickets.ticket("org-1", ticket.id)
    assert theirs == catalogue.revisions.revision(ticket.document)
    assert catalogue.tickets.confirm_ticket(ticket, moved(ticket, "confirmed", {}), None, None)
    assert theirs == catalogue.revisions.revision(ticket.document)


def test_of_a_ticket_that_has_ended_nothing_is_recorded(catalogue: Catalogue) -> None:
    ticket = begun()
    catalogue.tickets.add_ticket(ticket)
    catalogue.tickets.swap_ticket(ticket, moved(ticket, "aborted"))

    with pytest.raises(RecordConflictError, match="confirmed, aborted or swept"):
        catalogue.tickets.confirm_ticket(ticket, moved(ticket, "confirmed", {}), None, recorded(ticket))

    assert catalogue.revisions.revision(ticket.document) is None


def test_the_tickets_of_a_revision_are_those_that_are_not_confirmed(catalogue: Catalogue) -> None:
    open_one, aborted, done = begun(1), begun(2), begun(3)
    other = begun(4, document=DocumentKey("org-1", "bridge", "DRG-1", "P02", "Plan Ü.pdf"))
    named = begun(5, document=DocumentKey("org-1", "bridge", "DRG-1", "P01", "other.pdf"))
    for record in (open_one, aborted, done, other, named, begun(6, "org-2")):
        catalogue.tickets.add_ticket(record)
    catalogue.tickets.swap_ticket(aborted, moved(aborted, "aborted"))
    catalogue.tickets.swap_ticket(done, moved(done, "confirmed", {}))

    found = catalogue.tickets.tickets_of(open_one.document)

    assert {open_one.id, aborted.id, named.id} == {record.id for record in found}


def test_what_is_due_expired_while_open_or_long_ago(catalogue: Catalogue) -> None:
    day = timedelta(days=1)
    late, ended = begun(1, expires_at=AT - 3 * day), begun(2, expires_at=AT - 3 * day)
    expired, fresh = begun(3), begun(4, expires_at=AT + day)
    closed = begun(5)
    for record in (late, ended, expired, fresh, closed, begun(6, "org-2")):
        catalogue.tickets.add_ticket(record)
    for record in (ended, closed):
        catalogue.tickets.swap_ticket(record, moved(record, "confirmed", {}))
    due: Callable[..., object] = catalogue.tickets.due_tickets

    def ids(organisation: str | None = "org-1", limit: int = 9) -> list[int]:
        found = due(organisation, expired_by=AT, gone_by=AT - 2 * day, limit=limit)
        return [int(record.id, 16) for record in found]  # type: ignore[attr-defined]

    assert [1, 2, 3] == ids()
    assert [1, 2] == ids(limit=2)
    assert [1, 2, 3, 6] == ids(None)
    assert [] == due("org-1", expired_by=FAR, gone_by=FAR, limit=9)


def test_of_those_who_end_a_ticket_at_once_one_succeeds(catalogue: Catalogue) -> None:
    ticket, won = begun(), list[str]()
    catalogue.tickets.add_ticket(ticket)
    start = threading.Barrier(6)

    def confirm() -> None:
        start.wait()
        try:
            if catalogue.tickets.confirm_ticket(ticket, moved(ticket, "confirmed", {}), None, recorded(ticket)):
                won.append("confirmed")
        except RecordConflictError:
            pass

    def abort() -> None:
        start.wait()
        if catalogue.tickets.swap_ticket(ticket, moved(ticket, "aborted")):
            won.append("aborted")

    threads = [threading.Thread(target=work) for work in (confirm, abort) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = catalogue.tickets.ticket("org-1", ticket.id)
    assert found is not None
    assert [found.status] == won
    assert ("confirmed" == found.status) == (catalogue.revisions.revision(ticket.document) is not None)


def test_what_ends_an_upload_is_sealed_for_its_row(tmp_path: object) -> None:
    path = f"{tmp_path}/catalogue.db"
    catalogue, others = SqlCatalogue(path, Sealer(KeyRing.generate())), SqlCatalogue(path, Sealer(KeyRing.generate()))
    catalogue.tickets.add_ticket(begun())

    with open(f"{path}-wal", "rb") as file:
        assert b"upload.example" not in file.read()
    with pytest.raises(SealError):
        others.tickets.ticket("org-1", begun().id)
    due = others.tickets.due_tickets(None, expired_by=AT, gone_by=AT, limit=1)
    assert [""] == [record.state for record in due], "it is forgotten all the same, and what it brought is not found"
    catalogue.close()
    others.close()

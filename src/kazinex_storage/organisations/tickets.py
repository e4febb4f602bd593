"""The register of direct uploads in the database of the catalogue: one row each, changed by its version.

What ends an upload may be a secret, such as the URL of a session, so it is sealed for its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import datetime

from ..documents.register import RevisionRecord
from ..documents.ticket_register import TicketRecord, ticket_changed
from ..errors import SealError
from ..keys import DocumentKey
from ..secrecy.pickling import not_pickled
from .database import Database, sa
from .register import SqlRegister
from .sealing import Sealer
from .service_tables import tickets

_PLAIN = ("provider", "size", "content_type", "sha256", "begun_at", "begun_by", "expires_at", "status", "version")
"""The fields of a record that are columns as they are."""


# Made once: building a statement takes longer than running it.
_IS = tuple(tickets.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "id"))
_IS_STILL = (*_IS, tickets.c.version == sa.bindparam("its_version"))
_LOOK = tickets.select().where(*_IS)
_INSERT = tickets.insert()
_UPDATE = tickets.update().where(*_IS_STILL)
_DELETE = tickets.delete().where(*_IS_STILL)


@not_pickled("let the other process open the catalogue")
class SqlTickets:
    """Remembers direct uploads in SQL. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database, sealer: Sealer, register: SqlRegister) -> None:
        """Use the tables of *database*, which stays the catalogue's to close; record files in *register*."""
        self._database = database
        self._sealer = sealer
        self._register = register

    def ticket(self, organisation: str, ticket: str) -> TicketRecord | None:
        """Return the record of that id. One query by primary key.

        Raises:
            StorageError: the database does not answer.
            SealError: its plan cannot be opened.
        """
        with self._database.reading() as connection:
            row = connection.execute(_LOOK, _ticket_of(organisation, ticket)).mappings().one_or_none()
        return None if row is None else self._record(row)

    def tickets_of(self, document: DocumentKey) -> Sequence[TicketRecord]:
        """Return those of the revision that are not confirmed.

        Raises:
            StorageError: the database does not answer.
        """
        query = tickets.select().where(
            tickets.c.organisation == document.organisation,
            tickets.c.project == document.project,
            tickets.c.document == document.document,
            tickets.c.revision == document.revision,
            tickets.c.status != "confirmed",
        )
        return self._records(query)

    def due_tickets(
        self, organisation: str | None, *, expired_by: datetime, gone_by: datetime, limit: int
    ) -> Sequence[TicketRecord]:
        """Return those that are to be swept.

        Raises:
            StorageError: the database does not answer.
        """
        due = sa.or_(
            sa.and_(tickets.c.status == "open", tickets.c.expires_at <= expired_by), tickets.c.expires_at <= gone_by
        )
        query = tickets.select().where(due).order_by(tickets.c.expires_at, tickets.c.id).limit(limit)
        return self._records(query if organisation is None else query.where(tickets.c.organisation == organisation))

    def add_ticket(self, record: TicketRecord) -> None:
        """Remember a new one. One statement in one transaction.

        Raises:
            StorageError: the database does not answer.
            SettingsError: its plan cannot be sealed.
        """
        row = {**_keys(record), **_columns(record), "plan": self._sealed(record)}
        with self._database.changing() as connection:
            connection.execute(_INSERT, row)

    def swap_ticket(self, before: TicketRecord, after: TicketRecord | None) -> bool:
        """Replace *before* unless another version is kept. One statement in one transaction.

        Raises:
            StorageError: the database does not answer; whether it was done is then not known.
        """
        self._sealer.prepare(before.document.organisation)
        with self._database.changing() as connection:
            return self._swap(connection, before, after)

    def confirm_ticket(
        self,
        before: TicketRecord,
        after: TicketRecord,
        revision_before: RevisionRecord | None,
        revision_after: RevisionRecord | None,
        *,
        claim: str | None = None,
    ) -> bool:
        """Replace *before* and record the file. Two statements in one transaction.

        Raises:
            RecordConflictError: another version of the ticket is kept.
            StorageError: the database does not answer; whether it was done is then not known.
        """
        self._sealer.prepare(before.document.organisation)
        with self._database.changing() as connection:
            swap = self._register.swap_in
            if revision_after is not None and not swap(connection, revision_before, revision_after, claim=claim):
                return False
            if not self._swap(connection, before, after):
                raise ticket_changed(before)  # which undoes the other statement too
            return True

    def _swap(self, connection: sa.Connection, before: TicketRecord, after: TicketRecord | None) -> bool:
        bound = {**_ticket_of(before.document.organisation, before.id), "its_version": before.version}
        if after is None:
            return connection.execute(_DELETE, bound).rowcount == 1
        values = _columns(after) if after.state == before.state else {**_columns(after), "plan": self._sealed(after)}
        return connection.execute(_UPDATE, {**bound, **values}).rowcount == 1

    def _records(self, query: sa.Select[tuple[object, ...]]) -> list[TicketRecord]:
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [self._record(row, lenient=True) for row in rows]

    def _sealed(self, record: TicketRecord) -> dict[str, str]:
        sealed = self._sealer.seal(
            record.state, organisation=record.document.organisation, record=f"ticket {record.id}", field="plan"
        )
        return {"name": record.plan, "sealed": sealed}

    def _record(self, row: sa.RowMapping, *, lenient: bool = False) -> TicketRecord:
        """Return what *row* holds; where it may be *lenient*, a plan that cannot be opened any more is empty."""
        plan, state = row["plan"], ""
        with suppress(SealError) if lenient else nullcontext():
            state = self._sealer.open(
                plan["sealed"], organisation=row["organisation"], record=f"ticket {row['id']}", field="plan"
            )
        return TicketRecord(
            **{name: row[name] for name in _PLAIN},
            id=row["id"],
            document=DocumentKey(
                *(row[name] for name in ("organisation", "project", "document", "revision", "filename"))
            ),
            plan=plan["name"],
            state=state,
            receipt=row["receipt"],
        )


def _ticket_of(organisation: str, ticket: str) -> dict[str, object]:
    return {"its_organisation": organisation, "its_id": ticket}


def _keys(record: TicketRecord) -> dict[str, object]:
    document = record.document
    return {
        "organisation": document.organisation,
        "id": record.id,
        "project": document.project,
        "document": document.document,
        "revision": document.revision,
        "filename": document.filename,
    }


def _columns(record: TicketRecord) -> dict[str, object]:
    receipt = dict(record.receipt) if record.receipt is not None else None
    return {**{name: getattr(record, name) for name in _PLAIN}, "receipt": receipt}

"""The audit in the database of the catalogue: one row for each entry, one for the end of each chain.

The row of the end is locked while an entry is added, so the numbers of a chain have no gaps, whatever process adds. It
is the last row that any transaction of ours locks, so none waits for another in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from ...secrecy.pickling import not_pickled
from ..database import Database, sa
from ..service_tables import audit, audit_heads
from .entries import AuditEntry, AuditHead, AuditQuery
from .table import Link

_PAGE = 1000  # entries in memory while a chain is verified: about 1 MB

# Made once: building a statement takes longer than running it.
_OF = audit_heads.c.organisation == sa.bindparam("its_organisation")
_HEAD = audit_heads.select().where(_OF)
_LOCKED = _HEAD.with_for_update()
_INSERT = audit.insert()
_BEGIN = audit_heads.insert()
_ADVANCE = audit_heads.update().where(_OF)


@not_pickled("let the other process open the catalogue")
class SqlAudit:
    """Keeps chains in SQL. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database) -> None:
        """Use the tables of *database*, which stays the catalogue's to close."""
        self._database = database

    def append(self, organisation: str, link: Link) -> AuditEntry:
        """Add what *link* makes of the end of the chain. Three statements.

        Raises:
            StorageError: the database does not answer.
        """
        with self._database.changing() as connection:
            entry, after = link(_locked(connection, organisation))
            connection.execute(_INSERT, entry.columns())
            connection.execute(_ADVANCE, {**after.to_dict(), "its_organisation": organisation})
        return entry

    def entries(self, organisation: str, wanted: AuditQuery) -> tuple[AuditEntry, ...]:
        """Return the entries that are *wanted*.

        Raises:
            StorageError: the database does not answer.
        """
        order = audit.c.number.desc() if wanted.newest_first else audit.c.number
        query = audit.select().where(audit.c.organisation == organisation, *_fits(wanted)).order_by(order)
        with self._database.reading() as connection:
            return tuple(AuditEntry(**row) for row in connection.execute(query.limit(wanted.limit)).mappings())

    @contextmanager
    def chain(self, organisation: str) -> Iterator[tuple[AuditHead | None, Iterable[AuditEntry]]]:
        """Show the chain as of one instant; the entries come in pages.

        Raises:
            StorageError: the database does not answer.
        """
        query = audit.select().where(audit.c.organisation == organisation).order_by(audit.c.number)
        with self._database.reading() as connection:
            if self._database.dialect == "postgresql":  # elsewhere the next statement would see what came meanwhile
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            head = _head(connection, organisation)
            rows = connection.execute(query.execution_options(yield_per=_PAGE)).mappings()
            yield head, (AuditEntry(**row) for row in rows)

    def drop(
        self, organisation: str, older_than: datetime, seal: Callable[[AuditHead], AuditHead]
    ) -> tuple[int, int] | None:
        """Forget the oldest entries, in one transaction.

        Raises:
            StorageError: the database does not answer.
        """
        own = audit.c.organisation == organisation
        with self._database.changing() as connection:
            head = _locked(connection, organisation)
            younger = sa.select(sa.func.min(audit.c.number)).where(own, audit.c.at >= older_than)
            kept = connection.execute(younger).scalar_one()
            last = (head.number + 1 if kept is None else kept) - 1
            if last < head.first:
                return None
            query = sa.select(audit.c.hash).where(own, audit.c.number == last)
            before_first = connection.execute(query).scalar_one_or_none()
            if before_first is None:  # somebody took it out: dropping would hide that
                return None
            connection.execute(audit.delete().where(own, audit.c.number <= last))
            after = seal(replace(head, first=last + 1, before_first=before_first))
            connection.execute(_ADVANCE, {**after.to_dict(), "its_organisation": organisation})
            return head.first, last

    def organisations(self) -> tuple[str, ...]:
        """Return the organisations that have a chain.

        Raises:
            StorageError: the database does not answer.
        """
        with self._database.reading() as connection:
            return tuple(sorted(connection.execute(sa.select(audit_heads.c.organisation)).scalars()))


def _locked(connection: sa.Connection, organisation: str) -> AuditHead:
    bound = {"its_organisation": organisation}
    row = connection.execute(_LOCKED, bound).mappings().one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(_BEGIN, AuditHead(organisation=organisation).to_dict())
        except sa.exc.IntegrityError:  # another process began the chain a moment ago
            pass
        row = connection.execute(_LOCKED, bound).mappings().one()
    return AuditHead(**row)


def _head(connection: sa.Connection, organisation: str) -> AuditHead | None:
    row = connection.execute(_HEAD, {"its_organisation": organisation}).mappings().one_or_none()
    return None if row is None else AuditHead(**row)


def _fits(wanted: AuditQuery) -> Iterator[sa.ColumnElement[bool]]:
    yield audit.c.number > wanted.after
    if wanted.before is not None:
        yield audit.c.number < wanted.before
    if wanted.event is not None and wanted.event.endswith("."):
        yield audit.c.event.startswith(wanted.event, autoescape=True)
    elif wanted.event is not None:
        yield audit.c.event == wanted.event
    for column, value in (
        (audit.c.by, wanted.by),
        (audit.c.provider, wanted.provider),
        (audit.c.project, wanted.project),
    ):
        if value is not None:
            yield column == value
    if wanted.since is not None:
        yield audit.c.at >= wanted.since
    if wanted.until is not None:
        yield audit.c.at < wanted.until

"""Connections under way in the database of the catalogue, their secrets sealed; see ``connections.py``."""

from __future__ import annotations

from ..secrecy.masking import Masked
from ..secrecy.pickling import not_pickled
from .connections import PendingConnection
from .database import Database, sa
from .records import now
from .sealing import Sealer
from .service_tables import connections

_FIELD = "connection"
_CARRIED = "carried"


@not_pickled("let the other process open the catalogue")
class SqlConnections:
    """Keeps connections in SQL. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        """Use the tables of *database*, which stays the catalogue's to close; seal with *sealer*."""
        self._database = database
        self._sealer = sealer

    def keep(self, record: PendingConnection) -> None:
        """Keep a new one, and forget those that have expired.

        Raises:
            StorageError: the database does not answer.
            SettingsError: its secret cannot be sealed.
        """
        row = {name: getattr(record, name) for name in ("organisation", "id", "by", "expires_at", "version")}
        sealed = self._seal(record.organisation, record.id, _FIELD, record.secret)
        with self._database.changing() as connection:
            connection.execute(connections.delete().where(connections.c.expires_at <= now()))
            connection.execute(connections.insert().values(**row, secret=sealed))

    def find(self, organisation: str, connection: str) -> PendingConnection | None:
        """Return the one of that id. One query by primary key.

        Raises:
            StorageError: the database does not answer.
            SealError: its secret cannot be opened.
        """
        with self._database.reading() as reading:
            row = reading.execute(connections.select().where(*_is(organisation, connection))).mappings().one_or_none()
        return self._record(row)

    def swap(self, before: PendingConnection, secret: str) -> bool:
        """Replace the secret of *before*.

        Raises:
            StorageError: the database does not answer.
        """
        sealed = self._seal(before.organisation, before.id, _FIELD, secret)
        where = (*_is(before.organisation, before.id), connections.c.version == before.version)
        with self._database.changing() as connection:
            change = connections.update().where(*where).values(secret=sealed, version=before.version + 1)
            return connection.execute(change).rowcount == 1

    def take(self, organisation: str, connection: str) -> PendingConnection | None:
        """Remove the one of that id and return it; of concurrent callers one gets it.

        Raises:
            StorageError: the database does not answer.
            SealError: its secret cannot be opened.
        """
        where = _is(organisation, connection)
        with self._database.changing() as changing:
            row = changing.execute(connections.select().where(*where)).mappings().one_or_none()
            if row is None or changing.execute(connections.delete().where(*where)).rowcount != 1:
                return None
        return self._record(row)

    def seal(self, organisation: str, connection: str, text: str) -> str:
        """Return *text* sealed for that connection.

        Raises:
            SettingsError: the keys cannot be read.
        """
        return self._seal(organisation, connection, _CARRIED, text)

    def open(self, organisation: str, connection: str, sealed: str) -> str:
        """Return the text that ``seal`` was given.

        Raises:
            SealError: it was altered, or sealed for another connection.
        """
        return self._sealer.open(sealed, organisation=organisation, record=connection, field=_CARRIED)

    def _seal(self, organisation: str, connection: str, field: str, text: str) -> str:
        return self._sealer.seal(text, organisation=organisation, record=connection, field=field)

    def _record(self, row: sa.RowMapping | None) -> PendingConnection | None:
        if row is None or row["expires_at"] <= now():
            return None
        names = {"organisation": row["organisation"], "record": row["id"], "field": _FIELD}
        return PendingConnection(
            organisation=row["organisation"],
            id=row["id"],
            by=row["by"],
            secret=Masked(self._sealer.open(row["secret"], **names)),
            expires_at=row["expires_at"],
            version=row["version"],
        )


def _is(organisation: str, connection: str) -> tuple[sa.ColumnElement[bool], ...]:
    return connections.c.organisation == organisation, connections.c.id == connection

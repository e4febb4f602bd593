"""Usage and reservations as steps of a transaction: the register of revisions and the table of usage share them.

Who decides on a quota locks its rows first, so that of several writers one after another looks and writes; SQLite locks
the whole database from the beginning of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, cast

from sqlalchemy.dialects import postgresql, sqlite

from ..documents.quotas import Quota, Reservation, Usage, check_room, utc_now
from .database import sa
from .service_tables import quotas, reservations, usage

_SUMS: Final = ("objects", "bytes", "other_objects", "other_bytes")


def _adding(insert: Callable[[sa.Table], postgresql.Insert]) -> postgresql.Insert:
    adding = insert(usage)
    grown = {name: usage.c[name] + adding.excluded[name] for name in _SUMS}
    return adding.on_conflict_do_update(index_elements=["organisation", "project", "provider"], set_=grown)


# Made once: building a statement takes longer than running it.
_ADDING: Final = {
    "sqlite": _adding(cast("Callable[[sa.Table], postgresql.Insert]", sqlite.insert)),  # in the same words
    "postgresql": _adding(postgresql.insert),
}


def add_usage(connection: sa.Connection, organisation: str, change: Usage) -> None:
    """Add *change* to what is kept of its project and provider, which may not be there yet; one statement."""
    place = {"organisation": organisation, "project": change.project, "provider": change.provider}
    sums = {name: getattr(change, name) for name in _SUMS}
    connection.execute(_ADDING[connection.dialect.name], {**place, **sums})


def locked_quotas(connection: sa.Connection, organisation: str) -> tuple[Quota, ...]:
    """Return the quotas of the organisation that limit something, locked to the end of the transaction."""
    limiting = sa.or_(quotas.c.max_bytes.is_not(None), quotas.c.max_objects.is_not(None))
    query = quotas.select().where(quotas.c.organisation == organisation, limiting).order_by(quotas.c.project)
    return tuple(quota_of(row) for row in connection.execute(query.with_for_update()).mappings())


def check_locked(connection: sa.Connection, limits: tuple[Quota, ...], wanted: Reservation) -> None:
    """Refuse what exceeds one of *limits*, which are locked.

    Raises:
        QuotaExceededError: it does.
    """
    used = usage_of(connection, wanted.organisation)
    check_room(limits, used, held_by(connection, wanted.organisation, utc_now()), wanted)


def settle(connection: sa.Connection, wanted: Reservation) -> None:
    """Use up the reservation of the id of *wanted*; when it has expired or never was, ask for room again.

    Raises:
        QuotaExceededError: there is none.
    """
    limits = locked_quotas(connection, wanted.organisation)
    mine = (reservations.c.organisation == wanted.organisation, reservations.c.id == wanted.id)
    live = connection.execute(reservations.delete().where(*mine, reservations.c.expires_at > utc_now())).rowcount == 1
    if limits and not live:
        connection.execute(reservations.delete().where(*mine))
        check_locked(connection, limits, wanted)


def usage_of(connection: sa.Connection, organisation: str) -> tuple[Usage, ...]:
    """Return what every project takes up on every provider, by project, then provider."""
    found = connection.execute(usage.select().where(usage.c.organisation == organisation)).mappings()
    entries = [usage_in(row) for row in found]
    return tuple(sorted(entries, key=lambda entry: (entry.project, entry.provider)))  # collations of databases differ


def usage_in(row: sa.RowMapping) -> Usage:
    """Return the usage of a row."""
    return Usage(**{name: row[name] for name in row if name != "organisation"})


def held_by(connection: sa.Connection, organisation: str, now: datetime) -> tuple[Reservation, ...]:
    """Return the reservations that have not expired."""
    query = reservations.select().where(reservations.c.organisation == organisation, reservations.c.expires_at > now)
    return tuple(Reservation(**row) for row in connection.execute(query).mappings())


def put_reservation(connection: sa.Connection, wanted: Reservation) -> None:
    """Keep *wanted* in the place of the one of its id, if there is one; one statement."""
    values = {column.name: getattr(wanted, column.name) for column in reservations.c}
    insert = inserted(connection, reservations).values(values)
    connection.execute(insert.on_conflict_do_update(index_elements=["organisation", "id"], set_=values))


def quota_of(row: Mapping[str, object] | sa.RowMapping) -> Quota:
    """Return the quota of a row; the project is empty there for that of the organisation."""
    return Quota(**{**row, "project": row["project"] or None})


def inserted(connection: sa.Connection, table: sa.Table) -> postgresql.Insert:
    """Return an insert into *table* that can say what becomes of a row that is there already."""
    if connection.dialect.name == "sqlite":
        return cast("postgresql.Insert", sqlite.insert(table))  # which says it in the same words
    return postgresql.insert(table)

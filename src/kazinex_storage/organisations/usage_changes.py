"""Usage and reservations as steps of a transaction: the register of revisions and the table of usage share them.

Who decides on a quota locks its rows first, so that of several writers one after another looks and writes; SQLite locks
the whole database from the beginning of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from ..documents.quotas import Quota, Reservation, Usage, check_sums, utc_now
from .database import sa
from .service_tables import quotas, reservations, usage

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert

_SUMS: Final = ("objects", "bytes", "other_objects", "other_bytes")


def _insert_of(dialect: str) -> Callable[[sa.Table], Insert]:
    """Return what begins an insertion that knows conflicts; only the dialect that is used is loaded, 30 ms each."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return cast("Callable[[sa.Table], Insert]", sqlite.insert)  # which says the same in the same words
    from sqlalchemy.dialects import postgresql

    return postgresql.insert


@cache  # building a statement takes longer than running it
def _adding(dialect: str) -> Insert:
    adding = _insert_of(dialect)(usage)
    grown = {name: usage.c[name] + adding.excluded[name] for name in _SUMS}
    return adding.on_conflict_do_update(index_elements=["organisation", "project", "provider"], set_=grown)


@cache
def _reserving(dialect: str) -> Insert:
    reserving = _insert_of(dialect)(reservations)
    replaced = {name: reserving.excluded[name] for name in ("project", "provider", "bytes", "objects", "expires_at")}
    return reserving.on_conflict_do_update(index_elements=["organisation", "id"], set_=replaced)


def _sums(
    table: sa.Table, objects: sa.ColumnElement[int], size: sa.ColumnElement[int]
) -> sa.Select[int, int, Any, Any]:
    """Return a query for the objects and bytes of an organisation, and of one of its projects."""
    mine = table.c.project == sa.bindparam("place_project")
    return sa.select(
        sa.func.sum(objects).label("all_objects"),
        sa.func.sum(size).label("all_bytes"),
        sa.func.sum(sa.case((mine, objects), else_=0)).label("mine_objects"),
        sa.func.sum(sa.case((mine, size), else_=0)).label("mine_bytes"),
    ).where(table.c.organisation == sa.bindparam("place_organisation"))


# Made once: building a statement takes longer than running it.
_LIMITS: Final = (
    quotas.select()
    .where(
        quotas.c.organisation == sa.bindparam("place_organisation"),
        sa.or_(quotas.c.project == "", quotas.c.project == sa.bindparam("place_project")),
    )
    .order_by(quotas.c.project)
    .with_for_update()
)
_USED: Final = _sums(usage, usage.c.objects + usage.c.other_objects, usage.c.bytes + usage.c.other_bytes)
_HELD: Final = _sums(reservations, reservations.c.objects, reservations.c.bytes).where(
    reservations.c.expires_at > sa.bindparam("now"), reservations.c.id != sa.bindparam("own")
)
FREE: Final = reservations.delete().where(
    reservations.c.organisation == sa.bindparam("own_organisation"), reservations.c.id == sa.bindparam("own")
)
"""Removes one reservation."""
_USE_UP: Final = FREE.where(reservations.c.expires_at > sa.bindparam("now"))


def _place_of(wanted: Reservation) -> dict[str, object]:
    return {"place_organisation": wanted.organisation, "place_project": wanted.project}


def add_usage(connection: sa.Connection, organisation: str, change: Usage) -> None:
    """Add *change* to what is kept of its project and provider, which may not be there yet; one statement."""
    place = {"organisation": organisation, "project": change.project, "provider": change.provider}
    sums = {name: getattr(change, name) for name in _SUMS}
    connection.execute(_adding(connection.dialect.name), {**place, **sums})


def locked_quotas(connection: sa.Connection, wanted: Reservation) -> tuple[Quota, ...]:
    """Return the quotas that limit *wanted*, locked to the end of the transaction; one statement."""
    found = connection.execute(_LIMITS, _place_of(wanted)).mappings()
    return tuple(quota for quota in map(quota_of, found) if quota.limits)


def check_locked(connection: sa.Connection, limits: tuple[Quota, ...], wanted: Reservation) -> None:
    """Refuse what exceeds one of *limits*, which are locked; two statements, whatever is stored.

    Raises:
        QuotaExceededError: it does.
    """
    used = connection.execute(_USED, _place_of(wanted)).one()
    held = connection.execute(_HELD, {**_place_of(wanted), "own": wanted.id, "now": utc_now()}).one()
    for quota in limits:
        scope = "all" if quota.project is None else "mine"
        sums = [
            int(getattr(row, f"{scope}_{unit}") or 0)  # sums are decimals on PostgreSQL
            for unit in ("objects", "bytes")
            for row in (used, held)
        ]
        check_sums(quota, sums[0] + sums[1], sums[2] + sums[3], wanted)


def settle(connection: sa.Connection, wanted: Reservation) -> None:
    """Use up the reservation of the id of *wanted*; when it has expired or never was, ask for room again.

    Raises:
        QuotaExceededError: there is none.
    """
    limits = locked_quotas(connection, wanted)
    mine = {"own_organisation": wanted.organisation, "own": wanted.id}
    live = connection.execute(_USE_UP, {**mine, "now": utc_now()}).rowcount == 1
    if limits and not live:
        connection.execute(FREE, mine)
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
    connection.execute(_reserving(connection.dialect.name), values)


def quota_of(row: Mapping[str, object] | sa.RowMapping) -> Quota:
    """Return the quota of a row; the project is empty there for that of the organisation."""
    return Quota(**{**row, "project": row["project"] or None})


def inserted(connection: sa.Connection, table: sa.Table) -> Insert:
    """Return an insert into *table* that can say what becomes of a row that is there already."""
    return _insert_of(connection.dialect.name)(table)

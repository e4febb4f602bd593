"""Quotas, usage and reservations in the database of the catalogue; ``usage_changes.py`` has the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from ..documents.quotas import Quota, RequestCount, Reservation, Snapshot, Usage, utc_now
from ..documents.usage import outdated
from ..secrecy.pickling import not_pickled
from .database import Database, sa, write_next
from .schema import revisions
from .service_tables import quotas, requests, reservations, usage
from .usage_changes import (
    FREE,
    add_usage,
    check_locked,
    held_by,
    inserted,
    locked_quotas,
    put_reservation,
    quota_of,
    usage_in,
    usage_of,
)

# What has expired is of no use but to an upload that ends late, and that asks for room again anyway.
_EXPIRED: Final = reservations.delete().where(
    reservations.c.organisation == sa.bindparam("own_organisation"),
    reservations.c.expires_at < sa.bindparam("before"),
)
_COUNTS: Final = ("requests", "throttled", "failed")
_KEPT: Final = timedelta(days=7)


@not_pickled("let the other process open the catalogue")
class SqlUsage:
    """A ``UsageTable`` in SQL. Thread-safe and fork-safe, for any number of processes.

    Its methods raise what those of ``UsageTable`` do, and StorageError when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        """Use the tables of *database*, which stays the catalogue's to close."""
        self._database = database

    def usage(self, organisation: str) -> tuple[Usage, ...]:
        """Return what every project takes up."""
        with self._database.reading() as connection:
            return usage_of(connection, organisation)

    def quotas(self, organisation: str) -> tuple[Quota, ...]:
        """Return the quotas that limit something."""
        with self._database.reading() as connection:
            found = connection.execute(quotas.select().where(quotas.c.organisation == organisation)).mappings()
            every = [quota_of(row) for row in found]
        return tuple(sorted((quota for quota in every if quota.limits), key=lambda quota: quota.project or ""))

    def quota(self, organisation: str, project: str | None) -> Quota:
        """Return what is set for the organisation or the project."""
        query = quotas.select().where(quotas.c.organisation == organisation, quotas.c.project == (project or ""))
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return Quota(organisation=organisation, project=project) if row is None else quota_of(row)

    def set_quota(self, quota: Quota) -> Quota:
        """Put *quota* in the place of the one of its version.

        Raises:
            RecordConflictError: the one that is kept has another version.
        """
        after = replace(quota, version=quota.version + 1)
        keys = {"organisation": quota.organisation, "project": quota.project or ""}
        where = (quotas.c.organisation == keys["organisation"], quotas.c.project == keys["project"])
        values = {"max_bytes": after.max_bytes, "max_objects": after.max_objects, "version": after.version}
        with self._database.changing() as connection:
            if not write_next(connection, quotas, where, keys, values):
                raise outdated(quota)
        return after

    def reserve(self, wanted: Reservation) -> bool:
        """Reserve what *wanted* says unless that exceeds a quota; five statements where there is one."""
        with self._database.changing() as connection:
            limits = locked_quotas(connection, wanted)
            if not limits:
                return False
            check_locked(connection, limits, wanted)
            connection.execute(_EXPIRED, {"own_organisation": wanted.organisation, "before": utc_now() - _KEPT})
            put_reservation(connection, wanted)
        return True

    def release(self, organisation: str, reservation: str) -> None:
        """Give a reservation back."""
        with self._database.changing() as connection:
            connection.execute(FREE, {"own_organisation": organisation, "own": reservation})

    def keep(self, organisation: str, reservation: str, *, objects: int, size: int) -> None:
        """Use a reservation up for objects that no register counts."""
        where = _is(organisation, reservation)
        with self._database.changing() as connection:
            held = connection.execute(reservations.select().where(*where).with_for_update()).mappings().one_or_none()
            if held is None:
                return
            connection.execute(reservations.delete().where(*where))
            change = Usage(project=held["project"], provider=held["provider"], other_objects=objects, other_bytes=size)
            add_usage(connection, organisation, change)

    def forget(self, organisation: str, project: str, provider: str, *, objects: int, size: int) -> None:
        """Note that objects that no register counts were removed."""
        left = {"other_objects": usage.c.other_objects - objects, "other_bytes": usage.c.other_bytes - size}
        floor = {name: sa.case((value < 0, 0), else_=value) for name, value in left.items()}
        place = (usage.c.organisation == organisation, usage.c.project == project, usage.c.provider == provider)
        with self._database.changing() as connection:
            connection.execute(usage.update().where(*place).values(floor))

    def reservations(self, organisation: str) -> tuple[Reservation, ...]:
        """Return those that have not expired."""
        with self._database.reading() as connection:
            return held_by(connection, organisation, utc_now())

    def count_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add *counts* to those that are kept; one statement each, in one transaction and one order."""
        keys = ("organisation", "provider", "day", "class")
        rows = [_request_row(count) for count in counts]
        with self._database.changing() as connection:
            for row in sorted(rows, key=lambda row: tuple(str(row[key]) for key in keys)):
                insert = inserted(connection, requests).values(row)
                grown = {name: requests.c[name] + insert.excluded[name] for name in _COUNTS}
                connection.execute(insert.on_conflict_do_update(index_elements=list(keys), set_=grown))

    def requests(self, organisation: str, since: date) -> tuple[RequestCount, ...]:
        """Return what was asked for on *since* and later."""
        query = requests.select().where(requests.c.organisation == organisation, requests.c.day >= since)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = [_request_count(row) for row in rows]
        return tuple(sorted(found, key=lambda count: (count.day, count.provider, count.request_class)))

    def of_all(self) -> Snapshot:
        """Return what is kept of all organisations; three queries."""
        places = (requests.c.organisation, requests.c.provider, requests.c["class"])
        sums = [sa.func.sum(requests.c[name]).label(name) for name in _COUNTS]
        totals = sa.select(*places, sa.func.max(requests.c.day).label("day"), *sums).group_by(*places)
        with self._database.reading() as connection:
            kept = connection.execute(usage.select()).mappings().all()
            every = [quota_of(row) for row in connection.execute(quotas.select()).mappings()]
            counts = [_request_count(row) for row in connection.execute(totals).mappings()]
        return Snapshot(
            usage=tuple(sorted(((row["organisation"], usage_in(row)) for row in kept), key=_place_of)),
            quotas=tuple(sorted((quota for quota in every if quota.limits), key=_whose)),
            requests=tuple(sorted(counts, key=lambda count: (count.organisation, count.provider, count.request_class))),
        )

    def recount(self, organisation: str) -> None:
        """Count what the register has once more.

        The rows are locked first: what is recorded meanwhile waits, and is added to the new counts. A row that was made
        after that is right by itself.
        """
        own = usage.c.organisation == organisation
        places = (revisions.c.project, revisions.c.provider)
        counted = (
            sa.select(*places, sa.func.count().label("objects"), sa.func.sum(revisions.c.size).label("bytes"))
            .where(revisions.c.organisation == organisation, revisions.c.removed_at.is_(None))
            .group_by(*places)
        )
        with self._database.changing() as connection:
            locked = connection.execute(
                sa.select(usage.c.project, usage.c.provider)
                .where(own)
                .order_by(usage.c.project, usage.c.provider)
                .with_for_update()
            ).all()
            now = {(row.project, row.provider): row for row in connection.execute(counted)}
            for project, provider in locked:
                row = now.get((project, provider))
                values = {"objects": row.objects if row else 0, "bytes": int(row.bytes or 0) if row else 0}
                where = (own, usage.c.project == project, usage.c.provider == provider)
                connection.execute(usage.update().where(*where).values(values))

    def listed(self, organisation: str, others: Sequence[Usage]) -> None:
        """Replace what is known of objects that no register counts."""
        with self._database.changing() as connection:
            for other in sorted(others, key=lambda entry: (entry.project, entry.provider)):
                values = {
                    "other_objects": other.other_objects,
                    "other_bytes": other.other_bytes,
                    "counted_at": other.counted_at,
                }
                keys = {"organisation": organisation, "project": other.project, "provider": other.provider}
                insert = inserted(connection, usage).values({**keys, "objects": 0, "bytes": 0, **values})
                connection.execute(insert.on_conflict_do_update(index_elements=list(keys), set_=values))


def _is(organisation: str, reservation: str) -> tuple[sa.ColumnElement[bool], ...]:
    return reservations.c.organisation == organisation, reservations.c.id == reservation


def _whose(quota: Quota) -> tuple[str, str]:
    return quota.organisation, quota.project or ""


def _place_of(entry: tuple[str, Usage]) -> tuple[str, str, str]:
    return entry[0], entry[1].project, entry[1].provider


def _request_count(row: sa.RowMapping) -> RequestCount:
    return RequestCount(
        organisation=row["organisation"],
        provider=row["provider"],
        day=row["day"],
        request_class=row["class"],
        requests=int(row["requests"]),  # sums are decimals on PostgreSQL
        throttled=int(row["throttled"]),
        failed=int(row["failed"]),
    )


def _request_row(count: RequestCount) -> dict[str, object]:
    return {
        "organisation": count.organisation,
        "provider": count.provider,
        "day": count.day,
        "class": count.request_class,
        "requests": count.requests,
        "throttled": count.throttled,
        "failed": count.failed,
    }

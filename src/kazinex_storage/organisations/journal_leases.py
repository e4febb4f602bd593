"""Leases on partitions and on pending changes, as steps of a transaction; ``journal_rows.py`` has the journal.

Of several that look at once, each gets another row: on PostgreSQL one that is being changed is passed over, on SQLite
one after another looks. What a process holds that is gone from this machine is free at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..migration import tallies
from ..migration.journal import PARTITION_ENTRIES, Partition, Pending, Run
from ..migration.owners import is_gone
from ..migration.tallies import Tally
from .database import sa
from .migration_tables import run_partitions, run_pending

_PARTS: Final = tuple(run_partitions.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "run"))
_OPEN: Final = (*_PARTS, run_partitions.c.open.is_(True))
_PART: Final = (*_PARTS, run_partitions.c.number == sa.bindparam("its_number"))
_HELD: Final = run_partitions.c.claimed_until > sa.bindparam("now")
_FIRST_FREE: Final = (
    sa.select(run_partitions.c.number, run_partitions.c.counts)
    .where(*_OPEN, sa.or_(run_partitions.c.claimed_by.is_(None), sa.not_(_HELD)))
    .order_by(run_partitions.c.number)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_HOLDERS: Final = (
    sa.select(run_partitions.c.number, run_partitions.c.claimed_by)
    .where(*_OPEN, run_partitions.c.claimed_by.is_not(None), _HELD)
    .order_by(run_partitions.c.number)
)
_THAT_ONE: Final = (
    sa.select(run_partitions.c.number, run_partitions.c.counts)
    .where(*_PART, run_partitions.c.open.is_(True), run_partitions.c.claimed_by == sa.bindparam("gone"))
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = (
    run_partitions.update().where(*_PART).values(claimed_by=sa.bindparam("owner"), claimed_until=sa.bindparam("until"))
)
_MINE: Final = (*_PART, run_partitions.c.claimed_by == sa.bindparam("owner"))
_RENEW: Final = run_partitions.update().where(*_MINE).values(claimed_until=sa.bindparam("until"))
_RELEASE: Final = run_partitions.update().where(*_MINE).values(claimed_by=None, claimed_until=None)
_OPEN_ONES: Final = sa.select(run_partitions.c.number).where(*_OPEN).order_by(run_partitions.c.number)
_NEXT_END: Final = sa.select(
    sa.func.min(run_partitions.c.claimed_until, type_=run_partitions.c.claimed_until.type)
).where(*_OPEN, run_partitions.c.claimed_by.is_not(None))

_OWED: Final = tuple(run_pending.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "run"))
_OWED_ONE: Final = (*_OWED, run_pending.c.token == sa.bindparam("its_token"))
_DUE: Final = (
    run_pending.select()
    .where(*_OWED, run_pending.c.due_at <= sa.bindparam("now"))
    .order_by(run_pending.c.due_at, run_pending.c.token)
    .with_for_update(skip_locked=True)
)
_DUE_HELD: Final = run_pending.c.claimed_until > sa.bindparam("now")
_DUE_FREE: Final = _DUE.where(sa.or_(run_pending.c.claimed_by.is_(None), sa.not_(_DUE_HELD))).limit(
    sa.bindparam("most")
)
_DUE_HOLDERS: Final = sa.select(run_pending.c.claimed_by).where(*_OWED, _DUE_HELD).distinct()
_DUE_OF: Final = _DUE.where(run_pending.c.claimed_by.in_(sa.bindparam("gone", expanding=True))).limit(
    sa.bindparam("most")
)
_OWE_TO: Final = (
    run_pending.update().where(*_OWED_ONE).values(claimed_by=sa.bindparam("owner"), claimed_until=sa.bindparam("until"))
)
_SETTLE: Final = run_pending.delete().where(*_OWED_ONE)
_POSTPONE: Final = (
    run_pending.update()
    .where(*_OWED_ONE)
    .values(
        attempts=sa.bindparam("new_attempts"),
        due_at=sa.bindparam("new_due_at"),
        reason=sa.bindparam("new_reason"),
        claimed_by=None,
        claimed_until=None,
    )
)
_COUNT: Final = sa.select(sa.func.count()).select_from(run_pending).where(*_OWED)


def claim(connection: sa.Connection, run: Run, owner: str, now: datetime, until: datetime) -> Partition | None:
    """Lease the first open partition that is free, then the first of a process that is gone."""
    row = connection.execute(_FIRST_FREE, {**_own(run), "now": now}).one_or_none()
    free = (row.number, row.counts) if row is not None else _of_the_gone(connection, run, now)
    if free is None:
        return None
    number, counts = free
    connection.execute(_CLAIM, {**_own(run), "its_number": number, "owner": owner, "until": until})
    entries = sum(objects for objects, _ in counts.values())
    return tallies.partition(number, number * PARTITION_ENTRIES + entries)


def renew(connection: sa.Connection, run: Run, partition: int, owner: str, until: datetime) -> bool:
    """Extend a lease of *owner*, and say whether it had one."""
    bound = {**_own(run), "its_number": partition, "owner": owner, "until": until}
    return connection.execute(_RENEW, bound).rowcount == 1


def release(connection: sa.Connection, run: Run, partition: int, owner: str) -> None:
    """Give a lease of *owner* back."""
    connection.execute(_RELEASE, {**_own(run), "its_number": partition, "owner": owner})


def open_partitions(connection: sa.Connection, run: Run) -> list[int]:
    """Return the numbers of the partitions that are open."""
    return [int(number) for number in connection.execute(_OPEN_ONES, _own(run)).scalars()]


def next_lease_end(connection: sa.Connection, run: Run) -> datetime | None:
    """Return when the first lease on an open partition ends."""
    end: datetime | None = connection.execute(_NEXT_END, _own(run)).scalar()
    return end


def claim_pending(
    connection: sa.Connection, run: Run, owner: str, span: tuple[datetime, datetime], limit: int
) -> list[Pending]:
    """Lease up to *limit* changes that are due at the first time of *span*, until the second."""
    now, until = span
    bound = {**_own(run), "now": now, "most": limit}
    rows = list(connection.execute(_DUE_FREE, bound).mappings())
    if len(rows) < limit:
        holders = connection.execute(_DUE_HOLDERS, {**_own(run), "now": now}).scalars()
        gone = [holder for holder in holders if holder is not None and is_gone(holder)]
        if gone:
            rows += connection.execute(_DUE_OF, {**bound, "gone": gone, "most": limit - len(rows)}).mappings()
    claims = [{**_own(run), "its_token": row["token"], "owner": owner, "until": until} for row in rows]
    if claims:
        connection.execute(_OWE_TO, claims)
    names = ("key", "removed", "token", "attempts", "due_at", "reason")
    return [Pending(**{name: row[name] for name in names}) for row in rows]


def settle_pending(connection: sa.Connection, run: Run, pending: Pending) -> None:
    """Forget a change."""
    connection.execute(_SETTLE, {**_own(run), "its_token": pending.token})


def postpone_pending(connection: sa.Connection, run: Run, pending: Pending) -> None:
    """Keep a change for later."""
    new = {"new_attempts": pending.attempts, "new_due_at": pending.due_at, "new_reason": pending.reason}
    connection.execute(_POSTPONE, {**_own(run), "its_token": pending.token, **new})


def count_pending(connection: sa.Connection, run: Run) -> int:
    """Return how many changes have not reached the target."""
    return int(connection.execute(_COUNT, _own(run)).scalar_one())


def _of_the_gone(connection: sa.Connection, run: Run, now: datetime) -> tuple[int, Tally] | None:
    for number, holder in connection.execute(_HOLDERS, {**_own(run), "now": now}).all():
        if is_gone(holder):
            bound = {**_own(run), "its_number": number, "gone": holder}
            row = connection.execute(_THAT_ONE, bound).one_or_none()
            if row is not None:  # else another one was first
                return row.number, row.counts
    return None


def _own(run: Run) -> dict[str, object]:
    return {"its_organisation": run.organisation, "its_run": run.id}

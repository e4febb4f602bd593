"""When each provider is verified next, in the database of the catalogue; ``checks.py`` says what it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ..secrecy.pickling import not_pickled
from .checks import DueCheck
from .database import Database, sa
from .records import ProviderRecord, ProviderStatus
from .schema import providers
from .service_tables import checks
from .usage_changes import inserted

_IS_OF = sa.and_(checks.c.organisation == providers.c.organisation, checks.c.provider == providers.c.id)
_LOOKED_AFTER = sa.and_(providers.c.status != ProviderStatus.PENDING.value, providers.c.managed.is_(sa.false()))


@not_pickled("let the other process open the catalogue")
class SqlChecks:
    """A ``CheckTable`` in SQL. Thread-safe and fork-safe, for any number of processes.

    Its methods raise StorageError when the database does not answer.
    """

    def __init__(self, database: Database, record: Callable[[sa.RowMapping], ProviderRecord]) -> None:
        """Use the tables of *database*, which stays the catalogue's to close; *record* makes one of a row."""
        self._database = database
        self._record = record

    def unplanned(self, limit: int) -> tuple[ProviderRecord, ...]:
        """Return some of the providers that have no check yet."""
        query = providers.select().where(_LOOKED_AFTER, ~sa.exists().where(_IS_OF)).limit(limit)
        with self._database.reading() as connection:
            return tuple(self._record(row) for row in connection.execute(query).mappings())

    def plan(self, planned: Sequence[DueCheck]) -> None:
        """Keep the checks of providers that have none."""
        with self._database.changing() as connection:
            connection.execute(checks.delete().where(~sa.exists().where(_IS_OF)))
            for check in sorted(planned, key=lambda check: (check.organisation, check.provider)):
                connection.execute(inserted(connection, checks).values(_columns(check)).on_conflict_do_nothing())

    def claim(self, owner: str, now: datetime, until: datetime) -> DueCheck | None:
        """Give *owner* the check that has been due longest; two statements."""
        free = sa.or_(checks.c.claimed_until.is_(None), checks.c.claimed_until <= now)
        query = (
            sa.select(checks)
            .join(providers, _IS_OF)
            .where(checks.c.due_at <= now, free, _LOOKED_AFTER)
            .order_by(checks.c.due_at)
            .limit(1)
            .with_for_update(of=checks, skip_locked=True)  # those that another one claims at this moment
        )
        with self._database.changing() as connection:
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return None
            claim = {"claimed_by": owner, "claimed_until": until}
            connection.execute(checks.update().where(*_is(row["organisation"], row["provider"])).values(claim))
            return DueCheck(**{**row, **claim})

    def finish(self, check: DueCheck) -> bool:
        """Keep when a check is due next, and free it."""
        mine = (checks.c.claimed_by == check.claimed_by, checks.c.claimed_until == check.claimed_until)
        values = {"due_at": check.due_at, "failures": check.failures, "claimed_by": None, "claimed_until": None}
        change = checks.update().where(*_is(check.organisation, check.provider), *mine).values(values)
        with self._database.changing() as connection:
            return connection.execute(change).rowcount == 1

    def next_due(self) -> datetime | None:
        """Return when the next check is due, or the next lease ends."""
        query = sa.select(checks.c.due_at, checks.c.claimed_until).join(providers, _IS_OF).where(_LOOKED_AFTER)
        later = sa.case((checks.c.claimed_until > checks.c.due_at, checks.c.claimed_until), else_=checks.c.due_at)
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(later).limit(1)).one_or_none()
        return None if row is None else max(row.due_at, row.claimed_until or row.due_at)


def _is(organisation: str, provider: str) -> tuple[sa.ColumnElement[bool], ...]:
    return checks.c.organisation == organisation, checks.c.provider == provider


def _columns(check: DueCheck) -> dict[str, object]:
    return {column.name: getattr(check, column.name) for column in checks.c}

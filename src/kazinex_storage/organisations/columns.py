"""What the tables of the catalogue are made of: the collection that they belong to, and times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from .database import sa

metadata = sa.MetaData()
"""Every table of the catalogue."""


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware time in UTC; SQLite knows no zones, so there it is stored without one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return what is stored."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the time as it was given, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)

"""The table of the data keys: one row for each that was ever made, wrapped; those that were destroyed leave a row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from ..values import value
from .columns import UtcTime, metadata
from .database import Database, sa
from .key_sources.source import WrappedKey


class DataKeyStatus(Enum):
    """What a data key is good for."""

    ACTIVE = "active"
    """It seals and opens."""
    RETIRED = "retired"
    """It opens what was sealed under it."""
    DESTROYED = "destroyed"
    """It is gone: what was sealed under it cannot be read by anybody."""


# The id is that of the key itself (a hash), which envelopes name; the key is there only wrapped.
data_keys = sa.Table(
    "kazinex_storage_data_keys",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("key_version", sa.Text, nullable=False),
    sa.Column("wrapped", sa.Text),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_for", sa.Text),
)

_ORDER = (data_keys.c.created_at.desc(), data_keys.c.id.desc())


@value
class DataKey:
    """What is known of one data key of an organisation; never the key."""

    organisation: str
    """Empty for what concerns no organisation."""
    id: str
    """What envelopes name it by."""
    source: str
    """The kind of the key service that wraps it."""
    key: str
    """The name of the key there."""
    key_version: str
    """The version of that; empty where the service keeps it to itself."""
    status: DataKeyStatus
    created_at: datetime
    """Aware UTC."""
    expires_at: datetime | None
    """When another one begins to seal; aware UTC."""
    ended_at: datetime | None
    """When it was retired or destroyed; aware UTC."""
    ended_by: str | None
    """Who destroyed it."""
    ended_for: str | None
    """Why."""


class DataKeyRows:
    """Reads and writes the table; each method is one transaction, or a part of that of the thread."""

    def __init__(self, database: Database) -> None:
        """Use the tables of *database*, which stays the catalogue's to close."""
        self._database = database
        self.once_kept = database.once_kept

    def all(self, organisation: str) -> tuple[sa.RowMapping, ...]:
        """Return the rows of the organisation, the newest first."""
        query = data_keys.select().where(data_keys.c.organisation == organisation).order_by(*_ORDER)
        with self._database.reading() as connection:
            return tuple(connection.execute(query).mappings())

    def organisations(self) -> tuple[str, ...]:
        """Return the organisations that have data keys, sorted."""
        query = sa.select(data_keys.c.organisation).distinct().order_by(data_keys.c.organisation)
        with self._database.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def add(self, made: DataKey, wrapped: WrappedKey, seen: Collection[str]) -> bool:
        """Keep a new key that seals from now on, unless one that was not *seen* does; say whether it was kept."""
        mine = data_keys.c.organisation == made.organisation
        active = sa.and_(mine, data_keys.c.status == DataKeyStatus.ACTIVE.value)
        with self._database.changing() as connection:
            kept = connection.execute(sa.select(data_keys.c.id).where(active).with_for_update()).scalars().all()
            if any(found not in seen for found in kept):
                return False
            ended = {"status": DataKeyStatus.RETIRED.value, "ended_at": made.created_at}
            connection.execute(data_keys.update().where(active).values(ended))
            names = ("organisation", "id", "source", "key", "key_version", "created_at", "expires_at")
            row = {name: getattr(made, name) for name in names}
            connection.execute(data_keys.insert().values(**row, status=made.status.value, wrapped=wrapped.text))
        return True

    def rewrap(self, organisation: str, key_id: str, wrapped: WrappedKey) -> None:
        """Replace how the key is wrapped."""
        values = {
            "source": wrapped.source,
            "key": wrapped.key,
            "key_version": wrapped.version,
            "wrapped": wrapped.text,
        }
        alive = data_keys.c.wrapped.is_not(None)
        with self._database.changing() as connection:
            connection.execute(data_keys.update().where(*_is(organisation, key_id), alive).values(values))

    def destroy(self, organisation: str, key_ids: tuple[str, ...], at: datetime, by: str | None, reason: str) -> None:
        """Forget how the keys are wrapped, which nothing undoes but a backup of the database."""
        values = {
            "wrapped": None,
            "status": DataKeyStatus.DESTROYED.value,
            "ended_at": at,
            "ended_by": by,
            "ended_for": reason,
        }
        where = (data_keys.c.organisation == organisation, data_keys.c.id.in_(key_ids))
        with self._database.changing() as connection:
            connection.execute(data_keys.update().where(*where).values(values))


def record_of(row: sa.RowMapping) -> DataKey:
    """Return what *row* says, without the key."""
    names = (
        "organisation",
        "id",
        "source",
        "key",
        "key_version",
        "created_at",
        "expires_at",
        "ended_at",
        "ended_by",
        "ended_for",
    )
    return DataKey(**{name: row[name] for name in names}, status=DataKeyStatus(row["status"]))


def wrapped_of(row: sa.RowMapping) -> WrappedKey:
    """Return how the key of *row* is wrapped; empty when it was destroyed."""
    return WrappedKey(source=row["source"], key=row["key"], version=row["key_version"], text=row["wrapped"] or "")


def _is(organisation: str, key_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return data_keys.c.organisation == organisation, data_keys.c.id == key_id

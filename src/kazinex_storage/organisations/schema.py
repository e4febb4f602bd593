"""The tables of a catalogue, and how they come to be in a database.

Every key begins with the organisation, and the default and the overrides are foreign keys over it: the database itself
refuses a provider of another organisation.
"""

from __future__ import annotations

from typing import Any

from ..errors import SettingsError
from .columns import UtcTime, metadata
from .database import Database, sa
from .migration_tables import MIGRATION_TABLES
from .record_tables import RECORD_COLUMNS, RECORD_TABLES
from .service_tables import SERVICE_TABLES, usage

SCHEMA_VERSION = 6
"""The layout that this release reads and writes."""

# Any number will do that the application of the same database does not use; this is "kazinex" in ASCII.
_ADVISORY_LOCK = int.from_bytes(b"kazinex", "big")


schema = sa.Table(
    "kazinex_storage_schema",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
)

providers = sa.Table(
    "kazinex_storage_providers",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("label_key", sa.Text, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("secrets", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("last_verified_at", UtcTime),
    sa.Column("last_error", sa.Text),
    sa.Column("failed_at", UtcTime),
    sa.Column("failed_in_use", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("retired_at", UtcTime),
    sa.Column("managed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("max_file_bytes", sa.BigInteger),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("settings_version", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("organisation", "label_key", name="kazinex_storage_label"),
)

organisations = sa.Table(
    "kazinex_storage_organisations",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("default_provider", sa.String(128)),
    sa.Column("default_chosen", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("allowlist", sa.JSON, nullable=False),
    sa.Column("file_rules", sa.JSON),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["organisation", "default_provider"], [providers.c.organisation, providers.c.id]),
)

overrides = sa.Table(
    "kazinex_storage_overrides",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("provider", sa.String(128)),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["organisation", "provider"], [providers.c.organisation, providers.c.id]),
)


# One row for each revision that was ever stored: it outlives the file, and the record of its provider.
revisions = sa.Table(
    "kazinex_storage_revisions",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("document", sa.String(128), primary_key=True),
    sa.Column("revision", sa.String(128), primary_key=True),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("provider", sa.String(128), nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("size", sa.BigInteger),
    sa.Column("recorded_at", UtcTime, nullable=False),
    sa.Column("recorded_by", sa.Text),
    sa.Column("removed_at", UtcTime),
    sa.Column("removed_by", sa.Text),
    sa.Column("removed_for", sa.Text),
    sa.Column("token", sa.String(32), nullable=False),
)


ADDED_COLUMNS = (
    *RECORD_COLUMNS,
    (organisations, organisations.c.file_rules),
    (revisions, revisions.c.recorded_by),
)
"""The columns that layout 5 added to tables of earlier ones."""

RETIRED_COLUMNS = ((providers, providers.c.retired_at),)
"""The columns that layout 6 added."""


def prepare(database: Database) -> None:
    """Make the tables where they are missing, and bring those of an earlier release up to date.

    Of several processes at once, one does it, in one transaction.

    Raises:
        SettingsError: the database holds the layout of a later release.
        StorageError: the database does not answer.
    """
    with database.reading() as connection:
        version = _version(connection)
    if version is None or version < SCHEMA_VERSION:
        with database.changing() as connection:
            if database.dialect == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            version = _version(connection)
            if version is None:
                metadata.create_all(connection)
                connection.execute(schema.insert().values(id=1, version=SCHEMA_VERSION))
            elif version < SCHEMA_VERSION:
                _upgrade(connection, version)
                connection.execute(schema.update().values(version=SCHEMA_VERSION))
            version = SCHEMA_VERSION if version is None else max(version, SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise SettingsError(
            f"the catalogue {database.describe()} has layout {version}, this release knows {SCHEMA_VERSION}; "
            "upgrade kazinex-storage"
        )


def _upgrade(connection: sa.Connection, version: int) -> None:
    """Bring the layout *version* up to date; tables that are there keep their rows."""
    if version < 2:
        revisions.create(connection)
        _add(connection, providers, providers.c.failed_at, providers.c.failed_in_use)
    if version < 3:
        _add(connection, providers, providers.c.managed)
        _add(connection, organisations, organisations.c.default_chosen)  # whoever had set anything keeps it as it is
        if version == 2:
            _add(connection, revisions, revisions.c.size)
        for table in SERVICE_TABLES:
            table.create(connection)
        # What earlier releases stored is counted; its sizes are not known before a listing.
        stored = sa.select(
            revisions.c.organisation,
            revisions.c.project,
            revisions.c.provider,
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(revisions.c.size), 0),
        )
        places = (revisions.c.organisation, revisions.c.project, revisions.c.provider)
        counted = stored.where(revisions.c.removed_at.is_(None)).group_by(*places)
        names = ["organisation", "project", "provider", "objects", "bytes"]
        connection.execute(usage.insert().from_select(names, counted))
    if version < 4:
        for table in MIGRATION_TABLES:
            table.create(connection)
    if version < 5:
        for table, column in ADDED_COLUMNS:
            if version > 1 or table is not revisions:  # which has just been made
                _add(connection, table, column)
        for table in RECORD_TABLES:
            table.create(connection)
    for table, column in RETIRED_COLUMNS:
        _add(connection, table, column)


def _add(connection: sa.Connection, table: sa.Table, *columns: sa.Column[Any]) -> None:
    for column in columns:
        clause = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {clause}")


def _version(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(schema.name):
        return None
    return connection.execute(sa.select(schema.c.version)).scalar_one_or_none()

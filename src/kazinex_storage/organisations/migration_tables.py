"""The tables of the journal of runs: runs, their entries, the partitions that are leased, and what mirrors still owe.

Like those of ``schema.py``, each key begins with the organisation. ``migration/journal.py`` says what they mean.
"""

from __future__ import annotations

from typing import Final

from .columns import UtcTime, metadata
from .database import sa

runs = sa.Table(
    "kazinex_storage_runs",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("source", sa.String(128), nullable=False),
    sa.Column("target", sa.String(128), nullable=False),
    sa.Column("project", sa.String(128)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("begun_at", UtcTime, nullable=False),
    sa.Column("begun_by", sa.Text),
    sa.Column("ended_at", UtcTime),
    # How many entries it has, and whether the register adds to what it owes.
    sa.Column("entries", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("followed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("kazinex_storage_runs_source", "organisation", "source", "followed"),
)

# The numbers of one run have no gaps, so a partition is a span of them.
run_entries = sa.Table(
    "kazinex_storage_run_entries",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", UtcTime),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("target_etag", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("reason", sa.Text),
    sa.Column("changed_at", UtcTime),
    # The key first, so that either index serves one sort of look: while a table has no statistics, PostgreSQL takes any
    # index of (organisation, run) for one row, and would read a whole run by the other one.
    sa.UniqueConstraint("key", "run", "organisation", name="kazinex_storage_run_key"),
    sqlite_with_rowid=False,  # one tree of a million rows less to write
)

run_partitions = sa.Table(
    "kazinex_storage_run_partitions",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    # By state: objects and bytes, so that totals are sums over partitions.
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("claimed_by", sa.String(128)),
    sa.Column("claimed_until", UtcTime),
    sa.Index("kazinex_storage_run_partitions_open", "organisation", "run", "open", "number"),
)

# Changes of documents on the source of a mirror, written in the transaction of the register.
run_pending = sa.Table(
    "kazinex_storage_run_pending",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("removed", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("claimed_by", sa.String(128)),
    sa.Column("claimed_until", UtcTime),
    sa.Index("kazinex_storage_run_pending_due", "organisation", "run", "due_at"),
)

MIGRATION_TABLES: Final = (runs, run_entries, run_partitions, run_pending)
"""What layout 4 of the catalogue added."""

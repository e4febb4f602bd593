"""The tables of the storage service: tickets, audit, usage, quotas, and when each provider is verified next.

Like those of ``schema.py``, each key begins with the organisation.
"""

from __future__ import annotations

from typing import Final

from .columns import UtcTime, metadata
from .database import sa

# One row for each direct upload that was begun and is neither confirmed for long nor swept: what it may store, and the
# bytes that it reserves of a quota until then.
tickets = sa.Table(
    "kazinex_storage_tickets",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("project", sa.String(128), nullable=False),
    sa.Column("document", sa.String(128), nullable=False),
    sa.Column("revision", sa.String(128), nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("provider", sa.String(128), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("content_type", sa.Text),
    sa.Column("sha256", sa.String(64)),
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("begun_at", UtcTime, nullable=False),
    sa.Column("begun_by", sa.Text),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("receipt", sa.JSON),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("kazinex_storage_tickets_expiry", "expires_at"),
    sa.Index("kazinex_storage_tickets_project", "organisation", "project"),
)

# A chain for each organisation: every entry holds the hash of the one before it.
audit = sa.Table(
    "kazinex_storage_audit",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("event", sa.String(64), nullable=False),
    sa.Column("by", sa.Text),
    sa.Column("provider", sa.String(128)),
    sa.Column("project", sa.String(128)),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("seal", sa.String(128)),
    sa.Index("kazinex_storage_audit_time", "organisation", "at"),
)

# Where each chain ends, and where it begins since its oldest entries were dropped.
audit_heads = sa.Table(
    "kazinex_storage_audit_heads",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("before_first", sa.String(64), nullable=False),
    sa.Column("seal", sa.String(128)),
)

# What the documents of a project take up on one provider, as the register of revisions has it.
usage = sa.Table(
    "kazinex_storage_usage",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("provider", sa.String(128), primary_key=True),
    sa.Column("objects", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("other_objects", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("other_bytes", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("counted_at", UtcTime),
)

# What writes under way will take up of a quota; what a killed process leaves expires.
reservations = sa.Table(
    "kazinex_storage_reservations",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("project", sa.String(128), nullable=False),
    sa.Column("provider", sa.String(128), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("objects", sa.BigInteger, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
)

# What was asked of each provider on one day in UTC.
requests = sa.Table(
    "kazinex_storage_requests",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("provider", sa.String(128), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("class", sa.String(16), primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("throttled", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
)

# The project is empty for what holds for the organisation as a whole.
quotas = sa.Table(
    "kazinex_storage_quotas",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("max_bytes", sa.BigInteger),
    sa.Column("max_objects", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False),
)

# When each provider is verified next, and which process does it now.
checks = sa.Table(
    "kazinex_storage_checks",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("provider", sa.String(128), primary_key=True),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("claimed_until", UtcTime),
    sa.Column("claimed_by", sa.String(64)),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Index("kazinex_storage_checks_due", "due_at"),
)

# Connections that a person has begun and not yet made a provider of; their secrets are sealed.
connections = sa.Table(
    "kazinex_storage_connections",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

SERVICE_TABLES: Final = (tickets, audit, audit_heads, usage, reservations, requests, quotas, checks, connections)
"""What layout 3 of the catalogue added."""

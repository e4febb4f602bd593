"""The tables of what keeps revisions, and of how long new ones are kept.

Like those of ``schema.py``, each key begins with the organisation. ``documents/retentions.py`` says what they mean.
"""

from __future__ import annotations

from .columns import UtcTime, metadata
from .database import sa

# One row for each revision that was ever kept; it stays when the retention is over.
kept = sa.Table(
    "kazinex_storage_kept",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("document", sa.String(128), primary_key=True),
    sa.Column("revision", sa.String(128), primary_key=True),
    sa.Column("until", UtcTime),
    sa.Column("mode", sa.String(16)),
    sa.Column("held_for", sa.Text),
    sa.Column("held_at", UtcTime),
    sa.Column("held_by", sa.Text),
    sa.Column("by_default", sa.Boolean, nullable=False),
    sa.Column("by_service", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

# The project is empty for what holds for the organisation as a whole.
defaults = sa.Table(
    "kazinex_storage_retention_defaults",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("period_s", sa.BigInteger),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

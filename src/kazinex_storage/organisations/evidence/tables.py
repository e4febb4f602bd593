"""The tables of the evidence of receipts: lines that are only ever added, and where the chain of each project ends."""

from __future__ import annotations

from ..columns import metadata
from ..database import sa

receipt_lines = sa.Table(
    "kazinex_storage_receipt_lines",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("document", sa.String(128)),
    sa.Column("revision", sa.String(128)),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("signature", sa.String(88), nullable=False),
    sa.Index("kazinex_storage_receipt_lines_of", "organisation", "project", "document", "revision"),
)
"""Each line as it was signed; kind, document and revision stand in it too, and are here to be found by."""

receipt_heads = sa.Table(
    "kazinex_storage_receipt_heads",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("project", sa.String(128), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(64)),
)
"""The row that is locked while a line is added."""

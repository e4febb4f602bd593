"""What layout 5 of the catalogue added for the keepers of records; each table has a module of its own."""

from __future__ import annotations

from typing import Final

from .credential_rows import credentials
from .data_key_rows import data_keys
from .database import sa
from .evidence.tables import receipt_heads, receipt_lines
from .retention_tables import defaults, kept

RECORD_TABLES: Final[tuple[sa.Table, ...]] = (
    credentials,
    data_keys,
    defaults,
    kept,
    receipt_heads,
    receipt_lines,
)
"""The tables that layout 5 added."""

RECORD_COLUMNS: Final[tuple[tuple[sa.Table, sa.Column[object]], ...]] = ()
"""The columns that it added to tables of earlier layouts."""

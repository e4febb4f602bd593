"""Objects as rows of one SQLite file. The registry reads ``KIND`` and imports the rest when it is needed."""

from __future__ import annotations

from kazinex_storage.registry import ProviderKind

KIND = ProviderKind(
    kind="sqlite",
    title="SQLite file",
    settings="kazinex_storage_sqlite.provider:SqliteSettings",
    factory="kazinex_storage_sqlite.provider:SqliteProvider",
)
"""What the entry point in ``pyproject.toml`` names."""

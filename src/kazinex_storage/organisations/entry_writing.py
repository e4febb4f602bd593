"""Looking up and writing many entries at once, past what takes SQLAlchemy longer than it takes the database.

SQLite gets rows as its driver takes them, 6 us each where a statement with named parameters takes 16. PostgreSQL gets
columns as arrays, in one statement of one round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from ..migration.journal import Entry, Run
from .database import sa
from .migration_tables import run_entries

_NAMES: Final = ("number", "key", "size", "etag", "last_modified", "sha256", "target_etag", "attempts", "reason")
_TYPES: Final = ("bigint", "text", "bigint", "text", "timestamptz", "text", "text", "integer", "text")
_COLUMNS: Final = (*_NAMES, "changed_at", "state")
_KINDS: Final = (*_TYPES, "timestamptz", "text")
_TIMES: Final = tuple(at for at, kind in enumerate(_KINDS) if kind == "timestamptz")
_CHANGED: Final = tuple(name for name in _COLUMNS if name not in ("number", "key"))

_of = attrgetter(*_COLUMNS[:-1])

_PLACES: Final = ", ".join("?" * (len(_COLUMNS) + 2))
_ROW_INSERT: Final = (
    f"INSERT INTO {run_entries.name} ({', '.join((*_COLUMNS, 'organisation', 'run'))}) VALUES ({_PLACES})"  # noqa: S608
)
_ROW_UPDATE: Final = (
    f"UPDATE {run_entries.name} SET {', '.join(f'{name} = ?' for name in _CHANGED)} "  # noqa: S608
    "WHERE organisation = ? AND run = ? AND number = ?"
)

_ARRAYS: Final = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in zip(_COLUMNS, _KINDS, strict=True))
_NEW: Final = f"unnest({_ARRAYS}) AS new({', '.join(_COLUMNS)})"
_ARRAY_INSERT: Final = sa.text(
    f"INSERT INTO {run_entries.name} ({', '.join(_COLUMNS)}, organisation, run) "  # noqa: S608
    f"SELECT {', '.join(f'new.{name}' for name in _COLUMNS)}, :organisation, :run FROM {_NEW}"
)
_ARRAY_UPDATE: Final = sa.text(
    f"UPDATE {run_entries.name} AS kept SET {', '.join(f'{name} = new.{name}' for name in _CHANGED)} FROM {_NEW} "  # noqa: S608
    "WHERE kept.organisation = :organisation AND kept.run = :run AND kept.number = new.number "
    "AND kept.number = ANY(CAST(:number AS bigint[]))"  # which looks those up, where a join would read the run
)

# The plus keeps SQLite, which has no statistics, from reading the whole run by the primary key for them.
_KEYS: Final = sa.text(
    f"SELECT key, number FROM {run_entries.name} WHERE key IN :keys AND run = :run AND +organisation = :organisation"  # noqa: S608
).bindparams(sa.bindparam("keys", expanding=True))
# One look at the index of keys for each, which alone has this order: without statistics PostgreSQL takes a run for one
# row, and would read the whole of it by the primary key.
_ARRAY_KEYS: Final = sa.text(
    "SELECT found.key, found.number FROM unnest(CAST(:keys AS text[])) AS wanted(key), LATERAL "  # noqa: S608
    f"(SELECT key, run, organisation, number FROM {run_entries.name} AS kept "
    "WHERE (kept.key, kept.run, kept.organisation) >= (wanted.key, CAST(:run AS text), CAST(:organisation AS text)) "
    "ORDER BY kept.key, kept.run, kept.organisation LIMIT 1) AS found "
    "WHERE found.key = wanted.key AND found.run = :run AND found.organisation = :organisation"
)


def known_keys(connection: sa.Connection, run: Run, keys: Sequence[str]) -> dict[str, int]:
    """Return the numbers of those of *keys* that the run knows."""
    query = _KEYS if connection.dialect.name == "sqlite" else _ARRAY_KEYS
    found = connection.execute(query, {"organisation": run.organisation, "run": run.id, "keys": list(keys)})
    return {row.key: row.number for row in found}


def insert_entries(connection: sa.Connection, run: Run, entries: Sequence[Entry], first: int) -> None:
    """Write *entries*, which are numbered from *first* on; one statement."""
    if connection.dialect.name == "sqlite":
        own = (run.organisation, run.id)
        rows = [(number, *_row(entry)[1:], *own) for number, entry in enumerate(entries, first)]
        connection.exec_driver_sql(_ROW_INSERT, rows)
    else:
        columns = {**_arrays(entries), "number": list(range(first, first + len(entries)))}
        connection.execute(_ARRAY_INSERT, {**columns, "organisation": run.organisation, "run": run.id})


def update_entries(connection: sa.Connection, run: Run, entries: Sequence[Entry]) -> None:
    """Write all of *entries* but their keys in the place of those of their numbers; one statement."""
    if connection.dialect.name == "sqlite":
        own = (run.organisation, run.id)
        rows = [(*_row(entry)[2:], *own, entry.number) for entry in entries]
        connection.exec_driver_sql(_ROW_UPDATE, rows)
    else:
        connection.execute(_ARRAY_UPDATE, {**_arrays(entries), "organisation": run.organisation, "run": run.id})


def _row(entry: Entry) -> tuple[object, ...]:
    row = [*_of(entry), entry.state.value]
    for at in _TIMES:
        row[at] = _text_of(row[at])
    return tuple(row)


def _arrays(entries: Sequence[Entry]) -> dict[str, object]:
    columns: dict[str, object] = {
        name: [getattr(entry, name) for entry in entries] for name in _COLUMNS if name != "state"
    }
    return {**columns, "state": [entry.state.value for entry in entries]}


def _text_of(at: object) -> str | None:
    """Return a time as ``columns.UtcTime`` stores it in SQLite."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds") if isinstance(at, datetime) else None

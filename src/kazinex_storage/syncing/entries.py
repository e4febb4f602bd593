"""What one end of a synchronisation has under each key, and the listings of both ends in the order of their keys.

Services list in orders of their own, so both listings are put into a temporary database first: in memory up to some
megabytes and on disk beyond. Memory is flat whatever there is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, Literal, Self, TypeAlias, cast

from ..values import value

Side: TypeAlias = Literal["source", "target"]

_Row: TypeAlias = "tuple[str, int, float | None, str | None, str | None, str, str | None, str]"

_COLUMNS: Final = (
    "key TEXT PRIMARY KEY, size INTEGER, modified REAL, etag TEXT, sha256 TEXT, holder TEXT, left_out TEXT, why TEXT"
)


class LeftOut(Enum):
    """Why something that an end has takes no part."""

    LINK = "link"
    """A symbolic link, which is not followed."""
    SPECIAL = "special file"
    """A pipe, a socket or a device."""
    NAME = "no legal key"
    """Its name cannot be a key."""
    UNREADABLE = "unreadable"
    """What it holds is not known."""

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has to look at it; links and special files are left out by intent."""
        return self in (LeftOut.NAME, LeftOut.UNREADABLE)


@value(kw_only=False)
class Entry:
    """One object or file, or something that was left out."""

    key: str
    """Below what is synchronised. Of what is left out it may be no legal key, and then stands for all below it."""
    size: int = 0
    modified: float | None = None
    """Seconds since 1970, UTC; None where the end does not say."""
    etag: str | None = None
    sha256: str | None = None
    """Where the listing has it."""
    holder: str = ""
    """The id of the provider that has it, where the end has several."""
    left_out: LeftOut | None = None
    why: str = ""
    """What is to be said of something that was left out."""


class Listings:
    """What both ends have, by key. A context manager, for one thread."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)
        """Temporary; ``survey.py`` keeps its steps in it as well."""
        for table in ("source", "target"):
            self.database.execute(f"CREATE TABLE {table} ({_COLUMNS}) WITHOUT ROWID")

    def load(self, side: Side, entries: Iterable[Entry]) -> None:
        """Read *entries* to their end; of two with one key the first counts.

        Raises:
            StorageError: the end cannot be listed; ``OSError``: the temporary disk is full.
        """
        rows = map(_row, entries)
        self.database.execute("BEGIN")
        self.database.executemany(f"INSERT OR IGNORE INTO {side} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608 -- one of two names
        self.database.execute("COMMIT")

    def count(self, side: Side) -> int:
        """Return how many objects or files an end has, without what was left out."""
        query = f"SELECT count(*) FROM {side} WHERE left_out IS NULL"  # noqa: S608 -- one of two names
        return int(self.database.execute(query).fetchone()[0])

    def entries(self, side: Side) -> Iterator[Entry]:
        """Yield what an end has, in the order of the keys, which is that of their characters and of their UTF-8."""
        query = f"SELECT * FROM {side} ORDER BY key"  # noqa: S608 -- one of two names
        for row in self.database.execute(query):
            entry = entry_of_row(row)
            if entry is not None:
                yield entry

    def keys(self, side: Side) -> Iterator[str]:
        """Yield the keys of what an end has, in their order."""
        query = f"SELECT key FROM {side} WHERE left_out IS NULL ORDER BY key"  # noqa: S608 -- one of two names
        for (key,) in self.database.execute(query):
            yield key

    def close(self) -> None:
        """Forget everything."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def entry_of_row(row: Sequence[object]) -> Entry | None:
    """Return the entry of a *row* of either table; None of a row that a join has not found."""
    if row[0] is None:
        return None
    key, size, modified, etag, sha256, holder, left_out, why = cast("_Row", tuple(row))
    return Entry(key, size, modified, etag, sha256, holder, None if left_out is None else LeftOut(left_out), why)


def _row(entry: Entry) -> _Row:
    left_out = None if entry.left_out is None else entry.left_out.value
    return entry.key, entry.size, entry.modified, entry.etag, entry.sha256, entry.holder, left_out, entry.why

"""Sorting more rows than memory holds: they are spilled to temporary files and merged. Rows are lists of texts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from heapq import merge
from types import TracebackType
from typing import IO, Final, Self, cast

from ...json_text import parse_own_json, write_json

# Some 20 MB of rows; a million rows make 20 files.
_AT_ONCE: Final = 50_000


class Sorted:
    """Rows that are added in any order and read in theirs, as Python compares lists of texts; a context manager."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        """Keep up to *at_once* rows in memory."""
        self._at_once = at_once
        self._rows: list[list[str]] = []
        self._spilled: list[IO[str]] = []
        self._files = ExitStack()

    def add(self, *row: str) -> None:
        """Add a row.

        Raises:
            OSError: the temporary folder is full.
        """
        self._rows.append(list(row))
        if len(self._rows) >= self._at_once:
            self._spill()

    def rows(self) -> Iterator[list[str]]:
        """Yield all rows, in order, once the last was added; as often as needed, one reader at a time."""
        self._rows.sort()
        for file in self._spilled:
            file.seek(0)
        return merge(*(map(_row, file) for file in self._spilled), self._rows)

    def close(self) -> None:
        """Remove the temporary files."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spill(self) -> None:
        file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115  # closed with all others
        self._files.push(file)
        self._rows.sort()
        file.writelines(f"{write_json(row)}\n" for row in self._rows)
        self._rows.clear()
        self._spilled.append(file)


def _row(line: str) -> list[str]:
    return cast("list[str]", parse_own_json(line))

"""Where commands write: results to standard output, everything else to standard error.

On a terminal tables are drawn by rich; elsewhere they are columns of plain text that ``cut`` and ``grep`` understand.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import typer

from ..json_text import write_json
from .exits import ExitCode, printable

_NARROW = 60
"""Columns of a terminal below which a table that does not fit is shown row by row."""

_COLOURS = {
    "VERIFIED": "green",
    "passed": "green",
    "FAILED": "red",
    "failed": "red",
    "PENDING": "yellow",
    "warning": "yellow",
    "skipped": "dim",
}


class Wrappable(Protocol):
    """A line that may be wrapped."""

    @property
    def text(self) -> str:
        """What it says; blanks at its beginning stay."""
        ...

    @property
    def hanging(self) -> int:
        """How far what follows its first line is indented."""
        ...


class Output:
    """How one command line prints."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        """Results are one JSON document."""
        self.quiet = quiet
        """Nothing but results, questions and errors."""
        for stream in (sys.stdout, sys.stderr):
            # A file name that the terminal cannot show must not end a command that has done its work.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    @property
    def shows_progress(self) -> bool:
        """Whether a person is looking at standard error."""
        return not self.quiet and sys.stderr.isatty()

    def result(self, document: object, lines: Iterable[str]) -> None:
        """Write the result: the JSON *document*, or *lines* for a person."""
        if self.as_json:
            unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            self._write(write_json(document, indent=2, ascii_only=not unicode) + "\n")
        else:
            self._write("".join(f"{printable(line)}\n" for line in lines))

    def table(self, document: object, columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
        """Write the JSON *document*, or a table; without rows the note *empty*."""
        if self.as_json:
            self.result(document, ())
        elif not rows:
            self.note(empty)
        elif sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
            if width < _NARROW and width < max(map(len, aligned([columns, *rows]))):
                self.result(document, _blocks(columns, rows, width))
            else:
                self._draw(columns, rows)
        else:
            self.result(document, aligned([columns, *rows]))

    def wrapped(self, document: object, lines: Iterable[Wrappable]) -> None:
        """Write the JSON *document*, or *lines*: on a terminal as wide as that is, elsewhere each on one line."""
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        self.result(document, (part for line in lines for part in _folded(line.text, line.hanging, width)))

    def note(self, text: str) -> None:
        """Write a remark for a person to standard error."""
        if not self.quiet and not self.as_json:
            sys.stderr.write(f"{printable(text)}\n")

    def problem(self, text: str) -> None:
        """Write what is wrong with one of several items to standard error; JSON has it in its document."""
        if not self.as_json:
            sys.stderr.write(f"error: {printable(text)}\n")

    def data(self, chunk: bytes) -> None:
        """Write bytes to standard output.

        Raises:
            typer.Exit: the reader went away.
        """
        try:
            sys.stdout.buffer.write(chunk)
        except BrokenPipeError as error:
            raise _gone() from error

    def flush(self) -> None:
        """Hand over what was written.

        Raises:
            typer.Exit: the reader went away.
        """
        try:
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise _gone() from error

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise _gone() from error

    def _draw(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell), style=_COLOURS.get(cell, "")) for cell in row))
        Console().print(table)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return *rows* as lines with aligned columns."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def format_time(time: datetime | None) -> str:
    """Return *time*, which is UTC, as tables show it; empty when it is not known."""
    return "" if time is None else f"{time:%Y-%m-%d %H:%M:%SZ}"


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield each row as lines of a column and its value, for terminals that hold no table."""
    names = max(map(len, columns))
    for position, row in enumerate(rows):
        if position:
            yield ""
        for column, cell in zip(columns, row, strict=True):
            yield from _folded(f"{column:<{names}}  {cell}".rstrip(), names + 2, width)


def _folded(text: str, hanging: int, width: int | None) -> list[str]:
    if width is None or len(text) <= width:
        return [text]
    found = textwrap.wrap(text, max(width, hanging + 20), subsequent_indent=" " * hanging, break_on_hyphens=False)
    return found or [text]


def _gone() -> typer.Exit:
    # The interpreter flushes once more at its end; that must not fail as well.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return typer.Exit(ExitCode.PIPE)

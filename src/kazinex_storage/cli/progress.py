"""A bar on standard error for long transfers, drawn by rich; short ones load nothing of it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..types import MIB, Progress
from .output import Output

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

# About what takes a second over a slow line.
LONG_BYTES = 8 * MIB
"""Transfers above this size have a bar."""


class TransferBar:
    """Shows a person how far one transfer is; a context manager."""

    def __init__(self, out: Output, title: str, size: int | None) -> None:
        """Prepare a bar for *size* bytes; None is not known yet."""
        self._shown = out.shows_progress and (size is None or size > LONG_BYTES)
        self._title = title
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    @property
    def callback(self) -> Progress | None:
        """What the transfer calls; None when there is no terminal to show it on."""
        return self.advance if self._shown else None

    def advance(self, done: int, total: int | None) -> None:
        """Move the bar to *done* bytes."""
        if total is not None and total <= LONG_BYTES:
            return
        if self._bar is None or self._task is None:
            self._bar = _make_bar()
            self._task = self._bar.add_task(self._title, total=total)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _make_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )

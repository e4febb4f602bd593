"""How far a run is: two bars on a terminal, lines of JSON on standard error with ``--json``, notes elsewhere."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Final, Self

from ..json_text import write_json
from ..lazy import module
from .output import Output

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from ..migration import plot
    from ..migration import progress as progress_of
    from ..migration.progress import OnProgress, RunProgress
else:
    plot, progress_of = module(__name__, "..migration.plot"), module(__name__, "..migration.progress")

NOTE_EVERY_S: Final = 30.0
"""Seconds between two notes where nobody looks at a terminal: a log of a day has some thousand lines."""


class RunDisplay:
    """Shows the progress of one run; a context manager."""

    def __init__(self, out: Output, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Show what *title* says is done, in the way that *out* prints."""
        self._out = out
        self._title = title
        self._clock = clock
        self._noted = clock()
        self._bars: Bars | None = None
        self._tasks: tuple[TaskID, TaskID] | None = None

    @property
    def callback(self) -> OnProgress | None:
        """What the run calls; None when nothing is to be shown."""
        if self._out.quiet:
            return None
        if self._out.as_json:
            return self._line
        return self._draw if self._out.shows_progress else self._note

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def _line(self, progress: RunProgress) -> None:
        sys.stderr.write(write_json({"progress": progress.to_dict()}) + "\n")
        sys.stderr.flush()

    def _note(self, progress: RunProgress) -> None:
        now = self._clock()
        if now - self._noted >= NOTE_EVERY_S:
            self._noted = now
            self._out.note(f"{self._title}: {', '.join(filter(None, (objects_of(progress), bytes_of(progress))))}")

    def _draw(self, progress: RunProgress) -> None:
        if self._bars is None or self._tasks is None:
            self._bars = _make_bars()
            self._tasks = (self._bars.add_task(self._title, said=""), self._bars.add_task("", said=""))
            self._bars.start()
        planning = progress.run.state.value == "planning"
        total, done = progress.total, progress.done
        for task, whole, part, said in (
            (self._tasks[0], total.objects, done.objects, objects_of(progress)),
            (self._tasks[1], total.bytes, done.bytes, bytes_of(progress)),
        ):
            # A bar without a total moves to and fro.
            self._bars.update(task, total=None if planning else max(1, whole), completed=part, said=said)
            if not planning and part == whole == 0:
                self._bars.update(task, completed=1)


def objects_of(progress: RunProgress) -> str:
    """Return what was done of how many objects, and what failed."""
    if progress.run.state.value == "planning":
        return f"{progress.total.objects:,} objects found"
    parts = [f"{progress.done.objects:,} of {progress.total.objects:,} objects"]
    failed = progress_of.summed(progress.counts, progress_of.WRONG).objects
    if failed:
        parts.append(f"{failed:,} failed")
    if progress.pending:
        parts.append(f"{progress.pending:,} to be mirrored")
    return ", ".join(parts)


def bytes_of(progress: RunProgress) -> str:
    """Return how many bytes were done, how fast, and how long the rest takes."""
    total, done = progress.total.bytes, progress.done.bytes
    if progress.run.state.value == "planning":
        return plot.short_bytes(total)
    parts = [f"{plot.short_bytes(done)} of {plot.short_bytes(total)}"]
    if progress.left.objects:
        parts.append(f"{plot.short_bytes(progress.bytes_per_second)}/s")
        if progress.left_s is not None:
            parts.append(f"{plot.duration(progress.left_s)} left")
    if progress.throttled:
        parts.append(f"slowed down {progress.throttled:,} times")
    return ", ".join(parts)


@contextmanager
def stopping(out: Output) -> Iterator[threading.Event]:
    """Let the first Ctrl-C of a ``with`` block set the event, and the second one interrupt.

    Raises:
        KeyboardInterrupt: at the end, when it was set.
    """
    stop = threading.Event()

    def interrupted(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the interface of handlers
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        out.note("stopping when what is under way has ended; Ctrl-C again ends at once, and nothing is lost either way")

    with _on_interrupt(interrupted):
        yield stop
    if stop.is_set():
        raise KeyboardInterrupt


def asking() -> AbstractContextManager[None]:
    """Let Ctrl-C interrupt a question that is asked within ``stopping``: nobody waits for what is under way."""
    return _on_interrupt(signal.default_int_handler)


@contextmanager
def _on_interrupt(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # where nobody can have signals
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _make_bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[said]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )

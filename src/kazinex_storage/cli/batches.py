"""Several items in one command: each is tried, what fails is named in a line, the gravest failure is the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

import typer

from ..json_text import parse_own_json
from ..secrecy.masking import redact
from ..values import value
from .exits import ExitCode, document_of, exit_code, message_of
from .progress import TransferBar

if TYPE_CHECKING:
    from ..transport import Exchange, Transport
    from ..types import Progress
    from .command import RunningCommand

_GRAVEST: Final = (
    ExitCode.FAILED,
    ExitCode.SETTINGS,
    ExitCode.VERIFICATION,
    ExitCode.REFUSED,
    ExitCode.NOT_FOUND,
    ExitCode.USAGE,
)
"""Of several failures the first of these is the exit code."""

WINDOW: Final = 8
"""Items at work at once; large ones have several parts under way as well."""


@value
class Told:
    """What one item ended as."""

    fields: Mapping[str, object]
    """Its entry in the JSON document."""
    line: str
    """The same for a person."""


@value
class Job:
    """One item of a batch."""

    name: str
    """For a person, before what went wrong with it."""
    fields: Mapping[str, object]
    """How the JSON document names it."""
    work: Callable[[], Exchange[Told]]
    """Does it."""


Problem: TypeAlias = tuple[str, Mapping[str, object], Exception]
"""The name of an item, its fields, and what is wrong with it."""


class Batch:
    """What became of the items of one command."""

    def __init__(self, command: RunningCommand, *, dry_run: bool = False) -> None:
        """Begin with none; a *dry_run* says so in its document."""
        self._command = command
        self._dry_run = dry_run
        self._entries: list[Mapping[str, object]] = []
        self._codes = set[ExitCode]()
        self.failed = 0
        """Items that failed."""

    def run(self, transport: Transport, jobs: Sequence[Job], window: int = WINDOW) -> None:
        """Do all of *jobs*, several at once, and say what became of each as it ends.

        Raises:
            KeyboardInterrupt: some were not done; those that ended are told.
        """
        for index, outcome in transport.run_many((job.work() for job in jobs), window):
            job = jobs[index]
            if outcome.error is None:
                told = outcome.result()
                self.done(told.fields, told.line)
            elif isinstance(outcome.error, Exception):
                self.fail(job.name, job.fields, outcome.error)
            else:
                raise outcome.error

    def done(self, fields: Mapping[str, object], line: str) -> None:
        """Tell of an item that is done."""
        self._entries.append(fields)
        if not self._command.out.as_json:
            self._command.out.result(None, [line])

    def fail(self, name: str, fields: Mapping[str, object], error: Exception) -> None:
        """Tell of an item that failed."""
        code = exit_code(error)
        message = redact(message_of(error), self._command.secrets)
        self._codes.add(code)
        self.failed += 1
        described = parse_own_json(document_of(error, message, code))
        self._entries.append({**fields, **(described if isinstance(described, dict) else {})})
        self._command.out.problem(message if name in message else f"{name}: {message}")

    def finish(self, note: str = "") -> None:
        """Write the document, or *note*, and end with the exit code.

        Raises:
            typer.Exit: an item failed.
        """
        out = self._command.out
        if out.as_json:
            done = len(self._entries) - self.failed
            out.result({"items": self._entries, "done": done, "failed": self.failed, "dry_run": self._dry_run}, ())
        elif note:
            out.note(note)
        if self._codes:
            raise typer.Exit(gravest(self._codes))


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the one that a command ends with; done when there are none."""
    found = set(codes)
    return next((code for code in _GRAVEST if code in found), ExitCode.DONE)


def refuse_all(command: RunningCommand, problems: Iterable[Problem]) -> None:
    """Name what is wrong with operands before anything is done; a single one is raised as it is.

    Raises:
        Exception: the only problem.
        typer.Exit: there are several; each was told.
    """
    found = list(problems)
    if len(found) == 1:
        raise found[0][2]
    batch = Batch(command)
    for name, fields, error in found:
        batch.fail(name, fields, error)
    if found:
        batch.finish(f"{len(found)} things are wrong, and nothing was done")


class SharedBar:
    """One bar for all items of a batch."""

    def __init__(self, bar: TransferBar, total: int) -> None:
        """Show *total* bytes on *bar*."""
        self._bar = bar
        self._total = total
        self._done: dict[str, int] = {}
        self._lock = Lock()

    def part(self, name: str) -> Progress | None:
        """Return what the transfer of one item calls."""
        if self._bar.callback is None:
            return None

        def advance(done: int, _: int | None) -> None:
            with self._lock:
                self._done[name] = done
                self._bar.advance(sum(self._done.values()), self._total)

        return advance

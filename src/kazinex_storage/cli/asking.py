"""Questions on the terminal: asked on standard error, answered on standard input, checked at once, hidden if secret.

Nobody is asked where there is no terminal: the caller says what is missing then. Read next: ``filling.py``.
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import typer

from ..errors import SettingsError
from ..values import value
from .exits import printable

TRIES = 3
"""How often an answer may be wrong before the question is given up."""

Check: TypeAlias = Callable[[str], str | None]
"""Says what is wrong with an answer, or None."""


@value
class Question:
    """One question."""

    name: str
    """What is asked for, in a word or two."""
    help: str = ""
    where: str = ""
    """Where the answer is found."""
    default: str | None = None
    """What an empty answer means; None: there has to be one."""
    secret: bool = False
    """Whether what is typed is not shown."""
    kept: bool = False
    """Whether an empty answer keeps a secret that is there already."""


def can_ask() -> bool:
    """Say whether a person is there to be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: Question, check: Check = lambda _: None) -> str:
    """Ask until *check* has nothing to say against the answer, three times at most.

    An empty answer is the default; of a secret that is *kept* it is empty.

    Raises:
        SettingsError: no answer was right.
        typer.Abort: the terminal is gone.
    """
    for text in filter(None, (question.help, question.where and f"Where: {question.where}")):
        say(text, indent=2)
    reason = ""
    for _ in range(TRIES):
        answer = _answer(question)
        if not answer and (question.kept or question.default is not None):
            return question.default or ""
        reason = (check(answer) or "") if answer else "an answer is needed"
        if not reason:
            return answer
        say(f"no: {reason}", indent=2)
    raise SettingsError(f"{question.name!r} was not right {TRIES} times: {reason}; look it up, then begin again")


def ask_which(name: str, options: Sequence[tuple[str, str]], default: str | None = None) -> str:
    """Have one of *options*, (what it is called here, title), chosen by number or name.

    Raises:
        SettingsError: no answer was right.
        typer.Abort: the terminal is gone.
    """
    say(name)
    for number, (_, title) in enumerate(options, 1):
        say(f"{number:>2}  {title}", indent=2, hanging=4)
    by_name = {called.casefold(): called for called, _ in options}

    def found(answer: str) -> str | None:
        if answer.isdecimal() and 1 <= int(answer) <= len(options):
            return options[int(answer) - 1][0]
        return by_name.get(answer.casefold())

    reason = f"answer with a number from 1 to {len(options)}"
    answer = ask(Question(name=f"1-{len(options)}", default=default), lambda answer: None if found(answer) else reason)
    return found(answer) or answer


def ask_yes(question: str, *, default: bool) -> bool:
    """Ask a question that yes or no answers.

    Raises:
        typer.Abort: the terminal is gone.
    """
    for line in wrapped(question)[:-1]:
        say(line)
    while True:
        answer = _line(f"{wrapped(question)[-1]} [{'Y/n' if default else 'y/N'}]: ").casefold()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")


def say(text: str, *, indent: int = 0, hanging: int = 0) -> None:
    """Write *text* to the person, in lines that the terminal holds; also when --quiet: it belongs to a question."""
    for line in wrapped(text, indent=indent, hanging=hanging):
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def wrapped(text: str, *, indent: int = 0, hanging: int = 0) -> list[str]:
    """Return *text* in lines as wide as the terminal, and no wider than one reads well."""
    blanks = " " * indent
    width = max(20, min(shutil.get_terminal_size().columns - 1, 100))
    found = textwrap.wrap(
        printable(text),
        width,
        initial_indent=blanks,
        subsequent_indent=blanks + " " * hanging,
        break_on_hyphens=False,
    )
    return found or [""]


def plain(text: str) -> str:
    """Return the docstring *text* as one line of plain text."""
    return " ".join(text.replace("``", "").split())


def listed(words: Iterable[str]) -> str:
    """Return *words* as one text, for a message."""
    return ", ".join(words) or "none"


def _answer(question: Question) -> str:
    if question.secret:
        empty = "; Enter keeps what was entered" if question.kept else "; Enter leaves it out"
        said = f"not shown{empty if question.kept or question.default is not None else ''}"
        # getpass prefers /dev/tty, which is the terminal even where standard error is a file.
        try:
            return getpass.getpass(f"{printable(question.name)} ({said}): ", stream=sys.stderr).strip()
        except EOFError:
            raise typer.Abort from None
    shown = f" [{question.default}]" if question.default else " [none]" if question.default is not None else ""
    return _line(f"{question.name}{shown}: ")


def _line(prompt: str) -> str:
    sys.stderr.write(printable(prompt))
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        raise typer.Abort
    return _as_unicode(line.strip())


def _as_unicode(text: str) -> str:
    """Return what was typed as text where the locale knows ASCII alone, and the terminal sent UTF-8."""
    try:
        return os.fsencode(text).decode("utf-8") if any("\udc80" <= each <= "\udcff" for each in text) else text
    except UnicodeDecodeError:
        return text

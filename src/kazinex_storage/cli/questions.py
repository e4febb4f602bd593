"""Questions before something is lost."""

from __future__ import annotations

import sys

import typer

from .exits import ExitCode, UsageError, printable


def confirm(question: str, *, yes: bool) -> None:
    """Ask *question* on the terminal unless *yes* answers it.

    Raises:
        UsageError: there is no terminal to ask on.
        typer.Exit: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this asks before it removes, and there is no terminal to ask on; add --yes")
    if not typer.confirm(printable(question), err=True):
        raise typer.Exit(ExitCode.FAILED)

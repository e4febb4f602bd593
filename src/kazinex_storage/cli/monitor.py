"""``monitor``: verifies the providers of all organisations again and again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Annotated

import typer

from ..verification import DEFAULT_TIMEOUT_S
from .command import command_of


def monitor(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Verify what is due, and end.")] = False,
    interval: Annotated[
        float, typer.Option(metavar="MINUTES", min=0.1, help="Between two verifications of one provider.")
    ] = 60,
    per_minute: Annotated[
        int, typer.Option("--per-minute", metavar="COUNT", min=1, help="Verifications that begin in a minute.")
    ] = 60,
    at_once: Annotated[
        int, typer.Option("--at-once", metavar="COUNT", min=1, help="Verifications under way at once.")
    ] = 4,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long one may take.")] = (
        DEFAULT_TIMEOUT_S
    ),
) -> None:
    """Verify the providers of all organisations again and again, and say when one is in another state.

    Several of these may run, on several machines: each check is done by one. PENDING providers wait for a person.
    """
    from ..monitoring.monitor import Monitor, Pace

    command = command_of(context)
    pace = Pace(interval=timedelta(minutes=interval), per_minute=per_minute, at_once=at_once, timeout_s=timeout)
    watching = Monitor(command.organisations, pace)
    if not once:
        command.out.note("watching; end it with Ctrl-C")
        watching.run(threading.Event())
        return
    done = watching.run_once()
    document = {
        "verified": done.verified,
        "changed": done.changed,
        "unreachable": done.unreachable,
        "skipped": done.skipped,
    }
    text = (
        f"{done.verified} verified, {done.changed} in another state than before, {done.unreachable} not reached, "
        f"{done.skipped} left to others"
    )
    command.out.result(document, [text])

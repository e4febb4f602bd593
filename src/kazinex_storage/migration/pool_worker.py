"""What a process of a ``ProcessPool`` does: a task for each line that comes in, a report for each line that goes out.

When nothing more can come, because the pool was closed or its process died, what is under way is finished and the
process ends. Ctrl-C reaches every process of a terminal; here it is left to the one that has the pool.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import IO

from ..json_text import parse_own_json, write_json
from .executors import Task, reason_of
from .tasks import run_task


def main() -> None:
    """Serve the pool on standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What libraries print must not come between reports.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        serve(sys.stdin, output)


def serve(lines: IO[str], output: IO[str]) -> None:
    """Run the tasks in *lines* one after another, and write what came of each to *output*."""
    waiting, ended = SimpleQueue[str | None](), Event()

    def read() -> None:
        for line in lines:
            waiting.put(line)
        ended.set()
        waiting.put(None)

    Thread(target=read, name="kazinex-pool-tasks", daemon=True).start()
    while (line := waiting.get()) is not None and not ended.is_set():
        output.write(_done(line, ended.is_set) + "\n")
        output.flush()


def _done(line: str, stop: Callable[[], bool]) -> str:
    try:
        return write_json(run_task(task_of(line), stop).to_dict())
    except Exception as error:  # the edge of a pool: what a task meets is its result
        return write_json({"failed": reason_of(error)})


def task_of(line: str) -> Task:
    """Return the task that ``Task.to_dict`` wrote.

    Raises:
        ValueError: it is none.
    """
    match parse_own_json(line):
        case {
            "opener": str() as opener,
            "organisation": str() as organisation,
            "run": str() as run,
            "kind": str() as kind,
            "number": int() as number,
            "partitions": int() as partitions,
            "workers": int() as workers,
        }:
            return Task(
                opener=opener,
                organisation=organisation,
                run=run,
                kind=kind,
                number=number,
                partitions=partitions,
                workers=workers,
            )
    raise ValueError("a line of a pool is no task")

"""Executors on this machine: the process itself, and a pool of processes that may be killed.

``concurrent.futures`` gives up a pool of which one process died, and runs the main module of the caller once more in
each. Here a process that dies is replaced, and each is a fresh interpreter that gets its tasks as lines of JSON.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Final, Self, cast

from ..errors import ClosedError
from ..json_text import parse_own_json, write_json
from .executors import Ends, Handle, Task, TaskReport, reason_of
from .tasks import run_task

# The search path of the caller, so that the same modules are found however the caller was started.
_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from kazinex_storage.migration.pool_worker import main; main()"
)
_GRACE_S: Final = 60.0
"""For what is under way when a pool is closed: objects that are being copied are finished."""


class InProcess:
    """Runs each task at once, on the thread that submits it."""

    def __init__(self) -> None:
        self._ended: dict[Handle, TaskReport | str] = {}
        self._closed = False

    @property
    def workers(self) -> int:
        """One."""
        return 1

    def submit(self, task: Task) -> Handle:
        """Run *task*."""
        try:
            self._ended[task.name] = run_task(task, lambda: self._closed)
        except Exception as error:  # the edge of a pool: what a task meets is its result
            self._ended[task.name] = reason_of(error)
        return task.name

    def wait(self, handles: Sequence[Handle], timeout_s: float) -> Ends:  # noqa: ARG002 -- all have ended
        """Say how *handles* are."""
        return _ends(handles, self._ended)

    def close(self) -> None:
        """Let the task under way end."""
        self._closed = True


class _Worker:
    """One process, and who reads what it says."""

    def __init__(self, events: SimpleQueue[tuple[_Worker, str | None]]) -> None:
        self.handle: Handle | None = None
        self._process = subprocess.Popen(  # noqa: S603 -- this interpreter with a program of ours
            [sys.executable, "-c", _PROGRAM, write_json(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._input = cast("IO[str]", self._process.stdin)
        Thread(target=self._read, args=(events,), name="kazinex-pool-reader", daemon=True).start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def send(self, handle: Handle, task: Task) -> None:
        """Have the process run *task*; a dead one is found out by who reads."""
        self.handle = handle
        with suppress(OSError):
            self._input.write(write_json(task.to_dict()) + "\n")
            self._input.flush()

    def end(self) -> None:
        """Ask it to end after what it has under way."""
        with suppress(OSError):
            self._input.close()

    def join(self, timeout_s: float) -> int:
        """Wait until it has ended, kill it after so many seconds, and return how it ended."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _read(self, events: SimpleQueue[tuple[_Worker, str | None]]) -> None:
        with cast("IO[str]", self._process.stdout) as output:
            for line in output:
                events.put((self, line))
        events.put((self, None))


class ProcessPool:
    """Runs tasks on processes of this machine, which open the catalogue of their environment by themselves.

    For one thread. A context manager that closes the pool.
    """

    def __init__(self, workers: int) -> None:
        """Have so many processes, which are started when there is work.

        Raises:
            ValueError: it is none.
        """
        if workers < 1:
            raise ValueError("a pool has one worker or more")
        self._most = workers
        self._workers: list[_Worker] = []
        self._queue: deque[tuple[Handle, Task]] = deque()
        self._events: SimpleQueue[tuple[_Worker, str | None]] = SimpleQueue()
        self._ended: dict[Handle, TaskReport | str] = {}
        self._closed = False

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def workers(self) -> int:
        """How many processes it has at most."""
        return self._most

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of the processes that run now."""
        return tuple(worker.pid for worker in self._workers)

    def submit(self, task: Task) -> Handle:
        """Have *task* run by the next free process.

        Raises:
            ClosedError: the pool is closed.
            OSError: the machine gives no more processes.
        """
        if self._closed:
            raise ClosedError("the pool of processes was closed; make another one")
        self._queue.append((task.name, task))
        self._feed()
        return task.name

    def wait(self, handles: Sequence[Handle], timeout_s: float) -> Ends:
        """Wait until one of *handles* has ended, for at most so many seconds."""
        end = time.monotonic() + timeout_s
        while not any(handle in self._ended for handle in handles):
            try:
                worker, line = self._events.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                break
            self._hear(worker, line)
        return _ends(handles, self._ended)

    def close(self) -> None:
        """Let each process finish the objects it has under way, and end; one that does not in a minute is killed."""
        self._closed = True
        self._queue.clear()
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
        end = time.monotonic() + _GRACE_S
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))

    def _feed(self) -> None:
        while self._queue and not self._closed:
            worker = next((each for each in self._workers if each.handle is None), None)
            if worker is None and len(self._workers) == self._most:
                return
            if worker is None:
                worker = _Worker(self._events)
                self._workers.append(worker)
            worker.send(*self._queue.popleft())

    def _hear(self, worker: _Worker, line: str | None) -> None:
        """Keep what a process said of its task; None: it has ended, and another one takes its place."""
        handle, worker.handle = worker.handle, None
        if line is None and worker in self._workers:
            self._workers.remove(worker)
            worker.end()
            code = worker.join(_GRACE_S)
            if handle is not None:
                self._ended[handle] = f"its process ended with code {code}"
        elif line is not None and handle is not None:
            self._ended[handle] = _report_of(line)
        self._feed()


def _report_of(line: str) -> TaskReport | str:
    match parse_own_json(line):
        case {
            "objects": int() as objects,
            "bytes": int() as size,
            "seconds": int() | float() as seconds,
            "stopped": str() | None as stopped,
        }:
            return TaskReport(objects=objects, bytes=size, seconds=seconds, stopped=stopped)
        case {"failed": str() as reason}:
            return reason
    return "its process said what nobody understands"


def _ends(handles: Sequence[Handle], ended: dict[Handle, TaskReport | str]) -> Ends:
    found = {handle: ended.pop(handle) for handle in handles if handle in ended}
    return (
        {handle: end for handle, end in found.items() if isinstance(end, TaskReport)},
        {handle: end for handle, end in found.items() if isinstance(end, str)},
        [handle for handle in handles if handle not in found],
    )

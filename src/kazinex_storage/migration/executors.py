"""A run on more than one process: what an executor is, and how a run is driven over one.

A task says which run and how many partitions, and nothing else: a worker opens the catalogue by itself, takes whatever
partitions are free, and records what came of them. The journal alone says what is done, so a task may be lost, or run
twice, and no share of the work waits for a worker that is slow. ``pools.py``, ``dask.py`` and ``ray.py`` are executors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Final, Protocol, TypeAlias

from ..errors import StorageError, UnavailableError
from ..values import value
from .journal import Journal, Run

FROM_ENVIRONMENT: Final = "kazinex_storage.migration.tasks:from_environment"
"""Opens the catalogue that the environment of the worker names."""

# Long enough that a task is worth sending (seconds of small objects), short enough that the last ones end together.
_MOST_PARTITIONS: Final = 8
_TASKS_OF_A_WORKER: Final = 2
"""In flight: one that it works on, and one that waits for it."""
_LOOK_S: Final = 0.5
_PAUSE_S: Final = 0.25
"""Before the next task, when one found that all that is left is held."""
_LAST_S: Final = 10.0
"""For what is under way when nothing is left: it finds that out by itself."""
# A worker that dies is nothing; workers that only die are a defect.
_DEATHS_OF_A_WORKER: Final = 4
_TASK: Final = ("opener", "organisation", "run", "kind", "number", "partitions", "workers")


@value
class Task:
    """Some partitions of a run, for one worker. It can be pickled, and holds no address, setting or secret."""

    opener: str
    """``module:function`` on the worker; the function returns (organisations, resolver)."""
    organisation: str
    run: str
    """The id of the run."""
    kind: str
    """Of the run: what people see in a dashboard."""
    number: int
    """Counts the tasks of a driver."""
    partitions: int
    """After how many partitions it ends; it takes those that are free."""
    workers: int = 1
    """How many share the limits of the run."""

    @property
    def name(self) -> str:
        """What the task is called where tasks are shown."""
        kind = f"{self.kind}-"  # with which most ids of runs begin
        return f"{kind}{self.run.removeprefix(kind)}-{self.number}"

    def to_dict(self) -> dict[str, object]:
        """Return the task as values that JSON can hold."""
        return {name: getattr(self, name) for name in _TASK}


@value
class TaskReport:
    """What came of a task."""

    objects: int = 0
    """How many entries were brought to an end."""
    bytes: int = 0
    """Of those that are on the target now."""
    seconds: float = 0.0
    stopped: str | None = None
    """Why the run cannot go on, such as credentials that are refused; None where it can."""

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {name: getattr(self, name) for name in ("objects", "bytes", "seconds", "stopped")}


Handle: TypeAlias = Hashable
"""What an executor gives for a task that was submitted."""
Ends: TypeAlias = tuple[Mapping[Handle, TaskReport], Mapping[Handle, str], Sequence[Handle]]
"""What has ended, what failed and why, and what is under way still."""


class Executor(Protocol):
    """Runs ``tasks.run_task`` somewhere, for any number of tasks."""

    @property
    def workers(self) -> int:
        """How many tasks run at once, now; at least 1."""
        ...

    def submit(self, task: Task) -> Handle:
        """Have *task* run as soon as a worker is free."""
        ...

    def wait(self, handles: Sequence[Handle], timeout_s: float) -> Ends:
        """Wait until one of *handles* has ended, for at most so many seconds, and say how all of them are.

        A task whose worker died, and that is not run again by itself, has failed.
        """
        ...

    def close(self) -> None:
        """Ask the tasks under way to end soon, and let no other one run; calling it twice is harmless."""
        ...


@value
class Workers:
    """Who works on a run beside the process that begins it, and how they open the catalogue."""

    executor: Executor
    """It stays the caller's to close."""
    opener: str = FROM_ENVIRONMENT
    """``module:function`` on the worker; the function returns (organisations, resolver)."""


def drive(workers: Workers, journal: Journal, run: Run, *, stop: Callable[[], bool] = bool) -> str | None:
    """Have *workers* work on *run*, which is planned, until none of its entries is PLANNED any more.

    Two tasks for each worker are in flight. What a dead worker left is taken up by the next task: at once on the same
    machine, after its lease on another one.

    Args:
        workers: Who works. Their executor is closed when *stop* says so, and when the run cannot go on.
        journal: Where the run is kept.
        run: The run.
        stop: Asked twice a second.

    Returns:
        Why it ended before nothing was left; None where nothing is.

    Raises:
        UnavailableError: workers only die, or cannot open the catalogue; the message says what the last one said.
        StorageError: the journal does not answer.
    """
    return _Drive(workers, journal, run).until_done(stop)


class _Drive:
    def __init__(self, workers: Workers, journal: Journal, run: Run) -> None:
        self._executor, self._opener = workers.executor, workers.opener
        self._journal, self._run = journal, run
        self._under_way: list[Handle] = []
        self._submitted = 0
        self._failed = 0
        """Tasks since the last one that did something."""
        self._not_before = 0.0
        """When a task is submitted again, after one that found nothing free."""

    def until_done(self, stop: Callable[[], bool]) -> str | None:
        """Submit tasks and wait for them; see ``drive``."""
        while left := len(self._journal.open_partitions(self._run)):
            if stop():
                self._executor.close()
                return "it was asked to stop"
            self._submit(left)
            stopped = self._settle()
            if stopped is not None:
                self._executor.close()
                return stopped
        end = time.monotonic() + _LAST_S
        while self._under_way and not stop() and time.monotonic() < end:
            self._settle()
        return None

    def _submit(self, left: int) -> None:
        workers = max(1, self._executor.workers)
        size = max(1, min(_MOST_PARTITIONS, left // (_TASKS_OF_A_WORKER * workers)))
        wanted = min(_TASKS_OF_A_WORKER * workers, -(-left // size))
        while len(self._under_way) < wanted and time.monotonic() >= self._not_before:
            self._submitted += 1
            task = Task(
                opener=self._opener,
                organisation=self._run.organisation,
                run=self._run.id,
                kind=self._run.kind.value,
                number=self._submitted,
                partitions=size,
                workers=workers,
            )
            self._under_way.append(self._executor.submit(task))

    def _settle(self) -> str | None:
        """Wait for what is under way, and return why the run cannot go on, if so."""
        if not self._under_way:
            Event().wait(min(_LOOK_S, max(0.0, self._not_before - time.monotonic())))
            return None
        done, failed, pending = self._executor.wait(self._under_way, _LOOK_S)
        self._under_way = list(pending)
        for report in done.values():
            if report.stopped is not None:
                return report.stopped
            if report.objects:
                self._failed = 0
            else:
                self._not_before = time.monotonic() + self._pause()
        for reason in failed.values():
            self._failed += 1
            if self._failed > _DEATHS_OF_A_WORKER * max(1, self._executor.workers):
                raise UnavailableError(f"the workers of run {self._run.id!r} fail, the last one with: {reason}")
        return None

    def _pause(self) -> float:
        """Return for how long there is no use in another task: until the first lease ends, but not for long."""
        end = self._journal.next_lease_end(self._run)
        return _PAUSE_S if end is None else max(_PAUSE_S, min(_LOOK_S, (end - datetime.now(UTC)).total_seconds()))


def reason_of(error: BaseException) -> str:
    """Return what is told of a task that raised *error*."""
    text = str(error) if isinstance(error, StorageError) else f"{type(error).__name__}: {error}"
    return text[:2000]

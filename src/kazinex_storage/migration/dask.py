"""A run on a cluster of Dask: partitions as tasks, workers that come, go and die, and the journal as the one record.

What a worker needs to open the catalogue is there already, in its own environment (``KAZINEX_STORAGE_DATABASE`` and
``KAZINEX_STORAGE_KEY``, or what a function of the host reads): the scheduler and the graph see ids, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final, Self, cast

from ..errors import SettingsError, UnavailableError
from .executors import Ends, Handle, Task, TaskReport, reason_of
from .tasks import run_task

try:
    from distributed import Client, Future, LocalCluster, wait
except ModuleNotFoundError as _error:
    raise SettingsError("a run on Dask needs distributed; pip install 'kazinex-storage[dask]'") from _error

LOCAL: Final = "local"
"""Stands for a cluster of processes on this machine, which lives as long as the executor."""

_RETRIES: Final = 2
"""Of a task that raised. One whose worker died is run again by the scheduler in any case."""


class DaskExecutor:
    """Runs tasks on the workers of a cluster; in the dashboard they are called after the run.

    A context manager. Closing it withdraws the tasks that have not begun; those under way end with their partitions.
    """

    def __init__(self, cluster: str | Client = LOCAL, *, workers: int | None = None, timeout_s: float = 30.0) -> None:
        """Work on a cluster.

        Args:
            cluster: The address of a scheduler (``tcp://host:8786``), a client, which stays the caller's to close, or
                ``local``.
            workers: How many processes a local cluster has; by default as many as the machine has cores.
            timeout_s: How long a scheduler at an address is waited for.

        Raises:
            UnavailableError: no scheduler answers there.
        """
        self._cluster: LocalCluster | None = None
        self._owned = not isinstance(cluster, Client)
        if isinstance(cluster, Client):
            self._client = cluster
        elif cluster == LOCAL:
            # One thread each: a task has many objects under way at once, and is one process's work.
            # Its workers are told to end when it closes, and some say at the last moment that nobody answers any more.
            self._cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, silence_logs=logging.CRITICAL
            )
            self._client = Client(self._cluster)
        else:
            try:
                self._client = Client(cluster, timeout=timeout_s)
            except (OSError, TimeoutError, ValueError) as error:
                raise UnavailableError(f"no scheduler of Dask answers at {cluster!r}: {error}") from error
        self._futures: set[Future[TaskReport]] = set()

    def __enter__(self) -> Self:
        """Return the executor."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def dashboard(self) -> str:
        """The address of the page that shows the tasks."""
        return str(self._client.dashboard_link)

    @property
    def workers(self) -> int:
        """How many threads the workers have in all, now.

        Raises:
            UnavailableError: the scheduler does not answer any more.
        """
        try:
            return max(1, sum(int(threads) for threads in self._client.nthreads().values()))
        except (OSError, TimeoutError) as error:
            raise UnavailableError(
                f"the scheduler of Dask does not answer any more ({error}); the same run goes on with another one"
            ) from error

    def submit(self, task: Task) -> Handle:
        """Have *task* run as soon as a worker is free; once more on another one when that dies."""
        # Not pure: the same words may mean work again. The name is unique among those of all drivers by the future.
        future = self._client.submit(run_task, task, key=f"{task.name}-{id(self):x}", pure=False, retries=_RETRIES)
        self._futures.add(future)
        return cast(Handle, future)

    def wait(self, handles: Sequence[Handle], timeout_s: float) -> Ends:
        """Wait until one of *handles* has ended, for at most so many seconds."""
        futures = [cast("Future[TaskReport]", handle) for handle in handles]
        with suppress(TimeoutError, CancelledError):  # the latter when a scheduler is gone: all are cancelled then
            wait(futures, timeout=timeout_s, return_when="FIRST_COMPLETED")
        done, failed = dict[Handle, TaskReport](), dict[Handle, str]()
        for future in futures:
            if future.status == "finished":
                done[future] = future.result()
            elif future.status in ("error", "cancelled", "lost"):
                failed[future] = _reason(future)
        self._futures -= {*done, *failed}
        return done, failed, [future for future in futures if future not in done and future not in failed]

    def close(self) -> None:
        """Withdraw what has not begun, and leave the cluster; a local one ends."""
        if self._futures:
            with suppress(OSError, TimeoutError):  # a scheduler that is gone has withdrawn them
                self._client.cancel(list(self._futures))
            self._futures = set()
        if self._owned:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None


def _reason(future: Future[TaskReport]) -> str:
    if future.status != "error":
        return f"the scheduler has {future.status} it"
    error = future.exception()
    return reason_of(error) if isinstance(error, BaseException) else "its worker raised something"

"""A run on a cluster of Ray: as on one of Dask, with the same tasks and the same journal.

Ray is in no extra: ``pip install ray`` where it is wanted. What a worker needs to open the catalogue is in the
environment of its node, or in the ``runtime_env`` that the caller gives to ``ray.init``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self, cast

from ..errors import SettingsError
from .executors import Ends, Handle, Task, TaskReport, reason_of
from .tasks import run_task

_RETRIES: Final = 2
"""Of a task whose worker died; one that raised is left to the driver."""


class RayExecutor:
    """Runs tasks on the cluster that ``ray.init`` joined, or starts one on this machine. A context manager."""

    def __init__(self, address: str | None = None) -> None:
        """Work on the cluster that this process has joined, else on the one at *address*, else on a new one.

        Raises:
            SettingsError: Ray is not installed.
            ConnectionError: there is no cluster at *address*.
        """
        try:
            import ray
        except ModuleNotFoundError as error:
            raise SettingsError("a run on Ray needs ray; pip install ray") from error
        self._ray = ray
        self._owned = not ray.is_initialized()
        if self._owned:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        self._run = ray.remote(num_cpus=1, max_retries=_RETRIES)(run_task)
        self._references: set[Handle] = set()

    def __enter__(self) -> Self:
        """Return the executor."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def workers(self) -> int:
        """How many processors the cluster has, now."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, task: Task) -> Handle:
        """Have *task* run as soon as a worker is free; again on another one when that dies."""
        reference = cast(Handle, self._run.options(name=task.name).remote(task))
        self._references.add(reference)
        return reference

    def wait(self, handles: Sequence[Handle], timeout_s: float) -> Ends:
        """Wait until one of *handles* has ended, for at most so many seconds."""
        ended, pending = self._ray.wait(list(handles), num_returns=1, timeout=timeout_s) if handles else ([], [])
        done, failed = dict[Handle, TaskReport](), dict[Handle, str]()
        for reference in ended:
            try:
                done[reference] = self._ray.get(reference)
            except Exception as error:  # the edge of a cluster: Ray raises what the task raised, and errors of its own
                failed[reference] = reason_of(error)
        self._references -= {*done, *failed}
        return done, failed, list(pending)

    def close(self) -> None:
        """Withdraw what has not begun; a cluster that was started here ends."""
        for reference in self._references:
            self._ray.cancel(reference)
        self._references = set()
        if self._owned:
            self._ray.shutdown()
            self._owned = False

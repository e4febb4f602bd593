"""Partitions of a run, one after another, each under a lease that is renewed while it is worked on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ..errors import RecordConflictError, RecordNotFoundError, StorageError
from ..lazy import logger
from .journal import Journal, Partition, Run, RunState

LEASE: Final = timedelta(seconds=30)
"""How long a partition is held without a sign of life of its process."""

# Another process holds what is left: it is asked again after at most this long whether that has ended.
_LOOK_AGAIN_S: Final = 0.5
_TRIES: Final = 20

_log = logger(__name__)


def never() -> bool:
    """Say that there is no reason to stop."""
    return False


class Leased:
    """A lease on one partition."""

    __slots__ = ("lost", "partition")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        """What is held."""
        self.lost = False
        """Whether another process has it now, so that this one stops working on it."""


def partitions(
    journal: Journal,
    run: Run,
    owner: str,
    *,
    stop: Callable[[], bool] = never,
    lease: timedelta = LEASE,
    wait: bool = True,
) -> Generator[Leased, None, None]:
    """Yield each partition that nobody holds, until none is open; it is given back when the next one is asked for.

    Args:
        journal: Where the run is kept.
        run: The run.
        owner: Who works; see ``owners.this_owner``.
        stop: Asked before each one.
        lease: For how long a partition is held at a time.
        wait: Whether to wait for what other processes hold, which may die.

    Raises:
        StorageError: the journal does not answer.
    """
    while not stop():
        now = datetime.now(UTC)
        found = journal.claim(run, owner, now=now, until=now + lease)
        if found is not None:
            with _leased(journal, run, found, owner, lease) as held:
                yield held
        elif not wait or not journal.open_partitions(run):
            return
        else:
            threading.Event().wait(_LOOK_AGAIN_S)


def advance(journal: Journal, run: Run, change: Callable[[Run], Run]) -> Run:
    """Put what *change* makes of the kept run in its place, and return it; one that changes nothing is left alone.

    Raises:
        RecordNotFoundError: the run was dropped.
        RecordConflictError: other processes keep changing it.
    """
    for _ in range(_TRIES):
        kept = journal.run(run.organisation, run.id)
        if kept is None:
            raise RecordNotFoundError(f"the run {run.id!r} is not there any more; it was dropped")
        changed = change(kept)
        if changed == kept:
            return kept
        try:
            return journal.replace_run(changed)
        except RecordConflictError:
            continue
    raise RecordConflictError(f"the run {run.id!r} is being changed by other processes; try again")


def in_state(state: RunState, *, ended_at: datetime | None = None) -> Callable[[Run], Run]:
    """Return the change that gives a run that *state*, for ``advance``."""
    return lambda run: replace(run, state=state, ended_at=ended_at if ended_at is not None else run.ended_at)


@contextmanager
def _leased(journal: Journal, run: Run, partition: Partition, owner: str, lease: timedelta) -> Iterator[Leased]:
    held, done = Leased(partition), threading.Event()

    def renew() -> None:
        while not done.wait(lease.total_seconds() / 3):
            try:
                if not journal.renew(run, partition.number, owner, until=datetime.now(UTC) + lease):
                    held.lost = True
                    return
            except StorageError as error:  # the next sign of life may come through
                _log.warning("the lease on a partition could not be renewed: %s", error)

    thread = threading.Thread(target=renew, name="kazinex-lease", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        done.set()
        thread.join()
        journal.release(run, partition.number, owner)

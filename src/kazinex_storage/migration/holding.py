"""The partitions that one worker holds: claimed, renewed on a thread of its own, and given back.

A large object may take an hour; meanwhile the thread that copies does nothing else.
"""

from __future__ import annotations

from _thread import allocate_lock
from datetime import UTC, datetime, timedelta
from threading import Thread
from types import TracebackType
from typing import Self

from ..errors import StorageError
from ..lazy import logger
from .journal import Journal, Partition, Run

_log = logger(__name__)


class Holdings:
    """The leases of one worker; a context manager that gives back what is left of them."""

    def __init__(self, journal: Journal, run: Run, owner: str, lease: timedelta) -> None:
        """Hold partitions of *run* in the name of *owner*, each for *lease* at a time."""
        self._journal, self._run, self._owner, self._lease = journal, run, owner, lease
        self._left: dict[int, int | None] = {}
        """Entries that are not recorded, by partition; None while they are not counted."""
        self._lost: set[int] = set()
        """Partitions that another one has taken over."""
        self._end = allocate_lock()
        self._thread: Thread | None = None

    def claim(self) -> Partition | None:
        """Lease the next partition; None when none is free.

        Raises:
            StorageError: the journal does not answer.
        """
        now = datetime.now(UTC)
        partition = self._journal.claim(self._run, self._owner, now=now, until=now + self._lease)
        if partition is not None:
            self._lost.discard(partition.number)
            self._left[partition.number] = None
        return partition

    def expect(self, partition: int, entries: int) -> None:
        """Learn how many entries of a partition are to be done."""
        self._left[partition] = entries
        if not entries:
            self._give_back(partition)

    def holds(self, partition: int) -> bool:
        """Say whether a partition is still held."""
        return partition in self._left and partition not in self._lost

    def is_last(self, partition: int, entries: int) -> bool:
        """Say whether nothing of a partition is left once so many *entries* of it are recorded."""
        return self._left.get(partition) == entries

    def settle(self, partition: int) -> None:
        """Count one entry of a partition as recorded, and give the partition back after the last one."""
        left = self._left.get(partition)
        if left is not None:
            self._left[partition] = left - 1
            if left == 1:
                self._give_back(partition)

    def _give_back(self, partition: int) -> None:
        self._left.pop(partition, None)
        self._journal.release(self._run, partition, self._owner)

    def __enter__(self) -> Self:
        self._end.acquire()
        self._thread = Thread(target=self._renew, name="kazinex-leases", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.release()
        if self._thread is not None:
            self._thread.join()
        try:
            for partition in list(self._left):
                self._give_back(partition)
        except StorageError as trouble:  # they end by themselves
            _log.warning("leases of run %s could not be given back: %s", self._run.id, trouble)
            if error is None:
                raise

    def _renew(self) -> None:
        """Renew what is held three times in each lease, until the end."""
        while not self._end.acquire(timeout=self._lease.total_seconds() / 3):
            for partition in set(self._left) - self._lost:
                try:
                    until = datetime.now(UTC) + self._lease
                    if not self._journal.renew(self._run, partition, self._owner, until=until):
                        _log.warning("partition %d of run %s is held by another process", partition, self._run.id)
                        self._lost.add(partition)
                except StorageError as trouble:  # the next time, or another process takes it over
                    _log.warning("the lease of partition %d was not renewed: %s", partition, trouble)

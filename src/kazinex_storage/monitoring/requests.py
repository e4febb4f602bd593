"""Counts what is asked of each provider: attempts by class, those that were throttled, those that failed.

Counts are kept in memory and added to the catalogue in batches, by a thread of its own: no request waits for that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from ..documents.quotas import RequestClass, RequestCount
from ..errors import StorageError
from ..lazy import logger
from ..secrecy.pickling import not_pickled
from ..transport import Observation

if TYPE_CHECKING:
    from ..organisations import Organisations

_log = logger(__name__)

FLUSH_S: Final = 10.0
"""Seconds between two batches; what a killed process had not written is lost."""

_CLASSES: Final[dict[str, RequestClass]] = {
    "get": "read",
    "head": "read",
    "put": "write",
    "copy": "write",
    "move": "write",
    "list": "list",
    "delete": "delete",
}
_THROTTLED: Final = frozenset({429, 503})  # S3: SlowDown is a 503
_REFUSED: Final = frozenset({401, 403})

_Key = tuple[str, str, date, RequestClass]


@not_pickled("make one there")
class RequestCounter:
    """Counts the requests of the organisations of one resolver. Thread-safe and fork-safe.

    Set it before the resolver is used: ``resolver.meter = RequestCounter(organisations)``; close it after the resolver.
    """

    def __init__(self, organisations: Organisations, *, every_s: float = FLUSH_S) -> None:
        """Add what is counted to the catalogue of *organisations* every so many seconds, while there is something.

        Raises:
            ValueError: that is not positive.
        """
        if every_s <= 0:
            raise ValueError(f"every_s is a positive number of seconds, not {every_s}")
        self._table = organisations.catalogue.usage
        self._every_s = every_s
        self._counts: dict[_Key, list[int]] = {}
        self._thread_begun = False
        self._begin()

    def of(self, organisation: str, provider: str) -> Callable[[Observation], object]:
        """Return the observer of the requests to one provider."""
        return partial(self._count, organisation, provider)

    def flush(self) -> None:
        """Add what was counted so far to the catalogue.

        Raises:
            StorageError: the catalogue does not answer; nothing is lost, the next flush has it too.
        """
        with self._flushing:
            with self._lock:
                taken, self._counts = self._counts, {}
            if not taken:
                return
            counts = [
                RequestCount(
                    organisation=key[0],
                    provider=key[1],
                    day=key[2],
                    request_class=key[3],
                    requests=found[0],
                    throttled=found[1],
                    failed=found[2],
                )
                for key, found in taken.items()
            ]
            try:
                self._table.count_requests(counts)
            except StorageError:
                for key, found in taken.items():
                    self._add(key, found)
                raise

    def close(self) -> None:
        """Flush, and end the thread; what is counted later is added by a later ``flush`` alone.

        Raises:
            StorageError: the catalogue does not answer.
        """
        self._closed.set()
        self.flush()

    def _count(self, organisation: str, provider: str, seen: Observation) -> None:
        failed = seen.error is not None or seen.status >= 500 or seen.status in _REFUSED
        key = (organisation, provider, datetime.now(UTC).date(), class_of(seen))
        self._add(key, [1, int(seen.status in _THROTTLED), int(failed)])

    def _add(self, key: _Key, more: list[int]) -> None:
        if self._pid != os.getpid():
            self._begin()  # a child does not write what its parent has counted
        with self._lock:
            kept = self._counts.setdefault(key, [0, 0, 0])
            for place, count in enumerate(more):
                kept[place] += count
            begin, self._thread_begun = not self._thread_begun, True
        if begin and not self._closed.is_set():
            threading.Thread(
                target=self._run, args=(self._closed,), name="kazinex-storage-requests", daemon=True
            ).start()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock, self._flushing, self._closed = threading.Lock(), threading.Lock(), threading.Event()
        self._counts, self._thread_begun = {}, False

    def _run(self, closed: threading.Event) -> None:
        while not closed.wait(self._every_s):
            try:
                self.flush()
            except StorageError as error:
                _log.warning("what was asked of providers could not be added to the catalogue, and is kept: %s", error)


def class_of(seen: Observation) -> RequestClass:
    """Return what the request is counted as."""
    return _CLASSES.get(seen.operation, "other")

"""Abandoned uploads in parts: found again, discarded, or remembered until that succeeds.

A put that fails aborts its upload. That may not work: the service refuses the abort, or the response to the beginning
is lost, and with it the id of the upload. No service lists the metadata of unfinished uploads; ADR 0016 says how a lost
one is recognised as ours, and that one which might be another writer's is left to ``sweep``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ...errors import NotFoundError, StorageError
from ...lazy import logger
from ...transport import Exchange
from ...transport.fork_lock import ForkLock
from ...types import PendingUpload
from ...values import value
from .answers import parse_parts, parse_uploads
from .errors import S3
from .headers import date_of
from .part_requests import PartRequests
from .requests import Requests

_log = logger(__name__)

PATIENCE_S: Final = 10.0
"""How many seconds cleaning up waits for a service that does not answer; the caller is waiting for the error."""

# Services give their time and the beginning of an upload in whole seconds, rounded down.
_SLACK: Final = timedelta(seconds=2)

# A request that was broken off may have arrived, and be carried out later.
_LATEST: Final = timedelta(seconds=10)
"""How long after it was given up an upload may still begin."""

# In that time another process may have restarted the job; a part of 8 MiB takes ten minutes at 14 kB/s.
_QUIET: Final = timedelta(minutes=10)
"""How long after that it is left alone: a writer in progress has sent a part by then."""

_MOST: Final = 1000
"""How many lost beginnings are remembered; in an outage the first ones say enough."""

_AT_ONCE: Final = 4
"""How many remembered uploads are discarded whenever another one begins."""

_TRIES: Final = 3
"""How often an upload with parts left is aborted: they may have arrived after the first abort."""


@value(kw_only=False)
class _Lost:
    """Responses that never came: for *count* uploads to one key, begun between two moments of our clock."""

    key: str
    since: datetime
    until: datetime
    count: int


class Orphans:
    """The uploads that one provider left behind. Thread-safe and fork-safe."""

    def __init__(self, requests: Requests, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Clean up in the bucket of *requests*."""
        self._codec = requests.codec
        self._requests = PartRequests(requests)
        self._now = now
        self._lock = ForkLock()
        self._own: set[str] = set()
        """Uploads that this process is working on."""
        self._abandoned: dict[str, str] = {}
        """Key by upload id."""
        self._lost: list[_Lost] = []

    @property
    def count(self) -> int:
        """How many are remembered."""
        return len(self._abandoned) + sum(lost.count for lost in self._lost)

    def now(self) -> datetime:
        """Return the time to record a beginning with."""
        return self._now()

    def began(self, upload_id: str) -> None:
        """Record that this process is working on an upload."""
        with self._lock:
            self._own.add(upload_id)

    def ended(self, upload_id: str) -> None:
        """Record that the upload is completed or aborted."""
        with self._lock:
            self._own.discard(upload_id)
            self._abandoned.pop(upload_id, None)

    def remember(self, key: str, upload_id: str) -> None:
        """Remember an upload that could not be aborted."""
        with self._lock:
            self._abandoned[upload_id] = key
        _log.warning("an unfinished upload to %r is left; the next upload or a sweep of this process aborts it", key)

    def remember_lost(self, key: str, since: datetime, count: int) -> None:
        """Remember that *count* uploads to *key* with unknown ids may have begun *since* then."""
        with self._lock:
            if len(self._lost) < _MOST:
                self._lost.append(_Lost(key, since, self._now() + _LATEST, count))
        _log.warning("an upload to %r may have begun whose id was lost; a later upload or a sweep looks for it", key)

    def abort(self, key: str, upload_id: str) -> Exchange[None]:
        """Discard an upload, and check whether parts arrived after that.

        Raises:
            StorageError: the service refuses, or does not answer; it is remembered.
        """
        try:
            for _ in range(_TRIES):
                request = self._requests.abort(key, upload_id)
                yield from S3.send(replace(request, patience_s=PATIENCE_S), ok=(200, 204, 404), key=key)
                if not (yield from self._has_parts(key, upload_id)):
                    break
        except BaseException:
            self.remember(key, upload_id)
            raise
        self.ended(upload_id)

    def find(self, key: str, since: datetime, count: int, *, broken_off: bool) -> Exchange[None]:
        """Look for up to *count* uploads to *key* that began *since* then without our knowledge; abort them.

        Those that could be another writer's are left; if the look fails, they are remembered, and so is an upload
        whose beginning was *broken_off* and may still happen.
        """
        try:
            found = yield from self._look(_Lost(key, since, self._now(), count))
            if broken_off and not found:
                self.remember_lost(key, since, count)
        except StorageError:
            self.remember_lost(key, since, count)
        except BaseException:
            self.remember_lost(key, since, count)
            raise

    def sweep(self, prefix: str = "", most: int = _AT_ONCE) -> Exchange[int]:
        """Discard up to *most* of the remembered uploads below *prefix*; return how many are gone."""
        before = self.count
        for upload_id, key in [item for item in list(self._abandoned.items()) if item[1].startswith(prefix)][:most]:
            try:
                yield from self.abort(key, upload_id)
            except StorageError:
                return before - self.count
        quiet = self._now() - _QUIET
        for lost in [each for each in list(self._lost) if each.key.startswith(prefix) and each.until < quiet][:most]:
            try:
                yield from self._look(lost)
            except StorageError:
                break
            with self._lock:
                if lost in self._lost:
                    self._lost.remove(lost)
        return max(0, before - self.count)

    def _look(self, lost: _Lost) -> Exchange[bool]:
        """Abort the uploads that are the lost ones, and say whether there were any.

        Raises:
            StorageError: the service refuses, or does not answer.
        """
        request = self._requests.list_uploads(self._codec.name_of(lost.key), None)
        response = yield from S3.send(replace(request, patience_s=PATIENCE_S), key=lost.key)
        found, _ = parse_uploads(response.body)
        ahead = (date_of(response.headers.get("date")) or self._now()) - self._now()
        begun = lost.since + ahead - _SLACK, lost.until + ahead + _SLACK
        ours = yield from self._ours(lost, found, begun)
        if len(ours) > lost.count:
            _log.warning(
                "%d uploads to %r began while the answers to %d of ours were lost; some may be another writer's, so "
                "they stay until a sweep finds them old enough",
                *(len(ours), lost.key, lost.count),
            )
            return True
        for upload in ours:
            yield from self.abort(lost.key, upload.upload_id)
        return bool(ours)

    def _ours(
        self, lost: _Lost, found: Sequence[PendingUpload], begun: tuple[datetime, datetime]
    ) -> Exchange[list[PendingUpload]]:
        """Return the uploads to that key, begun in that time, without parts, that this process is not working on."""
        ours = []
        name = self._codec.name_of(lost.key)
        for upload in found:
            at = upload.begun_at
            if upload.key != name or upload.upload_id in self._own or at is None or not begun[0] <= at <= begun[1]:
                continue
            if not (yield from self._has_parts(lost.key, upload.upload_id)):
                ours.append(upload)
        return ours

    def _has_parts(self, key: str, upload_id: str) -> Exchange[bool]:
        """Say whether the service holds parts of an upload.

        Raises:
            StorageError: it does not say.
        """
        request = self._requests.list_parts(key, upload_id, 0)
        try:
            response = yield from S3.send(replace(request, patience_s=PATIENCE_S), key=key)
        except NotFoundError:
            return False
        return bool(parse_parts(response.body)[0])

"""Large bodies: an upload session, whose fragments go one after another. Nothing of it is visible before the last.

learn.microsoft.com/graph/api/driveitem-createuploadsession (read 2026-08): fragments are multiples of 320 KiB and
smaller than 60 MiB; 416 means that the bytes are there already, 404 that the session is gone. A 503 may follow work
that was done, so after a doubt the session is asked how far it has come.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ...bodies.part_plan import PartPlan, plan_parts
from ...bodies.part_upload import MemoryBody, send_in_order
from ...bodies.quickxor import QuickXorHash
from ...bodies.source import Source
from ...errors import IntegrityError, StorageError, UnavailableError
from ...transport import BodySlice, Exchange, Response, Wait
from ...transport.status import RETRY_STATUSES
from ...types import MIB, ObjectInfo, PartInfo, PartRule, PutMode, PutOptions
from .answers import next_offset, parse_json
from .errors import GRAPH, map_error
from .folders import make_folders
from .library import Library
from .objects import Objects, Sent
from .requests import Writing

_log = logging.getLogger(__name__)

_UNIT: Final = 320 * 1024
RULE: Final = PartRule(min_part_bytes=_UNIT, max_part_bytes=60 * MIB - _UNIT, max_parts=1_000_000, multiple_of=_UNIT)
"""How fragments are cut; the page does not limit their number."""

# "10 MiB for high-speed connections" — the page above; 32 times 320 KiB.
FRAGMENT_BYTES: Final = 10 * MIB

# An upload URL is a credential of its own: one that is not accepted any more is as good as gone.
GONE: Final = (401, 404, 410)
"""What a session answers that is no more."""

PATIENCE_S: Final = 10.0
"""Seconds that cleaning up waits for a service which does not answer; the caller waits for his error."""

_AT_ONCE: Final = 4
"""So many sessions that are left are thrown away for each that begins."""

_SESSIONS: Final = 3
"""Sessions that one upload begins at most."""
_DOUBTS: Final = 5
"""How often one fragment is asked about."""
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 60.0


class SessionGoneError(Exception):
    """The service has lost the session; the upload starts again."""


class UploadSessions:
    """Large writes to one library."""

    def __init__(self, objects: Objects) -> None:
        """Write large bodies to the library of *objects*."""
        self._objects = objects
        self._library: Library = objects.library
        self._requests = objects.library.requests
        self._left: dict[str, None] = {}
        """URLs of sessions that could not be thrown away, in order."""

    @property
    def left(self) -> int:
        """How many sessions could not be thrown away."""
        return len(self._left)

    def upload(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a large body; two requests and one for each fragment, where the folder was seen.

        Raises:
            IntegrityError: the body changed while it was being sent.
            UnavailableError: the service loses every session.
            StorageError: as in ``StorageProvider.put``; the session was thrown away.
        """
        path = self._library.path_of(key)
        yield from self._objects.folders.check(key, path)
        writing = yield from self._objects.admit(key, path, options)
        plan = plan_parts(source.size, RULE, wanted_part_bytes=FRAGMENT_BYTES)
        for _ in range(_SESSIONS):
            url = yield from self.begin(key, path, plan.size, writing, options)
            if url is None:
                writing = yield from self._objects.admit(key, path, options)
                continue
            try:
                found = yield from self.send(key, path, source, options, Sending(self._objects, url, plan))
            except GeneratorExit:
                self._remember(url)
                raise  # the exchange is no longer driven, so nothing can be sent
            except BaseException as error:
                yield from self.cancel(url)
                if isinstance(error, SessionGoneError):
                    continue
                raise
            if found is not None:
                return found
            yield from self.cancel(url)
            writing = yield from self._objects.admit(key, path, options)
        raise UnavailableError(
            "SharePoint lost the upload again and again, or others write to the same key; repeat it later", key=key
        )

    def send(
        self, key: str, path: str, source: Source, options: PutOptions, sending: Sending
    ) -> Exchange[ObjectInfo | None]:
        """Send the whole body in one session; None when another writer was faster and is to be replaced.

        Raises:
            SessionGoneError: the session is lost.
            StorageError: as in ``upload``.
        """
        answer = yield from sending.send(source)
        sent = _sent(source, sending)
        if answer is None:  # the last answer was lost
            item = yield from self._objects.find_own_write(key, path, sent)
            if item is None:
                raise SessionGoneError
            return self._objects.accepted(key, path, item, sent)
        if answer.status in (200, 201):
            return (yield from self._objects.stored(key, path, answer, sent))
        if options.mode is PutMode.REPLACE and options.if_match is None and answer.attempts == 1:
            return None
        return (yield from self._objects.refused(key, path, answer, options, sent))

    def begin(self, key: str, path: str, size: int, writing: Writing, options: PutOptions) -> Exchange[str | None]:
        """Return the URL of a new session; None when another writer was faster and is to be replaced.

        Raises:
            UnavailableError: Graph gave no URL.
            StorageError: the service refuses.
        """
        drive = yield from self._library.drive()
        late: list[Response] = []
        request = replace(self._requests.begin(drive, path, size, writing), late=late.append)
        try:
            response: Response = yield request
            if response.status == 404:
                self._objects.folders.forget(path)
                yield from make_folders(self._library, key, path)
                response = yield request
        except BaseException as error:
            for answer in late:
                if answer.status == 200 and not isinstance(error, GeneratorExit):
                    yield from self.cancel(str(parse_json(answer).get("uploadUrl")))
            raise
        if response.status in (409, 412) and options.mode is PutMode.REPLACE and options.if_match is None:
            return None
        url = parse_json(GRAPH.judge(response, key=key)).get("uploadUrl")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise UnavailableError("Graph gave no URL to upload to; repeat it", key=key)
        if self._left:
            yield from self.sweep(most=_AT_ONCE)
        return url

    def cancel(self, url: str) -> Exchange[None]:
        """Throw a session away; one that cannot be thrown away now is remembered, and expires by itself."""
        try:
            response: Response = yield replace(self._requests.session(url, cancel=True), patience_s=PATIENCE_S)
        except StorageError:
            self._remember(url)
            return
        except BaseException:
            self._remember(url)
            raise
        if response.status == 429 or response.status >= 500:
            self._remember(url)
        else:
            self._left.pop(url, None)

    def sweep(self, most: int) -> Exchange[int]:
        """Throw away *most* of the sessions that are remembered; return how many are gone."""
        before = len(self._left)
        for url in list(self._left)[:most]:
            yield from self.cancel(url)
        return max(0, before - len(self._left))

    def _remember(self, url: str) -> None:
        if url not in self._left:
            self._left[url] = None
            _log.warning("an upload session is left; the next upload or a sweep of this process throws it away")


class Sending:
    """One session on its way."""

    def __init__(
        self,
        owner: Objects,
        url: str,
        plan: PartPlan,
        *,
        start: int = 0,
        prove: Callable[[], None] = lambda: None,
    ) -> None:
        """Send to *url* what is cut by *plan*, from the byte *start* on; *prove* the body before its last fragment."""
        self._owner = owner
        self._start = start
        self._prove = prove
        self._requests = owner.library.requests
        self._url = url
        self._plan = plan
        self._last: Response | None = None
        self.digest = QuickXorHash()
        """Of what was sent so far."""

    def send(self, source: Source) -> Exchange[Response | None]:
        """Send the whole of *source* and return the answer that ended it; None when that was lost."""
        self._last = None
        yield from send_in_order(source, self._plan, self._fragment, self.digest.update, self._owner)
        return self._last

    def _fragment(self, number: int, data: memoryview) -> Exchange[PartInfo]:
        first = (number - 1) * self._plan.part_bytes
        end = first + len(data)
        offset = max(first, self._start)
        if offset >= end:
            return _part(number, data)
        if end == self._plan.size:
            self._prove()
        failure: StorageError = UnavailableError("SharePoint does not take a part of the upload; repeat it later")
        for doubts in range(_DOUBTS):
            body = BodySlice(source=MemoryBody(data[offset - first :]), offset=0, size=end - offset)
            response, lost = yield from self._once(body, offset)
            if response is None or response.status in RETRY_STATUSES:
                failure = lost if response is None else map_error(response)
                if (failure.retry_after_s or 0.0) > _LONGEST_PAUSE_S:
                    raise failure
                yield Wait(_pause_s(doubts, failure.retry_after_s))
                offset = yield from self._reached()
            elif response.status in GONE:
                return self._gone(number, data, end)
            elif response.status == 202:
                offset = next_offset(response, self._plan.size)
            elif response.status == 416:
                offset = yield from self._reached()
            else:
                self._last = replace(response, attempts=response.attempts + doubts)
                if response.status in (200, 201, 409, 412):
                    return _part(number, data)
                raise map_error(response)
            if offset >= end:
                return _part(number, data)
            if offset < first:
                raise SessionGoneError
        raise failure

    def _once(self, body: BodySlice, offset: int) -> Exchange[tuple[Response | None, UnavailableError]]:
        """Send a fragment and return its answer, or the error when that was lost: what arrived is to be asked for."""
        lost = UnavailableError("SharePoint does not answer")
        try:
            response: Response = yield self._requests.fragment(self._url, body, offset, self._plan.size)
        except UnavailableError as error:
            return None, error
        return response, lost

    def _gone(self, number: int, data: memoryview, end: int) -> PartInfo:
        """Go on after the last fragment: its answer may have been lost, and a session that is done is gone."""
        if end < self._plan.size:
            raise SessionGoneError
        return _part(number, data)

    def _reached(self) -> Exchange[int]:
        """Ask the session how far it has come."""
        response = yield from GRAPH.send(self._requests.session(self._url), ok=(200, *GONE))
        if response.status in GONE:
            return self._plan.size  # done, or gone: a look at the file decides
        return next_offset(response, self._plan.size)


def _pause_s(doubts: int, asked_s: float | None) -> float:
    return max(asked_s or 0.0, _FIRST_PAUSE_S * 2.0**doubts)


def _part(number: int, data: memoryview) -> PartInfo:
    return PartInfo(number=number, size=len(data), etag="")


def _sent(source: Source, sending: Sending) -> Sent:
    checksum = source.checksum
    if checksum is None:
        raise IntegrityError("the body was read by somebody else meanwhile; repeat it")
    return Sent(source.size, sending.digest.digest().hex(), checksum.value)

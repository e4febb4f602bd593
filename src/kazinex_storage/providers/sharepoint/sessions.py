"""Large bodies: an upload session, whose fragments go one after another. Nothing is visible before the last one.

learn.microsoft.com/graph/api/driveitem-createuploadsession (read 2026-08): fragments are multiples of 320 KiB and
smaller than 60 MiB; 416 means that the bytes are there already, 404 that the session is gone. A 503 may follow work
that was done, so after a doubt the session is asked how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from ...bodies.part_plan import PartPlan, plan_parts
from ...bodies.part_upload import MemoryBody, send_in_order
from ...bodies.quickxor import QuickXorHash
from ...bodies.source import Source
from ...errors import IntegrityError, StorageError, UnavailableError
from ...lazy import logger
from ...transport import BodySlice, Exchange, Response, Wait
from ...transport.status import RETRY_STATUSES
from ...types import MIB, ObjectInfo, PartInfo, PartRule, PutMode, PutOptions
from .answers import next_offset, parse_json
from .errors import GRAPH, map_error
from .hashing import Sent
from .objects import Objects
from .requests import Writing

_log = logger(__name__)

_UNIT: Final = 320 * 1024
RULE: Final = PartRule(min_part_bytes=_UNIT, max_part_bytes=60 * MIB - _UNIT, max_parts=1_000_000, multiple_of=_UNIT)
"""How fragments are cut; the page does not limit their number."""

# "10 MiB for high-speed connections" — the page above; 32 times 320 KiB.
FRAGMENT_BYTES: Final = 10 * MIB

# An upload URL is a credential of its own: one that is no longer accepted is as good as gone.
GONE: Final = (401, 404, 410)
"""What is answered for a session that is gone."""

PATIENCE_S: Final = 10.0
"""Seconds that cleaning up waits for a service that does not answer: the caller is waiting for its error."""

_AT_ONCE: Final = 4
"""How many sessions that were left behind are thrown away for each that begins."""

_SESSIONS: Final = 3
"""Sessions that one upload begins at most."""
_DOUBTS: Final = 5
"""How often one fragment is sent or asked about."""
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 60.0


class SessionGoneError(Exception):
    """The service has lost the session; the upload starts over."""


def fragments_of(size: int) -> PartPlan:
    """Return how a body of *size* bytes is cut."""
    return plan_parts(size, RULE, wanted_part_bytes=FRAGMENT_BYTES)


class UploadSessions:
    """Large writes to one library. Every exchange raises ``StorageError`` when the service refuses."""

    def __init__(self, objects: Objects) -> None:
        """Write large bodies to the library of *objects*."""
        self.objects = objects
        """The files of that library."""
        self.requests = objects.library.requests
        """What builds the requests."""
        self._left: dict[str, None] = {}
        """URLs of sessions that could not be thrown away, in order."""

    @property
    def left(self) -> int:
        """How many sessions could not be thrown away."""
        return len(self._left)

    def upload(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a large body; two requests and one for each fragment, if the folder was seen.

        After an error the session is thrown away.

        Raises:
            IntegrityError: the body changed while it was being sent.
            UnavailableError: the service loses every session.
        """
        path = self.objects.library.path_of(key)
        yield from self.objects.folders.check(key, path)
        writing = yield from self.objects.admit(key, path, options)
        plan = fragments_of(source.size)
        for _ in range(_SESSIONS):
            url = yield from self.begin(key, path, plan.size, writing, options)
            if url is not None:
                try:
                    found = yield from self.send(key, path, source, options, Sending(self, url, plan))
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
            writing = yield from self.objects.admit(key, path, options)
        raise UnavailableError(
            "SharePoint lost the upload every time, or others write to the same key; repeat it later", key=key
        )

    def send(
        self, key: str, path: str, source: Source, options: PutOptions, sending: Sending
    ) -> Exchange[ObjectInfo | None]:
        """Send the whole body in one session; None when another writer was faster and is to be replaced.

        Raises:
            IntegrityError: the body changed while it was being sent.
            SessionGoneError: the session is lost.
        """
        answer = yield from sending.send(source)
        checksum = source.checksum
        if checksum is None:
            raise IntegrityError("the body was read by another caller meanwhile; repeat it")
        sent = Sent(source.size, sending.digest.digest().hex(), checksum.value)
        if answer is None:  # the last answer was lost
            item = yield from self.objects.find_own_write(key, path, sent)
            if item is None:
                raise SessionGoneError
            return self.objects.accepted(key, path, item, sent)
        if answer.status in (200, 201):
            return (yield from self.objects.stored(key, path, answer, sent))
        if options.mode is PutMode.REPLACE and options.if_match is None and answer.attempts == 1:
            return None
        return (yield from self.objects.refused(key, path, answer, options, sent))

    def begin(self, key: str, path: str, size: int, writing: Writing, options: PutOptions) -> Exchange[str | None]:
        """Return the URL of a new session; None when another writer was faster and is to be replaced.

        Raises:
            UnavailableError: Graph gave no URL.
        """
        drive = yield from self.objects.library.drive()
        late: list[Response] = []
        request = replace(self.requests.begin(drive, path, size, writing), late=late.append)
        try:
            response = yield from self.objects.folders.send(key, path, request)
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

    def reached(self, url: str, size: int) -> Exchange[int | None]:
        """Return the first byte that a session for *size* bytes still wants; None when it is gone. One request."""
        response = yield from GRAPH.send(self.requests.session(url), ok=(200, *GONE))
        return None if response.status in GONE else next_offset(response, size)

    def cancel(self, url: str) -> Exchange[None]:
        """Throw a session away; one that cannot be thrown away now is remembered, and expires by itself."""
        left = True
        try:
            with suppress(StorageError):
                response: Response = yield replace(self.requests.session(url, cancel=True), patience_s=PATIENCE_S)
                left = response.status == 429 or response.status >= 500
        finally:
            if left:
                self._remember(url)
            else:
                self._left.pop(url, None)

    def sweep(self, most: int) -> Exchange[int]:
        """Throw away at most *most* of the sessions that are remembered; return how many are gone."""
        before = len(self._left)
        for url in list(self._left)[:most]:
            yield from self.cancel(url)
        return max(0, before - len(self._left))

    def _remember(self, url: str) -> None:
        if url not in self._left:
            self._left[url] = None
            _log.warning("an upload session is left behind; the next upload or a sweep of this process removes it")


class Sending:
    """One session under way."""

    def __init__(
        self,
        sessions: UploadSessions,
        url: str,
        plan: PartPlan,
        start: int = 0,
        prove: Callable[[], None] = lambda: None,
    ) -> None:
        """Send the parts of *plan* to *url*, from the byte *start* on; *prove* the body before the last of them."""
        self._sessions = sessions
        self._url = url
        self._plan = plan
        self._start = start
        self._prove = prove
        self._last: Response | None = None
        self.digest = QuickXorHash()
        """The hash of what was read so far."""

    def send(self, source: Source) -> Exchange[Response | None]:
        """Send the whole of *source* and return the answer that ended it; None when that was lost."""
        self._last = None
        yield from send_in_order(source, self._plan, self._fragment, self.digest.update, self._sessions.objects)
        return self._last

    def _fragment(self, number: int, data: memoryview) -> Exchange[PartInfo]:
        part, size = PartInfo(number=number, size=len(data), etag=""), self._plan.size
        first = (number - 1) * self._plan.part_bytes
        end = first + len(data)
        offset = max(first, self._start)
        if offset >= end:
            return part
        if end == size:
            self._prove()
        failure: StorageError = UnavailableError("SharePoint does not take a part of the upload; repeat it later")
        for doubts in range(_DOUBTS):
            body = BodySlice(source=MemoryBody(data[offset - first :]), offset=0, size=end - offset)
            response: Response | None = None
            try:
                response = yield self._sessions.requests.fragment(self._url, body, offset, size)
            except UnavailableError as error:
                failure = error
            if response is None or response.status == 416 or response.status in RETRY_STATUSES:
                if response is None or response.status != 416:
                    failure = failure if response is None else map_error(response)
                    yield _pause(failure, doubts)
                reached = yield from self._sessions.reached(self._url, size)
                offset = size if reached is None else reached  # done, or gone: a look at the file decides
            elif response.status in GONE:
                if end < size:
                    raise SessionGoneError
                return part  # the answer to it may have been lost, and a session that is done is gone
            elif response.status == 202:
                offset = next_offset(response, size)
            else:
                self._last = replace(response, attempts=response.attempts + doubts)
                if response.status in (200, 201, 409, 412):
                    return part
                raise map_error(response)
            if offset >= end:
                return part
            if offset < first:
                raise SessionGoneError
        raise failure


def _pause(failure: StorageError, doubts: int) -> Wait:
    asked_s = failure.retry_after_s or 0.0
    if asked_s > _LONGEST_PAUSE_S:
        raise failure
    return Wait(max(asked_s, _FIRST_PAUSE_S * 2.0**doubts))

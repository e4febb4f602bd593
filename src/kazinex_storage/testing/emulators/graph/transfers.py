"""The origin that carries bytes: upload sessions, downloads, monitors. Its URLs are credentials; tokens are refused."""

from __future__ import annotations

import re
import time
from typing import Final
from urllib.parse import parse_qs

from ..http import Answer, Received
from .drive import GraphError, Node
from .state import State, UploadSession
from .views import item_view, json_answer

FRAGMENT_UNIT: Final = 327_680
FRAGMENT_LIMIT: Final = 60 * 1024 * 1024

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


class Transfers:
    """Answers what is sent to upload, download and monitor URLs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, received: Received) -> Answer:
        """Answer one request.

        Raises:
            GraphError: it is refused.
        """
        if "authorization" in received.headers and not received.path.startswith("/monitor/"):
            raise GraphError(401, "unauthenticated", "The URL is pre-authenticated; do not send Authorization")
        if received.path == "/download.aspx":
            return self._download(received)
        kind, _, token = received.path.strip("/").partition("/")
        if kind == "upload":
            return self._upload(received, token)
        if kind == "monitor":
            return self._monitor(token)
        raise GraphError(404, "itemNotFound", "nothing is there")

    def _monitor(self, token: str) -> Answer:
        monitor = self._state.monitors.get(token)
        if monitor is None:
            raise GraphError(404, "itemNotFound", "no such operation")
        if monitor.polls > 0:
            monitor.polls -= 1
            return json_answer(202, {"status": "inProgress", "percentageComplete": 50.0, "operation": "ItemCopy"})
        return json_answer(200, monitor.result)

    def _download(self, received: Received) -> Answer:
        link = self._state.links.get(parse_qs(received.query).get("tempauth", [""])[0])
        if link is None or link.expires_at < time.monotonic():
            raise GraphError(401, "unauthenticated", "The URL has expired")
        if link.node.content is None:
            raise GraphError(404, "itemNotFound", "The file is gone")
        return _ranged(received, link.node, link.node.content)

    def _upload(self, received: Received, token: str) -> Answer:
        state = self._state
        with state.lock:
            session = state.sessions.get(token)
            if session is None or session.expires_at < time.monotonic():
                state.sessions.pop(token, None)
                raise GraphError(404, "itemNotFound", "The upload session was not found", "uploadSessionNotFound")
            if received.method == "DELETE":
                del state.sessions[token]
                return Answer(status=204)
            if received.method == "GET":
                return self._status(session, 200)
            if received.method != "PUT":
                raise GraphError(405, "notSupported", "only PUT, GET and DELETE")
            return self._fragment(received, token, session)

    def _fragment(self, received: Received, token: str, session: UploadSession) -> Answer:
        start, end, total = _content_range(received, session)
        if start != len(session.data):
            raise GraphError(416, "invalidRange", "fragments come in order and once", "fragmentOverlap")
        last = end + 1 == total
        if not last and (end + 1 - start) % FRAGMENT_UNIT:
            raise GraphError(400, "invalidRequest", "a fragment is a multiple of 327,680 bytes")
        session.size = total
        session.data += received.body
        session.expires_at = time.monotonic() + self._state.knobs.session_seconds
        if not last:
            return self._status(session, 202)
        return self._commit(token, session)

    def _commit(self, token: str, session: UploadSession) -> Answer:
        drive = session.drive
        with drive.lock:
            parent = drive.by_id(session.parent.id)
            # A refusal here keeps the bytes: the session stays.
            name, old = drive.free(parent, session.name, session.behaviour, session.if_match)
            node = drive.store(parent, name, old, bytes(session.data), "application/octet-stream")
            node.author = session.author
            del self._state.sessions[token]
            return json_answer(201 if old is None else 200, item_view(self._state, drive, node))

    def _status(self, session: UploadSession, status: int) -> Answer:
        done, size = len(session.data), session.size
        ended = f"{done}-{size - 1}" if self._state.knobs.ranges_with_end and size else f"{done}-"
        return json_answer(status, {"expirationDateTime": "2099-01-01T00:00:00Z", "nextExpectedRanges": [ended]})


def _content_range(received: Received, session: UploadSession) -> tuple[int, int, int]:
    found = _CONTENT_RANGE.fullmatch(received.headers.get("content-range", ""))
    if found is None:
        raise GraphError(400, "invalidRequest", "a fragment needs Content-Range: bytes a-b/total")
    start, end, total = int(found[1]), int(found[2]), int(found[3])
    if end + 1 - start != len(received.body) or end >= total:
        raise GraphError(400, "invalidRequest", "Content-Range and Content-Length differ", "fragmentLengthMismatch")
    if len(received.body) >= FRAGMENT_LIMIT:
        raise GraphError(413, "invalidRequest", "a fragment is smaller than 60 MiB")
    if session.size not in (None, total):
        raise GraphError(400, "invalidRequest", "the total size may not change")
    return start, end, total


def _ranged(received: Received, node: Node, content: bytes) -> Answer:
    headers = {"content-type": node.content_type, "etag": node.etag, "accept-ranges": "bytes"}
    if received.headers.get("if-match") not in (None, node.etag):
        return Answer(status=412, headers=headers)
    found = _RANGE.fullmatch(received.headers.get("range", ""))
    if found is None or not (found[1] or found[2]):
        return Answer(status=200, headers=headers, body=content)
    start = int(found[1]) if found[1] else max(0, len(content) - int(found[2]))
    end = min(int(found[2]), len(content) - 1) if found[1] and found[2] else len(content) - 1
    if start > end:
        headers["content-range"] = f"bytes */{len(content)}"
        return Answer(status=416, headers=headers)
    headers["content-range"] = f"bytes {start}-{end}/{len(content)}"
    return Answer(status=206, headers=headers, body=content[start : end + 1])

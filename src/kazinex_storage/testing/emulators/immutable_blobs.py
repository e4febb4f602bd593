"""A front before a real Azurite that keeps blobs as a container with version-level immutability does.

Azurite answers 501 to policies and holds. The front keeps them as Microsoft documents them (learn.microsoft.com, rest/
api/storageservices/set-blob-immutability-policy, delete-blob-immutability-policy, set-blob-legal-hold, read 2026-11):
a policy of mode Unlocked may be changed and deleted, a Locked one only made longer; an expiry lies ahead. As there, a
delete or a put of the name succeeds, and leaves the version that was protected behind, for ``kept_versions``.
Signatures are checked by Azurite: each request is preceded by a look at the blob with the same signature.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from ..servers import AzuriteServer
from .http import Answer, Received, http_server

_UNTIL: Final = "x-ms-immutability-policy-until-date"
_MODE: Final = "x-ms-immutability-policy-mode"
_HOLD: Final = "x-ms-legal-hold"


@dataclass(slots=True)
class _Kept:
    until: datetime | None = None
    mode: str = "Unlocked"
    held: bool = False

    @property
    def protects(self) -> bool:
        """Whether the version may not be destroyed now."""
        return self.held or (self.until is not None and self.until > datetime.now(UTC))

    def headers(self) -> dict[str, str]:
        """Return what a look at the blob says of it."""
        found = {_HOLD: str(self.held).lower()}
        if self.until is not None:
            found |= {_UNTIL: f"{self.until:%a, %d %b %Y %H:%M:%S} GMT", _MODE: self.mode.lower()}
        return found


@dataclass(slots=True)
class ImmutableBlobs:
    """What the front keeps, and where it is."""

    server: AzuriteServer
    """As clients see it."""
    kept_versions: list[str] = field(default_factory=list)
    """The paths of blobs whose protected version was hidden by a delete or a put."""


@contextmanager
def immutable_blobs(behind: AzuriteServer) -> Iterator[ImmutableBlobs]:
    """Serve on a free port until the context ends."""
    found = ImmutableBlobs(behind)
    front = _Front(behind, found)
    with http_server(front.answer) as port:
        found.server = replace(behind, host_url=f"http://127.0.0.1:{port}")
        yield found


class _Front:
    def __init__(self, behind: AzuriteServer, shown: ImmutableBlobs) -> None:
        self._netloc = urlsplit(behind.host_url).netloc
        self._shown = shown
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def answer(self, received: Received) -> Answer:
        """Answer one request."""
        comp = parse_qs(received.query).get("comp", [""])[0]
        if comp in ("immutabilityPolicies", "legalhold"):
            return self._policy(received, comp)
        answer = self._pass_on(received.method, received.path, received.query, received.headers, received.body)
        with self._lock:
            kept = self._kept.get(received.path)
            if received.method in ("GET", "HEAD") and answer.status in (200, 206) and not comp:
                answer.headers |= kept.headers() if kept is not None else {}
            elif answer.status in (201, 202) and comp in ("", "blocklist") and kept is not None:
                if kept.protects:
                    self._shown.kept_versions.append(received.path)
                del self._kept[received.path]  # what is there now is another version
        return answer

    def _policy(self, received: Received, comp: str) -> Answer:
        if "i" not in parse_qs(received.query).get("sp", [""])[0]:
            return _error(403, "AuthorizationPermissionMismatch")
        pairs = [pair for pair in received.query.split("&") if not pair.startswith("comp=")]
        looked = self._pass_on("HEAD", received.path, "&".join(pairs), received.headers, b"")
        if looked.status != 200:
            return looked
        with self._lock:
            kept = self._kept.setdefault(received.path, _Kept())
            if comp == "legalhold":
                kept.held = received.headers.get(_HOLD, "").lower() == "true"
                return _done(kept.headers())
            locked = kept.mode == "Locked" and kept.until is not None and kept.protects
            if received.method == "DELETE":
                if locked:
                    return _error(409, "BlobImmutableDueToPolicy")
                kept.until = None
                return _done({})
            until = parsedate_to_datetime(received.headers[_UNTIL])
            mode = received.headers.get(_MODE, "Unlocked").title()
            if until <= datetime.now(UTC):
                return _error(400, "InvalidHeaderValue")
            if locked and (mode != "Locked" or (kept.until is not None and until < kept.until)):
                return _error(409, "BlobImmutableDueToPolicy")
            kept.until, kept.mode = until, mode
            return _done(kept.headers())

    def _pass_on(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        try:
            sent = {name: value for name, value in headers.items() if name not in ("content-length", "connection")}
            connection.request(method, f"{path}?{query}" if query else path, body=body or None, headers=sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()


def _done(headers: dict[str, str]) -> Answer:
    return Answer(status=200, headers={"x-ms-request-id": "example", "x-ms-version": "2021-12-02", **headers})


def _error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
    headers = {"x-ms-error-code": code, "x-ms-request-id": "example", "content-type": "application/xml"}
    return Answer(status=status, headers=headers, body=body.encode())

"""A front before a real Azurite whose blobs can have a key of the customer, as those of Azure can.

Azurite answers 500 to such keys. The front keeps their digests, as Microsoft documents it (learn.microsoft.com/azure/
storage/blobs/encryption-customer-provided-keys, and rest/api/storageservices/blob-service-error-codes, read 2026-11): a
blob is read, looked at and committed with the key that its bytes were written with, and with no other; an answer says
which key was used. It checks that the digest is that of the key. Azurite sees neither, so nothing is encrypted here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

from ..servers import AzuriteServer
from .http import Answer, Received, http_server

_KEY: Final = "x-ms-encryption-key"
_DIGEST: Final = "x-ms-encryption-key-sha256"
_ALGORITHM: Final = "x-ms-encryption-algorithm"
_CONFLICT: Final = "BlobUsesCustomerSpecifiedEncryption"  # what other keys are answered is not documented in detail


@dataclass(slots=True)
class KeyedBlobs:
    """Where the front is, and what it keeps."""

    server: AzuriteServer
    """As clients see it."""
    digests: dict[str, str]
    """By path, that of the key that a blob was written with."""


@contextmanager
def keyed_blobs(behind: AzuriteServer) -> Iterator[KeyedBlobs]:
    """Serve on a free port until the context ends."""
    found = KeyedBlobs(behind, {})
    front = _Front(behind, found.digests)
    with http_server(front.answer) as port:
        found.server = replace(behind, host_url=f"http://127.0.0.1:{port}")
        yield found


class _Front:
    def __init__(self, behind: AzuriteServer, digests: dict[str, str]) -> None:
        self._netloc = urlsplit(behind.host_url).netloc
        self._digests = digests
        self._blocks: dict[str, str] = {}
        self._lock = threading.Lock()

    def answer(self, received: Received) -> Answer:
        """Answer one request."""
        comp = parse_qs(received.query).get("comp", [""])[0]
        try:
            given = _digest_in(received.headers)
        except ValueError:
            return _error(400, "InvalidHeaderValue")
        if given is not None and (comp not in ("", "block", "blocklist") or "x-ms-copy-source" in received.headers):
            return _error(400, "UnsupportedHeader")
        with self._lock:
            refused = self._refusal(received, comp, given)
        if refused is not None:
            return _error(409, refused)
        answer = self._pass_on(received)
        if received.method != "PUT" and answer.status in (200, 206) and given not in (None, self._of(received)):
            return _error(409, _CONFLICT)  # a blob that has none
        if answer.status in (200, 201, 206) and given is not None and comp != "list":
            answer.headers[_DIGEST] = given
        with self._lock:
            self._note(received, comp, given, answer)
        return answer

    def _refusal(self, received: Received, comp: str, given: str | None) -> str | None:
        known = self._digests.get(received.path)
        if received.method in ("GET", "HEAD") and comp == "" and known not in (None, given):
            return _CONFLICT
        if received.method == "PUT" and comp == "blocklist" and self._blocks.get(received.path) != given:
            return _CONFLICT
        return None

    def _of(self, received: Received) -> str | None:
        return self._digests.get(received.path)

    def _note(self, received: Received, comp: str, given: str | None, answer: Answer) -> None:
        if received.method == "PUT" and answer.status == 201:
            kept = self._blocks if comp == "block" else self._digests
            kept.pop(received.path, None)
            if given is not None:
                kept[received.path] = given
        elif received.method == "DELETE" and answer.status == 202:
            self._digests.pop(received.path, None)

    def _pass_on(self, received: Received) -> Answer:
        dropped = ("content-length", "connection", _KEY, _DIGEST, _ALGORITHM)
        sent = {name: value for name, value in received.headers.items() if name not in dropped}
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        try:
            target = f"{received.path}?{received.query}" if received.query else received.path
            connection.request(received.method, target, body=received.body or None, headers=sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()


def _digest_in(headers: Mapping[str, str]) -> str | None:
    """Return the digest of the key that comes with a request; None of one without.

    Raises:
        ValueError: one of the three headers is missing, or they do not fit each other.
    """
    given = [headers.get(name) for name in (_KEY, _DIGEST, _ALGORITHM)]
    if given == [None, None, None]:
        return None
    key, digest, algorithm = given
    if key is None or digest is None or algorithm != "AES256":
        raise ValueError("incomplete")
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if len(raw) != 32 or base64.b64encode(hashlib.sha256(raw).digest()).decode() != digest:
        raise ValueError("the digest is of another key")
    return digest


def _error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
    headers = {"x-ms-error-code": code, "x-ms-request-id": "example", "content-type": "application/xml"}
    return Answer(status=status, headers=headers, body=body.encode())

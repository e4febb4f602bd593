"""A front before a real Azurite that keeps versions of blobs as an account of Azure with blob versioning does.

Azurite has no versions. The front keeps them in memory as Microsoft documents them (learn.microsoft.com, azure/storage/
blobs/versioning-overview, rest/api/storageservices/list-blobs, get-blob, delete-blob and copy-blob-from-url, read
2026-11): Put Blob, Put Block List, Set Blob Metadata and copies make a version, whose id is its time and comes with
each answer; a delete, also one in a batch, turns the current version into a previous one; one version is read, copied
from, and with the permission ``x`` deleted by its id, but not while it is the current one. Azurite checks the
signatures: each request about a version is preceded by one with the same signature about the blob.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from ..servers import AzuriteServer
from .http import Answer, Received, http_server

_ID: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
_BATCHED: Final = re.compile(rb"^DELETE (\S+?)(?:\?\S*)? HTTP/1\.1", re.MULTILINE)
_DESCRIBED: Final = ("content-type", "content-disposition", "cache-control", "content-encoding", "content-language")
_META: Final = "x-ms-meta-"


@dataclass(slots=True)
class _Version:
    id: str
    headers: dict[str, str]
    """What Azurite answers to a GET of it."""
    body: bytes
    tags: bytes
    """What it answers to Get Blob Tags."""


@dataclass(slots=True)
class _Blob:
    versions: list[_Version] = field(default_factory=list)
    """The oldest first."""
    current: str | None = None
    """Id of the version that the name names; None where it was deleted."""
    soft_deleted: list[_Version] = field(default_factory=list)
    """Versions that were removed and that soft delete keeps."""


@contextmanager
def versioned_blobs(behind: AzuriteServer, *, soft_delete: bool = False) -> Iterator[AzuriteServer]:
    """Serve on a free port until the context ends, and give the server as clients see it.

    With *soft_delete* versions that are removed are still listed to those who include what is deleted.
    """
    front = _Front(behind, soft_delete)
    with http_server(front.answer) as port:
        front.host = f"127.0.0.1:{port}"
        yield replace(behind, host_url=f"http://{front.host}")


class _Front:
    def __init__(self, behind: AzuriteServer, soft_delete: bool) -> None:
        from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

        self.host = ""
        self._soft_delete = soft_delete
        self._netloc = urlsplit(behind.host_url).netloc
        self._blobs: dict[str, _Blob] = {}
        self._lock = threading.Lock()
        self._last = datetime.now(UTC)
        self._own = generate_account_sas(
            behind.account,
            behind.account_key,
            resource_types=ResourceTypes(object=True),
            permission=AccountSasPermissions(read=True, tag=True),
            expiry=datetime.now(UTC) + timedelta(days=1),
        )

    def answer(self, received: Received) -> Answer:
        """Answer one request."""
        query = _query_of(received.query)
        source = urlsplit(received.headers.get("x-ms-copy-source", ""))
        with self._lock:
            if query.get("comp") == "list" and "versions" in query.get("include", "").split(","):
                return self._listed(received, query)
            if "versionid" in query:
                return self._of_version(received, query)
            if "versionid" in _query_of(source.query):
                return self._copied(received, query, source.path, source.query)
            answer = self._pass_on(received)
            if "restype" not in query or query.get("comp") == "batch":
                self._note(received, query.get("comp", ""), answer)
            return answer

    def _note(self, received: Received, comp: str, answer: Answer) -> None:
        """Keep what a request made, and say of which version an answer is."""
        writes = received.method == "PUT" and (
            (comp in ("", "blocklist") and answer.status in (201, 202)) or (comp == "metadata" and answer.status == 200)
        )
        if writes:
            answer.headers["x-ms-version-id"] = self._keep(received.path)
        elif received.method == "DELETE" and answer.status == 202:
            self._blob(received.path).current = None
        elif comp == "batch" and answer.status == 202:
            for path in (found.decode() for found in _BATCHED.findall(received.body)):
                if self._ask("HEAD", path).status == 404:
                    self._blob(path).current = None
        elif received.method in ("GET", "HEAD") and comp == "" and answer.status in (200, 206):
            current = self._blob(received.path).current
            if current is not None:
                answer.headers |= {"x-ms-version-id": current, "x-ms-is-current-version": "true"}

    def _keep(self, path: str) -> str:
        """Keep what is there now as the current version, and return its id."""
        found = self._ask("GET", path)
        tagged = found.headers.get("x-ms-tag-count", "0") != "0"
        tags = self._ask("GET", path, "comp=tags").body if tagged else b"<Tags><TagSet></TagSet></Tags>"
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        version = _Version(f"{self._last:%Y-%m-%dT%H:%M:%S.%f}0Z", found.headers, found.body, tags)
        blob = self._blob(path)
        blob.versions.append(version)
        blob.current = version.id
        return version.id

    def _of_version(self, received: Received, query: Mapping[str, str]) -> Answer:
        """Answer a request about one version."""
        deletes = received.method == "DELETE"
        if not _ID.fullmatch(query["versionid"]):
            return _error(400, "InvalidQueryParameterValue")
        if deletes and (received.headers.get("authorization", "").startswith("SharedKey") or "comp" in query):
            return _error(501, "NotImplemented")  # the signature is of another request than the look that proves it
        looked = self._pass_on(_looking(received) if deletes else received)
        if looked.status in (401, 403):
            return looked
        if deletes and "x" not in query.get("sp", "x"):
            return _error(403, "AuthorizationPermissionMismatch")
        blob = self._blob(received.path)
        found = next((one for one in blob.versions if one.id == query["versionid"]), None)
        if found is None:
            return _error(404, "BlobNotFound")
        if deletes:
            if found.id == blob.current:
                return _error(403, "OperationNotAllowedOnRootBlob")
            if "x-ms-delete-snapshots" in received.headers:
                return _error(400, "InvalidHeaderValue")
            blob.versions.remove(found)
            blob.soft_deleted += [found] if self._soft_delete else []
            return Answer(status=202, headers=_COMMON.copy())
        if query.get("comp") == "tags":
            return Answer(status=200, headers={**_COMMON, "content-type": "application/xml"}, body=found.tags)
        return _read(found, received.headers, found.id == blob.current)

    def _copied(self, received: Received, query: Mapping[str, str], path: str, source: str) -> Answer:
        """Write the bytes of a version, or a span of them, as the blob or a block."""
        looked = self._pass_on(Received(method="HEAD", path=path, query=_without_version(source), headers={}, body=b""))
        if looked.status in (401, 403):
            return _error(403, "CannotVerifyCopySource")
        wanted = _query_of(source)["versionid"]
        found = next((one for one in self._blob(path).versions if one.id == wanted), None)
        if found is None:
            return _error(404, "CannotVerifyCopySource")
        if received.headers.get("x-ms-source-if-match", found.headers["etag"]) != found.headers["etag"]:
            return _error(412, "SourceConditionNotMet")
        headers = {
            name: value
            for name, value in received.headers.items()
            if not name.startswith(("x-ms-source-", "x-ms-copy-")) and name != "x-ms-requires-sync"
        }
        if query.get("comp") == "block":
            first, last = map(int, received.headers["x-ms-source-range"].removeprefix("bytes=").split("-"))
            return self._pass_on(replace(received, headers=headers, body=found.body[first : last + 1]))
        headers["x-ms-blob-type"] = "BlockBlob"
        headers |= {f"x-ms-blob-{name}": found.headers[name] for name in _DESCRIBED if name in found.headers}
        if not any(name.startswith(_META) for name in headers):
            headers |= {name: value for name, value in found.headers.items() if name.startswith(_META)}
        answer = self._pass_on(replace(received, headers=headers, body=found.body))
        self._note(received, "", answer)
        if answer.status == 201:
            answer.status = 202
            answer.headers["x-ms-copy-status"] = "success"
        return answer

    def _listed(self, received: Received, query: Mapping[str, str]) -> Answer:
        """Answer List Blobs with every version, the oldest of a name first."""
        looked = self._pass_on(received)
        if looked.status != 200:
            return looked
        if "delimiter" in query:
            return _error(501, "NotImplemented")
        below = f"{unquote(received.path).rstrip('/')}/"
        prefix, start, most = query.get("prefix", ""), int(query.get("marker") or 0), int(query.get("maxresults", 5000))
        deleted_too = "deleted" in query["include"].split(",")
        found = [
            (path[len(below) :], version, blob)
            for path, blob in sorted(self._blobs.items())
            if path.startswith(below + prefix)
            for version in [*blob.versions, *(blob.soft_deleted if deleted_too else ())]
        ]
        after = str(start + most) if start + most < len(found) else ""
        items = "".join(_item(*one) for one in found[start : start + most])
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{escape(below)}">'
            f"<Blobs>{items}</Blobs><NextMarker>{after}</NextMarker></EnumerationResults>"
        )
        return Answer(status=200, headers={**_COMMON, "content-type": "application/xml"}, body=body.encode())

    def _blob(self, path: str) -> _Blob:
        return self._blobs.setdefault(unquote(path), _Blob())

    def _ask(self, method: str, path: str, query: str = "") -> Answer:
        """Ask Azurite with the account's own signature."""
        text = f"{query}&{self._own}" if query else self._own
        return self._pass_on(Received(method=method, path=path, query=text, headers={}, body=b""))

    def _pass_on(self, received: Received) -> Answer:
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        try:
            dropped = ("content-length", "connection")
            sent = {name: value for name, value in received.headers.items() if name not in dropped}
            target = f"{received.path}?{received.query}" if received.query else received.path
            connection.request(received.method, target, body=received.body or None, headers=sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()


_COMMON: Final = {"x-ms-request-id": "example", "x-ms-version": "2021-12-02"}


def _read(version: _Version, asked: Mapping[str, str], is_current: bool) -> Answer:
    headers = {**version.headers, "x-ms-version-id": version.id}
    if is_current:
        headers["x-ms-is-current-version"] = "true"
    if asked.get("if-match", headers["etag"]) != headers["etag"]:
        return _error(412, "ConditionNotMet")
    wanted = _RANGE.fullmatch(asked.get("range", asked.get("x-ms-range", "")))
    if wanted is None:
        return Answer(status=200, headers=headers, body=version.body)
    size, first = len(version.body), int(wanted[1])
    if first >= size:
        return _error(416, "InvalidRange")
    end = min(int(wanted[2] or size - 1) + 1, size)
    if "content-md5" in headers:
        headers["x-ms-blob-content-md5"] = headers.pop("content-md5")
    headers |= {"content-range": f"bytes {first}-{end - 1}/{size}", "content-length": str(end - first)}
    return Answer(status=206, headers=headers, body=version.body[first:end])


def _item(name: str, version: _Version, blob: _Blob) -> str:
    etag, modified = version.headers["etag"].strip('"'), version.headers["last-modified"]
    state = "<IsCurrentVersion>true</IsCurrentVersion>" if version.id == blob.current else ""
    state += "<Deleted>true</Deleted>" if version in blob.soft_deleted else ""
    return (
        f"<Blob><Name>{escape(name)}</Name><VersionId>{version.id}</VersionId>{state}<Properties>"
        f"<Last-Modified>{modified}</Last-Modified><Etag>{etag}</Etag><BlobType>BlockBlob</BlobType>"
        f"<Content-Length>{len(version.body)}</Content-Length></Properties></Blob>"
    )


def _looking(received: Received) -> Received:
    """Return a look at the blob with the signature of *received*."""
    headers = {name: value for name, value in received.headers.items() if name != "x-ms-delete-snapshots"}
    return Received(
        method="HEAD", path=received.path, query=_without_version(received.query), headers=headers, body=b""
    )


def _query_of(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _without_version(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if not pair.startswith("versionid="))


def _error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
    headers = {**_COMMON, "x-ms-error-code": code, "content-type": "application/xml"}
    return Answer(
        status=status, headers={**headers, "date": format_datetime(datetime.now(UTC), usegmt=True)}, body=body.encode()
    )

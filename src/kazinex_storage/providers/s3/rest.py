"""Create-only writes on Supabase Storage, whose S3 endpoint always replaces: they use its REST interface.

``POST /object/{bucket}/{name}`` with ``x-upsert: false`` and ``POST /object/copy`` refuse when the name is taken in the
service's database of objects. Sources: supabase.com/docs/reference/self-hosting-storage and the code of
supabase/storage (read 2026-08). What was written is then read back through the S3 endpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import quote

from ...bodies.part_upload import sha256_of
from ...bodies.source import Source
from ...errors import AlreadyExistsError, NotSupportedError, StorageError, UnavailableError
from ...json_text import parse_json
from ...transport import BodySlice, Call, Exchange, Request, Response
from ...types import Checksum, ObjectInfo, PresignedUrl, PresignOptions, PutOptions
from ..objectstore.header_text import described, info_of
from ..objectstore.writing import already_exists
from .errors import map_error, request_id_of
from .headers import METADATA, WRITE_TOKEN, plain_header
from .objects import Objects
from .requests import put_headers
from .target import GIB, RestEndpoint

# supabase.com/docs/guides/storage/uploads/standard-uploads (read 2026-08): up to 5 GB.
MAX_REST_BYTES: Final = 5 * GIB
"""The largest body that one REST upload takes."""

_TOKEN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

# The HTTP status is 400 for most refusals; the real one is in the body, as text.
_TAKEN: Final = ("Duplicate", "ResourceAlreadyExists", "KeyAlreadyExists")


class RestWrites:
    """Create-only puts and copies in one bucket."""

    def __init__(self, objects: Objects, rest: RestEndpoint) -> None:
        """Write through *rest* into the bucket of *objects*."""
        self._objects = objects
        self._bucket = objects.requests.target.bucket
        self._name_of = objects.requests.codec.name_of
        self._url = rest.url
        self._headers = (("Authorization", f"Bearer {rest.service_key}"), ("apikey", rest.service_key))

    def write(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write *source* unless the name is taken; two requests.

        Raises:
            AlreadyExistsError: it is.
            NotSupportedError: the body is larger than one upload takes.
            UnavailableError: the object there is not the one that was written.
        """
        if source.size > MAX_REST_BYTES:
            raise NotSupportedError("Supabase takes create-only writes of at most 5 GiB; replace, or split the file")
        data = source.data()
        sha256 = (
            hashlib.sha256(data).hexdigest()
            if data is not None
            else cast(str, (yield Call(sha256_of, source, cancel=source.cancel)))
        )
        token, checksum = secrets.token_hex(8), Checksum(algorithm="sha256", value=sha256)
        request = Request(
            method="POST",
            url=f"{self._url}/object/{quote(self._bucket, safe='')}/{quote(self._name_of(key), safe='/~')}",
            headers=(*self._headers, ("x-upsert", "false"), *_described(options, checksum, token)),
            body=data if data is not None else BodySlice(source=source, offset=0, size=source.size),
            operation="put",
        )
        yield from self._send(request, key, token)
        found = yield from self._objects.head(key)
        if found.size != source.size:
            raise UnavailableError("the object there is not the one that was just written; look at it", key=key)
        return info_of(key, found.size, options, etag=found.etag, last_modified=found.last_modified, checksum=checksum)

    def copy(self, source: str, target: str) -> Exchange[ObjectInfo]:
        """Copy an object unless the name is taken; two requests.

        Raises:
            AlreadyExistsError: it is.
        """
        wanted = {"bucketId": self._bucket, "sourceKey": self._name_of(source), "destinationKey": self._name_of(target)}
        request = Request(
            method="POST",
            url=f"{self._url}/object/copy",
            headers=(*self._headers, ("x-upsert", "false"), ("Content-Type", "application/json")),
            body=json.dumps(wanted).encode(),
            # It carries no token, so a repeat could not distinguish its own copy from another writer's object.
            idempotent=False,
            operation="copy",
        )
        yield from self._send(request, target, None, missing=source)
        return (yield from self._objects.head(target))

    def sign(self, key: str, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Ask for a URL that puts an object unless the name is taken; one request. It is bound to nothing else.

        The service chooses how long it is valid: two hours (supabase.com/docs/reference/javascript/
        storage-from-createsigneduploadurl, read 2026-11).

        Raises:
            AlreadyExistsError: the name is taken.
            UnavailableError: the response has no URL.
        """
        path = f"/object/upload/sign/{quote(self._bucket, safe='')}/{quote(self._name_of(key), safe='/~')}"
        request = Request(
            method="POST",
            url=f"{self._url}{path}",
            headers=(*self._headers, ("x-upsert", "false"), ("Content-Type", "application/json")),
            body=b"{}",
            operation="presign",
        )
        response: Response = yield request
        if response.status != 200:
            raise _error(response, key, key)
        given = str(_json(response.body).get("url"))
        token = given.partition("?token=")[2]
        expires_at = _end_of(token)
        if not given.startswith("/object/upload/sign/") or expires_at is None:
            raise UnavailableError("the service gave no URL for an upload; check the address of the project", key=key)
        headers: dict[str, str] = {}
        if options.content_type is not None:
            headers["Content-Type"] = plain_header("content type", options.content_type)
        if options.write_token is not None:
            headers["x-metadata"] = b64encode(json.dumps({WRITE_TOKEN: options.write_token}).encode()).decode()
        return PresignedUrl(
            method="PUT",
            url=f"{self._url}{path}?token={token}",
            headers=headers,
            expires_at=expires_at,
            bound=frozenset({"create"}),
            write_token=options.write_token,
        )

    def _send(self, request: Request, key: str, token: str | None, missing: str | None = None) -> Exchange[None]:
        response: Response = yield request
        if response.status in (200, 201):
            return
        error = _error(response, key, missing or key)
        # The response to an earlier attempt may have been lost, and the object in the way be our own.
        taken = isinstance(error, AlreadyExistsError) and token is not None
        if not taken or (yield from self._objects.find_own_write(key, token or "")) is None:
            raise error


def _described(options: PutOptions, checksum: Checksum, token: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of a REST upload: metadata is JSON in one of them."""
    headers = dict(put_headers(described(options), options.metadata, checksum, token, keeps_disposition=False))
    metadata = {name[len(METADATA) :]: value for name, value in headers.items() if name.startswith(METADATA)}
    plain = tuple((name, value) for name, value in headers.items() if not name.startswith(METADATA))
    return (*plain, ("x-metadata", b64encode(json.dumps(metadata).encode()).decode()))


def _error(response: Response, key: str, missing: str) -> StorageError:
    """Return the error for a refusal by the REST interface."""
    said = _json(response.body)
    code = str(said.get("code") or said.get("error") or "")
    status = str(said.get("statusCode") or "")
    if code in _TAKEN or "already exists" in str(said.get("message", "")).lower():
        return already_exists(key, request_id_of(response))
    real = int(status) if status.isdigit() and 400 <= int(status) < 600 else response.status
    body = f"<Error><Code>{code}</Code></Error>".encode() if code.isalnum() else b""
    return map_error(Response(status=real, headers=response.headers, body=body), missing if real == 404 else key)


def _end_of(token: str) -> datetime | None:
    """Return when a JSON Web Token expires; None when it is not one. The service verifies the signature."""
    if not _TOKEN.fullmatch(token):
        return None
    payload = token.split(".")[1]
    try:
        said = _json(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(float(str(said.get("exp"))), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _json(body: bytes) -> Mapping[str, object]:
    try:
        found = parse_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

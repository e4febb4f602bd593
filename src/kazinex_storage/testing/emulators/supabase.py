"""A front before any real S3 server that behaves like Supabase Storage: its S3 endpoint and its REST uploads.

What it enforces is what supabase.com/docs/guides/storage and the code of supabase/storage say (read 2026-08): names are
a subset of ASCII; writes through S3 always replace, whatever conditions say, and digests are not verified; create-only
goes through REST with ``x-upsert: false``, whose refusals are a 400 with the real status in the body.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote, unquote

from ..servers import S3Server
from .cloudflare.rules import Refusal
from .cloudflare.signatures import Signature
from .cloudflare.upstream import Upstream
from .faults import Faults, Kind
from .http import Answer, Received, http_server

_NAME: Final = re.compile(r"[A-Za-z0-9_/!.*'() &$@=;:+,?-]*")
_S3: Final = "/storage/v1/s3/"
_OBJECT: Final = "/storage/v1/object/"
_PUBLIC: Final = f"{_OBJECT}public/"
_SIGNED: Final = "upload/sign/"
_PLACEHOLDER: Final = ".emptyFolderPlaceholder"
_UNSUPPORTED: Final = frozenset(
    {"acl", "tagging", "versions", "policy", "cors", "lifecycle", "object-lock", "retention"}
)
_PASSED_ON: Final = re.compile(
    r"content-type|cache-control|range|x-amz-(meta-.*|metadata-directive|copy-source-range|mp-.*)"
)
_READ_CONDITIONS: Final = ("if-match", "if-none-match")


class SupabaseFront:
    """A project of Supabase. Thread-safe; made by ``supabase_front``."""

    def __init__(self, upstream: S3Server) -> None:
        self._upstream = Upstream(upstream)
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._buckets: dict[str, str] = {}
        self._public: set[str] = set()
        self.project_ref = "abcdefghijklmnopqrst"
        """20 letters."""
        self.region = "eu-central-1"
        """Where the project is."""
        self.access_key_id = secrets.token_hex(16)
        """Of the S3 access key of the project."""
        self.secret_access_key = secrets.token_hex(32)
        """Its other half."""
        self.service_key = f"sb_secret_{secrets.token_hex(16)}"
        """Opens the REST interface."""
        self.region = "eu-central-1"
        """Where the project is, which GetBucketLocation says."""
        self.max_file_bytes: int | None = None
        """The limit of the project."""
        self.faults = Faults()
        """What shall go wrong."""
        self.port = 0
        """On 127.0.0.1."""

    @property
    def endpoint_url(self) -> str:
        """The S3 endpoint."""
        return f"http://127.0.0.1:{self.port}{_S3}".removesuffix("/")

    @property
    def rest_url(self) -> str:
        """The REST interface."""
        return f"http://127.0.0.1:{self.port}{_OBJECT}".removesuffix("/object/")

    def make_bucket(self, name: str | None = None, *, public: bool = False, behind: str | None = None) -> str:
        """Make a bucket and return its name; anybody may read what is in a *public* one.

        Its objects are in *behind*, if that is given, which is there.
        """
        bucket = name if name is not None else f"test-{secrets.token_hex(6)}"
        self._buckets[bucket] = behind or self._upstream.server.make_bucket()
        if public:
            self._public.add(bucket)
        return bucket

    def close(self) -> None:
        """Close the connections to the server behind."""
        self.faults.release()
        self._upstream.close()

    def behind(self, bucket: str) -> str:
        """Return what the server behind calls *bucket*."""
        return self._buckets[bucket]

    def serve(self, received: Received) -> Answer | None:
        """Answer one request."""
        fault = self.faults.take(received)
        if fault is not None and fault.kind is Kind.CUT_BEFORE:
            return None
        answer = fault.answer if fault is not None and fault.kind is Kind.ANSWER else self._answered(received)
        return None if fault is not None and fault.kind is Kind.CUT_AFTER else answer

    def _answered(self, received: Received) -> Answer:
        if received.path.startswith(_S3):
            try:
                return self._s3(received)
            except Refusal as refusal:
                return refusal.answer()
        if received.path.startswith(_OBJECT) and received.method in ("POST", "PUT"):
            return self._rest(received)
        if received.path.startswith(_PUBLIC) and received.method == "GET":
            bucket, _, raw = received.path.removeprefix(_PUBLIC).partition("/")
            if bucket in self._public:
                return self._send("GET", self._buckets[bucket], unquote(raw), "", {}, b"")
            return _json(400, "404", "Bucket not found", "Bucket not found")
        return _json(404, "404", "not_found", "Route not found")

    def _s3(self, received: Received) -> Answer:
        signature = Signature.of(received)
        if signature is None or signature.access_key_id != self.access_key_id:
            raise Refusal(403, "InvalidAccessKeyId", "The access key id does not exist.")
        if not signature.is_of(received, self.secret_access_key):
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        bucket, _, raw = received.path.removeprefix(_S3).partition("/")
        found, name = self._buckets.get(bucket), unquote(raw)
        if found is None:
            raise Refusal(404, "NoSuchBucket", "Bucket not found")
        sub = next((part.partition("=")[0] for part in received.query.split("&")), "")
        if sub in _UNSUPPORTED:
            raise Refusal(501, "NotImplemented", f"{sub} is not implemented")
        if sub == "location" and received.method == "GET" and not name:
            place = f'<?xml version="1.0" encoding="UTF-8"?><LocationConstraint>{self.region}</LocationConstraint>'
            return Answer(status=200, headers={"content-type": "application/xml"}, body=place.encode())
        if not _NAME.fullmatch(name):
            raise Refusal(400, "InvalidKey", f"Invalid key: {name}")
        self._check_size(received.body)
        if sub == "delete" and received.body.count(b"<Key>") > 1000:
            raise Refusal(400, "InvalidRequest", "At most 1000 objects can be deleted at once.")
        if name.endswith("/") and received.method == "PUT" and not received.body:
            name += _PLACEHOLDER
        headers = _passed_on(received)
        source = received.headers.get("x-amz-copy-source")
        if source is not None:
            of, _, key = source.removeprefix("/").partition("/")
            headers["x-amz-copy-source"] = f"/{self._buckets.get(of, of)}/{key}"
        body = received.body
        if received.method == "POST" and "uploadId" in received.query:
            body = re.sub(rb"<Checksum\w+>[^<]*</Checksum\w+>", b"", body)
        query = "&".join(part for part in received.query.split("&") if part and not part.startswith("X-Amz-"))
        return self._send(received.method, found, name, query, headers, body)

    def _rest(self, received: Received) -> Answer:
        if received.path.startswith(f"{_OBJECT}{_SIGNED}") and received.method == "PUT":
            return self._signed(received)
        if received.headers.get("authorization") != f"Bearer {self.service_key}":
            return _json(400, "403", "Unauthorized", "signature verification failed")
        rest, replace = received.path.removeprefix(_OBJECT), received.headers.get("x-upsert") == "true"
        if rest == "copy":
            return self._copy(json.loads(received.body), replace=replace)
        if rest.startswith(_SIGNED):
            return self._sign(rest.removeprefix(_SIGNED), replace=replace)
        return self._upload(rest, received, replace=replace)

    def _sign(self, path: str, *, replace: bool) -> Answer:
        """Give a URL that is good for one name for two hours; to create it has to be free already now."""
        bucket, _, raw = path.partition("/")
        found, name = self._buckets.get(unquote(bucket)), unquote(raw)
        if found is None:
            return _json(400, "404", "Bucket not found", "Bucket not found")
        if not name or not _NAME.fullmatch(name):
            return _json(400, "400", "InvalidKey", f"Invalid key: {name}")
        if not replace and self._exists(found, name):
            return _duplicate()
        token = self._token({"url": f"{unquote(bucket)}/{name}", "upsert": replace, "exp": int(time.time()) + 7200})
        return _found({"url": f"/object/{_SIGNED}{path}?token={token}", "token": token})

    def _signed(self, received: Received) -> Answer:
        """Accept what is sent to a signed URL, no matter by whom; the token says whether it may replace."""
        path, token = received.path.removeprefix(f"{_OBJECT}{_SIGNED}"), received.query.removeprefix("token=")
        payload = token.split(".")[1] if token.count(".") == 2 else ""
        try:
            said = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except ValueError:
            said = None
        if not isinstance(said, dict) or self._token(said) != token:
            return _json(400, "400", "InvalidJWT", "signature verification failed")
        if said["url"] != unquote(path):
            return _json(400, "400", "InvalidSignature", "Invalid signature")
        if said["exp"] < time.time():
            return _json(400, "400", "InvalidJWT", '"exp" claim timestamp check failed')
        return self._upload(path, received, replace=bool(said["upsert"]))

    def _token(self, payload: Mapping[str, object]) -> str:
        """Return *payload* as a JSON Web Token."""
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, payload)]
        text = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        signature = hmac.digest(self.service_key.encode(), text.encode(), "sha256")
        return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    def _upload(self, path: str, received: Received, *, replace: bool) -> Answer:
        bucket, _, raw = path.partition("/")
        found, name = self._buckets.get(unquote(bucket)), unquote(raw)
        if found is None:
            return _json(400, "404", "Bucket not found", "Bucket not found")
        if not name or not _NAME.fullmatch(name):
            return _json(400, "400", "InvalidKey", f"Invalid key: {name}")
        if self.max_file_bytes is not None and len(received.body) > self.max_file_bytes:
            return _json(400, "413", "Payload too large", "The object exceeded the maximum allowed size")
        headers = {name: value for name, value in _passed_on(received).items() if not name.startswith("x-amz-")}
        metadata = json.loads(b64decode(received.headers.get("x-metadata", "")) or b"{}")
        headers |= {f"x-amz-meta-{key.lower()}": str(value) for key, value in metadata.items()}
        with self._locks[f"{found}/{name}"]:
            if not replace and self._exists(found, name):
                return _duplicate()
            self._send("PUT", found, name, "", headers, received.body)
        return _found({"Id": secrets.token_hex(16), "Key": f"{unquote(bucket)}/{name}"})

    def _copy(self, wanted: Mapping[str, object], *, replace: bool) -> Answer:
        bucket = self._buckets.get(str(wanted.get("bucketId")))
        source, name = str(wanted.get("sourceKey")), str(wanted.get("destinationKey"))
        if bucket is None:
            return _json(400, "404", "Bucket not found", "Bucket not found")
        if not _NAME.fullmatch(name):
            return _json(400, "400", "InvalidKey", f"Invalid key: {name}")
        with self._locks[f"{bucket}/{name}"]:
            if not replace and self._exists(bucket, name):
                return _duplicate()
            headers = {"x-amz-copy-source": f"/{bucket}/{quote(source, safe='/~')}"}
            answer = self._send("PUT", bucket, name, "", headers, b"")
        if answer.status == 404:
            return _json(400, "404", "not_found", "Object not found")
        return _found({"Key": f"{wanted.get('bucketId')}/{name}"})

    def _check_size(self, body: bytes) -> None:
        if self.max_file_bytes is not None and len(body) > self.max_file_bytes:
            raise Refusal(413, "EntityTooLarge", "The object exceeded the maximum allowed size")

    def _exists(self, bucket: str, name: str) -> bool:
        return self._send("HEAD", bucket, name, "", {}, b"").status == 200

    def _send(self, method: str, bucket: str, name: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path = f"/{bucket}/{quote(name, safe='/~')}" if name else f"/{bucket}"
        return self._upstream.send(method, f"{path}?{query}" if query else path, headers, body)


@contextmanager
def supabase_front(upstream: S3Server, port: int = 0) -> Iterator[SupabaseFront]:
    """Run a front before *upstream* until the context ends, on a free port for 0."""
    front = SupabaseFront(upstream)
    with http_server(front.serve, port=port) as front.port:
        try:
            yield front
        finally:
            front.close()


def _passed_on(received: Received) -> dict[str, str]:
    """Return what the service heeds: neither conditions on writes, nor digests, nor a content disposition."""
    kept = {name: value for name, value in received.headers.items() if _PASSED_ON.fullmatch(name)}
    if received.method in ("GET", "HEAD"):
        kept |= {name: received.headers[name] for name in _READ_CONDITIONS if name in received.headers}
    if "delete" in received.query and "content-md5" in received.headers:
        kept["content-md5"] = received.headers["content-md5"]
    return kept


def _json(status: int, code: str, error: str, message: str) -> Answer:
    body = json.dumps({"statusCode": code, "error": error, "message": message}).encode()
    return Answer(status=status, headers={"content-type": "application/json; charset=utf-8"}, body=body)


def _duplicate() -> Answer:
    return _json(400, "409", "Duplicate", "The resource already exists")


def _found(values: Mapping[str, object]) -> Answer:
    return Answer(status=200, headers={"content-type": "application/json"}, body=json.dumps(values).encode())

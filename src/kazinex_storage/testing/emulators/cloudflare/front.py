"""A front before any real S3 server that behaves like Cloudflare R2.

It checks the signatures of its own tokens, applies ``rules.py``, keeps what R2 keeps (jurisdictions, conditions,
sizes of parts, locks), re-signs for the server behind and passes on. Jurisdictions are ports here, host names there.
"""

from __future__ import annotations

import gzip
import re
import secrets
import threading
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from ...servers import S3Server
from ..faults import Faults, Kind
from ..http import Answer, Received, http_server
from ..tls import certificate_authority
from .rules import (
    Parsed,
    Refusal,
    Rules,
    Token,
    authenticate,
    check_digests,
    check_features,
    check_parts,
    check_sizes,
    check_token,
)
from .upstream import Upstream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JURISDICTIONS: Final = ("default", "eu", "fedramp", "us")
_PASSED_ON: Final = re.compile(
    r"content-type|content-encoding|content-disposition|content-language|cache-control|expires|content-md5|range"
    r"|if-modified-since|if-unmodified-since"
    r"|x-amz-(storage-class|meta-.*|checksum-.*|metadata-directive|copy-source.*|mp-.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came, without its secrets."""

    method: str
    path: str
    query: str
    status: int | None
    """None: it was not answered."""


@dataclass(slots=True)
class _Upload:
    bucket: str
    key: str
    sizes: dict[int, int] = field(default_factory=dict)


class R2Front:
    """An account of R2. Thread-safe; made by ``r2_front``."""

    def __init__(self, upstream: S3Server, ports: dict[str, int], ca_file: str | None) -> None:
        self._upstream = Upstream(upstream)
        self._ports = ports
        self._scheme = "https" if ca_file is not None else "http"
        self._lock = threading.Lock()
        self._locks: defaultdict[tuple[str, str], threading.RLock] = defaultdict(threading.RLock)
        self._written: dict[tuple[str, str], float] = {}
        self._spellings: dict[tuple[str, str], str] = {}
        self._uploads: dict[str, _Upload] = {}
        self._tokens: dict[str, Token] = {}
        self._buckets: dict[tuple[str, str], str] = {}
        self.account_id = secrets.token_hex(16)
        """32 hexadecimal digits."""
        self.ca_file = ca_file
        """The authority to trust, PEM; None over plain http."""
        self.rules = Rules()
        """What can be switched."""
        self.faults = Faults()
        """What shall go wrong."""
        self.log: list[Seen] = []
        """Every request, in the order in which they ended."""

    @property
    def endpoint_url(self) -> str:
        """The endpoint without a jurisdiction."""
        return self.endpoint(None)

    def endpoint(self, jurisdiction: str | None) -> str:
        """Return the endpoint of *jurisdiction*."""
        return f"{self._scheme}://127.0.0.1:{self._ports[jurisdiction or 'default']}"

    def token(
        self, buckets: list[str] | None = None, *, write: bool = True, admin: bool = False, expired: bool = False
    ) -> Token:
        """Make a token; for objects alone unless it is of an *admin*."""
        token = Token(
            access_key_id=secrets.token_hex(16),
            secret_access_key=secrets.token_hex(32),
            buckets=frozenset(buckets) if buckets is not None else None,
            write=write,
            admin=admin,
            expired=expired,
        )
        return self.admit(token)

    def admit(self, token: Token) -> Token:
        """Take *token*, which may be of an earlier run."""
        self._tokens[token.access_key_id] = token
        return token

    def make_bucket(self, name: str | None = None, jurisdiction: str | None = None, behind: str | None = None) -> str:
        """Make a bucket and return its name; its objects are in *behind*, if that is given, which is there."""
        bucket = name if name is not None else f"test-{secrets.token_hex(6)}"
        self._buckets[jurisdiction or "default", bucket] = behind or self._upstream.server.make_bucket()
        return bucket

    def client(self, token: Token | None = None, jurisdiction: str | None = None) -> S3Client:
        """Return a boto3 client as it has to be set up for R2: the independent witness.

        Raises:
            ModuleNotFoundError: boto3 is not installed.
        """
        import boto3
        from botocore.config import Config

        own = token if token is not None else self.token(admin=True)
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint(jurisdiction),
            aws_access_key_id=own.access_key_id,
            aws_secret_access_key=own.secret_access_key,
            region_name="auto",
            verify=self.ca_file,
            config=Config(
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"total_max_attempts": 1},
                proxies={},
            ),
        )

    def close(self) -> None:
        """End stalls, and close the connections to the server behind."""
        self.faults.release()
        self._upstream.close()

    def serve(self, received: Received, jurisdiction: str) -> Answer | None:
        """Answer one request that came to the endpoint of *jurisdiction*."""
        answer: Answer | None = None
        try:
            answer = self._faulty(received, jurisdiction)
            return answer
        finally:
            status = answer.status if answer is not None else None
            query = re.sub(r"X-Amz-(Signature|Credential|Security-Token)=[^&]*", r"X-Amz-\1=", received.query)
            self.log.append(Seen(method=received.method, path=received.path, query=query, status=status))

    def _faulty(self, received: Received, jurisdiction: str) -> Answer | None:
        fault = self.faults.take(received)
        if fault is None:
            return self._answered(received, jurisdiction)
        if fault.kind is Kind.STALL:
            self.faults.stalled()
            return None
        if fault.kind is Kind.CUT_BEFORE:
            return None
        if fault.kind is Kind.ANSWER:
            return fault.answer
        answer = self._answered(received, jurisdiction)
        if fault.kind is Kind.CUT_AFTER:
            return None
        if fault.kind is Kind.CUT_INSIDE:
            answer.cut_after = fault.at
        elif answer.body:
            at = fault.at % len(answer.body)
            answer.body = answer.body[:at] + bytes([answer.body[at] ^ 1]) + answer.body[at + 1 :]
        return answer

    def _answered(self, received: Received, jurisdiction: str) -> Answer:
        try:
            answer = self._judged(Parsed.of(received), jurisdiction)
        except Refusal as refusal:
            answer = refusal.answer()
        answer.headers["cf-ray"] = f"{secrets.token_hex(8)}-XXX"
        origin = received.headers.get("origin")
        if origin in self.rules.browser_origins:
            answer.headers |= {"access-control-allow-origin": origin, "access-control-expose-headers": "ETag"}
        return answer

    def _judged(self, parsed: Parsed, jurisdiction: str) -> Answer:
        received = parsed.received
        if received.method == "OPTIONS":
            return self._preflight(received)
        check_features(parsed)
        token = authenticate(received, self._tokens, self.rules.clock_shift_s)
        if not self.rules.enabled:
            raise Refusal(403, "NotEntitled", "Please enable R2 through the Cloudflare Dashboard.")
        check_token(token, parsed)
        check_sizes(parsed)
        check_digests(parsed)
        bucket = self._buckets.get((jurisdiction, parsed.bucket))
        if bucket is None:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist.")
        if "location" in parsed.query:
            body = b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">auto</LocationConstraint>'
            return Answer(status=200, headers={"content-type": "application/xml"}, body=body)
        if "cors" in parsed.query:
            raise Refusal(404, "NoSuchCORSConfiguration", "The CORS configuration does not exist.")
        if not parsed.key:
            return self._respelt(bucket, self._forward(parsed, bucket))
        if not parsed.writes:
            return self._read(parsed, bucket)
        with self._locks[bucket, _folded(parsed.key)]:
            return self._write(parsed, bucket, jurisdiction)

    def _preflight(self, received: Received) -> Answer:
        origin = received.headers.get("origin", "")
        if origin not in self.rules.browser_origins:
            return Answer(status=403)
        wanted = received.headers.get("access-control-request-headers", "")
        return Answer(
            status=204,
            headers={
                "access-control-allow-origin": origin,
                "access-control-allow-methods": "GET, PUT, POST, HEAD, DELETE",
                "access-control-allow-headers": wanted,
                "access-control-expose-headers": "ETag",
            },
        )

    def _read(self, parsed: Parsed, bucket: str) -> Answer:
        answer = self._forward(parsed, bucket)
        if answer.status != 200 or "uploadId" in parsed.query:
            return answer
        if answer.headers.get("content-encoding") == "gzip":  # rclone#8137
            answer.announced = False
            del answer.headers["content-encoding"]
            answer.body = gzip.decompress(answer.body) if answer.body else b""
        elif "gzip" in parsed.received.headers.get("accept-encoding", ""):
            answer.announced = False
            answer.headers |= {"content-encoding": "gzip", "etag": f"W/{answer.headers.get('etag', '')}"}
            answer.body = gzip.compress(answer.body) if answer.body else b""
        return answer

    def _write(self, parsed: Parsed, bucket: str, jurisdiction: str) -> Answer:
        method, query, key = parsed.received.method, parsed.query, _folded(parsed.key)
        upload = self._uploads.get(query.get("uploadId", ""))
        completes = method == "POST" and "uploadId" in query
        publishes = parsed.puts_object or completes or (parsed.copies and "uploadId" not in query)
        if publishes or (method == "DELETE" and "uploadId" not in query):
            self._check_rate(bucket, key)  # before any condition — block/buzz#2774
            self._check_lock(bucket, key)
        if completes and not _is_xml(parsed.received):
            raise Refusal(415, "UnsupportedMediaType", "Unsupported Media Type")  # hexclave#2010
        if completes and upload is not None:
            numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", parsed.received.body)]
            check_parts([upload.sizes.get(number, 0) for number in numbers])
        try:
            self._check_conditions(parsed, bucket)
        except Refusal:
            if completes:
                self._forward(parsed, bucket, method="DELETE", body=b"")
            raise
        if publishes and not parsed.puts_object and self.rules.fail_inside_200:
            self.rules.fail_inside_200 -= 1
            return Refusal(200, "InternalError", "We encountered an internal error. Please try again.").answer()
        answer = self._forward(parsed, bucket, source=self._source(parsed, jurisdiction))
        if answer.status >= 300:
            return answer
        if method == "POST" and "uploads" in query:
            found = re.search(rb"<UploadId>([^<]+)</UploadId>", answer.body)
            if found is not None:
                self._uploads[found[1].decode()] = _Upload(bucket, key)
        elif method == "PUT" and upload is not None:
            size = len(parsed.received.body)
            span = re.fullmatch(r"bytes=(\d+)-(\d+)", parsed.received.headers.get("x-amz-copy-source-range", ""))
            upload.sizes[int(query["partNumber"])] = int(span[2]) - int(span[1]) + 1 if span is not None else size
        if publishes:
            self._spellings[bucket, key] = parsed.key
        return answer

    def _check_rate(self, bucket: str, key: str) -> None:
        now = time.monotonic()
        if self.rules.one_write_per_second and now - self._written.get((bucket, key), -10.0) < 1.0:
            raise Refusal(
                429, "TooManyRequests", "Reduce your concurrent request rate for the same object.", {"retry-after": "1"}
            )
        self._written[bucket, key] = now

    def _check_lock(self, bucket: str, key: str) -> None:
        if key.startswith(self.rules.locked_prefixes or ("\0",)) and self._etag(bucket, key) is not None:
            raise Refusal(403, "ObjectLockedByBucketPolicy", "The object is locked by the bucket policy.")

    def _check_conditions(self, parsed: Parsed, bucket: str) -> None:
        headers = parsed.received.headers
        create = headers.get("if-none-match")
        if parsed.copies:
            create = headers.get("cf-copy-destination-if-none-match")
        match = headers.get("if-match") if not parsed.copies else None
        if create is None and match is None:
            return
        etag = self._etag(bucket, _folded(parsed.key))
        wanted = [part.strip() for part in (match or "").split(",")]
        if (create == "*" and etag is not None) or (match is not None and (etag is None or etag not in wanted)):
            raise Refusal(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")

    def _etag(self, bucket: str, key: str) -> str | None:
        answer = self._upstream.send("HEAD", f"/{bucket}/{quote(key, safe='/~')}", {}, b"")
        return answer.headers.get("etag") if answer.status == 200 else None

    def _source(self, parsed: Parsed, jurisdiction: str) -> str | None:
        given = parsed.received.headers.get("x-amz-copy-source")
        if given is None:
            return None
        bucket, _, key = given.removeprefix("/").partition("/")
        found = self._buckets.get((jurisdiction, bucket))
        if found is None:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist.")
        return f"/{found}/{quote(_folded(unquote(key)), safe='/~')}"

    def _respelt(self, bucket: str, answer: Answer) -> Answer:
        """Show names as they were uploaded last, not as they are folded."""
        body = answer.body
        for (of, key), spelling in list(self._spellings.items()):
            if of == bucket and key != spelling:
                for form in (lambda text: quote(text, safe="/~"), escape):
                    body = body.replace(f"<Key>{form(key)}</Key>".encode(), f"<Key>{form(spelling)}</Key>".encode())
        answer.body = body
        return answer

    def _forward(
        self,
        parsed: Parsed,
        bucket: str,
        *,
        method: str | None = None,
        body: bytes | None = None,
        source: str | None = None,
    ) -> Answer:
        received = parsed.received
        path = f"/{bucket}" + (f"/{quote(_folded(parsed.key), safe='/~')}" if parsed.key else "")
        query = "&".join(part for part in received.query.split("&") if part and not part.startswith("X-Amz-"))
        headers = {name: value for name, value in received.headers.items() if _PASSED_ON.fullmatch(name)}
        headers.pop("x-amz-content-sha256", None)
        if method is None and received.method in ("GET", "HEAD"):
            headers |= {
                name: received.headers[name] for name in ("if-match", "if-none-match") if name in received.headers
            }
        if source is not None:
            headers["x-amz-copy-source"] = source
        return self._upstream.send(
            method or received.method,
            f"{path}?{query}" if query else path,
            headers,
            received.body if body is None else body,
        )


@contextmanager
def r2_front(upstream: S3Server, *, tls: bool = False, port: int = 0) -> Iterator[R2Front]:
    """Run a front before *upstream*, over TLS if wanted with an authority of its own; *port* is of no jurisdiction."""
    with ExitStack() as stack:
        authority = stack.enter_context(certificate_authority()) if tls else None
        context = authority.server_context() if authority is not None else None
        ports: dict[str, int] = {}
        front = R2Front(upstream, ports, authority.ca_file if authority is not None else None)
        for jurisdiction in JURISDICTIONS:
            handler = partial(front.serve, jurisdiction=jurisdiction)
            number = port if jurisdiction == JURISDICTIONS[0] else 0
            ports[jurisdiction] = stack.enter_context(http_server(handler, context, number))
        stack.callback(front.close)
        yield front


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", key)


def _is_xml(received: Received) -> bool:
    kind = received.headers.get("content-type", "application/xml").partition(";")[0].strip()
    return kind in ("application/xml", "text/xml")

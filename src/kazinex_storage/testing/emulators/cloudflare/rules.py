"""What Cloudflare R2 refuses and other servers let pass: one function for each theme, over one request. No I/O.

The facts are those of developers.cloudflare.com/r2 (api/s3/api, api/error-codes, platform/limits, api/tokens; read
2026-08) and of bug reports that are named where they count.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from ..http import Answer, Received
from .signatures import Signature

MIB: Final = 1024 * 1024

LIST_PARAMETERS: Final = frozenset(
    {
        "list-type",
        "prefix",
        "delimiter",
        "encoding-type",
        "max-keys",
        "continuation-token",
        "start-after",
        "fetch-owner",
    }
    | {"marker", "uploads", "max-uploads", "key-marker", "upload-id-marker"}
)
SUB_RESOURCES: Final = frozenset(
    {"acl", "tagging", "versions", "versioning", "policy", "notification", "replication", "inventory", "website"}
    | {"object-lock", "retention", "legal-hold", "torrent", "requestPayment", "analytics", "metrics", "logging"}
)
CONFIGURATION: Final = frozenset({"cors", "lifecycle", "encryption"})
"""Sub-resources that exist, for administrators alone."""

_SKEW_S: Final = 15 * 60
_WEEK_S: Final = 7 * 24 * 3600
_CLASSES: Final = ("STANDARD", "STANDARD_IA")  # developers.cloudflare.com/r2/buckets/storage-classes (read 2026-11)
_REFUSED_HEADERS: Final = re.compile(r"x-amz-(acl|grant-.*|tagging|object-lock-.*|trailer|expected-bucket-owner)")
_DIGESTS: Final = {
    "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}
_CHECKSUM: Final = re.compile(r"content-md5|x-amz-checksum-(?!algorithm|type|mode)\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token, as its S3 keys."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    buckets: frozenset[str] | None = None
    """None: all of the account."""
    write: bool = True
    admin: bool = False
    expired: bool = False


@dataclass(slots=True, kw_only=True)
class Rules:
    """What can be switched while the front runs."""

    one_write_per_second: bool = False
    """R2 takes one write a second to a key. Off, because it makes tests slow."""
    enabled: bool = True
    """Whether R2 is enabled for the account."""
    clock_shift_s: float = 0
    """Seconds by which the service's clock is ahead of this machine's."""
    locked_prefixes: tuple[str, ...] = ()
    """Objects below them can be written once, and neither replaced nor deleted."""
    browser_origins: tuple[str, ...] = ()
    """Origins that the CORS policy of every bucket allows."""
    fail_inside_200: int = 0
    """How many of the next completions and copies fail inside a 200."""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818  # it is an answer
    """An error of the service."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self) -> Answer:
        """Return it as the service writes it."""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        )
        return Answer(
            status=self.status, headers={"content-type": "application/xml", **self.headers}, body=body.encode()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A request, taken apart."""

    received: Received
    bucket: str
    key: str
    """Decoded; empty for the bucket itself."""
    query: Mapping[str, str]

    @classmethod
    def of(cls, received: Received) -> Parsed:
        """Take a path-style request apart."""
        bucket, _, key = received.path.removeprefix("/").partition("/")
        query = dict(parse_qsl(received.query, keep_blank_values=True))
        return cls(received=received, bucket=unquote(bucket), key=unquote(key), query=query)

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.received.method in ("PUT", "POST", "DELETE")

    @property
    def puts_object(self) -> bool:
        """Whether it is a PutObject."""
        return self.received.method == "PUT" and bool(self.key) and not self.copies and "uploadId" not in self.query

    @property
    def copies(self) -> bool:
        """Whether it is a CopyObject or an UploadPartCopy."""
        return self.received.method == "PUT" and "x-amz-copy-source" in self.received.headers


def authenticate(received: Received, tokens: Mapping[str, Token], clock_shift_s: float) -> Token:
    """Return the token that signed a request, by a clock that is ahead by *clock_shift_s*.

    Raises:
        Refusal: no known token did, or not at this time.
    """
    signature = Signature.of(received)
    if signature is None:
        raise Refusal(400, "InvalidArgument", "Authorization")
    token = tokens.get(signature.access_key_id)
    if token is None:
        raise Refusal(401, "Unauthorized", "Unauthorized")
    if signature.region not in ("auto", "us-east-1", ""):
        raise Refusal(400, "InvalidRegionName", f"The region name '{signature.region}' is not valid.")
    now = datetime.now(UTC).timestamp() + clock_shift_s
    signed_at = signature.signed_at.timestamp()
    if signature.expires_s is None:
        if abs(now - signed_at) > _SKEW_S:
            raise Refusal(403, "RequestTimeTooSkewed", "The difference between the times is too large.")
    elif not 1 <= signature.expires_s <= _WEEK_S:
        raise Refusal(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be 1 to 604800 seconds.")
    elif now > signed_at + signature.expires_s:
        raise Refusal(400, "ExpiredRequest", "Request has expired")
    if not signature.is_of(received, token.secret_access_key):
        raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
    return token


def check_features(parsed: Parsed) -> None:
    """Refuse what R2 does not implement."""
    headers, query = parsed.received.headers, parsed.query
    refused = next((name for name in headers if _REFUSED_HEADERS.fullmatch(name)), None)
    if headers.get("content-encoding", "").startswith("aws-chunked") or headers.get(
        "x-amz-content-sha256", ""
    ).startswith("STREAMING-"):
        refused = "x-amz-content-sha256 (streaming)"
    if refused is not None:
        raise Refusal(501, "NotImplemented", f"Header '{refused}' with that value is not implemented")
    if headers.get("x-amz-storage-class", "STANDARD") not in _CLASSES:
        raise Refusal(400, "InvalidStorageClass", "The storage class you specified is not valid.")
    sub = next((name for name in query if name in SUB_RESOURCES), None)
    if sub is not None:
        raise Refusal(501, "NotImplemented", f"{sub} not implemented")
    if parsed.bucket and not parsed.key and parsed.received.method == "GET":
        unknown = set(query) - LIST_PARAMETERS - CONFIGURATION - {"location"}
        unknown = {name for name in unknown if not name.startswith("X-Amz-") and name != "x-id"}
        if unknown:
            raise Refusal(501, "NotImplemented", f"ListObjectsV2 search parameter {min(unknown)} not implemented")
    if "x-amz-copy-source" in headers and "uploadId" in query:  # cloudflare-docs#32458
        condition = next((name for name in headers if name.startswith("x-amz-copy-source-if-")), None)
        if condition is not None:
            raise Refusal(501, "NotImplemented", f"Header '{condition}' with UploadPartCopy is not implemented")


def check_sizes(parsed: Parsed) -> None:
    """Refuse names and metadata that are too long."""
    if len(parsed.key.encode()) > 1024:
        raise Refusal(400, "KeyTooLongError", "The specified key is too long.")
    metadata = sum(
        len(name) + len(value) for name, value in parsed.received.headers.items() if name.startswith("x-amz-meta-")
    )
    if metadata > 8192:
        raise Refusal(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.")


def check_digests(parsed: Parsed) -> None:
    """Refuse a body that is not what its digest says, and more than one digest (aws-sdk-ruby#3174)."""
    headers, body = parsed.received.headers, parsed.received.body
    given = [name for name in headers if _CHECKSUM.fullmatch(name)]
    if len(given) > 1:
        raise Refusal(400, "InvalidRequest", "You can only specify one checksum at a time.")
    for name in given:
        digest = _DIGESTS.get(name)
        if digest is not None and b64encode(digest(body)).decode() != headers[name]:
            raise Refusal(400, "BadDigest", "The digest you specified did not match what we received.")
    payload = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    if len(payload) == 64 and hashlib.sha256(body).hexdigest() != payload:
        raise Refusal(400, "XAmzContentSHA256Mismatch", "The payload is not the one that was signed.")
    if "delete" in parsed.query and parsed.received.method == "POST":
        if not given:
            raise Refusal(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
        if body.count(b"<Key>") > 1000:
            raise Refusal(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.")
    algorithm, kind = headers.get("x-amz-checksum-algorithm", ""), headers.get("x-amz-checksum-type", "")
    if kind == "FULL_OBJECT" and algorithm != "CRC64NVME":  # bitplatform#13363
        raise Refusal(501, "NotImplemented", f"{algorithm} FULL_OBJECT is not implemented")


def check_parts(sizes: list[int]) -> None:
    """Refuse parts of a completed upload that R2 does not join: all but the last are equal, and 5 MiB or more."""
    if any(size < 5 * MIB for size in sizes[:-1]):
        raise Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
    if len(set(sizes[:-1])) > 1 or (len(sizes) > 1 and sizes[-1] > sizes[0]):
        raise Refusal(400, "InvalidPart", "All non-trailing parts must have the same length.")


def check_token(token: Token, parsed: Parsed) -> None:
    """Refuse what the token may not do."""
    if token.expired:
        raise Refusal(401, "Unauthorized", "Unauthorized")
    denied = Refusal(403, "AccessDenied", "Access Denied")
    if not token.admin and (not parsed.bucket or _manages(parsed)):
        raise denied
    if token.buckets is not None and parsed.bucket not in token.buckets:
        raise denied
    if parsed.writes and not token.write:
        raise denied


def _manages(parsed: Parsed) -> bool:
    """Say whether a request is about a bucket itself."""
    if parsed.key:
        return False
    if any(name in parsed.query for name in CONFIGURATION):
        return True
    return parsed.received.method in ("HEAD", "PUT", "DELETE")

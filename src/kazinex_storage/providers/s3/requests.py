"""The requests of the S3 API, built for one bucket. Pure: nothing is sent here; ``answers.py`` reads what
comes back, and ``part_requests.py`` builds those of uploads in parts.

docs.aws.amazon.com/AmazonS3/latest/API and developers.cloudflare.com/r2/api/s3/api (read 2026-08) say what is built:
checksums as headers and never as aws-chunked trailers, which R2 refuses; ``Accept-Encoding: identity``, without which
R2 leaves the length out; over TLS the payload is not signed, over plain http it is.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import quote

from ...transport import Auth, Request
from ...types import ByteRange, PutMode, PutOptions, Sink
from ..objectstore.encoded_words import encode_text
from ..objectstore.header_text import condition_headers, described, metadata_name, range_header
from ..objectstore.key_codec import AS_IT_IS, KeyCodec
from .errors import status_inside
from .headers import ENCODING, METADATA, OURS, SHA256, SUBSTITUTES, WRITE_TOKEN, base64_of, other_headers, quoted_etag
from .target import CreateCopy, Target
from .xml import delete_body

PAGE_KEYS: Final = 1000
"""Keys in one page of a listing: the most that S3 gives."""

Headers: TypeAlias = tuple[tuple[str, str], ...]

UNSIGNED: Final = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
"""What a request over TLS says of its payload."""

ANNOUNCED: Final = "x-amz-sdk-checksum-algorithm"
"""The header that names the algorithm of a checksum, for services that ask for it."""

XML: Final = ("Content-Type", "application/xml")
"""Of every XML body: R2 answers 415 to anything else (hexclave#2010)."""

CONFLICTS: Final = frozenset({409})
"""ConditionalRequestConflict: another conditional write was under way, "retry the upload" (docs.aws.amazon.com/
AmazonS3/latest/userguide/conditional-writes.html, read 2026-08)."""

_EMPTY: Final = ("x-amz-content-sha256", hashlib.sha256(b"").hexdigest())
_IDENTITY: Final = ("Accept-Encoding", "identity")
# The checksum of the whole object comes along, where the service keeps one: docs.aws.amazon.com/AmazonS3/latest/API/
# API_GetObject.html (read 2026-11). For a part it would be that of the part at best.
_WITH_CHECKSUM: Final = ("x-amz-checksum-mode", "ENABLED")


class Requests:
    """Builds the requests for one target. Keys in: the one place that spells them as the service does."""

    __slots__ = ("_base", "_below", "_kept", "_preset", "_tls", "auth", "bare", "codec", "reading", "target")

    def __init__(self, target: Target, auth: Auth, codec: KeyCodec = AS_IT_IS) -> None:
        """Build for *target*; *auth* signs, and *codec* spells keys."""
        self.target = target
        self.auth = auth
        self.codec = codec
        self._base = target.base_url
        self._below = target.base_url + quote(codec.prefix, safe="/~")
        self._preset = target.preset
        self._tls = target.over_tls
        self._kept = partial(
            put_headers,
            keeps_disposition=target.preset.keeps_disposition,
            decodes_gzip=target.preset.decodes_gzip,
        )
        payload = UNSIGNED if self._tls else _EMPTY
        self.bare: Headers = (payload,)
        """Of every request without a body."""
        self.reading: Headers = (payload, _IDENTITY)
        """Of every request whose answer has a body."""

    def put_object(self, key: str, data: bytes, sha256: str, options: PutOptions, token: str | None) -> Request:
        """Write *data*, whose sha256 is given in hexadecimal, in one request; the service verifies it."""
        headers = [
            UNSIGNED if self._tls else ("x-amz-content-sha256", sha256),
            *self._kept(described(options), options.metadata, sha256, token),
            *(condition_headers(options) if self._preset.conditional_puts else ()),
        ]
        if self._preset.checksums:
            headers.append(("x-amz-checksum-sha256", base64_of(sha256)))
        if self._preset.announces_checksums:
            headers.append((ANNOUNCED, "SHA256"))
        return Request(
            method="PUT",
            url=self.url(key),
            headers=tuple(headers),
            body=data,
            auth=self.auth,
            operation="put",
            retry_statuses=CONFLICTS if token is not None else frozenset(),
        )

    def get(
        self,
        key: str,
        span: ByteRange,
        sink: Sink,
        if_match: str | None,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
    ) -> Request:
        """Read *span*, which is not empty; of a whole object the checksum is asked for as well."""
        headers = self.reading
        wanted = range_header(span.start, span.end)
        if wanted is not None:
            headers = (*headers, ("Range", wanted))
        elif self._preset.checksums:
            headers = (*headers, _WITH_CHECKSUM)
        if if_match is not None:
            headers = (*headers, ("If-Match", quoted_etag(if_match)))
        return Request(
            method="GET",
            url=self.url(key),
            headers=headers,
            sink=sink,
            auth=self.auth,
            operation="get",
            on_headers=on_headers,
        )

    def head(self, key: str, if_match: str | None = None, *, checksum: bool = False) -> Request:
        """Look at an object, and at its *checksum*, which on Amazon takes the right to decrypt."""
        headers = self.reading if if_match is None else (*self.reading, ("If-Match", quoted_etag(if_match)))
        if checksum:
            headers = (*headers, _WITH_CHECKSUM)
        return Request(method="HEAD", url=self.url(key), headers=headers, auth=self.auth, operation="head")

    def delete(self, key: str) -> Request:
        """Remove an object."""
        return Request(method="DELETE", url=self.url(key), headers=self.bare, auth=self.auth, operation="delete")

    def delete_many(self, keys: Iterable[str]) -> Request:
        """Remove up to 1,000 objects. The MD5 is what every service takes for the digest that it asks for."""
        body = delete_body(map(self.codec.name_of, keys))
        md5 = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = (self.payload(body), ("Content-MD5", md5), XML)
        return Request(
            method="POST", url=f"{self._base}?delete=", headers=headers, body=body, auth=self.auth, operation="delete"
        )

    def list(self, prefix: str, token: str | None, *, one_level: bool, most: int = PAGE_KEYS) -> Request:
        """List a page of the names below *prefix*, percent-encoded, because XML has no place for every character."""
        query = {"encoding-type": "url", "list-type": "2", "max-keys": str(most), "prefix": prefix}
        if one_level:
            query["delimiter"] = "/"
        if token is not None:
            query["continuation-token"] = token
        return Request(method="GET", url=self.query(query), headers=self.reading, auth=self.auth, operation="list")

    def copy(self, source: str, etag: str | None, key: str, mode: PutMode, written: Headers | None = None) -> Request:
        """Copy the version *etag* of an object with all that it carries, or with what is *written* in its place."""
        headers = [*self.bare, ("x-amz-copy-source", self.copy_source(source))]
        if written is not None:
            headers += [("x-amz-metadata-directive", "REPLACE"), *written]
        if etag is not None:
            headers.append(("x-amz-copy-source-if-match", quoted_etag(etag)))
        if mode is PutMode.CREATE:
            name = (
                "cf-copy-destination-if-none-match"
                if self._preset.create_copy is CreateCopy.CLOUDFLARE_HEADER
                else "If-None-Match"
            )
            headers.append((name, "*"))
        return Request(
            method="PUT",
            url=self.url(key),
            headers=tuple(headers),
            body=b"",
            auth=self.auth,
            operation="copy",
            status_of_body=status_inside,
        )

    def written(self, options: PutOptions, sha256: str | None, token: str, others: Headers = ()) -> Headers:
        """Return the headers that an object gets which is made under *options*, and *others* as they are."""
        return (*self._kept(described(options), options.metadata, sha256, token), *others)

    def other_headers(self, headers: Mapping[str, str]) -> Headers:
        """Return what an object keeps beside; see ``headers.other_headers``."""
        return other_headers(headers, decodes_gzip=self._preset.decodes_gzip)

    def url(self, key: str) -> str:
        """Return the URL of an object; only unreserved characters and slashes stand for themselves."""
        return self._below + quote(self.codec.encode(key), safe="/~")

    def query(self, query: dict[str, str]) -> str:
        """Return the URL of the bucket with *query*."""
        # Sorted, because a signature is over the sorted query.
        pairs = (f"{name}={quote(value, safe='~')}" for name, value in sorted(query.items()))
        return f"{self._base}?{'&'.join(pairs)}"

    def payload(self, body: bytes) -> tuple[str, str]:
        """Return what a request says of *body*."""
        return UNSIGNED if self._tls else ("x-amz-content-sha256", hashlib.sha256(body).hexdigest())

    def copy_source(self, key: str) -> str:
        """Return how a copy names the object *key*."""
        return f"/{self.target.bucket}/{quote(self.codec.name_of(key), safe='/~')}"


def put_headers(
    headers: Iterable[tuple[str, str]],
    metadata: Mapping[str, str],
    sha256: str | None,
    token: str | None,
    *,
    keeps_disposition: bool = True,
    decodes_gzip: bool = False,
) -> Iterator[tuple[str, str]]:
    """Yield the headers that an object keeps; a service that forgets some of them gets those as metadata.

    So does one that decodes on the way out what is said to be gzip: other bytes would come than were stored.

    Raises:
        NotSupportedError: metadata cannot be named so.
    """
    for name, value in headers:
        substitute = SUBSTITUTES.get(name)
        lost = not keeps_disposition or (decodes_gzip and substitute == ENCODING and "gzip" in value.lower())
        yield METADATA + substitute if substitute is not None and lost else name, value
    for name, value in metadata.items():
        yield METADATA + metadata_name(name, OURS), encode_text(value)
    if sha256 is not None:
        yield METADATA + SHA256, sha256
    if token is not None:
        yield METADATA + WRITE_TOKEN, token

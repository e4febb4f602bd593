"""The requests of the S3 API, built for one bucket. Pure: nothing is sent; ``answers.py`` reads the responses.

docs.aws.amazon.com/AmazonS3/latest/API and developers.cloudflare.com/r2/api/s3/api (read 2026-08) document them:
checksums are headers and never aws-chunked trailers, which R2 refuses; without ``Accept-Encoding: identity`` R2 leaves
the length out; the payload is signed over plain http, and not over TLS. ``part_requests.py`` has uploads in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from ...lazy import module, regex
from ...transport import Auth, Request
from ...types import WHOLE, ByteRange, Checksum, PutMode, PutOptions, Sink
from ..objectstore.encoded_words import encode_text
from ..objectstore.header_text import condition_headers, described, metadata_name, range_header
from ..objectstore.key_codec import AS_IT_IS, KeyCodec
from .errors import status_inside
from .headers import ENCODING, KEPT, METADATA, OURS, SUBSTITUTES, WRITE_TOKEN, base64_of, other_headers, quoted_etag
from .target import CreateCopy, Target
from .xml import delete_body

if TYPE_CHECKING:
    import base64
    import hashlib
    from urllib import parse

    from ...transport.sigv4 import Signer
else:
    hashlib = module(__name__, "hashlib")
    base64 = module(__name__, "base64")
    parse = module(__name__, "urllib.parse")


PAGE_KEYS: Final = 1000
"""Keys in one page of a listing: the most that S3 gives."""

Headers: TypeAlias = tuple[tuple[str, str], ...]

UNSIGNED: Final = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
"""The header for the payload of a request over TLS."""

ANNOUNCED: Final = "x-amz-sdk-checksum-algorithm"
"""The header that names the algorithm of a checksum, for services that need it."""

XML: Final = ("Content-Type", "application/xml")
"""The type of every XML body: R2 answers 415 to anything else (hexclave#2010)."""

CONFLICTS: Final = frozenset({409})
"""ConditionalRequestConflict: another conditional write was under way, "retry the upload" (docs.aws.amazon.com/
AmazonS3/latest/userguide/conditional-writes.html, read 2026-08)."""

_EMPTY: Final = ("x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
_SAFE: Final = regex("[A-Za-z0-9_.~/-]+")
_IDENTITY: Final = ("Accept-Encoding", "identity")
# Asks for the checksum of the whole object, where the service keeps one: docs.aws.amazon.com/AmazonS3/latest/API/
# API_GetObject.html (read 2026-11). For a part it would at best be that of the part.
_WITH_CHECKSUM: Final = ("x-amz-checksum-mode", "ENABLED")


class Requests:
    """Builds the requests for one target. Takes keys: the only place that turns them into names."""

    __slots__ = (
        "_base",
        "_below",
        "_kept",
        "_preset",
        "_tls",
        "_whole",
        "auth",
        "bare",
        "bound_checksum",
        "codec",
        "copy_auth",
        "object_auth",
        "reading",
        "target",
        "url_signer",
    )

    def __init__(self, target: Target, auth: Auth, codec: KeyCodec = AS_IT_IS) -> None:
        """Build for *target*; *auth* signs, and *codec* encodes keys."""
        self.target = target
        self.auth = auth
        self.object_auth = self.copy_auth = auth
        """What signs requests for bytes, and copies: with the customer's key, where there is one."""
        if target.customer_key is not None:
            from .customer_keys import keyed

            self.object_auth = keyed(auth, target.customer_key, copies=False)
            self.copy_auth = keyed(auth, target.customer_key, copies=True)
        self.codec = codec
        self.url_signer: Signer | None = None
        """What signed the last URL; it has derived the key of its day."""
        self._base = target.base_url
        self._below = target.base_url + (parse.quote(codec.prefix, safe="/~") if codec.prefix else "")
        self._preset = target.preset
        self._tls = target.over_tls
        self.bound_checksum = target.body_checksum if target.binds_checksums else None
        """What proves a body without its sha256, where that need not sign the payload."""
        self._kept = partial(
            put_headers,
            keeps_disposition=target.preset.keeps_disposition,
            decodes_gzip=target.preset.decodes_gzip,
        )
        payload = UNSIGNED if self._tls else _EMPTY
        self.bare: Headers = (payload,)
        """The headers of every request without a body."""
        self.reading: Headers = (payload, _IDENTITY)
        """The headers of every request for data."""
        self._whole: Headers = (*self.reading, _WITH_CHECKSUM) if self._preset.checksums else self.reading

    def put_object(self, key: str, data: bytes, checksum: Checksum, options: PutOptions, token: str | None) -> Request:
        """Write *data* in one request; the service verifies its *checksum*, over plain http a sha256."""
        sha256 = checksum.value if checksum.algorithm == "sha256" else None
        headers = [
            UNSIGNED if self._tls or sha256 is None else ("x-amz-content-sha256", sha256),
            *self._kept(described(options), options.metadata, checksum if sha256 is not None else None, token),
        ]
        if self._preset.conditional_puts and token is not None:
            headers += condition_headers(options)
        if self._preset.checksums:
            headers.append((f"x-amz-checksum-{checksum.algorithm}", base64_of(checksum.value)))
        if self._preset.announces_checksums:
            headers.append((ANNOUNCED, checksum.algorithm.upper()))
        if options.storage_class is not None or options.tags:
            headers += self._labels(options)
        return Request(
            method="PUT",
            url=self.url(key),
            headers=tuple(headers),
            body=data,
            auth=self.object_auth,
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
        """Read *span*, which is not empty; for a whole object, ask for the checksum as well."""
        wanted = None if span is WHOLE else range_header(span.start, span.end)
        headers = self._whole if wanted is None else (*self.reading, ("Range", wanted))
        if if_match is not None:
            headers = (*headers, ("If-Match", quoted_etag(if_match)))
        return Request(
            method="GET",
            url=self.url(key),
            headers=headers,
            sink=sink,
            auth=self.object_auth,
            operation="get",
            on_headers=on_headers,
        )

    def read(self, key: str) -> Request:
        """Read the whole into the body of the response, and ask for its checksum."""
        return Request(
            method="GET", url=self.url(key), headers=self._whole, whole=True, auth=self.object_auth, operation="get"
        )

    def head(self, key: str, if_match: str | None = None, *, checksum: bool = False) -> Request:
        """Look at an object, and at its *checksum*, which on Amazon takes the permission to decrypt."""
        headers = self.reading if if_match is None else (*self.reading, ("If-Match", quoted_etag(if_match)))
        if checksum:
            headers = (*headers, _WITH_CHECKSUM)
        return Request(method="HEAD", url=self.url(key), headers=headers, auth=self.object_auth, operation="head")

    def delete(self, key: str) -> Request:
        """Remove an object."""
        return Request(method="DELETE", url=self.url(key), headers=self.bare, auth=self.auth, operation="delete")

    def delete_many(self, keys: Iterable[str]) -> Request:
        """Remove up to 1,000 objects. A digest is required, and MD5 is the one that every service accepts."""
        body = delete_body(map(self.codec.name_of, keys))
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = (self.payload(body), ("Content-MD5", md5), XML)
        return Request(
            method="POST", url=f"{self._base}?delete=", headers=headers, body=body, auth=self.auth, operation="delete"
        )

    def list(self, prefix: str, token: str | None, *, one_level: bool, most: int = PAGE_KEYS) -> Request:
        """List a page of the names below *prefix*, percent-encoded, because XML cannot hold every character."""
        query = {"encoding-type": "url", "list-type": "2", "max-keys": str(most), "prefix": prefix}
        if one_level:
            query["delimiter"] = "/"
        if token is not None:
            query["continuation-token"] = token
        return Request(method="GET", url=self.query(query), headers=self.reading, auth=self.auth, operation="list")

    def copy(self, source: str, etag: str | None, key: str, mode: PutMode, written: Headers | None = None) -> Request:
        """Copy the version *etag* of the *source*, which is a ``copy_source``, with its headers or those *written*."""
        headers = [*self.bare, ("x-amz-copy-source", source)]
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
            auth=self.copy_auth,
            operation="copy",
            status_of_body=status_inside,
        )

    def written(self, options: PutOptions, kept: Checksum | None, token: str | None, others: Headers = ()) -> Headers:
        """Return the headers of an object that is made under *options*, and *others* unchanged."""
        labels = self._labels(options) if options.storage_class is not None or options.tags else ()
        return (*self._kept(described(options), options.metadata, kept, token), *others, *labels)

    def _labels(self, options: PutOptions) -> Headers:
        from .label_headers import option_headers

        return option_headers(self._preset, options)

    def other_headers(self, headers: Mapping[str, str]) -> Headers:
        """See ``headers.other_headers``."""
        return other_headers(headers, decodes_gzip=self._preset.decodes_gzip)

    def url(self, key: str) -> str:
        """Return the URL of an object; everything but unreserved characters and slashes is percent-encoded."""
        name = self.codec.encode(key)
        return self._below + (name if _SAFE.fullmatch(name) else parse.quote(name, safe="/~"))

    def query(self, query: dict[str, str]) -> str:
        """Return the URL of the bucket with *query*."""
        # Sorted, because a signature is over the sorted query.
        pairs = (f"{name}={parse.quote(value, safe='~')}" for name, value in sorted(query.items()))
        return f"{self._base}?{'&'.join(pairs)}"

    def payload(self, body: bytes) -> tuple[str, str]:
        """Return the header for the payload *body*."""
        return UNSIGNED if self._tls else ("x-amz-content-sha256", hashlib.sha256(body).hexdigest())

    def copy_source(self, key: str) -> str:
        """Return how a copy names the object *key*."""
        return f"/{self.target.bucket}/{parse.quote(self.codec.name_of(key), safe='/~')}"


def put_headers(
    headers: Iterable[tuple[str, str]],
    metadata: Mapping[str, str],
    checksum: Checksum | None,
    token: str | None,
    *,
    keeps_disposition: bool = True,
    decodes_gzip: bool = False,
) -> list[tuple[str, str]]:
    """Return the headers that are stored with an object; those that the service would forget become metadata.

    So does a content encoding of gzip where the service would decode it on the way out: the bytes would differ then.
    So does the *checksum*, a sha256 or a CRC-32.

    Raises:
        NotSupportedError: metadata cannot have such a name.
    """
    kept = list[tuple[str, str]]()
    for name, value in headers:
        substitute = SUBSTITUTES.get(name)
        lost = not keeps_disposition or (decodes_gzip and substitute == ENCODING and "gzip" in value.lower())
        kept.append((METADATA + substitute if substitute is not None and lost else name, value))
    for name, value in metadata.items():
        kept.append((METADATA + metadata_name(name, OURS), encode_text(value)))
    if checksum is not None:
        kept.append((METADATA + KEPT[checksum.algorithm], checksum.value))
    if token is not None:
        kept.append((METADATA + WRITE_TOKEN, token))
    return kept

"""The requests of the S3 API, built for one bucket. Pure: nothing is sent here; ``answers.py`` reads what comes back.

docs.aws.amazon.com/AmazonS3/latest/API and developers.cloudflare.com/r2/api/s3/api (read 2026-08) say what is built:
checksums as headers and never as aws-chunked trailers, which R2 refuses; ``Accept-Encoding: identity``, without which
R2 leaves the length out; over TLS the payload is not signed, over plain http it is.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import quote

from ...bodies.part_upload import MemoryBody
from ...transport import Auth, BodySlice, Request
from ...types import Buffer, ByteRange, ObjectInfo, PartInfo, PutMode, PutOptions, Sink, UploadState
from ..objectstore.header_text import condition_headers, described, range_header
from ..objectstore.key_codec import AS_IT_IS, KeyCodec
from .errors import status_inside
from .headers import base64_of, other_headers, put_headers, quoted_etag
from .target import CreateCopy, Target
from .xml import complete_body, delete_body

PAGE_KEYS: Final = 1000
"""Keys in one page of a listing: the most that S3 gives."""

Headers: TypeAlias = tuple[tuple[str, str], ...]

_UNSIGNED: Final = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
_EMPTY: Final = ("x-amz-content-sha256", hashlib.sha256(b"").hexdigest())
_ANNOUNCED: Final = "x-amz-sdk-checksum-algorithm"
_IDENTITY: Final = ("Accept-Encoding", "identity")
# The checksum of the whole object comes along, where the service keeps one: docs.aws.amazon.com/AmazonS3/latest/API/
# API_GetObject.html (read 2026-11). For a part it would be that of the part at best.
_WITH_CHECKSUM: Final = ("x-amz-checksum-mode", "ENABLED")
_XML: Final = ("Content-Type", "application/xml")  # R2 answers 415 to anything else — hexclave#2010

# 409 ConditionalRequestConflict: another conditional write was under way, "retry the upload" —
# docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (read 2026-08).
_CONFLICTS: Final = frozenset({409})


@dataclass(frozen=True, slots=True)
class PartDigests:
    """What proves one part to the service."""

    sha256: str | None = None
    """Hexadecimal; signs the payload over plain http."""
    crc32: str | None = None
    """Base64; only when the upload was begun with that algorithm."""
    md5: str | None = None
    """Base64."""


class Requests:
    """Builds the requests for one target. Keys in: the one place that spells them as the service does."""

    __slots__ = ("_bare", "_base", "_below", "_get", "_kept", "_preset", "_tls", "auth", "codec", "target")

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
        payload = _UNSIGNED if self._tls else _EMPTY
        self._bare: Headers = (payload,)
        self._get: Headers = (payload, _IDENTITY)

    def put_object(self, key: str, data: bytes, sha256: str, options: PutOptions, token: str | None) -> Request:
        """Write *data*, whose sha256 is given in hexadecimal, in one request; the service verifies it."""
        headers = [
            _UNSIGNED if self._tls else ("x-amz-content-sha256", sha256),
            *self._kept(described(options), options.metadata, sha256, token),
            *(condition_headers(options) if self._preset.conditional_puts else ()),
        ]
        if self._preset.checksums:
            headers.append(("x-amz-checksum-sha256", base64_of(sha256)))
        if self._preset.announces_checksums:
            headers.append((_ANNOUNCED, "SHA256"))
        return Request(
            method="PUT",
            url=self.url(key),
            headers=tuple(headers),
            body=data,
            auth=self.auth,
            operation="put",
            retry_statuses=_CONFLICTS if token is not None else frozenset(),
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
        headers = self._get
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
        headers = self._get if if_match is None else (*self._get, ("If-Match", quoted_etag(if_match)))
        if checksum:
            headers = (*headers, _WITH_CHECKSUM)
        return Request(method="HEAD", url=self.url(key), headers=headers, auth=self.auth, operation="head")

    def delete(self, key: str) -> Request:
        """Remove an object."""
        return Request(method="DELETE", url=self.url(key), headers=self._bare, auth=self.auth, operation="delete")

    def delete_many(self, keys: Iterable[str]) -> Request:
        """Remove up to 1,000 objects. The MD5 is what every service takes for the digest that it asks for."""
        body = delete_body(map(self.codec.name_of, keys))
        md5 = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = (self._payload(body), ("Content-MD5", md5), _XML)
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
        return Request(method="GET", url=self._query(query), headers=self._get, auth=self.auth, operation="list")

    def copy(self, source: str, etag: str | None, key: str, mode: PutMode, written: Headers | None = None) -> Request:
        """Copy the version *etag* of an object with all that it carries, or with what is *written* in its place."""
        headers = [*self._bare, ("x-amz-copy-source", self._source(source))]
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

    def begin(self, key: str, written: Headers, *, checked: bool = True) -> Request:
        """Begin a multipart upload; the object gets what is *written* here. *checked* parts come with their CRC-32."""
        headers = [*self._bare, *written]
        if checked and self._preset.checksums:
            headers.append(("x-amz-checksum-algorithm", "CRC32"))
        return Request(
            method="POST",
            url=f"{self.url(key)}?uploads=",
            headers=tuple(headers),
            body=b"",
            auth=self.auth,
            operation="put",
        )

    def put_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        data: Buffer,
        digests: PartDigests,
    ) -> Request:
        """Write one part."""
        headers = [_UNSIGNED if digests.sha256 is None else ("x-amz-content-sha256", digests.sha256)]
        if digests.crc32 is not None:
            headers.append(("x-amz-checksum-crc32", digests.crc32))
            if self._preset.announces_checksums:
                headers.append((_ANNOUNCED, "CRC32"))
        if digests.md5 is not None:
            headers.append(("Content-MD5", digests.md5))
        return Request(
            method="PUT",
            url=f"{self.url(key)}?{upload_query(upload_id, number)}",
            headers=tuple(headers),
            body=data if isinstance(data, bytes) else BodySlice(source=MemoryBody(data), offset=0, size=len(data)),
            auth=self.auth,
            operation="put",
        )

    def copy_part(self, source: ObjectInfo, state: UploadState, number: int, span: ByteRange) -> Request:
        """Copy a span of *source*, of that version where the service can be told, into a part of an upload.

        A small object is named whole: S3 copies spans of objects above 5 MiB only (API_UploadPartCopy).
        """
        headers: Headers = (*self._bare, ("x-amz-copy-source", self._source(source.key)))
        if source.etag is not None and self._preset.pins_copied_parts:
            headers = (*headers, ("x-amz-copy-source-if-match", quoted_etag(source.etag)))
        wanted = range_header(span.start, span.end)
        if wanted is not None:
            headers = (*headers, ("x-amz-copy-source-range", wanted))
        return Request(
            method="PUT",
            url=f"{self.url(state.key)}?{upload_query(state.upload_id, number)}",
            headers=headers,
            body=b"",
            auth=self.auth,
            operation="copy",
            status_of_body=status_inside,
        )

    def complete(self, key: str, upload_id: str, parts: Sequence[PartInfo], options: PutOptions) -> Request:
        """Make the parts an object, under the condition of *options*."""
        body = complete_body(parts)
        condition = condition_headers(options) if self._preset.conditional_puts else ()
        headers = (self._payload(body), _XML, *condition)
        return Request(
            method="POST",
            url=f"{self.url(key)}?{upload_query(upload_id)}",
            headers=headers,
            body=body,
            auth=self.auth,
            operation="put",
            status_of_body=status_inside,
            retry_statuses=_CONFLICTS,
        )

    def abort(self, key: str, upload_id: str) -> Request:
        """Throw the parts of an upload away."""
        url = f"{self.url(key)}?{upload_query(upload_id)}"
        return Request(method="DELETE", url=url, headers=self._bare, auth=self.auth, operation="put")

    def list_parts(self, key: str, upload_id: str, after: int) -> Request:
        """List the parts of an upload whose numbers are above *after*."""
        marker = f"&part-number-marker={after}" if after else ""
        url = f"{self.url(key)}?max-parts=1000{marker}&uploadId={quote(upload_id, safe='~')}"
        return Request(method="GET", url=url, headers=self._get, auth=self.auth, operation="put")

    def list_uploads(self, prefix: str, after: tuple[str, str] | None) -> Request:
        """List unfinished uploads to names below *prefix*, after the (key, upload id) of the last page."""
        # No encoding-type: SeaweedFS 4.48 says that it encodes these names and does not.
        query = {"max-uploads": str(PAGE_KEYS), "prefix": prefix, "uploads": ""}
        if after is not None:
            query["key-marker"], query["upload-id-marker"] = after
        return Request(method="GET", url=self._query(query), headers=self._get, auth=self.auth, operation="sweep")

    def url(self, key: str) -> str:
        """Return the URL of an object; only unreserved characters and slashes stand for themselves."""
        return self._below + quote(self.codec.encode(key), safe="/~")

    def _query(self, query: dict[str, str]) -> str:
        # Sorted, because a signature is over the sorted query.
        pairs = (f"{name}={quote(value, safe='~')}" for name, value in sorted(query.items()))
        return f"{self._base}?{'&'.join(pairs)}"

    def _payload(self, body: bytes) -> tuple[str, str]:
        return _UNSIGNED if self._tls else ("x-amz-content-sha256", hashlib.sha256(body).hexdigest())

    def _source(self, key: str) -> str:
        return f"/{self.target.bucket}/{quote(self.codec.name_of(key), safe='/~')}"


def upload_query(upload_id: str, part: int | None = None) -> str:
    """Return the query that names an upload, or one part of it; sorted, as signatures want it."""
    number = f"partNumber={part}&" if part is not None else ""
    return f"{number}uploadId={quote(upload_id, safe='~')}"

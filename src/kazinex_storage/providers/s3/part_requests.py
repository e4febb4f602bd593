"""The requests of uploads in parts, built for one bucket: begin, parts, complete, abort, lists. Pure.

docs.aws.amazon.com/AmazonS3/latest/API (read 2026-08) documents them; ``requests.py`` builds all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...bodies.part_upload import MemoryBody
from ...lazy import module
from ...transport import BodySlice, Request
from ...types import Buffer, ByteRange, PartInfo, PutOptions, UploadState
from ...values import value
from ..objectstore.header_text import condition_headers, range_header
from .errors import status_inside
from .headers import quoted_etag
from .requests import ANNOUNCED, CONFLICTS, PAGE_KEYS, UNSIGNED, XML, Headers, Requests
from .xml import complete_body

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = module(__name__, "urllib.parse")


@value(kw_only=False)
class PartDigests:
    """The digests that prove one part to the service."""

    sha256: str | None = None
    """Hexadecimal; signs the payload over plain http."""
    crc32: str | None = None
    """Base64; only when the upload was begun with that algorithm."""
    md5: str | None = None
    """Base64."""


class PartRequests:
    """Builds the requests for uploads to one target."""

    __slots__ = ("_auth", "_preset", "_requests", "_url")

    def __init__(self, requests: Requests) -> None:
        """Build for the target of *requests*."""
        self._requests = requests
        self._url = requests.url
        self._auth = requests.object_auth
        self._preset = requests.target.preset

    def begin(self, key: str, written: Headers, *, checked: bool = True) -> Request:
        """Begin an upload; *written* are the headers of the object. *checked* parts come with their CRC-32."""
        headers = [*self._requests.bare, *written]
        if checked and self._preset.checksums:
            headers.append(("x-amz-checksum-algorithm", "CRC32"))
        return Request(
            method="POST",
            url=f"{self._url(key)}?uploads=",
            headers=tuple(headers),
            body=b"",
            auth=self._auth,
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
        headers = [UNSIGNED if digests.sha256 is None else ("x-amz-content-sha256", digests.sha256)]
        if digests.crc32 is not None:
            headers.append(("x-amz-checksum-crc32", digests.crc32))
            if self._preset.announces_checksums:
                headers.append((ANNOUNCED, "CRC32"))
        if digests.md5 is not None:
            headers.append(("Content-MD5", digests.md5))
        return Request(
            method="PUT",
            url=f"{self._url(key)}?{upload_query(upload_id, number)}",
            headers=tuple(headers),
            body=data if isinstance(data, bytes) else BodySlice(source=MemoryBody(data), offset=0, size=len(data)),
            auth=self._auth,
            operation="put",
        )

    def copy_part(self, source: str, etag: str | None, state: UploadState, number: int, span: ByteRange) -> Request:
        """Copy a span of *source*, a ``copy_source``, into a part; of that version, where the service can pin it.

        A small object is copied whole: S3 only copies spans of objects above 5 MiB (API_UploadPartCopy).
        """
        headers: Headers = (*self._requests.bare, ("x-amz-copy-source", source))
        if etag is not None and self._preset.pins_copied_parts:
            headers = (*headers, ("x-amz-copy-source-if-match", quoted_etag(etag)))
        wanted = range_header(span.start, span.end)
        if wanted is not None:
            headers = (*headers, ("x-amz-copy-source-range", wanted))
        return Request(
            method="PUT",
            url=f"{self._url(state.key)}?{upload_query(state.upload_id, number)}",
            headers=headers,
            body=b"",
            auth=self._requests.copy_auth,
            operation="copy",
            status_of_body=status_inside,
        )

    def complete(self, key: str, upload_id: str, parts: Sequence[PartInfo], options: PutOptions) -> Request:
        """Make the parts an object, under the condition in *options*."""
        body = complete_body(parts)
        condition = condition_headers(options) if self._preset.conditional_puts else ()
        headers = (self._requests.payload(body), XML, *condition)
        return Request(
            method="POST",
            url=f"{self._url(key)}?{upload_query(upload_id)}",
            headers=headers,
            body=body,
            auth=self._auth,
            operation="put",
            status_of_body=status_inside,
            retry_statuses=CONFLICTS,
        )

    def abort(self, key: str, upload_id: str) -> Request:
        """Discard the parts of an upload."""
        url = f"{self._url(key)}?{upload_query(upload_id)}"
        return Request(method="DELETE", url=url, headers=self._requests.bare, auth=self._requests.auth, operation="put")

    def list_parts(self, key: str, upload_id: str, after: int) -> Request:
        """List the parts of an upload whose numbers are above *after*."""
        marker = f"&part-number-marker={after}" if after else ""
        url = f"{self._url(key)}?max-parts=1000{marker}&uploadId={parse.quote(upload_id, safe='~')}"
        return Request(method="GET", url=url, headers=self._requests.reading, auth=self._auth, operation="put")

    def list_uploads(self, prefix: str, after: tuple[str, str] | None) -> Request:
        """List unfinished uploads to names below *prefix*, after the (key, upload id) of the last page."""
        # No encoding-type: SeaweedFS 4.48 claims to encode these names and does not.
        query = {"max-uploads": str(PAGE_KEYS), "prefix": prefix, "uploads": ""}
        if after is not None:
            query["key-marker"], query["upload-id-marker"] = after
        return Request(
            method="GET",
            url=self._requests.query(query),
            headers=self._requests.reading,
            auth=self._requests.auth,
            operation="sweep",
        )


def upload_query(upload_id: str, part: int | None = None) -> str:
    """Return the query that names an upload, or one part of it; sorted, as signatures require."""
    number = f"partNumber={part}&" if part is not None else ""
    return f"{number}uploadId={parse.quote(upload_id, safe='~')}"

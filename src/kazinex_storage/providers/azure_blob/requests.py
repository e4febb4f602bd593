"""The requests of the Blob API, built for one container. Pure: nothing is sent; ``answers.py`` reads the responses.

learn.microsoft.com/rest/api/storageservices/blob-service-rest-api documents them. Every body has a checksum, which the
service verifies before it stores anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from ...bodies.part_upload import MemoryBody
from ...transport import Auth, BodySlice, Request
from ...types import Buffer, ByteRange, Checksum, PutOptions, Sink
from ..objectstore.header_text import condition_headers, quoted_etag, range_header
from ..objectstore.key_codec import AS_IT_IS, KeyCodec
from .checksums import Proof, md5_proof, prover_of
from .headers import put_headers
from .sas import WithSource
from .target import Target

VERSION: Final = "2021-12-02"
"""The version of the API. The limits of ``target.py`` exist since 2019-12-12; newer versions add nothing used here."""

BATCH_BLOBS: Final = 256
"""Blobs that one batch removes: the most that Azure takes (Blob Batch)."""

Headers: TypeAlias = tuple[tuple[str, str], ...]

_BARE: Final[Headers] = (("x-ms-version", VERSION),)
_GET: Final[Headers] = (*_BARE, ("Accept-Encoding", "identity"))


class Requests:
    """Builds the requests for one target. Takes keys: the only place that turns them into names."""

    __slots__ = ("_base", "_below", "_path", "auth", "codec", "object_auth", "prove", "target")

    def __init__(self, target: Target, auth: Auth, codec: KeyCodec = AS_IT_IS) -> None:
        """Build for *target*, authorised by *auth*; *codec* encodes keys.

        Raises:
            SettingsError: the package that computes its checksum is missing.
        """
        self.target = target
        self.auth = auth
        self.object_auth = auth
        """What authorises requests for bytes: with the customer's key, where there is one."""
        if target.customer_key is not None:
            from .customer_keys import keyed

            self.object_auth = keyed(auth, target.customer_key)
        self.codec = codec
        self.prove = prover_of(target.body_checksum)
        """Makes the proof of a body."""
        self._base = target.base_url
        self._below = f"{target.base_url}/{quote(codec.prefix, safe='/~')}"
        self._path = urlsplit(self._base).path

    def put_blob(
        self, key: str, data: bytes, proof: Proof, kept: Checksum | None, options: PutOptions, token: str
    ) -> Request:
        """Write *data*, proved by *proof*, in one request."""
        headers = (
            *_BARE,
            ("x-ms-blob-type", "BlockBlob"),
            proof.header,
            *put_headers(options, kept, token),
            *condition_headers(options),
        )
        return Request(
            method="PUT", url=self.url(key), headers=headers, body=data, auth=self.object_auth, operation="put"
        )

    def put_block(self, key: str, block_id: str, data: Buffer, proof: Proof) -> Request:
        """Write one block, which is invisible until committed."""
        return Request(
            method="PUT",
            url=f"{self.url(key)}?comp=block&blockid={quote(block_id, safe='')}",
            headers=(*_BARE, proof.header),
            body=data if isinstance(data, bytes) else BodySlice(source=MemoryBody(data), offset=0, size=len(data)),
            auth=self.object_auth,
            operation="put",
        )

    def put_block_list(
        self, key: str, block_ids: Iterable[str], kept: Checksum | None, options: PutOptions, token: str
    ) -> Request:
        """Make the blocks the blob, under the condition of *options*."""
        lines = "".join(f"<Uncommitted>{block_id}</Uncommitted>" for block_id in block_ids)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{lines}</BlockList>'.encode()
        headers = (
            *_BARE,
            ("Content-Type", "application/xml"),
            md5_proof(body).header,
            *put_headers(options, kept, token),
            *condition_headers(options),
        )
        url = f"{self.url(key)}?comp=blocklist"
        return Request(method="PUT", url=url, headers=headers, body=body, auth=self.object_auth, operation="put")

    def block_list(self, key: str) -> Request:
        """List the blocks that are not committed yet."""
        url = f"{self.url(key)}?comp=blocklist&blocklisttype=uncommitted"
        return Request(method="GET", url=url, headers=_GET, auth=self.auth, operation="list")

    def copy(self, source_url: str, etag: str | None, key: str, headers: Headers) -> Request:
        """Copy one version of a blob of at most 256 MiB with its properties; *headers* hold its metadata.

        The copy has ended when the response comes (Copy Blob From URL).
        """
        headers = (
            *_BARE,
            ("x-ms-requires-sync", "true"),
            *_source_condition(etag),
            *headers,
        )
        return Request(
            method="PUT",
            url=self.url(key),
            headers=headers,
            body=b"",
            auth=WithSource(self.auth, source_url),
            operation="copy",
        )

    def copy_block(self, source_url: str, etag: str | None, span: ByteRange, key: str, block_id: str) -> Request:
        """Make a span of one version of a blob a block of another blob (Put Block From URL)."""
        headers = (
            *_BARE,
            ("x-ms-source-range", f"bytes={span.start}-{(span.end or 0) - 1}"),
            *_source_condition(etag),
        )
        url = f"{self.url(key)}?comp=block&blockid={quote(block_id, safe='')}"
        return Request(
            method="PUT",
            url=url,
            headers=headers,
            body=b"",
            auth=WithSource(self.auth, source_url),
            operation="copy",
        )

    def delete_many(self, keys: Sequence[str], boundary: str, query: str) -> Request:
        """Remove up to 256 blobs with their snapshots; *query* authorises each of the deletes (Blob Batch)."""
        names = (quote(self.codec.name_of(key), safe="/~") for key in keys)
        parts = "".join(
            f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: {number}\r\n\r\nDELETE {self._path}/{name}?{query} HTTP/1.1\r\n"
            "x-ms-delete-snapshots: include\r\nContent-Length: 0\r\n\r\n"
            for number, name in enumerate(names)
        )
        return Request(
            method="POST",
            url=f"{self._base}?restype=container&comp=batch",
            headers=(*_BARE, ("Content-Type", f"multipart/mixed; boundary={boundary}")),
            body=f"{parts}--{boundary}--\r\n".encode(),
            auth=self.auth,
            operation="delete_many",
        )

    def get(
        self,
        key: str,
        span: tuple[int, int | None],
        sink: Sink,
        if_match: str | None,
        on_headers: Callable[[Mapping[str, str]], None],
    ) -> Request:
        """Read the bytes from the first number of *span* up to the second; None is the end."""
        headers = _GET
        wanted = range_header(*span)
        if wanted is not None:
            headers = (*headers, ("Range", wanted))
        if if_match is not None:
            headers = (*headers, ("If-Match", quoted_etag(if_match)))
        return Request(
            method="GET",
            url=self.url(key),
            headers=headers,
            sink=sink,
            on_headers=on_headers,
            auth=self.object_auth,
            operation="get",
        )

    def read(self, key: str) -> Request:
        """Read the whole into the body of the response."""
        return Request(
            method="GET", url=self.url(key), headers=_GET, whole=True, auth=self.object_auth, operation="get"
        )

    def head(self, key: str, if_match: str | None = None) -> Request:
        """Look at a blob."""
        headers = _GET if if_match is None else (*_GET, ("If-Match", quoted_etag(if_match)))
        return Request(method="HEAD", url=self.url(key), headers=headers, auth=self.object_auth, operation="head")

    def delete(self, key: str) -> Request:
        """Remove a blob with its snapshots."""
        headers: Headers = (*_BARE, ("x-ms-delete-snapshots", "include"))
        return Request(method="DELETE", url=self.url(key), headers=headers, auth=self.auth, operation="delete")

    def list(
        self,
        prefix: str,
        marker: str | None,
        *,
        one_level: bool = False,
        include: Literal["metadata", "metadata,uncommittedblobs", "versions", "deleted,versions"] = "metadata",
        most: int | None = None,
    ) -> Request:
        """List a page of the names below *prefix*, with metadata, because only that shows what is a directory.

        Others to *include* are blobs that only have uncommitted blocks, every version, and those that soft delete
        keeps. *most* is what a page has at most.
        """
        parts = f"restype=container&comp=list&include={include}&maxresults={most or self.target.page_blobs}"
        parts += f"&prefix={quote(prefix, safe='')}"
        if one_level:
            parts += "&delimiter=%2F"
        if marker is not None:
            parts += f"&marker={quote(marker, safe='')}"
        return Request(method="GET", url=f"{self._base}?{parts}", headers=_GET, auth=self.auth, operation="list")

    def url(self, key: str) -> str:
        """Return the URL of a blob; everything but unreserved characters and slashes is percent-encoded."""
        return self._below + quote(self.codec.encode(key), safe="/~")

    def tags_url(self, key: str) -> str:
        """Return the URL of the tags of a blob."""
        return f"{self.url(key)}?comp=tags"


def wanted_span(span: ByteRange, size: int | None) -> tuple[int, int | None]:
    """Return the first byte to ask for and the one after the last; *size* is needed to count from the end.

    Azure has no ranges that count from the end (learn.microsoft.com/rest/api/storageservices/
    specifying-the-range-header-for-blob-service-operations).
    """
    return (span.start, span.end) if span.start >= 0 or size is None else span.resolve(size)


def _source_condition(etag: str | None) -> Headers:
    return (("x-ms-source-if-match", quoted_etag(etag)),) if etag is not None else ()

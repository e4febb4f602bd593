"""Successful responses of the S3 API as our values. Pure; ``requests.py`` builds the requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ...bodies.checksums import strongest
from ...errors import UnavailableError
from ...lazy import regex
from ...transport import Response
from ...types import Checksum, ObjectInfo, PartInfo, PendingUpload
from ...values import value
from ..objectstore.header_text import hexadecimal_of, moment_of, size_of
from .headers import (
    CRC32,
    DISPOSITION,
    ENCODING,
    LANGUAGE,
    METADATA,
    SHA256,
    WRITE_TOKEN,
    date_of,
    encoding_of,
    etag_of,
    metadata_of,
)
from .xml import is_true, parse_xml, text_of

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element

    from ..objectstore.listed_pages import Page, Row


_CONTENT_RANGE: Final = regex(r"bytes (?:[0-9]{1,18}-[0-9]{1,18}|\*)/([0-9]{1,18})")
_SPAN: Final = regex(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# Every service that knows ListObjectsV2 sends some of these, even for an empty bucket.
_LISTING: Final = frozenset({"Name", "Prefix", "KeyCount", "MaxKeys", "IsTruncated", "Contents", "CommonPrefixes"})
_HEXADECIMAL: Final = regex(r"[0-9a-f]{64}")
_CRC32: Final = regex(r"[0-9a-f]{8}")
_MD5: Final = regex(r'"?([0-9a-f]{32})"?')
# Amazon's, and those of Google Cloud Storage, whose ETag is not an MD5 then either
# (cloud.google.com/storage/docs/hashes-etags).
_KEYS: Final = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-goog-encryption-algorithm",
    "x-goog-encryption-kms-key-name",
)
_CHECKSUM: Final = "x-amz-checksum-"
_TYPE: Final = _CHECKSUM + "type"
_ALGORITHMS: Final = {name: _CHECKSUM + name for name in ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")}

_STRONGER: Final = tuple(_CHECKSUM + name for name in ("sha256", "sha1", "crc64nvme"))
"""What comes before MD5, see ``bodies/checksums.py``."""


def parse_object(
    key: str, headers: Mapping[str, str], size: int | None = None, known: Sequence[Checksum | None] = ()
) -> ObjectInfo:
    """Return what the headers of a GET or HEAD say; *size* is used when the service leaves the length out.

    *known* holds the checksum of the whole where an earlier response said it; this one may be of a part.

    Raises:
        UnavailableError: it is unknown how long the object is.
    """
    get = headers.get
    part = get("content-range")
    match = _CONTENT_RANGE.fullmatch(part) if part is not None else None
    length = int(match[1]) if match is not None else size_of(get("content-length"))
    if length is None:
        length = size
    if length is None:
        raise UnavailableError("the service does not say how long the object is", key=key)
    disposition = encoding = language = None
    metadata = metadata_of(headers)
    if metadata:
        pop = metadata.pop
        pop(WRITE_TOKEN, None)
        pop(SHA256, None)
        pop(CRC32, None)
        disposition, encoding, language = pop(DISPOSITION, None), pop(ENCODING, None), pop(LANGUAGE, None)
    if "content-encoding" in headers:
        encoding = encoding_of(headers) or encoding
    return ObjectInfo(
        key=key,
        size=length,
        etag=etag_of(get("etag")),
        last_modified=date_of(get("last-modified")),
        content_type=get("content-type"),
        content_disposition=get("content-disposition") or disposition,
        cache_control=get("cache-control"),
        content_encoding=encoding,
        content_language=get("content-language") or language,
        metadata=metadata,
        checksum=known[0] if known else checksum_in(headers),
        version=get("x-amz-version-id"),
        storage_class=get("x-amz-storage-class"),
    )


def checksum_in(headers: Mapping[str, str]) -> Checksum | None:
    """Return the strongest checksum of the whole object that a GET or HEAD includes and that can be computed here.

    The sha256 that we keep in the metadata is the strongest, a CRC-32 there the weakest. The ETag is the MD5 of what
    was put in one request, unless the service encrypts with a key of the customer
    (docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html); an ETag or checksum that ends with "-N" was computed from
    those of N parts. A service that leaves the length out decodes on the way: the bytes that arrive then differ from
    those it stores.
    """
    sha256 = headers.get(METADATA + SHA256)
    if sha256 is not None and _HEXADECIMAL.fullmatch(sha256):
        return Checksum(algorithm="sha256", value=sha256)
    if "content-length" not in headers:
        return None
    crc32 = headers.get(METADATA + CRC32, "")
    found = {"crc32": crc32} if _CRC32.fullmatch(crc32) else {}
    etag = _MD5.fullmatch(headers.get("etag", ""))
    encrypted = headers.get("x-amz-server-side-encryption", "").startswith("aws:") or _KEYS[0] in headers
    if etag is not None and not (encrypted or _KEYS[1] in headers or _KEYS[2] in headers):
        if not (_STRONGER[0] in headers or _STRONGER[1] in headers or _STRONGER[2] in headers):
            return Checksum(algorithm="md5", value=etag[1])  # of most objects, without looking at what is weaker
        found["md5"] = etag[1]
    if headers.get(_TYPE) != "COMPOSITE" and ("content-range" not in headers or _is_whole(headers["content-range"])):
        for algorithm, name in _ALGORITHMS.items():
            if name in headers and (value := hexadecimal_of(headers[name])) is not None:
                found[algorithm] = value
    return strongest(found) if found else None


def parse_page(body: bytes) -> Page:
    """Return a page of ListObjectsV2.

    Raises:
        UnavailableError: it is not a listing.
    """
    from ..objectstore.listed_pages import Page
    from .contents import read_contents

    ordinary = read_contents(body)
    root = _expect(body if ordinary is None else ordinary.rest, "ListBucketResult")
    if ordinary is None and not any(child.tag in _LISTING for child in root):
        raise UnavailableError("the service sent a listing that says nothing of a bucket; check the endpoint")
    decode = _decoder(root)
    objects: list[Row]
    if ordinary is None:
        items = root.findall("Contents")
        objects = [
            (
                name,
                _number(text_of(item, "Size")),
                etag_of(text_of(item, "ETag")),
                moment_of(text_of(item, "LastModified")),
            )
            for name, item in zip(decode([text_of(item, "Key") or "" for item in items]), items, strict=True)
        ]
    else:
        names, sizes, etags, moments, _ = ordinary
        objects = list(zip(decode(names), sizes, etags, moments, strict=True))
    folders = decode([text_of(item, "Prefix") or "" for item in root.iterfind("CommonPrefixes")])
    token = text_of(root, "NextContinuationToken") or None  # a last page never has one, whatever IsTruncated says
    if token is None and is_true(text_of(root, "IsTruncated")):
        raise UnavailableError("the service cut a listing off without saying how to go on")
    return Page(objects, folders, token)


def parse_failures(body: bytes) -> dict[str, tuple[str, str]]:
    """Return (code, message) by key for what DeleteObjects did not delete.

    Raises:
        UnavailableError: it is not a response to DeleteObjects.
    """
    root = _expect(body, "DeleteResult")
    return {
        text_of(item, "Key") or "": (text_of(item, "Code") or "", text_of(item, "Message") or "")
        for item in root.iterfind("Error")
    }


def parse_upload_id(body: bytes) -> str:
    """Return the id of an upload that was begun.

    Raises:
        UnavailableError: there is no id.
    """
    found = text_of(_expect(body, "InitiateMultipartUploadResult"), "UploadId")
    if not found:
        raise UnavailableError("the service began an upload without giving its id")
    return found


def parse_part_etag(response: Response) -> str:
    """Return the etag of a part that was put.

    Raises:
        UnavailableError: the service gives none.
    """
    found = response.headers.get("etag")
    if not found:
        raise UnavailableError("the service took a part without giving its ETag")
    return found


def parse_result_etag(body: bytes) -> str:
    """Return the etag in the response to a copy or to CompleteMultipartUpload.

    Raises:
        UnavailableError: there is none.
    """
    found = text_of(parse_xml(body.lstrip()), "ETag")
    if not found:
        raise UnavailableError("the service did not give the ETag of what it wrote; look at the object")
    return found


def parse_parts(body: bytes) -> tuple[list[PartInfo], int | None]:
    """Return the parts of a page of ListParts, and after which number the next page begins.

    Raises:
        UnavailableError: it is not a list of parts.
    """
    root = _expect(body, "ListPartsResult")
    parts = [
        PartInfo(
            number=_number(text_of(item, "PartNumber")),
            size=_number(text_of(item, "Size")),
            etag=text_of(item, "ETag") or "",
            crc32=text_of(item, "ChecksumCRC32") or None,
        )
        for item in root.iterfind("Part")
    ]
    if not is_true(text_of(root, "IsTruncated")):
        return parts, None
    if not parts:
        raise UnavailableError("the service cut a list of parts off without saying how to go on")
    return parts, parts[-1].number


def parse_uploads(body: bytes) -> tuple[list[PendingUpload], tuple[str, str] | None]:
    """Return the uploads of a page of ListMultipartUploads, and after which the next page begins.

    Raises:
        UnavailableError: it is not a list of uploads, or does not say how to go on.
    """
    root = _expect(body, "ListMultipartUploadsResult")
    decode, items = _decoder(root), root.findall("Upload")
    names = decode([text_of(item, "Key") or "" for item in items])
    uploads = [
        PendingUpload(
            key=name,
            upload_id=text_of(item, "UploadId") or "",
            begun_at=moment_of(text_of(item, "Initiated")),
        )
        for name, item in zip(names, items, strict=True)
    ]
    if not is_true(text_of(root, "IsTruncated")):
        return uploads, None
    (key,), upload_id = decode([text_of(root, "NextKeyMarker") or ""]), text_of(root, "NextUploadIdMarker") or ""
    if not key and not upload_id:  # SeaweedFS only needs the id
        raise UnavailableError("the service cut a listing of uploads off without saying how to go on")
    return uploads, (key, upload_id)


@value(kw_only=False)
class ListedVersion:
    """One version of an object, or a delete marker, in a page of ListObjectVersions."""

    name: str
    version: str
    size: int | None
    """Bytes; None for a delete marker."""
    etag: str | None
    last_modified: datetime | None
    """Aware UTC."""
    is_latest: bool


def parse_versions(body: bytes) -> tuple[list[ListedVersion], tuple[str, str] | None]:
    """Return the versions and delete markers of a page, and after which (name, version) the next page begins.

    Raises:
        UnavailableError: it is not a list of versions, or does not say how to go on.
    """
    root = _expect(body, "ListVersionsResult")
    decode = _decoder(root)
    items = [item for item in root if item.tag in ("Version", "DeleteMarker")]
    names = decode([text_of(item, "Key") or "" for item in items])
    found = [
        ListedVersion(
            name,
            text_of(item, "VersionId") or "null",
            _number(text_of(item, "Size")) if item.tag == "Version" else None,
            etag_of(text_of(item, "ETag")),
            moment_of(text_of(item, "LastModified")),
            is_true(text_of(item, "IsLatest")),
        )
        for name, item in zip(names, items, strict=True)
    ]
    if not is_true(text_of(root, "IsTruncated")):
        return found, None
    (name,), version = decode([text_of(root, "NextKeyMarker") or ""]), text_of(root, "NextVersionIdMarker") or ""
    if not name:
        raise UnavailableError("the service cut a listing of versions off without saying how to go on")
    return found, (name, version)


def _is_whole(content_range: str) -> bool:
    span = _SPAN.fullmatch(content_range)
    return span is not None and span[1] == "0" and int(span[2]) + 1 == int(span[3])


def _expect(body: bytes, name: str) -> Element:
    root = parse_xml(body)
    if root.tag != name:
        raise UnavailableError(f"the service answered <{root.tag[:60]}> instead of <{name}>; check the endpoint")
    return root


def _decoder(root: Element) -> Callable[[list[str]], list[str]]:
    """Return the function that decodes names, if the service encoded them as asked.

    A blank comes as "+" from AWS, as "%20" from ministack and as either from SeaweedFS; a plus sign is "%2B"
    everywhere.
    """
    from .contents import unquoted

    return unquoted if text_of(root, "EncodingType") == "url" else list


def _number(text: str | None) -> int:
    number = size_of(text)
    if number is None:
        raise UnavailableError(
            "the service sent something else instead of a number; check the endpoint and any proxies"
        )
    return number

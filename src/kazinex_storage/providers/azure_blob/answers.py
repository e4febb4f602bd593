"""Successful responses of the Blob API as our values. Pure; ``requests.py`` builds the requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from ...errors import NotFoundError, UnavailableError
from ...lazy import regex
from ...types import Checksum, ObjectInfo
from ...unkeyed import MARKED
from ...values import value
from ..objectstore.header_text import date_of, etag_of, hexadecimal_of, size_of
from ..objectstore.listed_pages import Page
from ..objectstore.reading import CONTENT_RANGE
from ..objectstore.xml_text import is_true, parse_xml, text_of
from .headers import CRC32, FOLDER, METADATA, SHA256, WRITE_TOKEN, is_folder, metadata_of
from .names import encode_metadata_name

_HEXADECIMAL: Final = regex(r"[0-9a-f]{64}")
_SHA256_HEADER: Final = METADATA + encode_metadata_name(SHA256)
_CRC32_HEADER: Final = METADATA + encode_metadata_name(CRC32)
_CRC32: Final = regex(r"[0-9a-f]{8}")
_MD5_BYTES: Final = 16


def parse_object(key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """Return what the headers of a GET or HEAD say.

    Raises:
        NotFoundError: it is a directory.
        UnavailableError: they do not say how long the blob is.
    """
    match = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    size = size_of(match[3] if match is not None else headers.get("content-length"))
    if size is None:
        raise UnavailableError("the service does not say how long the object is", key=key)
    metadata = metadata_of(headers)
    if is_folder(metadata):
        raise NotFoundError("no object has that key, but a directory does", key=key, code=MARKED)
    metadata.pop(WRITE_TOKEN, None)
    metadata.pop(FOLDER, None)
    metadata.pop(SHA256, None)
    metadata.pop(CRC32, None)
    return ObjectInfo(
        key=key,
        size=size,
        etag=etag_of(headers.get("etag")),
        last_modified=date_of(headers.get("last-modified")),
        content_type=headers.get("content-type"),
        content_disposition=headers.get("content-disposition"),
        cache_control=headers.get("cache-control"),
        content_encoding=headers.get("content-encoding"),
        content_language=headers.get("content-language"),
        metadata=metadata,
        checksum=checksum_in(headers),
        version=headers.get("x-ms-version-id"),
        storage_class=headers.get("x-ms-access-tier"),
    )


def checksum_in(headers: Mapping[str, str]) -> Checksum | None:
    """Return the checksum of the whole blob that a GET or HEAD gives: the sha256 that we keep, else its MD5,
    else the CRC-32 that we keep.

    A blob put in one request has the MD5 of its bytes, any other the one that its writer gave; a part comes with the
    MD5 of the whole as well as its own (learn.microsoft.com/rest/api/storageservices/get-blob). That of append and page
    blobs is not kept up to date.
    """
    sha256 = headers.get(_SHA256_HEADER)
    if sha256 is not None and _HEXADECIMAL.fullmatch(sha256):
        return Checksum(algorithm="sha256", value=sha256)
    md5 = headers.get("x-ms-blob-content-md5") or (None if "content-range" in headers else headers.get("content-md5"))
    if headers.get("x-ms-blob-type", "BlockBlob") != "BlockBlob":
        return None
    value = hexadecimal_of(md5) if md5 is not None else None
    if value is not None and len(value) == 2 * _MD5_BYTES:
        return Checksum(algorithm="md5", value=value)
    crc32 = headers.get(_CRC32_HEADER, "")
    return Checksum(algorithm="crc32", value=crc32) if _CRC32.fullmatch(crc32) else None


def parse_page(body: bytes) -> Page:
    """Return a page of List Blobs.

    Raises:
        UnavailableError: it is not a listing.
    """
    root = _listing(body)
    directories = [_name(blob) for blob in root.iterfind("Blobs/Blob") if _is_directory(blob)]
    objects = [_blob(blob) for blob in root.iterfind("Blobs/Blob") if not (directories and _is_directory(blob))]
    folders = [_name(folder) for folder in root.iterfind("Blobs/BlobPrefix")]
    return Page(objects, folders, text_of(root, "NextMarker") or None, directories)


@value(kw_only=False)
class ListedVersion:
    """One version of a blob, or a blob without versions, in a page of List Blobs."""

    name: str
    version: str | None
    """None of a blob from before versioning was turned on, or after it was turned off."""
    size: int
    """Bytes."""
    etag: str | None
    last_modified: datetime | None
    """Aware UTC."""
    is_current: bool
    """Whether it is what the name names."""


def parse_versions(body: bytes) -> tuple[list[ListedVersion], str | None]:
    """Return the versions in a page of List Blobs, and the marker of the next page.

    Raises:
        UnavailableError: it is not a listing.
    """
    found = list[ListedVersion]()
    root = _listing(body)
    for blob in root.iterfind("Blobs/Blob"):
        version = text_of(blob, "VersionId") or None
        is_current = version is None or is_true(text_of(blob, "IsCurrentVersion"))
        name, size, etag, last_modified = _blob(blob)
        found.append(ListedVersion(name, version, size, etag, last_modified, is_current))
    return found, text_of(root, "NextMarker") or None


def _listing(body: bytes) -> Element:
    root = parse_xml(body, "Azure")
    if root.tag != "EnumerationResults" or root.find("Blobs") is None:
        raise UnavailableError(f"the service answered <{root.tag[:60]}> instead of a listing; check the endpoint")
    return root


def parse_blocks(body: bytes) -> list[tuple[str, int]]:
    """Return id and size of the uncommitted blocks.

    Raises:
        UnavailableError: it is not a list of blocks.
    """
    root = parse_xml(body, "Azure")
    if root.tag != "BlockList":
        raise UnavailableError(
            f"the service answered <{root.tag[:60]}> instead of a list of blocks; check the endpoint"
        )
    found: list[tuple[str, int]] = []
    for block in root.iterfind("UncommittedBlocks/Block"):
        name, size = text_of(block, "Name"), size_of(text_of(block, "Size"))
        if not name or size is None:
            raise UnavailableError("the service lists a block without id or size; check the endpoint and any proxies")
        found.append((name, size))
    return found


def _blob(blob: Element) -> tuple[str, int, str | None, datetime | None]:
    properties = blob.find("Properties")
    size = size_of(text_of(properties, "Content-Length")) if properties is not None else None
    if properties is None or size is None:
        raise UnavailableError("the service lists an object without its size; check the endpoint and any proxies")
    return _name(blob), size, etag_of(text_of(properties, "Etag")), date_of(text_of(properties, "Last-Modified"))


def _is_directory(blob: Element) -> bool:
    properties, metadata = blob.find("Properties"), blob.find("Metadata")
    if properties is not None and text_of(properties, "ResourceType") == "directory":
        return True
    found = {} if metadata is None else {item.tag.lower(): item.text or "" for item in metadata}
    return is_folder(found)


def _name(element: Element) -> str:
    # Names with characters that XML cannot hold are percent-encoded, and have an attribute that says so — List Blobs.
    child = element.find("Name")
    if child is None or not child.text:
        raise UnavailableError("the service lists something without a name; check the endpoint and any proxies")
    return unquote(child.text) if child.get("Encoded") == "true" else child.text

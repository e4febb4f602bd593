"""What headers carry along with the bytes: metadata in any language, versions, dates.

A signature only survives on every path if headers are ASCII, so other text is written as RFC 2047 words, which is also
how S3 itself returns metadata that is not ASCII. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..objectstore.encoded_words import decode_text as decode_text
from ..objectstore.encoded_words import encode_text as encode_text
from ..objectstore.header_text import base64_of as base64_of
from ..objectstore.header_text import date_of as date_of
from ..objectstore.header_text import etag_of as etag_of
from ..objectstore.header_text import plain_header as plain_header
from ..objectstore.header_text import quoted_etag as quoted_etag

METADATA: Final = "x-amz-meta-"

SHA256: Final = "kazinex-sha256"
"""Metadata that holds the sha256 of the whole object, where it was known before the upload began."""

CRC32: Final = "kazinex-crc32"
"""Metadata that holds the CRC-32 of the whole instead, in hexadecimal, where the service keeps none of it."""

KEPT: Final = {"sha256": SHA256, "crc32": CRC32}
"""The metadata that holds a checksum, by its algorithm."""

WRITE_TOKEN: Final = "kazinex-write"  # noqa: S105 -- a name, no secret
"""Metadata with a random token of one write: a writer whose response was lost recognises its own object."""

DISPOSITION: Final = "kazinex-disposition"
"""Metadata that holds the content disposition where the service forgets it."""

ENCODING: Final = "kazinex-encoding"
LANGUAGE: Final = "kazinex-language"
"""The same for content encoding and language."""

SUBSTITUTES: Final = {
    "Content-Disposition": DISPOSITION,
    "Content-Encoding": ENCODING,
    "Content-Language": LANGUAGE,
}
"""By header, the metadata that holds it where the service would lose it."""

OURS: Final = frozenset({SHA256, CRC32, WRITE_TOKEN, *SUBSTITUTES.values()})
"""Names of metadata that the library itself uses."""


def other_headers(headers: Mapping[str, str], *, decodes_gzip: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the stored headers that ``put_headers`` does not write; a copy with new headers would lose them."""
    names = ["expires"]
    if decodes_gzip and "gzip" in headers.get("content-encoding", ""):
        names.append("content-encoding")
    return tuple((name, headers[name]) for name in names if headers.get(name))


def encoding_of(headers: Mapping[str, str]) -> str | None:
    """Return how the bytes are encoded; some services also store ``aws-chunked``, which is the form of an upload.

    Example:
        >>> encoding_of({"content-encoding": "aws-chunked, gzip"}), encoding_of({"content-encoding": "aws-chunked"})
        ('gzip', None)
    """
    given = (coding.strip() for coding in headers.get("content-encoding", "").split(","))
    return ", ".join(coding for coding in given if coding and coding.lower() != "aws-chunked") or None


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata in *headers*, including our own."""
    found: dict[str, str] = {}
    for name, value in headers.items():  # no comprehension, which is a call: every read comes here
        if name.startswith(METADATA):
            found[name[len(METADATA) :]] = decode_text(value) if "=?" in value or not value.isascii() else value
    return found

"""What travels in headers beside the bytes: metadata in any language, versions, dates.

Headers are ASCII on every path that a signature survives, so other text is written as RFC 2047 words, which is what S3
itself answers for metadata that is not ASCII. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..objectstore.header_text import base64_of as base64_of
from ..objectstore.header_text import date_of as date_of
from ..objectstore.header_text import decode_text as decode_text
from ..objectstore.header_text import encode_text as encode_text
from ..objectstore.header_text import etag_of as etag_of
from ..objectstore.header_text import metadata_name
from ..objectstore.header_text import plain_header as plain_header
from ..objectstore.header_text import quoted_etag as quoted_etag

METADATA: Final = "x-amz-meta-"

SHA256: Final = "kazinex-sha256"
"""Metadata that holds the sha256 of the whole object, where it was known before the upload began."""

WRITE_TOKEN: Final = "kazinex-write"  # noqa: S105 -- a name, no secret
"""Metadata with a random token of one write: a writer that lost the answer recognises its own object."""

DISPOSITION: Final = "kazinex-disposition"
"""Metadata that holds the content disposition where the service forgets it."""

ENCODING: Final = "kazinex-encoding"
LANGUAGE: Final = "kazinex-language"
"""The same for content encoding and language."""

_SUBSTITUTES: Final = {
    "Content-Disposition": DISPOSITION,
    "Content-Encoding": ENCODING,
    "Content-Language": LANGUAGE,
}
_OURS: Final = frozenset({SHA256, WRITE_TOKEN, *_SUBSTITUTES.values()})


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
        substitute = _SUBSTITUTES.get(name)
        lost = not keeps_disposition or (decodes_gzip and substitute == ENCODING and "gzip" in value.lower())
        yield METADATA + substitute if substitute is not None and lost else name, value
    for name, value in metadata.items():
        yield METADATA + metadata_name(name, _OURS), encode_text(value)
    if sha256 is not None:
        yield METADATA + SHA256, sha256
    if token is not None:
        yield METADATA + WRITE_TOKEN, token


def other_headers(headers: Mapping[str, str], *, decodes_gzip: bool = False) -> tuple[tuple[str, str], ...]:
    """Return what an object keeps beside what ``put_headers`` says; a copy that is written anew would lose it."""
    names = ["expires"]
    if decodes_gzip and "gzip" in headers.get("content-encoding", ""):
        names.append("content-encoding")
    return tuple((name, headers[name]) for name in names if headers.get(name))


def encoding_of(headers: Mapping[str, str]) -> str | None:
    """Return how the bytes are encoded; ``aws-chunked``, the form of an upload, stays with some services.

    Example:
        >>> encoding_of({"content-encoding": "aws-chunked, gzip"}), encoding_of({"content-encoding": "aws-chunked"})
        ('gzip', None)
    """
    given = (coding.strip() for coding in headers.get("content-encoding", "").split(","))
    return ", ".join(coding for coding in given if coding and coding.lower() != "aws-chunked") or None


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata in *headers*, our own among it."""
    return {name[len(METADATA) :]: decode_text(value) for name, value in headers.items() if name.startswith(METADATA)}

"""What travels in headers beside the bytes: metadata in any language, versions, dates.

Headers are ASCII on every path that a signature survives, so other text is written as RFC 2047 words, which is what S3
itself answers for metadata that is not ASCII. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ...errors import NotSupportedError
from ...types import PutOptions
from ..objectstore.header_text import base64_of as base64_of
from ..objectstore.header_text import date_of as date_of
from ..objectstore.header_text import decode_text as decode_text
from ..objectstore.header_text import encode_text as encode_text
from ..objectstore.header_text import etag_of as etag_of
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

_OURS: Final = frozenset({SHA256, WRITE_TOKEN, DISPOSITION, ENCODING, LANGUAGE})
_TOKEN: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2


def put_headers(
    options: PutOptions,
    sha256: str | None,
    token: str | None,
    *,
    keeps_disposition: bool = True,
    decodes_gzip: bool = False,
) -> Iterator[tuple[str, str]]:
    """Yield the headers that an object keeps; a service that forgets some of them gets those as metadata.

    So does one that decodes on the way out what is said to be gzip: other bytes would come than were stored.

    Raises:
        NotSupportedError: a value cannot be sent.
    """
    if options.content_type is not None:
        yield "Content-Type", plain_header("content type", options.content_type)
    for what, name, substitute, value in (
        ("content disposition", "Content-Disposition", DISPOSITION, options.content_disposition),
        ("content encoding", "Content-Encoding", ENCODING, options.content_encoding),
        ("content language", "Content-Language", LANGUAGE, options.content_language),
    ):
        if value is not None:
            kept = keeps_disposition and not (decodes_gzip and substitute == ENCODING and "gzip" in value.lower())
            yield name if kept else METADATA + substitute, plain_header(what, value)
    if options.cache_control is not None:
        yield "Cache-Control", plain_header("cache control", options.cache_control)
    for name, value in options.metadata.items():
        yield METADATA + _name(name), encode_text(value)
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


def _name(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name in _OURS:
        raise NotSupportedError(f"metadata cannot be named {name[:100]!r} here; use letters, digits, '-' and '_'")
    return name

"""What travels in headers along with the bytes of a blob. Pure; text and dates are those of ``header_text.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ...errors import NotSupportedError
from ...types import PutOptions
from ..objectstore.header_text import decode_text, encode_text, plain_header
from .names import decode_metadata_name, encode_metadata_name

METADATA: Final = "x-ms-meta-"

SHA256: Final = "kazinex-sha256"
"""Metadata that holds the sha256 of the whole object."""

WRITE_TOKEN: Final = "kazinex-write"  # noqa: S105 -- a name, no secret
"""Metadata with a random token of one write: a writer that lost the answer recognises its own blob."""

FOLDER: Final = "hdi_isfolder"
"""Metadata of what stands for a directory where namespaces are hierarchical; seen in any case of letters."""

_OURS: Final = frozenset({SHA256, WRITE_TOKEN, FOLDER})
_TOKEN: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2


def put_headers(options: PutOptions, sha256: str | None, token: str) -> Iterator[tuple[str, str]]:
    """Yield the headers that a blob keeps.

    Raises:
        NotSupportedError: a value cannot be sent.
    """
    if options.content_type is not None:
        yield "x-ms-blob-content-type", plain_header("content type", options.content_type)
    if options.content_disposition is not None:
        yield "x-ms-blob-content-disposition", plain_header("content disposition", options.content_disposition)
    if options.cache_control is not None:
        yield "x-ms-blob-cache-control", plain_header("cache control", options.cache_control)
    if options.content_encoding is not None:
        yield "x-ms-blob-content-encoding", plain_header("content encoding", options.content_encoding)
    if options.content_language is not None:
        yield "x-ms-blob-content-language", plain_header("content language", options.content_language)
    yield from metadata_headers(options.metadata, sha256, token)


def metadata_headers(metadata: Mapping[str, str], sha256: str | None, token: str) -> Iterator[tuple[str, str]]:
    """Yield the headers that hold *metadata* and our own besides.

    Raises:
        NotSupportedError: a value cannot be sent.
    """
    for name, value in metadata.items():
        if not _TOKEN.fullmatch(name) or name in _OURS:
            raise NotSupportedError(f"metadata cannot be named {name[:100]!r} here; use letters, digits, '-' and '_'")
        yield METADATA + encode_metadata_name(name), encode_text(value)
    if sha256 is not None:
        yield METADATA + encode_metadata_name(SHA256), sha256
    yield METADATA + encode_metadata_name(WRITE_TOKEN), token


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata in *headers*, our own among it."""
    return {
        decode_metadata_name(name[len(METADATA) :]): decode_text(value)
        for name, value in headers.items()
        if name.startswith(METADATA)
    }


def is_folder(metadata: Mapping[str, str]) -> bool:
    """Say whether it is a directory that the metadata belongs to."""
    return metadata.get(FOLDER, "").lower() == "true"

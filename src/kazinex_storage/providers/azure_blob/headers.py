"""What headers carry along with the bytes of a blob. Pure; ``header_text.py`` has what S3 shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ...types import Checksum, PutOptions
from ..objectstore.encoded_words import decode_text, encode_text
from ..objectstore.header_text import described, metadata_name
from .names import decode_metadata_name, encode_metadata_name

METADATA: Final = "x-ms-meta-"

SHA256: Final = "kazinex-sha256"
"""Metadata that holds the sha256 of the whole object."""

CRC32: Final = "kazinex-crc32"
"""Metadata that holds the CRC-32 of the whole instead, in hexadecimal, where it went out in blocks without a sha256."""

_KEPT: Final = {"sha256": SHA256, "crc32": CRC32}

WRITE_TOKEN: Final = "kazinex-write"  # noqa: S105 -- a name, no secret
"""Metadata with a random token of one write: a writer whose response was lost recognises its own blob."""

FOLDER: Final = "hdi_isfolder"
"""Metadata that marks a directory in a hierarchical namespace; seen in any letter case."""

_OURS: Final = frozenset({SHA256, CRC32, WRITE_TOKEN, FOLDER})


def put_headers(options: PutOptions, checksum: Checksum | None, token: str) -> Iterator[tuple[str, str]]:
    """Yield the headers that are stored with a blob.

    Raises:
        NotSupportedError: a value cannot be sent.
    """
    for name, value in described(options):
        yield f"x-ms-blob-{name.lower()}", value
    yield from metadata_headers(options.metadata, checksum, token)
    if options.storage_class is not None or options.tags:
        from .label_headers import option_headers

        yield from option_headers(options)


def metadata_headers(metadata: Mapping[str, str], checksum: Checksum | None, token: str) -> Iterator[tuple[str, str]]:
    """Yield the headers that hold *metadata* and our own; a *checksum* is a sha256 or a CRC-32.

    Raises:
        NotSupportedError: a value cannot be sent.
    """
    for name, value in metadata.items():
        yield METADATA + encode_metadata_name(metadata_name(name, _OURS)), encode_text(value)
    if checksum is not None:
        yield METADATA + encode_metadata_name(_KEPT[checksum.algorithm]), checksum.value
    yield METADATA + encode_metadata_name(WRITE_TOKEN), token


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata in *headers*, including our own."""
    return {
        decode_metadata_name(name[len(METADATA) :]): decode_text(value)
        for name, value in headers.items()
        if name.startswith(METADATA)
    }


def is_folder(metadata: Mapping[str, str]) -> bool:
    """Say whether the metadata is that of a directory."""
    return metadata.get(FOLDER, "").lower() == "true"

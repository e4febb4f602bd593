"""Receipts and objects as commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..policy import format_bytes
from .addresses import url_of
from .output import format_time

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument
    from ..types import ObjectInfo
    from .command import RunningCommand


def print_receipt(command: RunningCommand, receipt: StoredDocument, verb: str) -> None:
    """Print the receipt of a document."""
    lines = [
        f"{verb} {receipt.document.filename} ({format_bytes(receipt.size)})",
        f"  url           {url_of(receipt.document)}",
        f"  provider      {receipt.provider}",
        f"  content type  {receipt.content_type or 'not kept'}",
        f"  sha256        {receipt.sha256 or 'not kept'}",
        f"  etag          {receipt.etag or 'none'}",
        f"  stored at     {receipt.stored_at.isoformat() if receipt.stored_at else 'unknown'}",
    ]
    command.out.result(receipt.to_dict(), lines)


def print_object(command: RunningCommand, name: str, info: ObjectInfo, verb: str) -> None:
    """Print what is known of an object that is no document; *name* is its operand."""
    checksum = info.checksum
    lines = [
        f"{verb} {info.key.rpartition('/')[2]} ({format_bytes(info.size)})",
        f"  url           {name}",
        f"  content type  {info.content_type or 'not kept'}",
        f"  checksum      {f'{checksum.algorithm} {checksum.value}' if checksum is not None else 'not kept'}",
        f"  etag          {info.etag or 'none'}",
        f"  stored at     {format_time(info.last_modified) or 'unknown'}",
    ]
    command.out.result(url_fields(name, info), lines)


def url_fields(name: str, info: ObjectInfo) -> dict[str, object]:
    """Return what is known of an object as values that JSON can hold."""
    checksum = info.checksum
    return {
        "url": name,
        "key": info.key,
        "size": info.size,
        "content_type": info.content_type,
        "etag": info.etag,
        "checksum": {"algorithm": checksum.algorithm, "value": checksum.value} if checksum is not None else None,
        "last_modified": info.last_modified.isoformat() if info.last_modified is not None else None,
    }

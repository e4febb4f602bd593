"""Reads of one object: the check of a response before its first byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import IntegrityError
from ...lazy import regex
from ...types import Buffer, ByteRange

# RFC 9110, 14.4
CONTENT_RANGE: Final = regex(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
"""First byte, last byte and size, in the response to a range."""


def check_span(span: ByteRange, headers: Mapping[str, str]) -> None:
    """Refuse a part that begins elsewhere; resuming after a break is up to the transport.

    Raises:
        IntegrityError: it is a different part.
    """
    match = CONTENT_RANGE.match(headers.get("content-range", ""))
    if match is None:
        return
    start, end = span.resolve(int(match[3]))
    if (start, end) != (int(match[1]), int(match[2]) + 1):
        raise IntegrityError("the service sent a different part than was asked for; none of it was taken")


def ignore(buffer: Buffer) -> None:
    """Discard *buffer*: a sink for a body that is not wanted."""

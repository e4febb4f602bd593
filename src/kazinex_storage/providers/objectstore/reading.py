"""Reads of one object: a sink that counts, and the check of a response before its first byte."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...bodies.checksums import announce
from ...errors import IntegrityError
from ...types import Buffer, ByteRange, Checksum, Sink

# RFC 9110, 14.4
CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
"""First byte, last byte and size, in the response to a range."""


class CountedSink:
    """A sink that counts the bytes it was given."""

    __slots__ = ("_sink", "size")

    def __init__(self, sink: Sink) -> None:
        """Pass everything on to *sink*."""
        self._sink = sink
        self.size = 0
        """Bytes so far."""

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes."""
        self.size += len(buffer)
        self._sink(buffer)

    def expect(self, checksum: Checksum | None) -> None:
        """Pass on the checksum that the whole object has."""
        announce(self._sink, checksum)


def check_span(span: ByteRange, counted: CountedSink, headers: Mapping[str, str]) -> None:
    """Refuse a part that begins elsewhere; resuming after a break is up to the transport.

    Raises:
        IntegrityError: it is a different part.
    """
    match = CONTENT_RANGE.match(headers.get("content-range", ""))
    if match is None or counted.size:
        return
    start, end = span.resolve(int(match[3]))
    if (start, end) != (int(match[1]), int(match[2]) + 1):
        raise IntegrityError("the service sent a different part than was asked for; none of it was taken")


def ignore(buffer: Buffer) -> None:
    """Discard *buffer*: a sink for a body that is not wanted."""

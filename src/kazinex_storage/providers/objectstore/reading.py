"""Reads of one object: the sink that counts, and what refuses an answer before its first byte."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...bodies.checksums import announce
from ...errors import IntegrityError
from ...types import Buffer, ByteRange, Checksum, Sink

# RFC 9110, 14.4
CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
"""First byte, last byte and size, in the answer to a range."""


class CountedSink:
    """A sink that knows how much it was given."""

    __slots__ = ("_sink", "size")

    def __init__(self, sink: Sink) -> None:
        """Give what comes to *sink*."""
        self._sink = sink
        self.size = 0
        """Bytes so far."""

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes."""
        self.size += len(buffer)
        self._sink(buffer)

    def expect(self, checksum: Checksum | None) -> None:
        """Pass on which checksum the whole object has."""
        announce(self._sink, checksum)


def check_span(span: ByteRange, counted: CountedSink, headers: Mapping[str, str]) -> None:
    """Refuse a part that begins elsewhere; how a download goes on after a break is for the transport to see to.

    Raises:
        IntegrityError: it is another part.
    """
    match = CONTENT_RANGE.match(headers.get("content-range", ""))
    if match is None or counted.size:
        return
    start, end = span.resolve(int(match[3]))
    if (start, end) != (int(match[1]), int(match[2]) + 1):
        raise IntegrityError("the service sent another part than was asked for; nothing of it was taken")


def ignore(buffer: Buffer) -> None:
    """Take what is not wanted; a sink."""

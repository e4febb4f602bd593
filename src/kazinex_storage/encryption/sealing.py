"""A body as an age file of known size, sealed as it is read, from any offset, as often as needed."""

from __future__ import annotations

from typing import Final

from ..bodies.body import BytesBody
from ..bodies.source import Source, SourceReader
from ..errors import IntegrityError
from ..types import MIB
from .age import Age
from .chunks import CHUNK_BYTES, SEALED_BYTES, TAG_BYTES, ChunkCipher, chunks_of, sealed_size

_KEPT: Final = 8
"""Bytes of each tag that are kept: 1 MiB of memory for each 8 GiB."""


class SealedBody:
    """The encrypted form of a source; a ``Body``.

    Sealed twice under one key, two texts would betray each other: so what is read again is compared, by the tag of each
    chunk, with what was read first, before any of it is given away.
    """

    __slots__ = ("_cipher", "_plain", "_prefix", "_tags", "is_fetched", "size")

    start = 0

    def __init__(self, plain: Source, prefix: bytes, cipher: ChunkCipher) -> None:
        """Seal *plain*, which stays the caller's to close, by *cipher*, after *prefix*."""
        self._plain = plain
        self._prefix = prefix
        self._cipher = cipher
        self._tags = bytearray()
        self.size = len(prefix) + sealed_size(plain.size)
        self.is_fetched = plain.is_fetched

    @property
    def plain(self) -> Source:
        """What is sealed."""
        return self._plain

    def open(self, offset: int) -> SealedReader:
        """Return a reader from *offset*."""
        return SealedReader(self, offset)

    def descriptor(self) -> None:
        """Return None: no file holds it."""

    def changed(self) -> None:
        """Return None: the plain body tells by itself, when it is read to its end."""

    def close(self) -> None:
        """Do nothing: the plain body is the caller's."""

    def seal(self, number: int, plain: memoryview, into: memoryview) -> int:
        """Write the sealed chunk *number* to the beginning of *into*, and return its size.

        Raises:
            IntegrityError: it is another text than when it was sealed before.
        """
        last = number == chunks_of(self._plain.size) - 1
        size = self._cipher.seal_into(number, last, plain, into)
        tag, place = into[size - TAG_BYTES :][:_KEPT], number * _KEPT
        known = self._tags[place : place + _KEPT]
        if len(known) < _KEPT:
            self._tags.extend(bytes(place + _KEPT - len(self._tags)))
        elif any(known) and known != tag:
            raise IntegrityError("the body changed while it was being read; nothing was stored, repeat it at rest")
        self._tags[place : place + _KEPT] = tag
        return size


class SealedReader:
    """Reads a sealed body in order."""

    __slots__ = ("_body", "_buffer", "_left", "_number", "_plain", "_position")

    def __init__(self, body: SealedBody, offset: int) -> None:
        self._body = body
        self._plain: SourceReader | None = None
        self._position = offset
        self._number, skipped = divmod(max(0, offset - len(body._prefix)), SEALED_BYTES)
        self._buffer = memoryview(bytearray(CHUNK_BYTES))
        self._left = memoryview(b"")
        if skipped:
            self._left = self._next()[skipped:]

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 is the end.

        Raises:
            IntegrityError: from the source, or it changed since it was read before.
        """
        filled, prefix = 0, self._body._prefix
        if self._position < len(prefix):
            found = prefix[self._position : self._position + len(buffer)]
            buffer[: len(found)] = found
            filled = len(found)
        elif not self._left and len(buffer) < SEALED_BYTES:
            self._left = self._next()
        if self._left:
            found_view = self._left[: len(buffer)]
            buffer[: len(found_view)] = found_view
            self._left, filled = self._left[len(found_view) :], len(found_view)
        while len(buffer) - filled >= SEALED_BYTES and (size := self._seal(buffer[filled:])):
            filled += size
        self._position += filled
        return filled

    def close(self) -> None:
        """Release the reader of the plain body."""
        if self._plain is not None:
            self._plain.close()

    def _next(self) -> memoryview:
        sealed = memoryview(bytearray(SEALED_BYTES))
        return sealed[: self._seal(sealed)]

    def _seal(self, into: memoryview) -> int:
        """Seal the next chunk into *into*, which has room for it; 0 after the last one."""
        source, number = self._body.plain, self._number
        if number >= chunks_of(source.size):
            return 0
        if self._plain is None:
            self._plain = source.open(number * CHUNK_BYTES)
        plain, filled = self._buffer[: min(CHUNK_BYTES, source.size - number * CHUNK_BYTES)], 0
        while filled < len(plain):
            filled += self._plain.readinto(plain[filled:])  # which raises when the source ends too early
        self._number += 1
        return self._body.seal(number, plain, into)


def sealed(plain: Source, keys: Age) -> Source:
    """Return a source of the encrypted form of *plain*, whose sha256 is kept in it where that is known by now.

    It is of what is small, of what is in memory, and of what was declared. What is not in memory is read, which blocks.

    Raises:
        IntegrityError: it is not what was declared of it.
    """
    plain.trust_service(False)  # nothing but the sha256 proves the plain text
    data = plain.data()
    if data is None and plain.size <= MIB:
        with plain.open() as reader:
            data = reader.read()
    known = plain.declared_sha256
    if known is None and data is not None and plain.checksum is not None:
        known = plain.checksum.value
    prefix, cipher = keys.begin(known)
    if data is not None and plain.size <= MIB:  # it is not sealed again, however often it is sent
        return Source(BytesBody(_all_of(SealedBody(Source(BytesBody(data)), prefix, cipher))), trusting=True)
    return Source(SealedBody(plain, prefix, cipher), trusting=True)


def resealed(plain: Source, keys: Age, prefix: bytes) -> Source:
    """Return a source of *plain* as it was sealed before, in an upload that began with *prefix*.

    The caller has made sure that it is the same body.

    Raises:
        SealError: no identity at hand opens what was begun.
    """
    return Source(SealedBody(plain, prefix, keys.begun(prefix)), trusting=True)


def _all_of(body: SealedBody) -> bytes:
    """Return the whole of a small body; read again, it is not sealed again."""
    data, filled = bytearray(body.size), 0
    reader = body.open(0)
    try:
        while filled < len(data):
            filled += reader.readinto(memoryview(data)[filled:])
    finally:
        reader.close()
    return bytes(data)

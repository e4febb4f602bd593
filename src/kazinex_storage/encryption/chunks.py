"""The payload of an age file: chunks of 64 KiB, each authenticated, in an order that cannot be changed.

STREAM over ChaCha20-Poly1305: the nonce of a chunk is its number and whether it is the last one, so that a chunk that
is cut off, moved or appended fails — c2sp.org/age, "Payload" (read 2026-11).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ..types import Buffer

CHUNK_BYTES: Final = 64 * 1024
"""Bytes of plain text in each chunk but the last, which is empty only where the whole is."""
TAG_BYTES: Final = 16
SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES
"""Bytes of each chunk but the last."""


def chunks_of(plain: int) -> int:
    """Return how many chunks *plain* bytes make.

    Example:
        >>> [chunks_of(size) for size in (0, 1, 65536, 65537)]
        [1, 1, 1, 2]
    """
    return max(1, -(-plain // CHUNK_BYTES))


def sealed_size(plain: int) -> int:
    """Return the bytes of the payload of *plain* bytes."""
    return plain + TAG_BYTES * chunks_of(plain)


def plain_size(sealed: int) -> int | None:
    """Return the bytes of plain text in a payload of *sealed* bytes; None when no payload has so many.

    Example:
        >>> [plain_size(sealed_size(size)) for size in (0, 1, 65536, 65537)], plain_size(15), plain_size(65552 + 16)
        ([0, 1, 65536, 65537], None, None)
    """
    count = max(1, -(-sealed // SEALED_BYTES))
    plain = sealed - TAG_BYTES * count
    return plain if plain >= 0 and chunks_of(plain) == count else None


class ChunkCipher:
    """Seals and opens the chunks of one file."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """Work with the payload *key* of the file."""
        self._cipher = ChaCha20Poly1305(key)

    def seal_into(self, number: int, last: bool, plain: memoryview, into: memoryview) -> int:
        """Write chunk *number*, from 0, to the beginning of *into*; return its size."""
        size = len(plain) + TAG_BYTES
        self._cipher.encrypt_into(_nonce(number, last), plain, None, into[:size])
        return size

    def open(self, number: int, last: bool, sealed: Buffer) -> bytes | None:
        """Return the plain text of chunk *number*; None when it is not that, or was altered."""
        try:
            return self._cipher.decrypt(_nonce(number, last), sealed, None)
        except InvalidTag:
            return None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")

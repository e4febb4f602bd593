"""A body of unknown length, sealed as it comes; ``sealing.py`` has those of known size."""

from __future__ import annotations

from ..bodies.stream import Room, Stream
from ..types import Buffer
from .age import Age
from .chunks import CHUNK_BYTES, SEALED_BYTES


class SealedSupply:
    """The bytes of the encrypted form of a stream."""

    def __init__(self, plain: Stream, keys: Age) -> None:
        """Seal what *plain* gives, which checks itself, by *keys*."""
        self._plain = plain
        self._prefix, self._cipher = keys.begin(None)
        self._chunks = plain.chunks()
        self._held = bytearray()
        self._number = 0
        self._ended = False
        self.is_shared = plain.is_shared
        """Whether any thread may call ``take``."""

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` is worth a thread now."""
        return self._plain.is_ready

    def take(self) -> Buffer | None:
        """Return the next bytes; None at the end."""
        prefix, self._prefix = self._prefix, b""
        if prefix:
            return prefix
        if self._ended:
            return None
        held = self._held
        # A full chunk is sealed only when another byte shows that it is not the last one.
        while len(held) <= CHUNK_BYTES:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
                break
            held += chunk
        count = 1 if self._ended else (len(held) - 1) // CHUNK_BYTES
        sealed, filled = memoryview(bytearray(count * SEALED_BYTES)), 0
        with memoryview(held) as view:
            for place in range(count):
                plain = view[place * CHUNK_BYTES : (place + 1) * CHUNK_BYTES]
                filled += self._cipher.seal_into(self._number, self._ended, plain, sealed[filled:])
                self._number += 1
                plain.release()
        del held[: count * CHUNK_BYTES]
        return sealed[:filled]

    def stop(self) -> None:
        """Make ``take`` end soon."""
        self._plain.cancel()


def sealed_stream(plain: Stream, keys: Age) -> Stream:
    """Return the encrypted form of *plain*, whose limit, sha256 and progress are of the plain text."""
    return Stream(SealedSupply(plain, keys), Room(claim=plain.claims))

"""What arrives of an age file, opened chunk by chunk; no byte is passed on before its chunk has been authenticated."""

from __future__ import annotations

from ..bodies.checksums import announce
from ..errors import IntegrityError
from ..types import Buffer, Checksum, Sink
from .age import Age
from .chunks import CHUNK_BYTES, SEALED_BYTES, ChunkCipher, chunks_of, plain_size
from .header import NONCE_BYTES

DAMAGED = "the encrypted object was cut, extended or altered; restore it from a copy"
"""What an error says of an object whose chunks are not as they were written."""


class ChunkSink:
    """A sink of sealed chunks from one of them on, which passes a span of the plain text on."""

    __slots__ = ("_cipher", "_end", "_held", "_last", "_number", "_sink", "_start")

    def __init__(self, sink: Sink, cipher: ChunkCipher, number: int, start: int, end: int | None) -> None:
        """Open chunks by *cipher*, from *number* on; pass to *sink* what is from *start* to *end* of the whole."""
        self._sink = sink
        self._cipher = cipher
        self._number = number
        self._start = start
        self._end = end
        self._held = bytearray()
        self._last = False

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes.

        Raises:
            IntegrityError: they are not as they were written.
        """
        view, held = memoryview(buffer), self._held
        if held:
            # A full chunk is opened only when another byte shows that it is not the last one.
            taken = min(SEALED_BYTES - len(held), len(view))
            held += view[:taken]
            view = view[taken:]
            if view and len(held) == SEALED_BYTES:
                self._open(held, last=False)
                self._held = held = bytearray()
        while len(view) > SEALED_BYTES:
            self._open(view[:SEALED_BYTES], last=False)
            view = view[SEALED_BYTES:]
        held += view

    def finish(self, payload: int) -> int:
        """Open what is left, once all that was asked for has arrived, of a payload of *payload* bytes.

        Returns the size of the plain text.

        Raises:
            IntegrityError: it is not as it was written.
        """
        size = plain_size(payload)
        if size is None:
            raise IntegrityError(DAMAGED)
        if self._held:
            self._open(self._held, last=self._number == chunks_of(size) - 1)
        return size

    def _open(self, chunk: Buffer, *, last: bool) -> None:
        if self._last:
            raise IntegrityError(DAMAGED)
        number = self._number
        plain = self._cipher.open(number, last, chunk)
        if plain is None:
            raise IntegrityError(DAMAGED)
        self._number, self._last = number + 1, last
        first = number * CHUNK_BYTES
        start, end = max(0, self._start - first), len(plain) if self._end is None else self._end - first
        if start or end < len(plain):
            wanted = memoryview(plain)[start : max(0, end)]
            if wanted:
                self._sink(wanted)
        elif plain:
            self._sink(plain)


class FileSink:
    """A sink of an age file from its beginning."""

    __slots__ = ("_chunks", "_end", "_keys", "_sink", "_start", "_waiting", "prefix", "sha256")

    def __init__(self, sink: Sink, keys: Age, start: int = 0, end: int | None = None) -> None:
        """Open by *keys* and pass to *sink* what is from *start* to *end* of the plain text."""
        self._sink = sink
        self._keys = keys
        self._start = start
        self._end = end
        self._waiting = bytearray()
        self._chunks: ChunkSink | None = None
        self.prefix = 0
        """Bytes before the first chunk, once they are known."""
        self.sha256: str | None = None
        """Of the whole plain text, where the writer kept it."""

    @property
    def cipher(self) -> ChunkCipher | None:
        """What opens the chunks, once the header has arrived."""
        return self._chunks._cipher if self._chunks is not None else None

    def expect(self, checksum: Checksum | None) -> None:
        """Let what the service keeps be: it is of what the service holds, which the chunks prove by themselves."""

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes.

        Raises:
            SealError: no identity at hand opens it, or it is no age file.
            IntegrityError: it is not as it was written.
        """
        if self._chunks is not None:
            self._chunks(buffer)
            return
        self._waiting += buffer
        self._begin(complete=False)

    def finish(self, stored: int) -> int:
        """End, once all that was asked for has arrived, of an object of *stored* bytes.

        Returns the size of the plain text.

        Raises:
            SealError: as above.
            IntegrityError: as above.
        """
        if self._chunks is None:
            self._begin(complete=True)
        if self._chunks is None:
            raise IntegrityError(DAMAGED)
        return self._chunks.finish(stored - self.prefix)

    def learn(self, data: bytes) -> None:
        """Take what an object begins with, for its header alone; ``cipher`` stays None when that is not all there.

        Raises:
            SealError: as above.
        """
        self._waiting[:] = data
        self._begin(complete=False)

    def _begin(self, *, complete: bool) -> None:
        data = bytes(self._waiting)
        header = self._keys.parse(data)
        if header is None:
            return
        if len(data) < header.length + NONCE_BYTES and not complete:
            return
        cipher, self.sha256 = self._keys.cipher(header, data)
        self.prefix = header.length + NONCE_BYTES
        announce(self._sink, Checksum(algorithm="sha256", value=self.sha256) if self.sha256 else None)
        self._chunks = ChunkSink(self._sink, cipher, 0, self._start, self._end)
        rest = data[self.prefix :]
        self._waiting.clear()
        if rest:
            self._chunks(rest)

"""A document as a file for asyncio: ``AsyncDocumentStore.open``. It reads one version, and waits without blocking."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..storage.reading import RangeReader
from ..transport import Transport
from ..types import ByteRange, ObjectInfo
from .reading import Opening


@not_pickled(SEND_A_FILE_SYSTEM)
class AsyncDocumentFile:
    """The bytes of one version of a document; for one task at a time. Holds one window, of up to 8 MiB."""

    def __init__(self, opening: Opening, transport: Transport) -> None:
        """Read *opening* over *transport*; no request."""
        self._opening = opening
        self._transport = transport
        self._reader: RangeReader | None = opening.range_reader()
        self._held = memoryview(b"")
        self._position = 0
        self._closed = False

    @property
    def info(self) -> ObjectInfo:
        """What the service says of the object."""
        return self._opening.info

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self._opening.info.size

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    async def read(self, size: int = -1) -> bytes:
        """Return the next *size* bytes, fewer at the end only; all that is left if it is negative.

        Requests grow from 256 KiB to 8 MiB. Read from the first byte to the last without a seek, the whole is compared
        with its sha256 before the last bytes are returned; after a seek nothing proves them.

        Raises:
            IntegrityError: the whole has another sha256.
            PreconditionFailedError: it was replaced meanwhile.
            ValueError: the file is closed.
        """
        self._check_open()
        left = self.size - self._position
        missing = max(0, left if size < 0 else min(size, left))
        parts = list[memoryview]()
        while missing:
            if not self._held and not await self._fetch():
                break
            part = self._held[:missing]
            self._held = self._held[len(part) :]
            self._position += len(part)
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    async def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to *offset* from the beginning, the position or the end, and return the position; no request.

        Raises:
            ValueError: that is before the beginning, *whence* is none, or the file is closed.
        """
        self._check_open()
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}
        if whence not in starts:
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        position = starts[whence] + offset
        if position < 0:
            raise ValueError(f"{position} is before the beginning")
        if position != self._position:
            ahead = position - self._position
            self._held = self._held[ahead:] if 0 < ahead < len(self._held) else memoryview(b"")
            self._reader = None if not self._held else self._reader
            self._position = position
        return position

    def tell(self) -> int:
        """Return the position, in bytes."""
        return self._position

    async def aclose(self) -> None:
        """Close the file; it may be closed twice."""
        self._closed, self._held, self._reader = True, memoryview(b""), None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._position < self.size and (self._held or await self._fetch()):
            yield await self.read(len(self._held))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _fetch(self) -> bool:
        """Get the window at the position; False at the end."""
        self._check_open()
        if self._reader is None:
            span = ByteRange(start=self._position)
            self._reader = self._opening.span_reader(span) if self._position else self._opening.range_reader()
        self._held = memoryview(await self._transport.run_async(self._reader.next()))
        return bool(self._held)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the file is closed")

"""A file on its way in: blocks of a size that is worth a thread, and what is done with one that is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import ClientDisconnect, Request

from ..errors import StorageError
from ..serving.problems import ProblemError
from ..types import MIB

BLOCK: Final = MIB
"""Bytes that go to the spool at once: each time takes a thread, which costs as much as copying half of that."""

_DRAINED: Final = 4 * MIB
"""Bytes of a refused body that are read all the same: many clients look at the answer only after they have sent all."""


class IncomingFile:
    """The body of one request."""

    def __init__(self, request: Request, most: int | None) -> None:
        """Take at most *most* bytes; None leaves that to others.

        Raises:
            ProblemError: its length is no number.
        """
        self._stream = request.stream()
        self._most = most
        self.length = content_length(request)
        """Bytes that the client announces; None when it does not."""

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body in blocks: a server hands it out in pieces of some 64 KiB.

        Raises:
            ProblemError: it is larger than this service takes.
            ClientDisconnect: the client went away.
        """
        waiting, held, seen = list[bytes](), 0, 0
        self._check(self.length or 0)
        async for chunk in self._stream:
            seen += len(chunk)
            self._check(seen)
            waiting.append(chunk)
            held += len(chunk)
            if held >= BLOCK:
                yield b"".join(waiting)
                waiting.clear()
                held = 0
        if waiting:
            yield b"".join(waiting)

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Read a little of a body that is refused in this ``async with`` block, so that the client sees the answer.

        Raises:
            ProblemError: the client went away.
        """
        try:
            yield
        except ClientDisconnect as error:
            raise ProblemError(400, "incomplete", "the client went away before all of the file came") from error
        except (StorageError, ProblemError):
            await self._drain()
            raise

    async def _drain(self) -> None:
        left = _DRAINED
        if (self.length or 0) > left:
            return
        try:
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    return
        except (ClientDisconnect, RuntimeError):  # it has gone, or all was read
            return

    def _check(self, size: int) -> None:
        if self._most is not None and size > self._most:
            raise ProblemError(413, "file_too_large", f"this service takes files of up to {self._most} bytes")


def content_length(request: Request) -> int | None:
    """Return how long the body says it is; None when it does not.

    Raises:
        ProblemError: it is no number.
    """
    text = request.headers.get("content-length")
    if not text:  # WSGI servers say nothing by an empty text
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ProblemError(400, "content_length", "Content-Length is no number of bytes")
    return int(text)

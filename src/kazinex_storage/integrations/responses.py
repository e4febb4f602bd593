"""Responses of Starlette: a problem, and the bytes of an object as they come from its provider, piece by piece."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ..errors import StorageError
from ..lazy import logger
from ..serving.downloads import Answer
from ..serving.problems import MEDIA_TYPE, Problem
from ..serving.windows import Windows
from ..storage.reading import RangeReader

_log = logger(__name__)


def problem_response(problem: Problem) -> Response:
    """Return *problem* as a response."""
    return JSONResponse(problem.document, problem.status, problem.headers, MEDIA_TYPE)


async def answer_response(answer: Answer, windows: Windows) -> Response:
    """Return *answer* as a response whose first piece is read.

    Raises:
        StorageError: it could not be read.
    """
    if answer.problem is not None:
        response = problem_response(answer.problem)
        response.headers.update(answer.headers)
        return response
    if answer.reader is None:
        return Response(status_code=answer.status, headers=answer.headers)
    sent = ObjectResponse(answer, answer.reader, windows)
    await sent.begin()
    return sent


class ObjectResponse(Response):
    """Bytes that come piece by piece from a provider."""

    def __init__(self, answer: Answer, reader: RangeReader, windows: Windows) -> None:
        """Send what *reader* yields."""
        super().__init__(status_code=answer.status, headers=answer.headers)
        self._remote = answer.opening.storage.info.remote
        self._reader = reader
        self._run = answer.opening.storage.transport.run_async
        self._windows = windows
        self._first = b""

    async def begin(self) -> None:
        """Read the first piece, so that what fails at once is still answered as a problem.

        Raises:
            StorageError: it failed.
        """
        self._first = await self._run(self._reader.next(self._windows.window(remote=self._remote)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # of ASGI
        """Send the response; stop reading when the client has gone."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        gone = asyncio.ensure_future(_until_gone(receive))
        piece, self._first = self._first, b""
        try:
            with self._windows.one() as windows:
                while piece and not gone.done():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    piece = b""  # the server has it; it is not to be in memory while the next one comes
                    piece = await self._run(self._reader.next(windows.window(remote=self._remote)))
        except StorageError as error:
            # The response is not ended, so the server cuts the connection, and the client knows that it lacks bytes.
            _log.warning("a download was cut: %s", error)
            return
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Downloads: ranges, conditions, a name in any script, and headers under which a browser runs nothing of a document.

The bytes come in pieces whose size follows from how many downloads there are (``windows.py``). A whole document is
compared with what is known of it: the last piece is sent only if all are proved, else the connection is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..documents.reading import Opening
from ..documents.receipts import StoredDocument
from ..errors import StorageError
from ..keys import DocumentKey
from ..lazy import logger
from ..storage.disposition import attachment
from ..storage.reading import RangeReader
from ..types import WHOLE
from .access import Action
from .document_models import FILE_PATH, FileKey, ReceiptGiven
from .headers import API_HEADERS, entity_tag, media_type
from .models import OrganisationId
from .problems import documented, problem
from .ranges import UnsatisfiableError, http_date, precondition, wanted
from .route import ACTION
from .service import StorageService
from .windows import Windows

_log = logger(__name__)

INLINE: Final = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "text/plain", "text/csv"}
)
"""What may be shown in the browser: nothing that can hold a script that runs with the rights of the page."""

_SANDBOX: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
# A sandbox keeps Chromium from opening its own viewer, which runs no script of the document in our origin.
_PDF: Final = "default-src 'none'; frame-ancestors 'none'; object-src 'self'"
_BYTES: Final[dict[str, object]] = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}
_RESPONSES: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "The whole file", **_BYTES},
    206: {"description": "The range that was asked for", **_BYTES},
    304: {"description": "The version that the client has"},
    **documented(403, 404, 412, 416, 422),
}

Disposition = Literal["attachment", "inline"]


class DownloadRoutes:
    """GET and HEAD of the file of a revision, and a download by receipt."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        for method in ("GET", "HEAD"):
            router.add_api_route(
                FILE_PATH,
                self.download,
                methods=[method],
                summary="Download the file of a revision" if method == "GET" else "Look at the file of a revision",
                operation_id=f"download_{method.lower()}",
                tags=["documents"],
                response_class=Response,
                responses=_RESPONSES,
                openapi_extra={ACTION: Action.READ.value},
            )
        router.add_api_route(
            "/organisations/{organisation}/documents/download",
            self.by_receipt,
            methods=["POST"],
            summary="Download what a receipt names, proved by its sha256",
            tags=["documents"],
            response_class=Response,
            responses={200: _RESPONSES[200], **documented(400, 403, 404, 413, 422)},
            openapi_extra={ACTION: Action.READ.value},
        )

    async def download(self, request: Request, key: FileKey, disposition: Disposition = "attachment") -> Response:
        """Send the file, or the one range that ``Range`` asks for; several ranges get the whole.

        It is saved under its name (``attachment``); ``inline`` shows PDF, pictures and plain text in the browser.
        """
        return await self._send(request, key.organisation, key, disposition)

    async def by_receipt(self, request: Request, organisation: OrganisationId, given: ReceiptGiven) -> Response:
        """Send the whole file that a receipt of this organisation names, from the provider that it names."""
        receipt = given.stored()
        await self._service.check_project(request, Action.READ, organisation, receipt.document.project)
        return await self._send(request, organisation, receipt, "attachment")

    async def _send(
        self, request: Request, organisation: str, document: DocumentKey | StoredDocument, disposition: Disposition
    ) -> Response:
        documents = self._service.documents(request, organisation)
        opening = await documents.transport.run_async(documents.operations.opening(document))
        name = (document if isinstance(document, DocumentKey) else document.document).filename
        headers = _headers(opening, name, disposition)
        etag, modified, size = headers.get("ETag"), opening.info.last_modified, opening.info.size
        answer = precondition(request.headers, etag, modified)
        if answer == 412:
            return problem(412, "precondition_failed", "the file is not the version that If-Match names")
        if answer == 304:
            return Response(status_code=304, headers=headers)
        try:
            span = wanted(request.headers, etag, modified, size) if request.method != "POST" else WHOLE
        except UnsatisfiableError as error:
            refused = problem(416, "range_not_satisfiable", str(error))
            refused.headers["Content-Range"] = f"bytes */{size}"
            return refused
        if span == WHOLE:
            reader, status, length = opening.range_reader(), 200, size
        else:
            start, end = span.resolve(size)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            reader, status, length = opening.span_reader(span), 206, end - start
        headers["Content-Length"] = str(length)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        response = ObjectResponse(status, headers, reader, opening, self._service.windows)
        await response.begin()
        return response


class ObjectResponse(Response):
    """Bytes that come piece by piece from a provider."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        reader: RangeReader,
        opening: Opening,
        windows: Windows,
    ) -> None:
        """Send what *reader* yields of *opening*."""
        super().__init__(status_code=status, headers=headers)
        self._remote = opening.storage.info.remote
        self._reader = reader
        self._run = opening.storage.transport.run_async
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


def _headers(opening: Opening, filename: str, disposition: Disposition) -> dict[str, str]:
    info, kind = opening.info, media_type(opening.info.content_type)
    inline = disposition == "inline" and kind.partition(";")[0].strip().lower() in INLINE
    saved = attachment(filename)
    headers = {
        **API_HEADERS,
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "Content-Type": kind,
        "Content-Disposition": f"inline{saved.removeprefix('attachment')}" if inline else saved,
        "Content-Security-Policy": _PDF if inline and kind.startswith("application/pdf") else _SANDBOX,
    }
    if (tag := entity_tag(info.etag)) is not None:
        headers["ETag"] = tag
    if info.last_modified is not None:
        headers["Last-Modified"] = http_date(info.last_modified)
    return headers

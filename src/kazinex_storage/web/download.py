"""Downloads, as ``serving/downloads.py`` answers them, for those whom the host lets read.

The bytes come in pieces whose size follows from how many downloads there are (``serving/windows.py``). A whole document
is compared with what is known of it: the last piece is sent only if all are proved, else the connection is cut.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ..documents.receipts import StoredDocument
from ..integrations.responses import answer_response
from ..keys import DocumentKey
from ..serving.downloads import Disposition, answer
from .access import Action
from .document_models import FILE_PATH, FileKey, ReceiptGiven
from .models import OrganisationId
from .problems import documented
from .route import ACTION
from .service import StorageService

_BYTES: Final[dict[str, object]] = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}
_RESPONSES: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "The whole file", **_BYTES},
    206: {"description": "The range that was asked for", **_BYTES},
    304: {"description": "The version that the client has"},
    **documented(403, 404, 412, 416, 422),
}


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
        found = answer(opening, name, disposition, method=request.method, given=request.headers)
        return await answer_response(found, self._service.windows)

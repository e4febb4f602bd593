"""Uploads: the body of a PUT, as it comes, into a spool that refuses what the organisation does not take.

The name, the type and the declared length are judged before a byte is read, the length again while bytes arrive.
Nothing is stored unless all of it came: a client that goes away has uploaded nothing.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ..documents.aio import AsyncDocumentStore
from ..documents.receipts import StoredDocument
from ..documents.taken import taken
from ..integrations.incoming import IncomingFile
from ..keys import DocumentKey
from ..serving.headers import declared_sha256, media_type
from ..serving.receiving import received
from .access import Action
from .document_models import FILE_PATH, FileKey, ReceiptModel
from .problems import ProblemError, documented
from .route import ACTION, STREAMED
from .service import StorageService

Reason: TypeAlias = Annotated[str | None, Query(max_length=2_000, description="Why, for the register of revisions.")]

_EXTRA: Final[dict[str, object]] = {
    ACTION: Action.UPLOAD.value,
    STREAMED: True,
    "requestBody": {
        "required": True,
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    },
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in (
            ("X-Content-SHA256", "What the file must have, in hexadecimal."),
            ("Repr-Digest", "The same as RFC 9530 writes it: `sha-256=:...:`."),
        )
    ],
}


class UploadRoutes:
    """PUT and DELETE of the file of a revision."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route(
            FILE_PATH,
            self.upload,
            methods=["PUT"],
            status_code=201,
            summary="Upload the file of a revision, once",
            tags=["documents"],
            response_model=ReceiptModel,
            responses=documented(400, 403, 409, 413, 415, 422, 502, 503, 507),
            openapi_extra=_EXTRA,
        )
        router.add_api_route(
            FILE_PATH,
            self.remove,
            methods=["DELETE"],
            status_code=204,
            response_model=None,
            summary="Remove the file of a revision, which stays taken",
            tags=["documents"],
            responses=documented(403, 422, 423, 502, 503),
            openapi_extra={ACTION: Action.REMOVE.value},
        )

    async def upload(self, request: Request, key: FileKey) -> Response:
        """Store the body as the file of the revision and return the receipt. A revision has one file, for good.

        Whole or not at all. Judged by name and ``Content-Length`` before the body is read, and again while it comes.
        """
        found = ReceiptModel.of(await Upload(self._service, request, key).stored())
        return Response(
            found.model_dump_json(),
            201,
            {"Location": quote(request.url.path)},
            "application/json",
        )

    async def remove(self, request: Request, key: FileKey, reason: Reason = None) -> None:
        """Remove the file; the revision stays taken for good. Silent when there is none."""
        await self._service.documents(request, key.organisation).remove(key, reason=reason)


class Upload:
    """One body on its way to a provider."""

    def __init__(self, service: StorageService, request: Request, key: DocumentKey) -> None:
        self._service = service
        self._documents: AsyncDocumentStore = service.documents(request, key.organisation)
        self._file = IncomingFile(request, service.limits.upload_bytes)
        self._headers = request.headers
        self._key = key

    async def stored(self) -> StoredDocument:
        """Receive the body and store it.

        Raises:
            StorageError: it is refused, or was not stored.
            ProblemError: a header is malformed, or the client went away.
        """
        sha256, kind, file = self._sha256(), self._headers.get("content-type"), self._file
        content_type = media_type(kind) if kind is not None else None
        async with file.refusing():
            await self._check_free()
            return await received(
                self._documents, self._key, file.blocks(), length=file.length, content_type=content_type, sha256=sha256
            )

    async def _check_free(self) -> None:
        """Refuse the file of a revision that has one before any of it is read; storing it decides.

        Raises:
            AlreadyExistsError: the register knows of one.
        """
        seen = await self._service.shared(self._key.organisation, self._service.resolver.revisions.revision, self._key)
        if seen is not None and (seen.removal is None or seen.document != self._key):
            raise taken(self._key, seen)

    def _sha256(self) -> str | None:
        try:
            return declared_sha256(self._headers.get("repr-digest"), self._headers.get("x-content-sha256"))
        except ValueError as error:
            raise ProblemError(400, "digest", str(error)) from error

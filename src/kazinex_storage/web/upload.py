"""Uploads: the body of a PUT, as it comes, into a spool that refuses what the organisation does not take.

The name, the type and the declared length are judged before a byte is read, the length again while bytes arrive.
Nothing is stored unless all of it came: a client that goes away has uploaded nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..bodies.source import Source
from ..documents.aio import AsyncDocumentStore
from ..documents.receipts import StoredDocument
from ..errors import StorageError
from ..keys import DocumentKey
from ..storage.awaiting import collected
from ..types import MIB
from .access import Action
from .document_models import FILE_PATH, FileKey, ReceiptModel
from .headers import declared_sha256, media_type
from .problems import ProblemError, documented
from .route import ACTION, STREAMED, caller_of, content_length
from .service import StorageService

BLOCK: Final = MIB
"""Bytes that go to the spool at once: each time takes a thread, which costs as much as copying half of that."""

_DRAINED: Final = 4 * MIB
"""Bytes of a refused body that are read all the same: many clients look at the answer only after they have sent all."""

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
            summary="Remove the file of a revision, which stays taken",
            tags=["documents"],
            responses=documented(403, 422, 423, 502, 503),
            openapi_extra={ACTION: Action.REMOVE.value},
        )

    async def upload(self, request: Request, key: FileKey) -> Response:
        """Store the body as the file of the revision and return the receipt. A revision has one file, for good.

        Whole or not at all. Judged by name and ``Content-Length`` before the body is read, and again while it comes.
        """
        upload = Upload(self._service, request, key)
        try:
            receipt = await upload.stored()
        except (StorageError, ProblemError):
            await upload.drain()
            raise
        found = ReceiptModel.of(receipt)
        return Response(
            found.model_dump_json(),
            201,
            {"Location": quote(request.url.path)},
            "application/json",
        )

    async def remove(self, request: Request, key: FileKey, reason: Reason = None) -> None:
        """Remove the file; the revision stays taken for good. Silent when there is none."""
        caller = caller_of(request)
        await self._service.documents(key.organisation, caller).remove(key, by=caller.name, reason=reason)


class Upload:
    """One body on its way to a provider."""

    def __init__(self, service: StorageService, request: Request, key: DocumentKey) -> None:
        self._most = service.limits.upload_bytes
        self._documents: AsyncDocumentStore = service.documents(key.organisation, caller_of(request))
        self._request = request
        self._stream = request.stream()
        self._key = key

    async def stored(self) -> StoredDocument:
        """Receive the body and store it.

        Raises:
            StorageError: it is refused, or was not stored.
            ProblemError: a header is malformed, or the client went away.
        """
        headers = self._request.headers
        length, sha256 = content_length(self._request), self._sha256()
        kind = headers.get("content-type")
        documents, run = self._documents, self._documents.transport.run_async
        spool = await run(documents.operations.spool(self._key))
        try:
            if length is not None:
                self._check(length)
                spool.expect(length)
            async with collected(self._blocks(), spool, documents.transport) as body:
                with Source(body, sha256=sha256) as source:
                    content_type = media_type(kind) if kind is not None else None
                    return await run(documents.operations.upload(self._key, source, content_type, None, None))
        except ClientDisconnect as error:
            raise ProblemError(400, "incomplete", "the client went away before all of the file came") from error
        finally:
            spool.discard()

    async def drain(self) -> None:
        """Read a little of what a refused client still sends."""
        left = _DRAINED
        if (content_length(self._request) or 0) > left:
            return
        try:
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    return
        except (ClientDisconnect, RuntimeError):  # it has gone, or all was read
            return

    async def _blocks(self) -> AsyncIterator[bytes]:
        """Yield the body in blocks: a server hands it out in pieces of some 64 KiB."""
        waiting, held, seen = list[bytes](), 0, 0
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

    def _check(self, size: int) -> None:
        if self._most is not None and size > self._most:
            raise ProblemError(413, "file_too_large", f"this service takes files of up to {self._most} bytes")

    def _sha256(self) -> str | None:
        headers = self._request.headers
        try:
            return declared_sha256(headers.get("repr-digest"), headers.get("x-content-sha256"))
        except ValueError as error:
            raise ProblemError(400, "digest", str(error)) from error

"""Starlette and FastAPI: responses for stored files, uploads from requests, direct uploads, and errors as problems.

The application says who may do what before it calls these; they know no users. ``examples/10_fastapi_documents.py``
uses them all. Nothing here blocks the loop, and no file is held in memory as a whole.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Final, TypeAlias, cast
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..documents.aio import AsyncDocumentStore
from ..documents.reading import Opening
from ..documents.receipts import StoredDocument
from ..documents.store import HOUR, DocumentStore
from ..errors import StorageError
from ..json_text import parse_json
from ..keys import DocumentKey
from ..lazy import logger
from ..serving.downloads import Answer, Disposition, answer
from ..serving.headers import API_HEADERS, declared_sha256, media_type
from ..serving.problems import MEDIA_TYPE, ProblemError, diagnosis_of, problem_of
from ..serving.receiving import received
from ..serving.windows import Windows
from ..storage.aio import AsyncStorage
from ..storage.sync import Storage
from .incoming import IncomingFile
from .responses import answer_response, problem_response

Handler: TypeAlias = Callable[[Request, Exception], Coroutine[object, object, Response]]
"""An exception handler of Starlette."""
Manages: TypeAlias = Callable[[Request], bool | Awaitable[bool]]
"""Says whether who sends a request manages the storage of the organisation."""

MEMORY_BYTES: Final = 128 * 1024 * 1024
"""What all downloads of one application hold of files at once."""

_MOST_JSON: Final = 64 * 1024
_WINDOWS: Final = "kazinex_windows"

_log = logger(__name__)


async def document_response(
    documents: AsyncDocumentStore | DocumentStore,
    document: StoredDocument | DocumentKey,
    request: Request,
    *,
    disposition: Disposition = "attachment",
) -> Response:
    """Answer a GET or HEAD for the file of a revision, streamed; by receipt, the version that it recorded.

    ``Range``, ``If-Range``, ``If-None-Match``, ``If-Match`` and ``If-Modified-Since`` count; the answer has ETag,
    length, type and name, and headers under which a browser runs nothing of it. A whole file is compared with its
    sha256: its last piece is sent only if that holds, else the connection is cut. ``inline`` shows PDF, pictures and
    plain text, and saves all else. Two requests and one for each piece.

    Raises:
        StorageError: it is not there, or cannot be read; before anything is sent.
    """
    opening = await documents.transport.run_async(documents.operations.opening(document))
    name = (document if isinstance(document, DocumentKey) else document.document).filename
    found = answer(opening, name, disposition, method=request.method, given=request.headers)
    return await answer_response(found, _windows(request))


async def object_response(
    storage: AsyncStorage | Storage,
    key: str,
    request: Request,
    *,
    filename: str | None = None,
    disposition: Disposition = "attachment",
) -> Response:
    """Answer a GET or HEAD for an object, saved as *filename*; else as ``document_response``.

    The whole is compared with the checksum that the service keeps.

    Raises:
        StorageError: there is no such object, or it cannot be read; before anything is sent.
    """
    blocking = storage.storage if isinstance(storage, AsyncStorage) else storage
    info = await blocking.transport.run_async(blocking.operations.head(key))
    opening = Opening(storage=blocking, key=key, info=info, sha256=None)
    name = filename or key.rpartition("/")[2]
    found: Answer = answer(opening, name, disposition, method=request.method, given=request.headers)
    return await answer_response(found, _windows(request))


async def store_body(
    documents: AsyncDocumentStore, document: DocumentKey, request: Request, *, most_bytes: int | None = None
) -> StoredDocument:
    """Store the body of *request* as the file of a revision and return the receipt; write-once, whole or not at all.

    Name, type and announced length are judged before a byte is read, and the bytes while they come. The sha256 of
    ``Repr-Digest`` or ``X-Content-SHA256`` is what the file must have.

    Args:
        documents: Bound to one organisation, if *document* comes from the client.
        most_bytes: What this application takes at most, beside the rules of the organisation.

    Raises:
        StorageError: the file is refused, or was not stored.
        ProblemError: a header is malformed, the body is too large, or the client went away.
    """
    file = IncomingFile(request, most_bytes)
    headers = request.headers
    try:
        sha256 = declared_sha256(headers.get("repr-digest"), headers.get("x-content-sha256"))
    except ValueError as error:
        raise ProblemError(400, "digest", str(error)) from error
    kind = headers.get("content-type")
    async with file.refusing():
        return await received(
            documents,
            document,
            file.blocks(),
            length=file.length,
            content_type=media_type(kind) if kind is not None else None,
            sha256=sha256,
        )


async def begin_direct_upload(
    documents: AsyncDocumentStore, document: DocumentKey, request: Request, *, expires_in: timedelta = HOUR
) -> Response:
    """Answer 201 with a ticket, by which the client sends the file straight to the provider; then it confirms.

    The body is JSON: ``size`` in bytes and, if they are known, ``content_type`` and ``sha256``. A ticket is as good as
    a password for this file until it expires, so it is not cached. See docs/direct-uploads.md for the client.

    Raises:
        StorageError: the organisation does not take such a file, or the revision has one.
        ProblemError: the body is no such JSON.
    """
    given = await _json_of(request)
    size, kind, sha256 = given.get("size"), given.get("content_type"), given.get("sha256")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ProblemError(422, "invalid_request", "size: the number of bytes of the file")
    if not isinstance(kind, str | None) or not isinstance(sha256, str | None):
        raise ProblemError(422, "invalid_request", "content_type and sha256 are text, or left out")
    try:
        ticket = await documents.begin_direct_upload(document, size, kind, sha256=sha256, expires_in=expires_in)
    except ValueError as error:
        if isinstance(error, StorageError):
            raise
        raise ProblemError(422, "invalid_request", str(error)) from error
    return JSONResponse(ticket.to_dict(), 201, API_HEADERS)


async def confirm_direct_upload(documents: AsyncDocumentStore, request: Request) -> StoredDocument:
    """Check what a direct upload brought, record it and return the receipt; repeat it after any error.

    The body is JSON: ``token``, that of the ticket.

    Raises:
        StorageError: it has not arrived, is not what was declared, or the policy of now refuses it.
        ProblemError: the body is no such JSON.
    """
    token = (await _json_of(request)).get("token")
    if not isinstance(token, str):
        raise ProblemError(422, "invalid_request", "token: that of the ticket")
    return await documents.confirm_direct_upload(token)


async def receive_direct_upload(documents: AsyncDocumentStore, token: str, request: Request) -> Response:
    """Take the file of a ticket for providers that clients cannot send to: ``PUT {upload_route}/{token}``.

    The token is the permission; exactly as many bytes as the ticket says are taken, once. Answers 204.

    Raises:
        StorageError: the token is none, the ticket has ended, or the file is not what it says.
        ProblemError: the client went away.
    """
    file = IncomingFile(request, None)
    async with file.refusing():
        await documents.receive_direct_upload(token, file.blocks(), file.length)
    return Response(status_code=204)


def storage_exception_handlers(manages: Manages | None = None) -> dict[int | type[Exception], Handler]:
    """Return what ``FastAPI(exception_handlers=...)`` and ``Starlette(exception_handlers=...)`` take.

    Errors become problem details (RFC 9457). What a user can mend, such as a type that is not allowed, is told to
    everybody. What only an administrator can, such as credentials that the provider refuses, is told to those whom
    *manages* names, with cause and fix; others read whom to ask, and a number under which the log has the rest.
    """

    async def of_storage(request: Request, error: Exception) -> Response:
        failed = cast(StorageError, error)
        seen = manages(request) if manages is not None else False
        manager = await seen if inspect.isawaitable(seen) else seen
        found = problem_of(failed, manager=manager, of_files=True)
        document = found.document
        if found.status >= 500:
            number = uuid4().urn
            document["instance"] = number
            _log.warning("%s: %s; %s", number, failed, diagnosis_of(failed).fix)
        return JSONResponse(document, found.status, found.headers, MEDIA_TYPE)

    async def of_refusal(_: Request, error: Exception) -> Response:
        return problem_response(cast(ProblemError, error).problem)

    return {StorageError: of_storage, ProblemError: of_refusal}


async def _json_of(request: Request) -> Mapping[str, object]:
    text = bytearray()
    async for chunk in request.stream():
        text += chunk
        if len(text) > _MOST_JSON:
            raise ProblemError(413, "too_large", f"the body is JSON of at most {_MOST_JSON} bytes")
    try:
        found = parse_json(bytes(text))
    except ValueError as error:
        raise ProblemError(400, "json", "the body is no JSON") from error
    if not isinstance(found, dict):
        raise ProblemError(422, "invalid_request", "the body is a JSON object")
    return found


def _windows(request: Request) -> Windows:
    """Return what the downloads of the application share their memory by."""
    state = request.scope["app"].state if "app" in request.scope else None
    windows = getattr(state, _WINDOWS, None)
    if not isinstance(windows, Windows):
        windows = Windows(MEMORY_BYTES)
        if state is not None:
            setattr(state, _WINDOWS, windows)
    return windows

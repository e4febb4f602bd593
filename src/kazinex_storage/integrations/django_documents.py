"""Django: the documents of organisations under URLs of your own: uploads, ranged downloads, direct uploads, errors.

``path("documents/", include(document_urls(organisation_of, at="/documents/")))`` is all; who may do what is said by
the host: *organisation_of* is asked for each request. Paths and bodies are those of
``examples/10_fastapi_documents.py``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from ..documents.store import HOUR, DocumentStore
from ..errors import StorageError
from ..json_text import parse_json
from ..keys import DocumentKey
from ..organisations import Resolver, open_organisations
from ..serving.downloads import answer
from ..serving.headers import API_HEADERS, declared_sha256, media_type
from ..serving.problems import ProblemError, denied
from ..types import MIB
from .django_responses import answer_response, problem_response

OrganisationOf: TypeAlias = Callable[[HttpRequest], str | None]
"""Returns the organisation in whose name a request comes, None when it may do nothing here. It sees the method and the
path, so it may tell readers from uploaders."""
Manages: TypeAlias = Callable[[HttpRequest], bool]
"""Says whether who sends a request manages the storage of the organisation."""
_View: TypeAlias = Callable[..., HttpResponseBase]

_FILE: Final = "<str:project>/<str:document>/<str:revision>/<str:filename>"
_MOST_JSON: Final = 64 * 1024


def document_urls(
    organisation_of: OrganisationOf,
    *,
    at: str,
    manages: Manages | None = None,
    resolver: Resolver | None = None,
    expires_in: timedelta = HOUR,
) -> list[URLPattern]:
    """Return the URL patterns of documents.

    ``files/PROJECT/DOCUMENT/REVISION/FILE`` takes GET, HEAD and PUT, ``tickets/...`` POST, ``confirm`` POST, and
    ``direct/TOKEN`` PUT. Django's own protection against forged requests applies to all but the last, whose token is
    the permission.

    Args:
        organisation_of: Who asks.
        at: The path that they are included at, for the URLs in tickets.
        manages: Who reads of an error what only an administrator can mend; by default nobody.
        resolver: What knows the providers; by default that of the catalogue of the environment, opened on first use.
        expires_in: How long tickets are valid.
    """
    views = _Views(_Stores(resolver, f"{at.rstrip('/')}/direct"), organisation_of, manages, expires_in)
    return [
        path(f"files/{_FILE}", views.of_file(views.file, "GET", "HEAD", "PUT")),
        path(f"tickets/{_FILE}", views.of_file(views.ticket, "POST")),
        path("confirm", views.confirm),
        path("direct/<str:token>", csrf_exempt(views.receive)),
    ]


class _Stores:
    """One resolver for each process, and a store for each organisation."""

    def __init__(self, resolver: Resolver | None, route: str) -> None:
        self._given, self._route = resolver, route
        self._opened: tuple[int, Resolver] | None = None
        self._lock = threading.Lock()

    def of(self, organisation: str | None) -> DocumentStore:
        """Return the documents of *organisation* alone; None is for tokens, which name one."""
        return DocumentStore(self._resolver(), organisation=organisation, upload_route=self._route)

    def _resolver(self) -> Resolver:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), Resolver(open_organisations()))
            return self._opened[1]


class _Views:
    def __init__(
        self, stores: _Stores, organisation_of: OrganisationOf, manages: Manages | None, expires_in: timedelta
    ) -> None:
        self._stores, self._organisation_of, self._manages = stores, organisation_of, manages
        self._expires_in = expires_in

    def of_file(
        self, view: Callable[[HttpRequest, DocumentStore, DocumentKey], HttpResponseBase], *methods: str
    ) -> _View:
        """Return *view* for the file of a revision, for those whom the host lets in."""

        def asked_for(
            request: HttpRequest, project: str, document: str, revision: str, filename: str
        ) -> HttpResponseBase:
            return self._guarded(
                request,
                methods,
                lambda store, organisation: view(
                    request, store, DocumentKey(organisation, project, document, revision, filename)
                ),
            )

        return asked_for

    def confirm(self, request: HttpRequest) -> HttpResponseBase:
        """End a direct upload."""
        return self._guarded(request, ("POST",), lambda store, _: self._confirmed(request, store))

    def _guarded(
        self, request: HttpRequest, methods: Sequence[str], view: Callable[[DocumentStore, str], HttpResponseBase]
    ) -> HttpResponseBase:
        """Return what *view* answers to those whom the host lets in, its errors as problem details."""
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        organisation = self._organisation_of(request)
        try:
            if organisation is None:
                raise denied()
            return view(self._stores.of(organisation), organisation)
        except (StorageError, ProblemError) as error:
            return problem_response(error, manager=self._manages is not None and self._manages(request))

    def file(self, request: HttpRequest, store: DocumentStore, key: DocumentKey) -> HttpResponseBase:
        """Send or take the file of a revision."""
        if request.method != "PUT":
            opening = store.transport.run(store.operations.opening(key))
            given = {name.lower(): text for name, text in request.headers.items()}
            return answer_response(answer(opening, key.filename, method=request.method, given=given))
        length, kind = _length(request), request.headers.get("content-type")
        if length is not None:  # name, type and announced length are judged before a byte is read
            spool = store.transport.run(store.operations.spool(key))
            try:
                spool.expect(length)
            finally:
                spool.discard()
        try:
            sha256 = declared_sha256(request.headers.get("repr-digest"), request.headers.get("x-content-sha256"))
        except ValueError as error:
            raise ProblemError(400, "digest", str(error)) from error
        content_type = media_type(kind) if kind else None
        receipt = store.upload(key, _blocks(request, length), content_type=content_type, sha256=sha256)
        return JsonResponse(receipt.to_dict(), status=201)

    def ticket(self, request: HttpRequest, store: DocumentStore, key: DocumentKey) -> HttpResponse:
        """Begin a direct upload."""
        given = _json_of(request)
        size, kind, sha256 = given.get("size"), given.get("content_type"), given.get("sha256")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ProblemError(422, "invalid_request", "size: the number of bytes of the file")
        if not isinstance(kind, str | None) or not isinstance(sha256, str | None):
            raise ProblemError(422, "invalid_request", "content_type and sha256 are text, or left out")
        try:
            ticket = store.begin_direct_upload(key, size, kind, sha256=sha256, expires_in=self._expires_in)
        except ValueError as error:
            if isinstance(error, StorageError):
                raise
            raise ProblemError(422, "invalid_request", str(error)) from error
        return JsonResponse(ticket.to_dict(), status=201, headers=API_HEADERS)

    def _confirmed(self, request: HttpRequest, store: DocumentStore) -> HttpResponse:
        token = _json_of(request).get("token")
        if not isinstance(token, str):
            raise ProblemError(422, "invalid_request", "token: that of the ticket")
        return JsonResponse(store.confirm_direct_upload(token).to_dict())

    def receive(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Take the file of a ticket, whose token is the permission."""
        if request.method != "PUT":
            return HttpResponseNotAllowed(["PUT"])
        try:
            length = _length(request)
            self._stores.of(None).receive_direct_upload(token, _blocks(request, length), length)
        except (StorageError, ProblemError) as error:
            return problem_response(error)
        return HttpResponse(status=204)


def _length(request: HttpRequest) -> int | None:
    text = request.headers.get("content-length")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ProblemError(400, "content_length", "Content-Length is no number of bytes")
    return int(text)


def _blocks(request: HttpRequest, length: int | None) -> Iterator[bytes]:
    """Yield the body; one that ends before its announced length, as WSGI shows a client that went away, is refused."""
    seen = 0
    try:
        while block := request.read(MIB):
            seen += len(block)
            yield block
    except OSError as error:
        raise ProblemError(400, "incomplete", "the client went away before all of the file came") from error
    if length is not None and seen != length:
        raise ProblemError(400, "incomplete", f"{seen} of {length} bytes came")


def _json_of(request: HttpRequest) -> Mapping[str, object]:
    text = request.read(_MOST_JSON + 1)
    if len(text) > _MOST_JSON:
        raise ProblemError(413, "too_large", f"the body is JSON of at most {_MOST_JSON} bytes")
    try:
        found = parse_json(bytes(text))
    except ValueError as error:
        raise ProblemError(400, "json", "the body is no JSON") from error
    if not isinstance(found, dict):
        raise ProblemError(422, "invalid_request", "the body is a JSON object")
    return found

"""What every request passes through: who asks, is it another site's, how often, how much, and then its route.

``GuardedRoute`` stands around the routes of FastAPI, so that nothing of a body is read for whom the host does not know,
and every error becomes problem details. A route names its action in ``openapi_extra``; one that names none is refused
when the router is made.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import ClassVar, Final
from urllib.parse import unquote_to_bytes

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from ..errors import InvalidKeyError, StorageError
from ..integrations.incoming import content_length
from ..keys import check_identifier
from ..lazy import logger
from ..secrecy.masking import without_frames
from ..serving.headers import API_HEADERS
from .access import Action
from .csrf import check_csrf
from .problems import ProblemError, denied, of_http, of_refusal, of_storage, of_validation, problem
from .service import StorageService

_log = logger(__name__)

ACTION: Final = "x-kazinex-action"
"""The action of a route, in its OpenAPI description."""
RATE: Final = "x-kazinex-rate"
"""What limits how often it may be called."""
STREAMED: Final = "x-kazinex-streamed"
"""Whether its body is a file, which has limits of its own."""
OPEN: Final = "signed"
"""The action of routes whose URL itself is the permission."""

_OF_FILES: Final = frozenset({None, Action.UPLOAD, Action.READ, Action.REMOVE, Action.KEEP})
"""Actions of people who have nothing to do with settings."""

Handler = Callable[[Request], Coroutine[None, None, Response]]


class GuardedRoute(APIRoute):
    """A route of one router; ``bound_to`` makes the class."""

    service: ClassVar[StorageService]

    def get_route_handler(self) -> Handler:
        """Return the handler of FastAPI with everything before and after it."""
        extra = self.openapi_extra or {}
        action = None if extra[ACTION] == OPEN else Action(extra[ACTION])
        rate, streamed = extra.get(RATE), bool(extra.get(STREAMED))
        inner, guard = super().get_route_handler(), Guard(self.service)

        async def handle(request: Request) -> Response:
            body = Incoming(request, None if streamed else self.service.limits.json_bytes)
            try:
                if action is not None:
                    await guard.admit(request, action, rate)
                body.check_length()
                response = await inner(request)
            except Exception as error:  # every error of the API becomes one answer
                response = await guard.answer(request, error, action)
                if body.is_unread and is_http1(request):
                    response.headers["Connection"] = "close"  # else the server reads on what nobody wants
            for name, value in API_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle


def bound_to(service: StorageService) -> type[GuardedRoute]:
    """Return the class of the routes of *service*."""
    return type("StorageRoute", (GuardedRoute,), {"service": service})


class Guard:
    """Admits requests and answers errors."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    async def admit(self, request: Request, action: Action, rate: str | None) -> None:
        """Find out who sends *request*, or refuse it.

        Raises:
            ProblemError: the host does not let them, another site made the browser send it, or it comes too often.
        """
        organisation, project = _named(request)
        caller = await self._service.allowed(request, action, organisation, project)
        if caller is None:
            raise denied()
        check_csrf(request, caller)
        if rate is not None:
            wait = self._service.rates[rate].wait_for(organisation or "", caller.name)
            if wait:
                raise ProblemError(429, "rate_limited", "too many of these in a minute; wait", retry_after_s=wait)
        request.state.kazinex_caller = caller

    async def answer(self, request: Request, error: Exception, action: Action | None) -> Response:
        """Return what *error* is answered with; one that is none of ours is logged, and says nothing."""
        if isinstance(error, ProblemError):
            return of_refusal(error)
        if isinstance(error, StorageError):
            manager = await self._is_manager(request)
            conditional = "if-match" in request.headers
            return of_storage(error, manager=manager, conditional=conditional, of_files=action in _OF_FILES)
        if isinstance(error, RequestValidationError):
            return of_validation(error)
        if isinstance(error, HTTPException):
            return of_http(error)
        _log.error("a request of the HTTP API failed", exc_info=without_frames(error))
        return problem(500, "internal", "the service failed; its log says why")

    async def _is_manager(self, request: Request) -> bool:
        if not hasattr(request.state, "kazinex_caller"):
            return False
        organisation = request.path_params.get("organisation")
        return await self._service.allowed(request, Action.MANAGE_PROVIDERS, organisation) is not None


class Incoming:
    """The body of one request on its way in; it stands between the server and all that reads it."""

    def __init__(self, request: Request, most: int | None) -> None:
        """Let *most* bytes through; None lets all."""
        self._request = request
        self._most = most
        self._arrived = 0
        length = request.headers.get("content-length") or "0"
        self._ended = "transfer-encoding" not in request.headers and length == "0"
        self._receive = request.receive
        request._receive = self

    @property
    def is_unread(self) -> bool:
        """Whether there is more of it than was read."""
        return not self._ended

    def check_length(self) -> None:
        """Refuse a body that says itself that it is too long.

        Raises:
            ProblemError: it does.
        """
        if self._most is not None and (content_length(self._request) or 0) > self._most:
            raise ProblemError(413, "body_too_large", f"the body has more than {self._most} bytes")

    async def __call__(self) -> Message:
        """Return the next message, which the server has for us.

        Raises:
            HTTPException: more bytes came than may.
        """
        message = await self._receive()
        self._arrived += len(message.get("body", b""))
        self._ended = self._ended or not message.get("more_body", False)
        if self._most is not None and self._arrived > self._most:
            self._ended = False
            raise HTTPException(413, f"the body has more than {self._most} bytes")  # what FastAPI lets through
        return message


def is_http1(request: Request) -> bool:
    """Say whether the connection is ours to close: HTTP/2 and WSGI have no header for that."""
    return request.scope.get("http_version", "").startswith("1") and "wsgi_environ" not in request.scope


def _named(request: Request) -> tuple[str | None, str | None]:
    _check_utf8(request)
    organisation, project = request.path_params.get("organisation"), request.path_params.get("project")
    try:
        return (
            None if organisation is None else check_identifier(organisation, "organisation"),
            None if project is None else check_identifier(project, "project"),
        )
    except InvalidKeyError as error:
        raise denied() from error


def _check_utf8(request: Request) -> None:
    """Refuse a path that is no UTF-8: two of them would name one file."""
    if "\ufffd" not in request.scope["path"]:
        return
    try:
        unquote_to_bytes(request.scope.get("raw_path") or b"").decode()
    except UnicodeDecodeError:
        raise ProblemError(422, "invalid_key", "the path is not UTF-8") from None

"""What every request passes through: who asks, is it another site's, how often, how much, and then its route.

``GuardedRoute`` stands around the routes of FastAPI, so that nothing of a body is read for whom the host does not know,
and every error becomes problem details. A route names its action in ``openapi_extra``; one that names none is refused
when the router is made.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import ClassVar, Final

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from ..errors import InvalidKeyError, StorageError
from ..keys import check_identifier
from ..lazy import logger
from ..secrecy.masking import without_frames
from .access import Action, Caller
from .csrf import check_csrf
from .headers import API_HEADERS
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

Handler = Callable[[Request], Coroutine[None, None, Response]]


def caller_of(request: Request) -> Caller:
    """Return who sends *request*."""
    caller: Caller = request.state.kazinex_caller
    return caller


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
            try:
                if action is not None:
                    await guard.admit(request, action, rate)
                if not streamed:
                    guard.limit_body(request)
                response = await inner(request)
            except Exception as error:  # every error of the API becomes one answer
                response = await guard.answer(request, error)
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

    def limit_body(self, request: Request) -> None:
        """Refuse a body above the limit, by what it says of its length and by what arrives.

        Raises:
            ProblemError: it says so itself.
        """
        most = self._service.limits.json_bytes
        if content_length(request) is not None and (content_length(request) or 0) > most:
            raise _too_long(most)
        receive, arrived = request.receive, 0

        async def limited() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise HTTPException(413, f"the body has more than {most} bytes")  # what FastAPI lets through
            return message

        request._receive = limited

    async def answer(self, request: Request, error: Exception) -> Response:
        """Return what *error* is answered with; one that is none of ours is logged, and says nothing."""
        if isinstance(error, ProblemError):
            return of_refusal(error)
        if isinstance(error, StorageError):
            return of_storage(error, manager=await self._is_manager(request), conditional="if-match" in request.headers)
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


def content_length(request: Request) -> int | None:
    """Return how long the body says it is; None when it does not.

    Raises:
        ProblemError: it is no number.
    """
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ProblemError(400, "content_length", "Content-Length is no number of bytes")
    return int(text)


def _named(request: Request) -> tuple[str | None, str | None]:
    organisation, project = request.path_params.get("organisation"), request.path_params.get("project")
    try:
        return (
            None if organisation is None else check_identifier(organisation, "organisation"),
            None if project is None else check_identifier(project, "project"),
        )
    except InvalidKeyError as error:
        raise denied() from error


def _too_long(most: int) -> ProblemError:
    return ProblemError(413, "body_too_large", f"the body has more than {most} bytes")

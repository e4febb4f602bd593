"""The page and the HTTP API as one application, for ``kazinex-storage serve`` and for trying things out.

Whoever has opened its link may do everything in the organisations that it serves. A host with users of its own mounts
``storage_router`` and ``settings_page`` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..organisations.resolver import Resolver
from ..organisations.service import Organisations
from ..values import value
from .access import Action, Caller
from .router import storage_router
from .sessions import SESSION_S, Sessions
from .settings_page import DIRECT_UPLOADS, PageSession, settings_page

API: Final = "/api"
"""Where the HTTP API is."""
OPEN: Final = "/open"
"""Where a link leads to."""
_HERE: Final = ("http://127.0.0.1:*", "http://localhost:*")
"""Servers of this machine, for those who try things out with one."""
_ANY_ORGANISATION: Final = frozenset({Action.SEE_KINDS, Action.SEE_METRICS})


@value
class Served:
    """What one application serves, and to whom."""

    organisations: Organisations
    resolver: Resolver
    sessions: Sessions
    names: tuple[str, ...]
    """The ids of the organisations that can be seen."""
    address: str
    """Scheme, host and port that browsers use; requests for other hosts are refused."""
    opened: Callable[[], None] = lambda: None
    """Called whenever a link was used."""


def link_of(served: Served) -> str:
    """Return the address that opens the page once, within an hour."""
    return f"{served.address}{OPEN}?token={served.sessions.new_link()}"


def create_app(served: Served) -> FastAPI:
    """Return the application; the page is at ``/``, the API below ``/api``. It closes nothing that it was given."""
    parts = urlsplit(served.address)
    cookie = f"{'__Host-' if parts.scheme == 'https' else ''}kazinex_storage_{parts.port or parts.scheme}"

    def who(request: Request) -> Caller | None:
        return served.sessions.find(request.cookies.get(cookie))

    def authorise(request: Request, action: Action, organisation: str | None, _project: str | None) -> Caller | None:
        allowed = organisation in served.names if organisation is not None else action in _ANY_ORGANISATION
        return who(request) if allowed else None

    def session_of(request: Request) -> PageSession | None:
        caller = who(request)
        return None if caller is None else PageSession(caller=caller, organisations=served.names)

    def open_session(request: Request, token: str = "") -> Response:
        found = served.sessions.open(token)
        # Without a session the page says what to do; with one, the address in the history is good for nothing any more.
        response = RedirectResponse(f"{request.scope.get('root_path', '')}/", 303, _HEADERS)
        if found is not None:
            secure = parts.scheme == "https"
            response.set_cookie(
                cookie, found.cookie, int(SESSION_S), path="/", secure=secure, httponly=True, samesite="strict"
            )
            served.opened()
        return response

    app = FastAPI(title="kazinex-storage", docs_url=None, redoc_url=None, openapi_url=f"{API}/openapi.json")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[parts.hostname or ""], www_redirect=False)
    app.add_api_route(OPEN, open_session, methods=["GET"], include_in_schema=False, response_class=Response)
    app.include_router(storage_router(served.organisations, resolver=served.resolver, authorise=authorise), prefix=API)
    app.include_router(settings_page(session_of, api=API, upload_to=(*DIRECT_UPLOADS, *_HERE)))
    return app


_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

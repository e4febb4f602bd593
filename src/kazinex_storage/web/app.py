"""The page and the HTTP API as one application, for ``kazinex-storage serve`` and for trying things out.

Whoever has opened its link may do everything in the organisations that it serves. A host with users of its own mounts
``storage_router`` and ``settings_page`` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
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
from .connecting import SharePointConnect
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
class ConnectApp:
    """The registration of an app that people connect their SharePoint with; its redirect URI is ``callback_of``."""

    client_id: str
    client_secret: str = field(repr=False)
    tenant: str = "organizations"
    """Whose people may connect: a tenant, or ``organizations`` for all."""
    further: Mapping[str, object] = field(default_factory=dict)
    """Settings that every provider gets, such as those for an emulator."""


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
    connect: ConnectApp | None = None
    """The app with which people connect their SharePoint; without one they enter settings."""
    opened: Callable[[], None] = lambda: None
    """Called whenever a link was used."""


def link_of(served: Served) -> str:
    """Return the address that opens the page once, within an hour."""
    return f"{served.address}{OPEN}?token={served.sessions.new_link()}"


def callback_of(address: str) -> str:
    """Return the redirect URI that is registered for the app of an application at *address*."""
    return f"{address}{API}/connect/sharepoint/callback"


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
    connect = _connecting(served)
    app.include_router(
        storage_router(served.organisations, resolver=served.resolver, authorise=authorise, connect=connect),
        prefix=API,
    )
    page = settings_page(session_of, api=API, connect=connect is not None, upload_to=(*DIRECT_UPLOADS, *_HERE))
    app.include_router(page)
    return app


_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def _connecting(served: Served) -> SharePointConnect | None:
    app = served.connect
    if app is None:
        return None
    return SharePointConnect(
        client_id=app.client_id,
        client_secret=app.client_secret,
        redirect_uri=callback_of(served.address),
        done_url=f"{served.address}/",
        tenant=app.tenant,
        further=app.further,
    )

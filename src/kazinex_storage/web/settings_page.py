"""The page Settings > Storage, as files of this package: plain HTML, CSS and modules, which call the HTTP API.

The files themselves hold nothing of anyone and are given to everybody; what the page shows comes from the API. Read
next: ``page/app.js``, where the page begins.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..values import value
from .access import Action, Caller, call_host

_FOLDER: Final = Path(__file__).with_name("page")
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

DIRECT_UPLOADS: Final = ("https:",)
"""Where the page may send files: wherever a provider of an organisation is."""


@value
class PageSession:
    """Who looks at the page, and what they may choose between."""

    caller: Caller
    organisations: tuple[str, ...]
    """Their ids; the first one is shown unless the address says ``?organisation=``."""
    actions: frozenset[Action] | None = None
    """What they may do, such as ``ALLOWED[role]``: the page leaves out what else there is, and shows everything for
    None. The API decides in any case."""


SessionOf: TypeAlias = Callable[[Request], "PageSession | Awaitable[PageSession | None] | None"]
"""Says who looks at the page; None for strangers. A plain function runs on a thread, a coroutine on the loop."""


@value(kw_only=False)
class _File:
    body: bytes
    packed: bytes
    media_type: str
    tag: str


def settings_page(
    session_of: SessionOf, *, api: str, connect: bool = False, upload_to: Iterable[str] = DIRECT_UPLOADS
) -> APIRouter:
    """Return a router with the page at its ``/``, to be mounted with or without a prefix.

    Args:
        api: The path that ``storage_router`` is mounted at, such as ``/storage``.
        connect: Whether people can connect SharePoint in the browser, for which the API needs an app registration.
        upload_to: Sources, as a Content-Security-Policy writes them, that files may be sent to besides this host.
    """
    router = APIRouter(include_in_schema=False)
    headers = _headers(" ".join(upload_to))
    for name, file in _files().items():
        path = "/" if name == "index.html" else f"/{name}"
        router.add_api_route(path, _giver(file, headers), methods=["GET", "HEAD"], response_class=Response)

    async def session(request: Request) -> Response:
        found = await call_host(session_of, request)
        if found is None:
            problem = {"type": "about:blank", "title": "Nobody is signed in", "status": 401, "code": "not_signed_in"}
            return JSONResponse(problem, 401, _PRIVATE, media_type="application/problem+json")
        return JSONResponse(_shown(found, f"{request.scope.get('root_path', '')}{api}", connect=connect), 200, _PRIVATE)

    router.add_api_route("/session.json", session, methods=["GET"], response_class=Response)
    return router


_COMMON: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_PRIVATE: Final[dict[str, str]] = {**_COMMON, "Cache-Control": "no-store"}


def _headers(upload_to: str) -> dict[str, str]:
    # No script and no style but the files of the page; nothing parses text as HTML (trusted types without a policy).
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {upload_to}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        **_COMMON,
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }


def _files() -> dict[str, _File]:
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        body = path.read_bytes()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        found[path.name] = _File(body, gzip.compress(body, mtime=0), _TYPES[path.suffix], tag)
    return found


def _giver(file: _File, headers: Mapping[str, str]) -> Callable[[Request], Response]:
    def give(request: Request) -> Response:
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, {**headers, "ETag": file.tag})
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                file.packed, 200, {**headers, "ETag": file.tag, "Content-Encoding": "gzip"}, file.media_type
            )
        return Response(file.body, 200, {**headers, "ETag": file.tag}, file.media_type)

    return give


def _shown(session: PageSession, api: str, *, connect: bool) -> dict[str, object]:
    return {
        "api": api,
        "caller": session.caller.name,
        "csrf": session.caller.csrf if session.caller.cookie else None,
        "organisations": [{"id": organisation} for organisation in session.organisations],
        "actions": None if session.actions is None else sorted(action.value for action in session.actions),
        "connect": connect,
    }

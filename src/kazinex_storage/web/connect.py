"""SharePoint connect over HTTP: to Microsoft and back, then a site, a library, and a provider.

Microsoft makes the browser post the code to the callback, a request of another site that brings no cookie of ours. The
callback answers with a page that leads the same browser to the callback once more, from here: that request brings the
cookie, which proves that it is the browser that began. Where it goes then is fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..errors import StorageError
from ..serving.headers import API_HEADERS
from .access import Action
from .connect_models import (
    Begun,
    ConnectionId,
    LibrariesModel,
    LibraryModel,
    NewConnection,
    PlaceChosen,
    Search,
    SiteId,
    SiteModel,
    SitesModel,
)
from .connecting import BEGUN, Connecting
from .models import OrganisationId, ProviderModel
from .service import StorageService, caller_of
from .shown import Shown
from .table import Route, add_routes

_CONNECT: Final = "/organisations/{organisation}/connect/sharepoint"
_CALLBACK: Final = "/connect/sharepoint/callback"
_COOKIE: Final = "kazinex_storage_connect"
_FROM_MICROSOFT: Final[tuple[str, ...]] = ("code", "state", "error", "session_state")


class ConnectRoutes:
    """The routes of the flow."""

    def __init__(self, service: StorageService, connecting: Connecting) -> None:
        self._service = service
        self._connecting = connecting

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        one, failures = f"{_CONNECT}/{{connection}}", (403, 404, 413, 422, 502, 503)
        add_routes(
            router,
            "connect",
            Route(
                method="POST",
                path=_CONNECT,
                handler=self.begin,
                action=Action.MANAGE_PROVIDERS,
                summary="Connect to Microsoft 365",
                problems=(*failures, 429),
                rate="connect",
            ),
            *(_callback(method, handler) for method, handler in (("POST", self.came), ("GET", self.back))),
            *(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    action=Action.MANAGE_PROVIDERS,
                    summary=summary,
                    problems=failures,
                    status=status,
                )
                for method, path, handler, summary, status in (
                    ("GET", f"{one}/sites", self.sites, "Sites that the person can reach", 200),
                    ("GET", f"{one}/sites/{{site}}/libraries", self.libraries, "Libraries of a site", 200),
                    ("POST", one, self.choose, "Make a provider of a library", 201),
                )
            ),
        )

    async def begin(
        self, request: Request, organisation: OrganisationId, new: NewConnection, response: Response
    ) -> Begun:
        """Begin to connect, or to renew a provider; the browser then goes to `authorise_url`."""
        connecting, caller = self._connecting, caller_of(request)
        wanted = (organisation, caller.name, new.label, new.provider)
        started = await self._service.shared(organisation, connecting.begin, *wanted)
        callback = urlsplit(connecting.config.redirect_uri)
        response.set_cookie(
            _COOKIE,
            started.cookie,
            max_age=int(BEGUN.total_seconds()),
            path=callback.path,
            secure=callback.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return Begun(authorise_url=started.authorise_url)

    async def came(self, request: Request) -> Response:
        """Take what Microsoft made the browser post, and lead the browser on; nothing is decided yet."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=20))
        known: dict[str, str] = {name: form[name] for name in _FROM_MICROSOFT if name in form}
        carried = await self._service.shared(None, self._connecting.carried, known)
        return _leading_to(f"{self._connecting.config.redirect_uri}?carried={quote(carried, safe='')}")

    async def back(self, request: Request, carried: str = "") -> Response:
        """Finish the connection of this browser, once, and lead it to the page of the host."""
        connecting, cookie = self._connecting, request.cookies.get(_COOKIE, "")
        try:
            organisation = connecting.named(cookie)
            caller = await self._service.allowed(request, Action.MANAGE_PROVIDERS, organisation)
            by = caller.name if caller is not None else None
            rest = await self._service.shared(organisation, connecting.finish, cookie, carried, by)
        except StorageError as error:
            rest = f"failed/{quote(error.message, safe='')}"
        response = _leading_to(f"{connecting.config.done_url}#/connect/{rest}")
        response.delete_cookie(_COOKIE, path=urlsplit(connecting.config.redirect_uri).path)
        return response

    def sites(
        self, request: Request, organisation: OrganisationId, connection: ConnectionId, search: Search = ""
    ) -> SitesModel:
        """Look for sites by words in their names; none of them lists what Microsoft shows first."""
        found = self._connecting.sites(organisation, connection, caller_of(request).name, search or "*")
        return SitesModel(sites=[SiteModel(id=identity, name=name, url=url) for identity, name, url in found])

    def libraries(
        self, request: Request, organisation: OrganisationId, connection: ConnectionId, site: SiteId
    ) -> LibrariesModel:
        """List the document libraries of a site."""
        found = self._connecting.libraries(organisation, connection, caller_of(request).name, site)
        models = [LibraryModel(id=identity, name=name, url=url) for identity, name, url in found]
        return LibrariesModel(libraries=models)

    def choose(
        self, request: Request, organisation: OrganisationId, connection: ConnectionId, chosen: PlaceChosen
    ) -> ProviderModel:
        """Make a PENDING provider of a library, with what the person granted; the connection is used up."""
        connecting, organisations = self._connecting, self._service.acting(request)
        record = connecting.granted(organisation, connection, caller_of(request).name)
        settings = connecting.settings(record, chosen.site, chosen.library, chosen.folder or "")
        label = chosen.label or connecting.label_of(record)
        added = organisations.add_provider(organisation, "sharepoint", label, settings)
        connecting.table.take(organisation, connection)
        return Shown(organisations, organisation).one(added)


def _callback(method: str, handler: Callable[..., object]) -> Route:
    return Route(
        method=method,
        path=_CALLBACK,
        handler=handler,
        action=None,
        summary="Where Microsoft sends the browser" if method == "POST" else "Where the browser goes on from there",
        problems=(403, 413, 422),
        media="text/html",
    )


def _leading_to(url: str) -> Response:
    """Return a page that leads a browser to *url* at once, as a request of this site."""
    target = escape(url, quote=True)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={target}">'
        f'<title>Connecting</title><p><a href="{target}">Continue</a></p></html>'
    )
    return HTMLResponse(page, headers=API_HEADERS)

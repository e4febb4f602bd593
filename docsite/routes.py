"""The reference of the HTTP API, made of its routes: what each does, and who may call it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from kazinex_storage import Organisations, Resolver
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.values import value
from kazinex_storage.web import storage_router
from kazinex_storage.web.route import ACTION, OPEN, RATE, GuardedRoute

from .docstrings import prose
from .text import code

PAGE = "routes.md"

_HEAD = """\
# Routes of the HTTP API

Below the prefix at which you include the router, as [its page](http-api.md) tells. A request is let through by your
`authorise(request, action, organisation, project)`; the action of each route is named here. Schemas are in the OpenAPI
document of your application, which any viewer shows.
"""


@value
class Described:
    """One method of one path."""

    method: str
    path: str
    tag: str
    summary: str
    text: str
    action: str
    rate: str | None


def described() -> list[Described]:
    """Return every route, in the order in which they are declared."""
    organisations = Organisations(MemoryCatalogue())
    router = storage_router(organisations, resolver=Resolver(organisations))
    return [
        Described(
            method=method,
            path=route.path,
            tag=str(next(iter(route.tags), "others")),
            summary=route.summary or route.name,
            text=route.description,
            action=str((route.openapi_extra or {}).get(ACTION, "")),
            rate=(route.openapi_extra or {}).get(RATE),
        )
        for route in router.routes
        if isinstance(route, GuardedRoute)
        for method in sorted(route.methods or ())
    ]


def page() -> str:
    """Return the page."""
    found = sorted(described(), key=lambda each: each.tag)  # which keeps the order within a tag
    lines = [_HEAD]
    for tag, routes in groupby(found, key=lambda each: each.tag):
        lines += [f"## {tag[0].upper()}{tag[1:]}", "", *(line for route in routes for line in _route(route))]
    return "\n".join(lines)


def _route(route: Described) -> Iterator[str]:
    yield from (f"### {route.summary}", "", code(f"{route.method} {route.path}"), "")
    yield from (prose(route.text), "")
    who = "The URL itself is the permission." if route.action == OPEN else f"Action {code(route.action)}."
    limit = f" How often is limited ({code(route.rate)})." if route.rate else ""
    yield from (f"{who}{limit}", "")

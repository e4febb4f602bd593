"""The routes of one part of the API as a table, one entry each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial, wraps
from typing import Final, ParamSpec, TypeVar, cast

from fastapi import APIRouter
from fastapi.datastructures import Default
from starlette.responses import JSONResponse, Response

from ..values import value
from .access import Action
from .problems import documented
from .route import ACTION, OPEN, RATE, STREAMED, GuardedRoute

P = ParamSpec("P")
T = TypeVar("T")

FILE_BODY: Mapping[str, object] = {
    STREAMED: True,
    "requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
}
"""What OpenAPI says of a body that is a file."""


NO_CONTENT: Final = 204
"""A status without a body; FastAPI before 0.116 makes a model of the result None otherwise."""


@value
class Route:
    """One route."""

    method: str
    path: str
    handler: Callable[..., object]
    action: Action | None
    """What its callers must be allowed to do; None where the URL itself is the permission."""
    summary: str
    problems: tuple[int, ...]
    """The statuses that it may answer as problem details."""
    status: int = 200
    """What it answers when all is well."""
    media: str | None = None
    """The media type of what it answers when all is well; None is JSON."""
    rate: str | None = None
    """What limits how often it may be called."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """More for its OpenAPI description."""


def add_routes(router: APIRouter, tag: str, *routes: Route) -> None:
    """Add *routes* to *router*, under the heading *tag*."""
    for route in routes:
        described = {ACTION: OPEN if route.action is None else route.action.value, **route.extra}
        if route.rate is not None:
            described[RATE] = route.rate
        responses = documented(*sorted({*route.problems, *(() if route.method == "GET" else (400,))}))
        if route.media is not None:
            text = {"content": {route.media: {"schema": {"type": "string"}}}}
            responses[route.status] = {"description": "What was asked for", **text}
        router.add_api_route(
            route.path,
            _in_share(route.handler, router),
            methods=[route.method],
            status_code=route.status,
            response_model=None if route.status == NO_CONTENT else Default(None),
            summary=route.summary,
            tags=[tag],
            response_class=Default(JSONResponse) if route.media is None else Response,
            responses=responses,
            openapi_extra=dict(described),
        )


def _in_share(handler: Callable[P, T], router: APIRouter) -> Callable[..., object]:
    """Return *handler* so that it runs in the share that its organisation has of the threads, if it blocks.

    On those that FastAPI has for blocking functions, what one organisation waits for could hold up all others.
    """
    if inspect.iscoroutinefunction(handler):
        return handler
    service = cast("type[GuardedRoute]", router.route_class).service

    @wraps(handler)
    async def run(*arguments: P.args, **values: P.kwargs) -> T:
        organisation = values.get("organisation")
        owner = organisation if isinstance(organisation, str) else None
        return await service.shared(owner, partial(handler, *arguments, **values))

    # With annotations that are no texts any more: FastAPI would look for their names in this module.
    run.__signature__ = inspect.signature(handler, eval_str=True)  # type: ignore[attr-defined]  # inspect reads it
    return run

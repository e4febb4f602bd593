"""Who may do what: the host decides, for each request, by a function like ``Authorise``; ``deny`` is the default.

``roles`` makes such a function of the roles that the Kazinex documentation names (guides/permissions, read 2026-11).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final, Protocol, TypeAlias, TypeVar, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ..values import value

T = TypeVar("T")


class Action(Enum):
    """What a request wants to do."""

    SEE_KINDS = "see_kinds"
    """See which kinds of providers there are; of no organisation."""
    MANAGE_PROVIDERS = "manage_providers"
    """See, add, change, verify, connect, export and remove providers, and choose the default."""
    MANAGE_RESTRICTIONS = "manage_restrictions"
    """Set the allowlist and quotas."""
    CHOOSE_FOR_PROJECT = "choose_for_project"
    """Choose the provider of one project."""
    UPLOAD = "upload"
    READ = "read"
    """List and download the documents of one project, or with no project see which ones there are."""
    REMOVE = "remove"
    """Remove the file of a revision."""
    KEEP = "keep"
    """Retain, hold and release the files of revisions, and change their tags and storage classes; who manages
    restrictions lifts a retention."""
    SEE_AUDIT = "see_audit"
    SEE_USAGE = "see_usage"
    SEE_METRICS = "see_metrics"
    """See the figures of all organisations; of no organisation."""


@value
class Caller:
    """Who sends a request."""

    name: str
    """What the audit trail calls them: an id, 1 to 200 characters."""
    cookie: bool = False
    """Whether a cookie proves it: then changes need the token *csrf* as well."""
    csrf: str | None = None
    """What ``X-Kazinex-CSRF`` has to be; ``csrf_token`` makes it of the session. With a cookie and no token every
    change is refused."""


class Authorise(Protocol):
    """Says who sends a request, when they may do it; a plain function runs on a thread, a coroutine on the loop."""

    def __call__(
        self, request: Request, action: Action, organisation: str | None, project: str | None, /
    ) -> Caller | Awaitable[Caller | None] | None:
        """Return the caller, None to refuse. Organisations that do not exist are to be refused as well.

        *organisation* is None for actions of no organisation, *project* for those of a whole one. An ``HTTPException``
        passes through, for a 401 with a challenge.
        """
        ...


def deny(_request: Request, _action: Action, _organisation: str | None, _project: str | None, /) -> None:
    """Refuse everything; what holds until a host says otherwise."""


class Role(Enum):
    """The roles of the Kazinex documentation; each may do what those after it may."""

    ORG_ADMIN = "org_admin"
    PROJECT_ADMIN = "project_admin"
    """Of the project that is asked about."""
    UPLOADER = "uploader"
    """Initiators and document controllers."""
    READER = "reader"


@value
class Member:
    """A caller and the strongest role that they have where they ask."""

    caller: Caller
    role: Role


_READER: Final = frozenset({Action.SEE_KINDS, Action.READ})
_UPLOADER: Final = _READER | {Action.UPLOAD}
_PROJECT_ADMIN: Final = _UPLOADER | {Action.CHOOSE_FOR_PROJECT, Action.REMOVE, Action.KEEP, Action.SEE_USAGE}
ALLOWED: Final[dict[Role, frozenset[Action]]] = {
    Role.READER: _READER,
    Role.UPLOADER: _UPLOADER,
    Role.PROJECT_ADMIN: _PROJECT_ADMIN,
    Role.ORG_ADMIN: frozenset(Action) - {Action.SEE_METRICS},
}
"""What each role may do. The figures of all organisations are for operators, whom the host knows."""

RoleOf: TypeAlias = Callable[[Request, str | None, str | None], "Member | Awaitable[Member | None] | None"]
"""Called with (request, organisation, project); returns who asks and their role there, None for strangers."""


def roles(role_of: RoleOf) -> Authorise:
    """Return an ``Authorise`` that lets members do what ``ALLOWED`` says of their role."""

    async def authorise(
        request: Request, action: Action, organisation: str | None, project: str | None, /
    ) -> Caller | None:
        member = await call_host(role_of, request, organisation, project)
        return member.caller if member is not None and action in ALLOWED[member.role] else None

    return authorise


async def call_host(function: Callable[..., T | Awaitable[T]], /, *arguments: object) -> T:
    """Call *function*, which the host wrote: on the loop when it is a coroutine function, else on a thread."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await cast("Awaitable[T]", function(*arguments))
    found = await run_in_threadpool(function, *arguments)
    return await found if inspect.isawaitable(found) else found

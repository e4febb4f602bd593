"""What the routes of one router share: organisations, documents, who may do what, and the limits."""

from __future__ import annotations

from starlette.requests import Request

from ..documents.aio import AsyncDocumentStore
from ..documents.store import DocumentStore
from ..organisations.resolver import Resolver
from ..organisations.service import Organisations
from .access import Action, Authorise, Caller, call_host
from .limits import Limits
from .problems import denied
from .rates import RateLimit
from .windows import Windows


class StorageService:
    """One router's. Safe for threads."""

    def __init__(self, organisations: Organisations, resolver: Resolver, authorise: Authorise, limits: Limits) -> None:
        """Serve what *organisations* and *resolver* know to those whom *authorise* lets in."""
        self.organisations = organisations
        """Where the records are."""
        self.resolver = resolver
        """What opens providers."""
        self.authorise = authorise
        """Who may do what."""
        self.limits = limits
        """How much and how often."""
        self.windows = Windows(limits.download_memory)
        """The memory of downloads."""
        self.rates = {"verification": RateLimit(limits.verifications), "connect": RateLimit(limits.connects)}
        """By what a route names."""

    async def allowed(
        self, request: Request, action: Action, organisation: str | None, project: str | None = None
    ) -> Caller | None:
        """Return who sends *request* when they may do *action* there."""
        return await call_host(self.authorise, request, action, organisation, project)

    async def check_project(self, request: Request, action: Action, organisation: str, project: str) -> None:
        """Refuse what the body of *request* names in a project where its caller may not do *action*.

        The path names the organisation alone there, so that the caller was let in for that.

        Raises:
            ProblemError: they may not.
        """
        if await self.allowed(request, action, organisation, project) is None:
            raise denied()

    def documents(self, organisation: str, caller: Caller) -> AsyncDocumentStore:  # noqa: ARG002  # not yet named
        """Return the documents of *organisation* alone, for what *caller* does."""
        return AsyncDocumentStore(DocumentStore(self.resolver, organisation=organisation))

"""What the routes of one router share: organisations, documents, who may do what, and the limits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar, cast

from starlette.requests import Request

from ..documents.aio import AsyncDocumentStore
from ..documents.store import DocumentStore
from ..organisations.resolver import Resolver
from ..organisations.service import Organisations
from ..serving.windows import Windows
from ..storage.awaiting import run_blocking
from ..transport import Call, Transport
from .access import Action, Authorise, Caller, call_host
from .limits import Limits
from .problems import denied
from .rates import RateLimit

_T = TypeVar("_T")

STORES: Final = 1_000
"""How many organisations are remembered; the one that was idle for longest is forgotten, and found again."""


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
        self._stores: OrderedDict[tuple[str | None, str | None], AsyncDocumentStore] = OrderedDict()
        self._lock = threading.Lock()
        # Of its own: what runs there may use the resolver's, whose threads must not wait for each other.
        self._blocking = Transport()
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

    def close(self) -> None:
        """End the threads of ``shared`` once what they do has ended; the resolver is the caller's to close."""
        self._blocking.close(wait=False)

    async def shared(self, organisation: str | None, function: Callable[..., _T], *arguments: object) -> _T:
        """Run a blocking *function* in the share that *organisation* has of the threads; None is whoever has none.

        The threads of the loop's own pool are everybody's, and few: one organisation could take them all.
        """
        transport = self._blocking if organisation is None else self._blocking.owned(organisation)
        return cast(_T, await transport.run_async(run_blocking(Call(function, *arguments))))

    def acting(self, request: Request) -> Organisations:
        """Return the organisations in the name of who sends *request*, whom events name."""
        return self.organisations.acting(caller_of(request).name)

    def documents(self, request: Request, organisation: str, *, upload_route: str | None = None) -> AsyncDocumentStore:
        """Return the documents of *organisation* alone, in the name of who sends *request*.

        One store for each organisation, so that what it learns of slow providers is not forgotten after each request.

        Args:
            upload_route: Where the API takes the files of tickets, as its clients see it.
        """
        return self._store(organisation, upload_route).acting(caller_of(request).name)

    def anyones_documents(self) -> AsyncDocumentStore:
        """Return the documents of all organisations, for who has a token that names one."""
        return self._store(None, None)

    def _store(self, organisation: str | None, upload_route: str | None) -> AsyncDocumentStore:
        key = (organisation, upload_route)
        with self._lock:
            store = self._stores.pop(key, None)
            if store is None:
                made = DocumentStore(self.resolver, organisation=organisation, upload_route=upload_route)
                store = AsyncDocumentStore(made)
            self._stores[key] = store
            if len(self._stores) > STORES:
                self._stores.popitem(last=False)
        return store


def caller_of(request: Request) -> Caller:
    """Return who sends *request*, as the guard found out."""
    caller: Caller = request.state.kazinex_caller
    return caller

"""The routes put together: ``storage_router`` is what a host mounts, under any prefix."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter

from ..organisations.resolver import Resolver
from ..organisations.service import Organisations
from .access import Authorise, deny
from .audit import AuditRoutes
from .choices import ChoiceRoutes
from .connect import ConnectRoutes
from .connecting import Connecting, SharePointConnect
from .credentials import CredentialRoutes
from .documents import DocumentRoutes
from .download import DownloadRoutes
from .evidence import EvidenceRoutes
from .export import ExportRoutes
from .kinds import KindRoutes
from .labels import LabelRoutes
from .limits import Limits
from .providers import ProviderRoutes
from .recovery import RecoveryRoutes
from .retention import RetentionRoutes
from .route import bound_to
from .runs import RunRoutes
from .service import StorageService
from .tickets import TicketRoutes
from .upload import UploadRoutes
from .usage import UsageRoutes
from .verification import VerificationRoutes

_OF_DOCUMENTS: Final = (DocumentRoutes, UploadRoutes, DownloadRoutes, RecoveryRoutes, RetentionRoutes, LabelRoutes)


def storage_router(
    organisations: Organisations,
    *,
    authorise: Authorise = deny,
    resolver: Resolver | None = None,
    limits: Limits | None = None,
    public_url: str | None = None,
    connect: SharePointConnect | None = None,
) -> APIRouter:
    """Return the HTTP API of *organisations*, for ``app.include_router(router, prefix="/storage")``.

    Args:
        authorise: Says who sends a request when they may do what it asks; without it everything is refused.
        resolver: What opens providers, closed by the caller; without one the router makes its own and closes it when
            the application ends.
        limits: How much one request may bring, and how often costly ones may be sent.
        public_url: The URL of the API as clients see it, prefix included; for those of tickets that are to be absolute.
        connect: The app with which people connect their SharePoint; without one they enter settings.
    """
    own = resolver is None
    resolver = Resolver(organisations) if resolver is None else resolver
    service = StorageService(organisations, resolver, authorise, limits if limits is not None else Limits())

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        yield
        service.close()
        if own:
            resolver.close()

    router = APIRouter(route_class=bound_to(service), lifespan=lifespan)
    for routes in (
        KindRoutes(service),
        ProviderRoutes(service),
        VerificationRoutes(service),
        CredentialRoutes(service),
        ExportRoutes(service),
        ChoiceRoutes(service),
        *(make(service) for make in _OF_DOCUMENTS),
        TicketRoutes(service, public_url),
        UsageRoutes(service),
        AuditRoutes(service),
        EvidenceRoutes(service),
        RunRoutes(service),
        ConnectRoutes(service, Connecting(organisations, resolver.transport, connect)),
    ):
        routes.add_to(router)
    return router

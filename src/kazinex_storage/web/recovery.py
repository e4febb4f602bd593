"""Removed files of revisions: listed, brought back, and removed for good."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from ..documents.recovering import RemovedDocument
from .access import Action
from .document_models import FILE_PATH, FileKey, ReceiptModel
from .models import OrganisationId, ProjectId
from .service import StorageService
from .table import NO_CONTENT, Route, add_routes

_REMOVED: Final = "/organisations/{organisation}/projects/{project}/removed"

Reason: TypeAlias = Annotated[str | None, Query(min_length=1, max_length=2_000, description="Why, for the audit.")]


class RemovedModel(BaseModel):
    """A removed file that can be brought back."""

    key: str
    provider: str
    """The id of the provider that keeps it."""
    size: int
    """Bytes."""
    removed_at: datetime
    """UTC."""
    removed_by: str | None
    reason: str | None
    expires_at: datetime | None
    """When it is gone for good, UTC; None where the rules of its place decide that."""

    @classmethod
    def of(cls, found: RemovedDocument) -> RemovedModel:
        """Return the model of *found*."""
        return cls(
            key=found.document.build(),
            provider=found.provider,
            size=found.size,
            removed_at=found.removal.at,
            removed_by=found.removal.by,
            reason=found.removal.reason,
            expires_at=found.expires_at,
        )


class RemovedListModel(BaseModel):
    """What can be brought back, the file that was removed last first."""

    removed: list[RemovedModel]


class RecoveryRoutes:
    """Lists, undelete and purge."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        changes = (403, 404, 409, 422, 502, 503)
        add_routes(
            router,
            "documents",
            *(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    action=Action.REMOVE,
                    summary=summary,
                    problems=problems,
                    status=NO_CONTENT if method == "DELETE" else 200,
                )
                for method, path, handler, summary, problems in (
                    ("GET", _REMOVED, self.list, "Removed files that can be brought back", (403, 422, 502, 503)),
                    ("POST", f"{FILE_PATH}/undelete", self.undelete, "Bring a removed file back", (*changes, 507)),
                    ("DELETE", f"{FILE_PATH}/removed", self.purge, "Remove what is kept of it", changes),
                )
            ),
        )

    async def list(self, request: Request, organisation: OrganisationId, project: ProjectId) -> RemovedListModel:
        """List the removed files of a project; one listing of what each place keeps."""
        found = await self._service.documents(request, organisation).removed(organisation, project)
        return RemovedListModel(removed=[RemovedModel.of(each) for each in found])

    async def undelete(self, request: Request, key: FileKey) -> ReceiptModel:
        """Bring the file back under its revision, in the name of the caller; it takes room in the quotas again."""
        return ReceiptModel.of(await self._service.documents(request, key.organisation).undelete(key))

    async def purge(self, request: Request, key: FileKey, reason: Reason = None) -> None:
        """Remove all that is kept of a removed file, for good; the revision stays taken."""
        await self._service.documents(request, key.organisation).purge(key, reason=reason)

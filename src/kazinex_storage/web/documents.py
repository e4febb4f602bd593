"""The documents of an organisation as lists: revisions of a document, and what a check says of a receipt."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query
from starlette.requests import Request

from ..documents.listing import PAGE, RevisionListing
from ..documents.receipts import DocumentRevision
from ..errors import NotSupportedError
from ..keys import DocumentKey
from ..organisations.catalogue import ListingCatalogue
from .access import Action
from .document_models import (
    FILE_PATH,
    CheckGiven,
    DocumentId,
    DocumentsModel,
    FileKey,
    IntegrityModel,
    ProjectModel,
    ProjectsModel,
    ReceiptModel,
    RevisionModel,
    RevisionsModel,
    StoredModel,
)
from .models import OrganisationId, ProjectId
from .service import StorageService
from .table import Route, add_routes

_ORGANISATION = "/organisations/{organisation}"
_DOCUMENT = f"{_ORGANISATION}/projects/{{project}}/documents/{{document}}"
After: TypeAlias = Annotated[str, Query(max_length=128, description="The id that the page begins after.")]
PageSize: TypeAlias = Annotated[int, Query(ge=1, le=1000)]
# Neither matters for what a document has; see ``DocumentStore.revisions``.
_ANY = ("any", "any")


class DocumentRoutes:
    """Revisions, receipts and checks."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        read, failures = Action.READ, (403, 422, 502, 503)
        projects = f"{_ORGANISATION}/projects"
        add_routes(
            router,
            "documents",
            *(
                Route(
                    method="GET", path=path, handler=handler, action=read, summary=summary, problems=(*failures, *more)
                )
                for path, handler, summary, more in (
                    (projects, self.projects, "Projects with stored documents", ()),
                    (f"{projects}/{{project}}/documents", self.list, "Documents of a project", ()),
                    (f"{_DOCUMENT}/revisions", self.revisions, "Revisions of a document", ()),
                    (f"{FILE_PATH}/receipt", self.receipt, "The receipt of a stored file", (404,)),
                )
            ),
            Route(
                method="POST",
                path=f"{FILE_PATH}/adopt",
                handler=self.adopt,
                action=Action.UPLOAD,
                summary="Record a file that another program stored, with its sha256",
                problems=(*failures, 404, 409),
            ),
            Route(
                method="POST",
                path=f"{_ORGANISATION}/documents/check",
                handler=self.check,
                action=read,
                summary="Whether a stored file is what its receipt says",
                problems=(*failures, 404, 412, 413),
            ),
        )

    async def projects(self, request: Request, organisation: OrganisationId) -> ProjectsModel:
        """List the projects with stored documents that the caller may read; no provider is asked."""
        found = await self._service.shared(organisation, self._listing().projects, organisation)
        return ProjectsModel(
            projects=[
                ProjectModel.model_validate(asdict(each))
                for each in found
                if await self._service.allowed(request, Action.READ, organisation, each.project) is not None
            ]
        )

    def list(
        self, organisation: OrganisationId, project: ProjectId, after: After = "", limit: PageSize = PAGE
    ) -> DocumentsModel:
        """List documents of a project that the register knows, a page at a time; no provider is asked."""
        found = self._listing().documents(organisation, project, after=after, limit=limit)
        return DocumentsModel(
            documents=[StoredModel.model_validate(asdict(each)) for each in found],
            after=found[-1].document if len(found) == limit else None,
        )

    async def revisions(
        self, request: Request, organisation: OrganisationId, project: ProjectId, document: DocumentId
    ) -> RevisionsModel:
        """List the stored revisions; one listing in each place of the organisation."""
        documents = self._service.documents(request, organisation)
        found = await documents.revisions(DocumentKey(organisation, project, document, *_ANY))
        return RevisionsModel(revisions=[_revision(each) for each in found], missing=list(found.missing))

    async def receipt(self, request: Request, key: FileKey) -> ReceiptModel:
        """Return the receipt of a file that is stored, for a client that has lost its own."""
        documents = self._service.documents(request, key.organisation)
        return ReceiptModel.of(await documents.find(key))

    async def adopt(self, request: Request, key: FileKey) -> ReceiptModel:
        """Read a stored file once and make it the file of its revision; one that is recorded is not read again."""
        return ReceiptModel.of(await self._service.documents(request, key.organisation).adopt(key))

    async def check(self, request: Request, organisation: OrganisationId, given: CheckGiven) -> IntegrityModel:
        """Compare a stored file with its receipt: by its bytes, which reads all of it, or by its version.

        Raises nothing for a file that differs: the state says so. Nothing is changed.
        """
        documents = self._service.documents(request, organisation)
        receipt = given.stored()
        await self._service.check_project(request, Action.READ, organisation, receipt.document.project)
        state = await documents.check(receipt, by=given.by)
        return IntegrityModel(state=state.value)

    def _listing(self) -> RevisionListing:
        catalogue = self._service.organisations.catalogue
        if not isinstance(catalogue, ListingCatalogue):
            raise NotSupportedError("the catalogue of this service keeps no lists")
        return catalogue.listing


def _revision(found: DocumentRevision) -> RevisionModel:
    return RevisionModel(
        revision=found.document.revision,
        filename=found.document.filename,
        provider=found.provider,
        size=found.size,
        etag=found.etag,
        stored_at=found.stored_at,
    )

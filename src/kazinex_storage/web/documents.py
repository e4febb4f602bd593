"""The documents of an organisation as lists: revisions of a document, and what a check says of a receipt."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request

from ..documents.receipts import DocumentRevision
from ..keys import DocumentKey
from .access import Action
from .document_models import (
    FILE_PATH,
    CheckGiven,
    DocumentId,
    FileKey,
    IntegrityModel,
    ReceiptModel,
    RevisionModel,
    RevisionsModel,
)
from .models import OrganisationId, ProjectId
from .problems import documented
from .route import ACTION, caller_of
from .service import StorageService

_ORGANISATION = "/organisations/{organisation}"
_DOCUMENT = f"{_ORGANISATION}/projects/{{project}}/documents/{{document}}"
_READ = {ACTION: Action.READ.value}
# Neither matters for what a document has; see ``DocumentStore.revisions``.
_ANY = ("any", "any")


class DocumentRoutes:
    """Revisions, receipts and checks."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route(
            f"{_DOCUMENT}/revisions",
            self.revisions,
            methods=["GET"],
            summary="Revisions of a document",
            tags=["documents"],
            responses=documented(403, 422, 502, 503),
            openapi_extra=_READ,
        )
        router.add_api_route(
            f"{FILE_PATH}/receipt",
            self.receipt,
            methods=["GET"],
            summary="The receipt of a stored file",
            tags=["documents"],
            responses=documented(403, 404, 422, 502, 503),
            openapi_extra=_READ,
        )
        router.add_api_route(
            f"{_ORGANISATION}/documents/check",
            self.check,
            methods=["POST"],
            summary="Whether a stored file is what its receipt says",
            tags=["documents"],
            responses=documented(403, 404, 412, 413, 422, 502, 503),
            openapi_extra=_READ,
        )

    async def revisions(
        self, request: Request, organisation: OrganisationId, project: ProjectId, document: DocumentId
    ) -> RevisionsModel:
        """List the stored revisions; one listing in each place of the organisation."""
        documents = self._service.documents(organisation, caller_of(request))
        found = await documents.revisions(DocumentKey(organisation, project, document, *_ANY))
        return RevisionsModel(revisions=[_revision(each) for each in found], missing=list(found.missing))

    async def receipt(self, request: Request, key: FileKey) -> ReceiptModel:
        """Return the receipt of a file that is stored, for a client that has lost its own."""
        documents = self._service.documents(key.organisation, caller_of(request))
        return ReceiptModel.of(await documents.find(key))

    async def check(self, request: Request, organisation: OrganisationId, given: CheckGiven) -> IntegrityModel:
        """Compare a stored file with its receipt: by its bytes, which reads all of it, or by its version.

        Raises nothing for a file that differs: the state says so. Nothing is changed.
        """
        documents = self._service.documents(organisation, caller_of(request))
        receipt = given.stored()
        await self._service.check_project(request, Action.READ, organisation, receipt.document.project)
        state = await documents.check(receipt, by=given.by)
        return IntegrityModel(state=state.value)


def _revision(found: DocumentRevision) -> RevisionModel:
    return RevisionModel(
        revision=found.document.revision,
        filename=found.document.filename,
        provider=found.provider,
        size=found.size,
        etag=found.etag,
        stored_at=found.stored_at,
    )

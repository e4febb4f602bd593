"""Documents on the wire: receipts, revisions, checks, and the path that names the file of a revision."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from fastapi import Depends, Path
from pydantic import BaseModel, ConfigDict, JsonValue

from ..documents.receipts import StoredDocument
from ..errors import InvalidJsonError
from ..keys import DocumentKey
from .models import IDENTIFIER, Given, OrganisationId, ProjectId

DocumentId: TypeAlias = Annotated[str, Path(pattern=IDENTIFIER, examples=["DRG-0042"])]
RevisionId: TypeAlias = Annotated[str, Path(pattern=IDENTIFIER, examples=["P01"])]
Filename: TypeAlias = Annotated[str, Path(min_length=1, max_length=255, examples=["Plan.pdf"])]

FILE_PATH = (
    "/organisations/{organisation}/projects/{project}/documents/{document}/revisions/{revision}/files/{filename}"
)
"""Where the file of a revision is."""


async def file_of(
    organisation: OrganisationId,
    project: ProjectId,
    document: DocumentId,
    revision: RevisionId,
    filename: Filename,
) -> DocumentKey:
    """Return what the path names.

    Raises:
        InvalidKeyError: the file name is not legal.
    """
    return DocumentKey(organisation, project, document, revision, filename)


FileKey: TypeAlias = Annotated[DocumentKey, Depends(file_of)]


class DocumentModel(BaseModel):
    """The place of one file of one revision."""

    organisation: str
    project: str
    document: str
    revision: str
    filename: str


class ChecksumModel(BaseModel):
    """A checksum, and how it was computed."""

    algorithm: str
    value: str


class ReceiptModel(BaseModel):
    """The receipt of an upload: keep it with the revision."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "document": {
                    "organisation": "org_abc123",
                    "project": "proj_xyz789",
                    "document": "DRG-0042",
                    "revision": "P01",
                    "filename": "Plan.pdf",
                },
                "provider": "r2-0011223344556677",
                "kind": "r2",
                "key": "org_abc123/proj_xyz789/DRG-0042/P01/Plan.pdf",
                "size": 4,
                "sha256": "0" * 64,
                "etag": '"0"',
                "content_type": "application/pdf",
                "stored_at": "2026-11-29T10:00:00Z",
                "service_checksum": None,
                "stored_by": None,
                "stored_at_by": "service",
                "unasked": [],
            }
        }
    )

    document: DocumentModel
    provider: str
    kind: str
    key: str
    size: int
    """Bytes."""
    sha256: str | None
    etag: str | None
    content_type: str | None
    stored_at: datetime | None
    """UTC."""
    service_checksum: ChecksumModel | None
    stored_by: str | None
    stored_at_by: str
    unasked: list[str]

    @classmethod
    def of(cls, receipt: StoredDocument) -> ReceiptModel:
        """Return the model of *receipt*."""
        return cls.model_validate(receipt.to_dict())


class ReceiptGiven(Given):
    """A receipt that a client kept, unchanged."""

    receipt: dict[str, JsonValue]

    def stored(self) -> StoredDocument:
        """Return the receipt.

        Raises:
            InvalidJsonError: it is not as it was written.
        """
        found = StoredDocument.from_dict(self.receipt)
        if found.key != found.document.build():
            raise InvalidJsonError("the receipt was altered: its key is of another document; find it again")
        return found


class CheckGiven(ReceiptGiven):
    """What is to be checked, and by what."""

    by: Literal["bytes", "version"] = "bytes"


class IntegrityModel(BaseModel):
    """What a check found."""

    state: Literal["intact", "provider-mutated", "tampered", "same-version", "unknown"]


class RevisionModel(BaseModel):
    """One stored revision."""

    revision: str
    filename: str
    provider: str
    size: int
    """Bytes."""
    etag: str | None
    stored_at: datetime | None
    """UTC."""


class ProjectModel(BaseModel):
    """A project with stored documents."""

    project: str
    documents: int
    """Documents with a stored revision."""
    revisions: int
    """Revisions that are stored."""


class ProjectsModel(BaseModel):
    """The projects with stored documents, sorted by id."""

    projects: list[ProjectModel]


class StoredModel(BaseModel):
    """A document with stored revisions."""

    document: str
    revisions: int
    """Revisions that are stored."""
    recorded_at: datetime
    """When the last one was stored; UTC."""


class DocumentsModel(BaseModel):
    """One page of the documents of a project, sorted by id."""

    documents: list[StoredModel]
    after: str | None
    """Where the next page begins; null after the last one."""


class RevisionsModel(BaseModel):
    """The stored revisions of a document, in the order of their keys."""

    revisions: list[RevisionModel]
    missing: list[str]
    """The ids of providers that did not answer."""

"""Direct uploads on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .document_models import DocumentModel
from .models import Given

_DAY = 86_400


class NewTicket(Given):
    """The file that is to be sent."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"filename": "Plan.pdf", "size": 1_048_576, "content_type": "application/pdf"}}
    )

    filename: str = Field(min_length=1, max_length=255)
    size: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]
    content_type: str | None = Field(default=None, max_length=200)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{64}$")
    """Of the file; confirming it then reads the whole."""
    expires_in: Annotated[int, Field(ge=1, le=7 * _DAY, strict=True)] = 3600
    """Seconds."""


class TokenGiven(Given):
    """The token of a ticket."""

    token: str = Field(min_length=1, max_length=400)


class PartModel(BaseModel):
    """One request, which sends *size* bytes of the file from *offset* on; to be sent exactly so."""

    number: int
    """From 1."""
    offset: int
    """Bytes before it in the file."""
    size: int
    """Bytes."""
    method: str
    url: str
    """Absolute, or a path of this server."""
    headers: dict[str, str]


class TicketModel(BaseModel):
    """A ticket: as good as a password for one file until it expires."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0" * 32,
                "document": {
                    "organisation": "org_abc123",
                    "project": "proj_xyz789",
                    "document": "DRG-0042",
                    "revision": "P01",
                    "filename": "Plan.pdf",
                },
                "size": 4,
                "content_type": "application/pdf",
                "sha256": None,
                "expires_at": "2026-11-29T11:00:00Z",
                "plan": "route",
                "in_order": False,
                "bound": ["size"],
                "parts": [
                    {
                        "number": 1,
                        "offset": 0,
                        "size": 4,
                        "method": "PUT",
                        "url": "/storage/direct/1~org_abc123~example",
                        "headers": {"Content-Type": "application/pdf"},
                    }
                ],
                "token": "1~org_abc123~example",
            }
        }
    )

    id: str
    document: DocumentModel
    size: int
    """Bytes."""
    content_type: str
    sha256: str | None
    expires_at: datetime
    """UTC."""
    plan: Literal["put", "parts", "session", "route"]
    in_order: bool
    """Whether each part is sent after the answer to the one before it."""
    bound: list[str]
    parts: list[PartModel]
    token: str
    """What confirms or aborts it."""

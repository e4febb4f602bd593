"""Usage, quotas and status on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .models import Given

Most = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]


class QuotaGiven(Given):
    """What may be taken up at most; null is no limit."""

    model_config = ConfigDict(json_schema_extra={"example": {"max_bytes": 10_737_418_240, "max_objects": None}})

    max_bytes: Most | None = None
    max_objects: Most | None = None


class QuotaModel(BaseModel):
    """What an organisation, or one of its projects, may take up at most."""

    project: str | None
    """Null is the organisation as a whole."""
    max_bytes: int | None
    max_objects: int | None
    """Objects; null is no limit."""
    version: int
    """Grows with every change."""


class UsageEntry(BaseModel):
    """What one project takes up on one provider."""

    project: str
    """Empty for what belongs to none."""
    provider: str
    objects: int
    """Documents of the register."""
    bytes: int
    """Their sizes."""
    other_objects: int
    """Objects that the register does not have."""
    other_bytes: int
    counted_at: datetime | None
    """When a listing was last compared; UTC."""


class TotalModel(BaseModel):
    """How many objects, and how large they are together."""

    objects: int
    """How many."""
    bytes: int
    """Together."""


class ProjectQuota(BaseModel):
    """A quota in force."""

    project: str | None
    max_bytes: int | None
    max_objects: int | None
    """Objects; null is no limit."""


class RequestsEntry(BaseModel):
    """What was asked of one provider on one day."""

    model_config = ConfigDict(populate_by_name=True)

    provider: str
    day: date
    """In UTC."""
    request_class: Literal["read", "write", "list", "delete", "other"] = Field(alias="class")
    requests: int
    """Attempts."""
    throttled: int
    """Those that the service asked to slow down for."""
    failed: int
    """Those without a useful answer."""


class UsageModel(BaseModel):
    """What an organisation takes up, what it may take up, and what it asked for."""

    organisation: str
    objects: int
    """How many."""
    bytes: int
    """Together."""
    usage: list[UsageEntry]
    reserved: TotalModel
    """Uploads under way, where there is a quota."""
    quotas: list[ProjectQuota]
    requests: list[RequestsEntry]


class ProviderState(BaseModel):
    """Whether one provider works."""

    id: str
    label: str
    kind: str
    status: Literal["PENDING", "VERIFIED", "FAILED"]
    last_verified_at: datetime | None
    """UTC."""
    failed_at: datetime | None
    """UTC."""
    is_default: bool
    overrides: list[str]


class StatusModel(BaseModel):
    """Whether uploads of an organisation have somewhere to go."""

    ok: bool
    """Whether the default and every provider that is chosen for a project are VERIFIED."""
    default_provider: str | None
    providers: list[ProviderState]

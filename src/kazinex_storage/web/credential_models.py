"""What goes over the wire of the versions of credentials; secrets go in and never come out."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .models import CheckModel, Given


class CredentialModel(BaseModel):
    """One version of the credentials of a provider: of its secrets only the names."""

    version: int
    """Grows; the newest may be a proposal."""
    status: str
    """``PROPOSED``, ``PROVEN``, ``FAILED``, ``ACTIVE`` or ``RETIRED``."""
    settings: dict[str, JsonValue]
    secrets: list[str]
    proposed_at: datetime | None
    """UTC."""
    proposed_by: str | None
    checked_at: datetime | None
    """When it was last verified; UTC."""
    last_error: str | None
    retired_at: datetime | None
    """UTC."""
    drop_at: datetime | None
    """Until when the service should go on accepting it; UTC."""


class CredentialsModel(BaseModel):
    """Every version, the newest first."""

    versions: list[CredentialModel]


class NewCredentials(Given):
    """Other credentials for the same place: settings to set over those that are stored, secrets among them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "settings": {
                    "access_key_id": "00000000000000000000000000000000",
                    "secret_access_key": "example-secret-that-is-no-secret",
                }
            }
        }
    )

    settings: dict[str, JsonValue]


class CredentialCheckModel(BaseModel):
    """How the verification of a version ended."""

    ok: bool
    seconds: float
    steps: list[CheckModel]
    credentials: CredentialModel


class Activation(Given):
    """Which version to use, by default the proposal, and how long to keep the one in use."""

    model_config = ConfigDict(json_schema_extra={"example": {"grace_days": 7}})

    version: int | None = Field(default=None, ge=1)
    """The number of a version; null is the proposal."""
    grace_days: float = Field(default=7, ge=0, le=3650)
    """Days."""

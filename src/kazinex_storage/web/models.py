"""What goes over the wire as JSON: requests are strict, responses hold no secret. OpenAPI is made of these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from fastapi import Header, Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue

IDENTIFIER = r"^[A-Za-z0-9._-]{1,128}$"
"""What ids look like."""

OrganisationId: TypeAlias = Annotated[str, Path(pattern=IDENTIFIER, examples=["org_abc123"])]
ProjectId: TypeAlias = Annotated[str, Path(pattern=IDENTIFIER, examples=["proj_xyz789"])]
ProviderId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, examples=["r2-0011223344556677"])]
IfMatch: TypeAlias = Annotated[
    str | None, Header(alias="If-Match", description="The ETag that the change was made from.", examples=['"3"'])
]
Bytes: TypeAlias = Annotated[int, Field(gt=0, le=2**63 - 1, strict=True)]


class Given(BaseModel):
    """What a client sends: no field that is not known."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class FieldModel(BaseModel):
    """One field of the form of a kind, in its order."""

    name: str
    title: str
    help: str
    """What the model says of it."""
    where: str = ""
    """Where the service shows it, such as ``Cloudflare dashboard > R2 > Overview``; may be empty."""
    type: str
    """``string``, ``integer``, ``boolean`` or ``object``."""
    required: bool
    secret: bool
    """Write-only: it is sent and never comes back."""
    advanced: bool
    """Whether an ordinary form leaves it out."""
    choices: list[str] = []
    default: JsonValue = None


class KindModel(BaseModel):
    """A kind of provider."""

    kind: str
    title: str
    managed: bool
    fields: list[FieldModel]
    settings_schema: dict[str, JsonValue]
    """The JSON schema of the settings."""
    error: str | None = None
    """Why it cannot be used here: an extra that is not installed."""


class DiagnosisModel(BaseModel):
    """What an error means to the person who has to mend it."""

    meaning: str
    fix: str


class LimitModel(BaseModel):
    """The largest file, in bytes."""

    in_force: int | None
    """Bytes."""
    default: int | None
    """Bytes."""
    ceiling: int | None
    """Bytes; null where there is none."""


class ProviderModel(BaseModel):
    """A provider as its administrators see it: of its secrets only the names."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "r2-0011223344556677",
                "kind": "r2",
                "label": "Documents",
                "settings": {"account_id": "0123456789abcdef0123456789abcdef", "bucket": "kazinex-documents"},
                "secrets": ["secret_access_key"],
                "status": "VERIFIED",
                "last_verified_at": "2026-11-29T10:00:00Z",
                "last_error": None,
                "diagnosis": None,
                "failed_at": None,
                "retired_at": None,
                "managed": False,
                "plan": None,
                "is_default": True,
                "overrides": ["proj_xyz789"],
                "max_file_bytes": None,
                "limit": {"in_force": 524288000, "default": 524288000, "ceiling": 5497558138880},
                "created_at": "2026-11-29T09:58:00Z",
                "version": 3,
            }
        }
    )

    id: str
    kind: str
    label: str
    settings: dict[str, JsonValue]
    secrets: list[str]
    """Names of the secrets that are set; JSON pointers without their leading slash."""
    status: str
    """``PENDING``, ``VERIFIED`` or ``FAILED``."""
    last_verified_at: datetime | None
    """UTC."""
    last_error: str | None
    diagnosis: DiagnosisModel | None
    failed_at: datetime | None
    """UTC."""
    retired_at: datetime | None
    """Since when it only reads; UTC."""
    managed: bool
    """Whether it is the platform's: it is chosen and never changed."""
    plan: str | None
    """The plan that limits a managed one."""
    is_default: bool
    overrides: list[str]
    """The projects that it is chosen for."""
    max_file_bytes: int | None
    limit: LimitModel
    created_at: datetime
    """UTC."""
    version: int
    """Grows with every change."""


class ProvidersModel(BaseModel):
    """Every provider of an organisation, oldest first."""

    providers: list[ProviderModel]


class NewProvider(Given):
    """A provider to add; its secrets are among the settings."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "r2",
                "label": "Documents",
                "settings": {
                    "account_id": "0123456789abcdef0123456789abcdef",
                    "access_key_id": "00000000000000000000000000000000",
                    "secret_access_key": "example-secret-that-is-no-secret",
                    "bucket": "kazinex-documents",
                },
            }
        }
    )

    kind: str = Field(min_length=1, max_length=64)
    label: str = Field(min_length=1, max_length=800)
    settings: dict[str, JsonValue]
    max_file_bytes: Bytes | None = None


class ProviderChange(Given):
    """What is to change; what is left out stays. A setting of null is removed, and so is a limit of null."""

    model_config = ConfigDict(json_schema_extra={"example": {"label": "Drawings"}})

    label: str | None = Field(default=None, min_length=1, max_length=800)
    settings: dict[str, JsonValue] | None = None
    max_file_bytes: Bytes | None = None


class CheckModel(BaseModel):
    """One step of a verification."""

    name: str
    status: str
    """``passed``, ``warning``, ``failed`` or ``skipped``."""
    seconds: float
    detail: str | None = None
    """What the service said."""
    diagnosis: str | None = None
    fix: str | None = None


class VerificationModel(BaseModel):
    """How a verification ended."""

    ok: bool
    location: str
    seconds: float
    steps: list[CheckModel]
    provider: ProviderModel


class ExportModel(BaseModel):
    """Options of another tool; where a secret belongs stands its name in angle brackets."""

    tool: str
    options: dict[str, JsonValue] | None = None
    text: str | None = None


class OverrideModel(BaseModel):
    """Where the new documents of one project go."""

    project: str
    provider: str | None
    """The id of a provider; null is the default of the organisation."""
    version: int
    """Grows with every change."""


class FileRulesModel(BaseModel):
    """What is refused whatever the allowlist says."""

    content: Literal["off", "recognised", "required"] = "recognised"
    """Whether the first bytes and the declared type have to agree with the extension."""
    never: list[Annotated[str, Field(max_length=40)]] | None = Field(default=None, max_length=500)
    """Extensions that are never taken, unless the allowlist names them; null is the preset."""
    plain_names: bool = True
    """Whether names are refused that deceive: invisible characters, letters that pass for others, streams."""


class SettingsModel(BaseModel):
    """What is set for an organisation."""

    organisation: str
    default_provider: str | None
    allowlist: list[str]
    """Allowed extensions; empty allows every type."""
    overrides: list[OverrideModel]
    recommended_extensions: list[str]
    never_allow: list[str]
    """Extensions that are refused unless the allowlist names them."""
    file_rules: FileRulesModel
    mime_types: dict[str, str]
    """Of the extensions in the three lists."""
    version: int
    """Grows with every change."""


class Chosen(Given):
    """A VERIFIED provider by its id or label."""

    model_config = ConfigDict(json_schema_extra={"example": {"provider": "Documents"}})

    provider: str | None = Field(min_length=1, max_length=800)


class Choice(Given):
    """A VERIFIED provider by its id or label."""

    model_config = ConfigDict(json_schema_extra={"example": {"provider": "Documents"}})

    provider: str = Field(min_length=1, max_length=800)


class Allowlist(Given):
    """Extensions or MIME types; an empty list allows every type."""

    model_config = ConfigDict(json_schema_extra={"example": {"extensions": ["pdf", "dwg", "image/png"]}})

    extensions: list[Annotated[str, Field(max_length=200)]] = Field(max_length=500)


class CandidateModel(BaseModel):
    """A provider that may be chosen for a project."""

    id: str
    label: str
    kind: str
    status: str
    is_default: bool


class ProjectChoiceModel(BaseModel):
    """What is chosen for a project, and what may be."""

    project: str
    provider: str | None
    version: int
    """Grows with every change."""
    candidates: list[CandidateModel]


class UploadRulesModel(BaseModel):
    """What a project takes."""

    label: str
    kind: str
    extensions: list[str]
    """Empty allows every type."""
    mime_types: dict[str, str]
    max_file_bytes: int
    """Bytes."""

"""What keeps documents, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ..documents.retaining import RetentionState
from ..documents.retentions import MAX_PERIOD, DefaultRetention
from .models import Given

Why = Annotated[str, Field(min_length=1, max_length=2_000)]
Mode = Literal["governance", "compliance"]


class RetentionGiven(Given):
    """Until when a document is to be kept."""

    model_config = ConfigDict(json_schema_extra={"example": {"until": "2036-12-31T00:00:00Z", "mode": "governance"}})

    until: AwareDatetime
    mode: Mode = "governance"
    """``governance`` can be lifted before its time, ``compliance`` never."""
    reason: Why | None = None


class HoldGiven(Given):
    """Why a document is to be held."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "case 7"}})

    reason: Why


class HoldModel(BaseModel):
    """A legal hold."""

    reason: str
    by: str | None
    at: datetime
    """UTC."""


class RetentionModel(BaseModel):
    """What keeps a document."""

    kept: bool
    """Whether it may be neither changed nor removed now."""
    until: datetime | None
    """UTC; it may be over."""
    mode: Mode | None
    hold: HoldModel | None
    enforced_by: Literal["service", "ours"]
    """Whether its service keeps the bytes by itself, or the register alone."""

    @classmethod
    def of(cls, state: RetentionState) -> RetentionModel:
        """Return the model of *state*."""
        retention, hold = state.retention, state.hold
        return cls(
            kept=state.keeps(),
            until=retention.until if retention is not None else None,
            mode=retention.mode.value if retention is not None else None,
            hold=HoldModel(reason=hold.reason, by=hold.by, at=hold.at) if hold is not None else None,
            enforced_by=state.enforced_by,
        )


class DefaultGiven(Given):
    """How long new documents are to be kept."""

    model_config = ConfigDict(json_schema_extra={"example": {"period_s": 315_360_000, "mode": "governance"}})

    period_s: Annotated[int, Field(gt=0, le=int(MAX_PERIOD.total_seconds()), strict=True)] | None
    """Seconds from the upload on; null keeps nothing."""
    mode: Mode = "governance"


class DefaultModel(BaseModel):
    """How long new documents are kept."""

    project: str | None
    """Null is the organisation as a whole."""
    period_s: int | None
    """Seconds from the upload on; null keeps nothing."""
    mode: Mode
    version: int
    """Grows with every change."""

    @classmethod
    def of(cls, rule: DefaultRetention) -> DefaultModel:
        """Return the model of *rule*."""
        period_s = int(rule.period.total_seconds()) if rule.period is not None else None
        return cls(project=rule.project, period_s=period_s, mode=rule.mode.value, version=rule.version)

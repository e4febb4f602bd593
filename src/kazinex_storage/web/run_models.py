"""Runs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ..migration.journal import Count, Entry
from ..migration.progress import WRONG, RunProgress, summed
from .usage_models import TotalModel


class PlaceModel(BaseModel):
    """A side of a run."""

    provider: str | None
    """The id of its record; null is outside of the organisation's providers, as files of an export."""
    label: str | None
    """What people call it; null once the record is gone."""


class RunModel(BaseModel):
    """A run, and how far it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "copy-0011223344556677",
                "kind": "copy",
                "state": "running",
                "source": {"provider": "sharepoint-0011223344556677", "label": "Site"},
                "target": {"provider": "r2-0011223344556677", "label": "Documents"},
                "project": None,
                "begun_at": "2026-11-29T10:00:00Z",
                "begun_by": "olga",
                "ended_at": None,
                "total": {"objects": 1200, "bytes": 734003200},
                "done": {"objects": 700, "bytes": 419430400},
                "failed": {"objects": 0, "bytes": 0},
                "counts": {
                    "planned": {"objects": 500, "bytes": 314572800},
                    "copied": {"objects": 700, "bytes": 419430400},
                },
                "pending": 0,
                "version": 3,
            }
        }
    )

    id: str
    kind: str
    """``copy``, ``mirror``, ``audit``, ``export`` or ``import``."""
    state: str
    """``planning``, ``planned``, ``running``, ``done``, ``cut-over``, ``rolled-back`` or ``ended``."""
    source: PlaceModel
    target: PlaceModel
    project: str | None
    """The only project; null is all."""
    begun_at: datetime
    """UTC."""
    begun_by: str | None
    ended_at: datetime | None
    """When the last pass ended; UTC."""
    total: TotalModel
    """All that is planned; grows while the state is ``planning``."""
    done: TotalModel
    """What was worked on, those that failed included."""
    failed: TotalModel
    """What failed, is missing or different."""
    counts: dict[str, TotalModel]
    """By state of the objects."""
    pending: int
    """Changes that a mirror still owes to its target."""
    version: int
    """Grows with every change of the run, not of its objects."""

    @classmethod
    def of(cls, progress: RunProgress, labels: Mapping[str, str]) -> RunModel:
        """Return the model of *progress*."""
        run = progress.run
        return cls(
            id=run.id,
            kind=run.kind.value,
            state=run.state.value,
            source=_place(run.source, labels),
            target=_place(run.target, labels),
            project=run.project,
            begun_at=run.begun_at,
            begun_by=run.begun_by,
            ended_at=run.ended_at,
            total=_total(progress.total),
            done=_total(progress.done),
            failed=_total(summed(progress.counts, WRONG)),
            counts={state.value: _total(count) for state, count in progress.counts.items()},
            pending=progress.pending,
            version=run.version,
        )


class RunsModel(BaseModel):
    """Runs, the newest first."""

    runs: list[RunModel]


class FailureModel(BaseModel):
    """One object that failed, differs, or stays where it is."""

    number: int
    """Of the entry in its run."""
    key: str
    """Below the organisation."""
    size: int
    """Bytes."""
    state: str
    reason: str | None
    attempts: int
    """How many times it was tried."""
    changed_at: datetime | None
    """UTC."""

    @classmethod
    def of(cls, entry: Entry) -> FailureModel:
        """Return the model of *entry*."""
        return cls(
            number=entry.number,
            key=entry.key,
            size=entry.size,
            state=entry.state.value,
            reason=entry.reason,
            attempts=entry.attempts,
            changed_at=entry.changed_at,
        )


class FailuresModel(BaseModel):
    """Objects of a run, in the order of their numbers."""

    failures: list[FailureModel]


def _place(provider: str, labels: Mapping[str, str]) -> PlaceModel:
    return PlaceModel(provider=provider or None, label=labels.get(provider))


def _total(count: Count) -> TotalModel:
    return TotalModel(objects=count.objects, bytes=count.bytes)

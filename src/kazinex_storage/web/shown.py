"""Records as their administrators see them: without secrets, with the limit in force and what an error means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, cast

from pydantic import JsonValue

from ..errors import AuthenticationError
from ..organisations.file_limits import file_limit
from ..organisations.records import (
    OrganisationRecord,
    ProjectOverride,
    ProviderRecord,
    ProviderStatus,
    SecretValues,
)
from ..organisations.service import Organisations
from ..types import Diagnosis
from ..verification.advice import advise
from ..verification.reports import diagnosis_in
from .models import DiagnosisModel, LimitModel, ProviderModel

_SUPPORT: Final = "it does not work at the moment; it is managed by the platform, so contact support"


class Shown:
    """Makes models of the records of one organisation; reads its default and overrides once."""

    def __init__(self, organisations: Organisations, organisation: str) -> None:
        self._organisations = organisations
        self.record: OrganisationRecord = organisations.organisation(organisation)
        """What is set for the organisation."""
        self.overrides: tuple[ProjectOverride, ...] = organisations.overrides(organisation)
        """The overrides in force."""

    def all(self, records: Iterable[ProviderRecord]) -> list[ProviderModel]:
        """Return the models of *records*."""
        return [self.one(record) for record in records]

    def one(self, record: ProviderRecord) -> ProviderModel:
        """Return the model of *record*; of a managed one nothing that the platform keeps to itself."""
        if record.managed:
            record = replace(record, settings={}, secrets=SecretValues(), last_error=record.last_error and _SUPPORT)
        found = _diagnosis(record)
        return ProviderModel(
            id=record.id,
            kind=record.kind,
            label=record.label,
            settings=cast("dict[str, JsonValue]", record.public()["settings"]),
            secrets=list(record.secrets.names),
            status=record.status.value,
            last_verified_at=record.last_verified_at,
            last_error=record.last_error,
            diagnosis=DiagnosisModel(meaning=found.meaning, fix=found.fix) if found is not None else None,
            failed_at=record.failed_at,
            retired_at=record.retired_at,
            managed=record.managed,
            plan=record.plan,
            is_default=self.record.default_provider == record.id,
            overrides=[override.project for override in self.overrides if override.provider == record.id],
            max_file_bytes=record.max_file_bytes,
            limit=self._limit(record),
            created_at=record.created_at,
            version=record.version,
        )

    def _limit(self, record: ProviderRecord) -> LimitModel:
        found = file_limit(self._organisations, record)
        return LimitModel(in_force=found.in_force, default=found.default, ceiling=found.ceiling)


def _diagnosis(record: ProviderRecord) -> Diagnosis | None:
    if record.status is not ProviderStatus.FAILED or record.last_error is None:
        return None
    if record.managed:
        return Diagnosis(meaning="the platform's own storage does not work at the moment", fix="contact support")
    if record.failed_in_use:
        return advise(AuthenticationError(record.last_error))
    return diagnosis_in(record.last_error)

"""Versions of the credentials of a provider: one in use, one that is to come, and those that were in use a while ago.

The record of the provider holds the version in use, under its ``settings_version``. The table holds the others: the
proposal has the next number, retired ones keep theirs. ``credential_rows.py`` keeps it in SQL; ``rotating.py`` uses it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from enum import Enum
from typing import Protocol, runtime_checkable

from ..errors import RecordNotFoundError
from ..secrecy.pickling import not_pickled
from ..values import value
from .records import JsonValue, ProviderRecord, ProviderStatus, SecretValues


class CredentialStatus(Enum):
    """What a version of credentials is."""

    PROPOSED = "PROPOSED"
    """To come; not verified yet."""
    PROVEN = "PROVEN"
    """To come; its verification passed, and it can be activated."""
    FAILED = "FAILED"
    """To come; its verification failed."""
    ACTIVE = "ACTIVE"
    """In use."""
    RETIRED = "RETIRED"
    """It was in use; the service should go on accepting it until ``drop_at``."""


@value
class CredentialVersion:
    """One version of the credentials of one provider."""

    organisation: str
    provider: str
    """The id of the provider."""
    kind: str
    label: str
    """Of the provider, when this version was proposed or read."""
    version: int
    """Grows; the number of the one in use is the ``settings_version`` of the provider."""
    status: CredentialStatus
    settings: Mapping[str, JsonValue]
    """All settings that belong to it, without secrets."""
    secrets: SecretValues = field(default_factory=SecretValues, compare=False)
    proposed_at: datetime | None = None
    """Aware UTC; None where nobody proposed it."""
    proposed_by: str | None = None
    checked_at: datetime | None = None
    """When it was last verified; aware UTC."""
    last_error: str | None = None
    """Why that failed."""
    retired_at: datetime | None = None
    """Aware UTC."""
    drop_at: datetime | None = None
    """When it may be revoked at the service, and is forgotten here; aware UTC."""

    @property
    def works(self) -> bool:
        """Whether its last verification passed."""
        return self.checked_at is not None and self.last_error is None

    def public(self) -> dict[str, JsonValue]:
        """Return everything but the secrets, of which only the names, as JSON values."""
        times = ("proposed_at", "checked_at", "retired_at", "drop_at")
        found: dict[str, datetime | None] = {name: getattr(self, name) for name in times}
        return {
            "provider": self.provider,
            "version": self.version,
            "status": self.status.value,
            "settings": dict(self.settings),
            "secrets": list(self.secrets.names),
            "proposed_by": self.proposed_by,
            "last_error": self.last_error,
            **{name: None if time is None else time.isoformat() for name, time in found.items()},
        }


class CredentialTable(Protocol):
    """Keeps the versions that are not in use. Thread-safe; each method is one transaction, or part of the thread's."""

    def all(self, organisation: str, provider: str) -> tuple[CredentialVersion, ...]:
        """Return those of a provider, the newest first."""
        ...

    def keep(self, version: CredentialVersion) -> None:
        """Keep a version, in place of one of the same number."""
        ...

    def drop(self, organisation: str, provider: str, version: int) -> None:
        """Forget a version; silent when there is none."""
        ...

    def due(self, moment: datetime) -> tuple[CredentialVersion, ...]:
        """Return the retired versions of all organisations whose time is over."""
        ...


@runtime_checkable
class RotatingCatalogue(Protocol):
    """What a catalogue adds when it can keep versions of credentials."""

    @property
    def credentials(self) -> CredentialTable:
        """The versions that are not in use."""
        ...


def in_use(record: ProviderRecord) -> CredentialVersion:
    """Return the version that *record* holds."""
    failed = record.status is ProviderStatus.FAILED
    return CredentialVersion(
        organisation=record.organisation,
        provider=record.id,
        kind=record.kind,
        label=record.label,
        version=record.settings_version,
        status=CredentialStatus.ACTIVE,
        settings=record.settings,
        secrets=record.secrets,
        checked_at=record.failed_at if failed else record.last_verified_at,
        last_error=record.last_error,
    )


def as_record(version: CredentialVersion, record: ProviderRecord) -> ProviderRecord:
    """Return *record* with the settings and secrets of *version*, as the provider that it would be."""
    return replace(record, settings=version.settings, secrets=version.secrets, settings_version=version.version)


def no_such_version(record: ProviderRecord, version: int | None) -> RecordNotFoundError:
    """Return the error for a version that is not there."""
    what = "no credentials are proposed" if version is None else f"there is no version {version} of the credentials"
    return RecordNotFoundError(f"{what} for the provider {record.label!r}; propose some, or list what there is")


@not_pickled("let the other process open the catalogue")
class MemoryCredentials:
    """A ``CredentialTable`` that lives as long as the object. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], CredentialVersion] = {}
        self._lock = threading.Lock()

    def all(self, organisation: str, provider: str) -> tuple[CredentialVersion, ...]:
        """Return those of a provider, the newest first."""
        with self._lock:
            found = [kept for key, kept in self._kept.items() if key[:2] == (organisation, provider)]
        return tuple(sorted(found, key=lambda kept: -kept.version))

    def keep(self, version: CredentialVersion) -> None:
        """Keep a version."""
        with self._lock:
            self._kept[version.organisation, version.provider, version.version] = version

    def drop(self, organisation: str, provider: str, version: int) -> None:
        """Forget a version."""
        with self._lock:
            self._kept.pop((organisation, provider, version), None)

    def due(self, moment: datetime) -> tuple[CredentialVersion, ...]:
        """Return the retired versions whose time is over."""
        with self._lock:
            return tuple(kept for kept in self._kept.values() if kept.drop_at is not None and kept.drop_at <= moment)

    def forget(self, organisation: str, provider: str) -> None:
        """Forget all versions of a provider that is removed."""
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if key[:2] != (organisation, provider)}

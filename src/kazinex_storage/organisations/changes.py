"""What other settings make of a record: in two halves, PENDING again, and with its secrets where they were meant to be.

Stored secrets stay with the address that they were entered for: a field that may decide where secrets are sent changes
only together with all of them, so that a person who may change settings cannot have them sent to a server of their own.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import SealError, SettingsError
from ..keys import check_identifier
from ..policy import SIZE_RULES, check_limit
from ..registry import Registry
from .catalogue import Catalogue
from .records import JsonValue, ProjectOverride, ProviderRecord, ProviderStatus, SecretValues
from .settings import covers, merge, overlay, split, unentered
from .use import without_failure

if TYPE_CHECKING:
    from pydantic import BaseModel


def halves(registry: Registry, kind: str, model: BaseModel) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Return (public JSON values, secrets by pointer) of *model*, from which it can be made again.

    Raises:
        SettingsError: it cannot.
    """
    public, secrets = split(model)
    if registry.parse_settings(kind, merge(public, secrets)) != model:
        raise SettingsError("its settings do not survive being stored as JSON; report it to its author", provider=kind)
    return public, secrets


def with_settings(registry: Registry, record: ProviderRecord, changes: Mapping[str, object]) -> ProviderRecord:
    """Return *record* with *changes* over its settings, PENDING; *record* itself when nothing differs.

    Raises:
        SettingsError: settings are wrong, or an address differs and not all secrets are entered again.
        SealError: stored secrets cannot be opened, and not all are entered again.
    """
    entered = all(covers(changes, name) for name in record.secrets.names)
    try:
        before = merge(record.settings, record.secrets.reveal())
    except SealError:
        if not entered:
            raise
        before = dict(record.settings)  # the lost ones are not needed
    model = registry.parse_settings(record.kind, overlay(before, changes))
    if not entered:
        harmless = registry.get(record.kind).harmless
        moved, kept = unentered(registry.parse_settings(record.kind, before), model, changes, harmless)
        if moved and kept:
            raise SettingsError(
                f"{', '.join(moved)} may decide where secrets are sent, so stored secrets do not stay when that "
                f"changes; enter these with it, the same or new ones: {', '.join(kept)}",
                provider=record.kind,
            )
    public, secrets = halves(registry, record.kind, model)
    if merge(public, secrets) == before:
        return record
    version = record.settings_version + 1
    after = replace(record, settings=public, secrets=SecretValues(secrets), settings_version=version)
    return without_failure(after, ProviderStatus.PENDING)


def verified_with(
    registry: Registry, record: ProviderRecord, at: datetime, discovered: Mapping[str, object]
) -> ProviderRecord:
    """Return *record* as VERIFIED at *at*, with what was *discovered* kept in its settings.

    Raises:
        SettingsError: the settings do not take that.
        SealError: its secrets cannot be opened.
    """
    after = replace(without_failure(record, ProviderStatus.VERIFIED), last_verified_at=at)
    if not discovered:
        return after
    known = overlay(merge(record.settings, record.secrets.reveal()), discovered)
    public, secrets = halves(registry, record.kind, registry.parse_settings(record.kind, known))
    return replace(after, settings=public, secrets=SecretValues(secrets))


def new_record(
    registry: Registry, organisation: str, kind: str, label: str, model: BaseModel, at: datetime
) -> ProviderRecord:
    """Return a provider with the settings in *model*, under a new id, PENDING.

    Raises:
        SettingsError: they do not survive being stored.
    """
    public, secrets = halves(registry, kind, model)
    return ProviderRecord(
        id=f"{kind}-{random.token_hex(8)}",
        organisation=organisation,
        kind=kind,
        label=label,
        settings=public,
        secrets=SecretValues(secrets),
        created_at=at,
    )


def with_override(
    catalogue: Catalogue, organisation: str, project: str, provider: str | None, version: int | None
) -> tuple[ProjectOverride, ProjectOverride]:
    """Set the override of a project, or clear it, unless it is so already; return it before and after.

    Raises:
        InvalidKeyError: an id is not one.
        RecordConflictError: the override has another *version*.
    """
    check_identifier(organisation, "organisation")
    check_identifier(project, "project")
    before = catalogue.override(organisation, project)
    if version is None:
        if before.provider == provider:
            return before, before
        version = before.version
    return before, catalogue.set_override(organisation, project, provider, version=version)


def check_size_limit(registry: Registry, kind: str, settings: BaseModel, max_file_bytes: int) -> None:
    """Refuse a size limit that is not positive, or above what the service can hold.

    Raises:
        PolicyError: it is.
    """
    rule = SIZE_RULES.get(kind)
    if rule is not None:
        ceiling = rule.ceiling
    else:
        provider = registry.open(kind, settings)  # only the provider knows what its service can hold
        try:
            ceiling = provider.info.max_object_bytes
        finally:
            provider.close()
    check_limit(kind, max_file_bytes, ceiling)

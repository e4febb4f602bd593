"""What a change of a record is told as: the events of ``documents/events`` for a record before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from ..documents.events import (
    AllowlistChanged,
    DefaultChanged,
    Event,
    FileRulesChanged,
    KeyRotated,
    LimitChanged,
    OverrideChanged,
    ProviderAdded,
    ProviderFailed,
    ProviderRecovered,
    ProviderRemoved,
    ProviderUpdated,
    ProviderVerified,
    StatusChanged,
)
from ..errors import StorageError
from ..file_rules import PRESET
from ..json_text import write_json
from .records import OrganisationRecord, ProjectOverride, ProviderRecord, ProviderStatus


class Facts(TypedDict):
    """What every event of a provider says of it."""

    organisation: str
    provider: str
    kind: str
    label: str


def facts(record: ProviderRecord) -> Facts:
    """Return what every event of the provider says of it."""
    return {
        "organisation": record.organisation,
        "provider": record.id,
        "kind": record.kind,
        "label": record.label,
    }


def added(record: ProviderRecord) -> Iterator[Event]:
    """Yield the event of a provider that was added."""
    yield ProviderAdded(**facts(record))


def removed(record: ProviderRecord) -> Iterator[Event]:
    """Yield the event of a provider that was forgotten."""
    yield ProviderRemoved(**facts(record))


def updated(before: ProviderRecord, after: ProviderRecord) -> Iterator[Event]:
    """Yield the events of a provider that an administrator changed."""
    changed = [] if before.label == after.label else ["label"]
    if before.settings_version != after.settings_version:
        changed += differing(before.settings, after.settings)
        changed += differing(_revealed(before), _revealed(after))
    if before.retired_at != after.retired_at:
        changed.append("retired_at")
    if changed:
        yield ProviderUpdated(**facts(after), changed=tuple(changed))
    if before.max_file_bytes != after.max_file_bytes:
        yield LimitChanged(**facts(after), before=before.max_file_bytes, after=after.max_file_bytes)
    yield from status(before, after)


def verified(before: ProviderRecord, after: ProviderRecord) -> Iterator[Event]:
    """Yield the events of a verification."""
    if after.status is ProviderStatus.VERIFIED:
        yield ProviderVerified(**facts(after))
    else:
        yield ProviderFailed(**facts(after), error=after.last_error or "unknown", found_by="verification")
    yield from status(before, after)


def used(before: ProviderRecord, after: ProviderRecord) -> Iterator[Event]:
    """Yield the events of a call that found the provider in another status than it had."""
    if after.status is ProviderStatus.VERIFIED:
        yield ProviderRecovered(**facts(after))
    else:
        yield ProviderFailed(**facts(after), error=after.last_error or "unknown", found_by="use")
    yield from status(before, after)


def status(before: ProviderRecord, after: ProviderRecord) -> Iterator[Event]:
    """Yield the event of another status, if it is another one."""
    if before.status is not after.status:
        yield StatusChanged(
            **facts(after), before=before.status.value, after=after.status.value, error=after.last_error
        )


def default(before: OrganisationRecord, after: OrganisationRecord) -> Iterator[Event]:
    """Yield the event of another default, if it is another one."""
    if before.default_provider != after.default_provider:
        yield DefaultChanged(
            organisation=after.organisation, before=before.default_provider, after=after.default_provider
        )


def allowlist(before: OrganisationRecord, after: OrganisationRecord) -> Iterator[Event]:
    """Yield the event of another allowlist, if it is another one."""
    if before.allowlist != after.allowlist:
        yield AllowlistChanged(organisation=after.organisation, before=before.allowlist, after=after.allowlist)


def file_rules(before: OrganisationRecord, after: OrganisationRecord) -> Iterator[Event]:
    """Yield the event of other rules for files, if they are others."""
    if before.file_rules != after.file_rules:
        texts = (write_json((found.file_rules or PRESET).to_json()) for found in (before, after))
        yield FileRulesChanged(organisation=after.organisation, before=next(texts), after=next(texts))


def override(before: ProjectOverride, after: ProjectOverride) -> Iterator[Event]:
    """Yield the event of another override, if it is another one."""
    if before.provider != after.provider:
        yield OverrideChanged(
            organisation=after.organisation, project=after.project, before=before.provider, after=after.provider
        )


def resealed(providers: int) -> Iterator[Event]:
    """Yield the event of another sealing key, if it was another one for any of *providers*."""
    if providers:
        yield KeyRotated(resealed=providers)


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return the names of what differs, sorted."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _revealed(record: ProviderRecord) -> Mapping[str, object]:
    try:
        return record.secrets.reveal()
    except StorageError:  # those that cannot be opened were entered again
        return {}

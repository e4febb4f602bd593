"""Each change of an organisation is one typed event: who, what, which organisation and provider, never a secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kazinex_storage import (
    AllowlistChanged,
    DefaultChanged,
    Event,
    LimitChanged,
    OverrideChanged,
    ProviderAdded,
    ProviderFailed,
    ProviderRemoved,
    ProviderResolved,
    ProviderUpdated,
    ProviderVerified,
    RecordConflictError,
    Resolver,
    StatusChanged,
)
from kazinex_storage.documents.events import EVENTS, both
from kazinex_storage.organisations import MemoryCatalogue, Organisations
from kazinex_storage.registry import Registry

SETTINGS = {"bucket": "plans", "token": "example-token-not-real"}


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def service(registry: Registry, events: list[Event]) -> Organisations:
    return Organisations(MemoryCatalogue(), registry, on_event=events.append)


def test_adding_and_verifying_a_provider_are_events(service: Organisations, events: list[Event]) -> None:
    record = service.acting("meier").add_provider("org-1", "vault", "Vault", SETTINGS)
    service.record_verification(record, ok=False, error="no, example-token-not-real is wrong")
    service.record_verification(service.find("org-1", "Vault"), ok=True)

    of: dict[str, Any] = {"organisation": "org-1", "provider": record.id, "kind": "vault", "label": "Vault"}
    wrong = "no, *** is wrong"
    assert [
        ProviderAdded(**of, by="meier"),
        ProviderFailed(**of, error=wrong, found_by="verification"),
        StatusChanged(**of, before="PENDING", after="FAILED", error=wrong),
        ProviderVerified(**of),
        StatusChanged(**of, before="FAILED", after="VERIFIED"),
    ] == events
    assert all(timedelta(0) <= datetime.now(UTC) - event.at < timedelta(minutes=1) for event in events)


def test_changes_of_a_provider_name_what_changed_and_no_values(service: Organisations, events: list[Event]) -> None:
    record = service.add_provider("org-1", "vault", "Vault", SETTINGS)
    service.record_verification(record, ok=True)
    events.clear()

    service.update_provider(
        "org-1", "Vault", label="Safe", settings={"bucket": "other", "token": "another-token"}, max_file_bytes=5
    )

    of: dict[str, Any] = {"organisation": "org-1", "provider": record.id, "kind": "vault", "label": "Safe"}
    assert [
        ProviderUpdated(**of, changed=("label", "bucket", "token")),
        LimitChanged(**of, before=None, after=5),
        StatusChanged(**of, before="VERIFIED", after="PENDING"),
    ] == events
    assert "another-token" not in json.dumps([event.to_dict() for event in events])


def test_choices_are_events_when_they_change(service: Organisations, events: list[Event]) -> None:
    record = service.add_provider("org-1", "vault", "Vault", SETTINGS)
    service.record_verification(record, ok=True)
    events.clear()
    acting = service.acting("meier")

    for _ in range(2):
        acting.set_default("org-1", "Vault")
        acting.set_override("org-1", "bridge", "Vault")
        acting.set_allowlist("org-1", ["pdf", "dwg"])
    acting.clear_override("org-1", "bridge")
    acting.set_default("org-1", None)
    acting.remove_provider("org-1", "Vault")

    assert [
        DefaultChanged(organisation="org-1", before=None, after=record.id, by="meier"),
        OverrideChanged(organisation="org-1", project="bridge", before=None, after=record.id, by="meier"),
        AllowlistChanged(organisation="org-1", before=(), after=("dwg", "pdf"), by="meier"),
        OverrideChanged(organisation="org-1", project="bridge", before=record.id, after=None, by="meier"),
        DefaultChanged(organisation="org-1", before=record.id, after=None, by="meier"),
        ProviderRemoved(organisation="org-1", provider=record.id, kind="vault", label="Vault", by="meier"),
    ] == events
    assert [record.id, record.id, None, None, None, record.id] == [event.provider for event in events]


def test_a_refused_change_is_no_event(service: Organisations, events: list[Event]) -> None:
    service.add_provider("org-1", "vault", "Vault", SETTINGS)
    events.clear()

    with pytest.raises(RecordConflictError):
        service.set_allowlist("org-1", ["pdf"], version=7)
    service.update_provider("org-1", "Vault", label="Vault", settings=SETTINGS)

    assert [] == events


def test_a_resolver_tells_the_hook_of_its_organisations_unless_it_has_one(
    service: Organisations, events: list[Event]
) -> None:
    record = service.add_provider("org-1", "vault", "Vault", SETTINGS)
    service.record_verification(record, ok=True)
    service.set_default("org-1", "Vault")
    events.clear()
    own: list[Event] = []

    with_own = Resolver(service, on_event=own.append)
    without = Resolver(service.acting("job"))
    without.acting("meier").storage_for("org-1", "bridge")
    without.storage_for("org-1", "bridge")
    with_own.acting("huber").storage_of("org-1", record.id)

    of: dict[str, Any] = {"organisation": "org-1", "provider": record.id, "kind": "vault", "label": "Vault"}
    assert [ProviderResolved(**of, project="bridge", reason="default", by=by) for by in ("meier", "job")] == events
    assert [ProviderResolved(**of, project=None, reason="receipt", by="huber")] == own
    for resolver in (with_own, without):
        resolver.close()


@pytest.mark.parametrize("by", ["", "x" * 2001, "a\0b", "\ud800"])
def test_a_name_that_no_database_holds_is_refused(service: Organisations, by: str) -> None:
    with pytest.raises(ValueError, match="'by' is"):
        service.acting(by)


def test_every_event_is_json_with_the_same_first_fields() -> None:
    for name, kind in EVENTS.items():
        assert name == kind.name
        assert {"at", "by", "outcome"} <= kind.__init__.__annotations__.keys()
    event = DefaultChanged(organisation="org-1", before=None, after="p-1", at=datetime(2026, 8, 1, tzinfo=UTC))
    assert {
        "event": "default.changed",
        "at": "2026-08-01T00:00:00+00:00",
        "organisation": "org-1",
        "by": None,
        "outcome": "done",
        "provider": "p-1",
        "project": None,
        "before": None,
        "after": "p-1",
    } == event.to_dict()


def test_several_hooks_get_each_event_in_order(service: Organisations) -> None:
    seen: list[str] = []
    hook = both(lambda _: seen.append("audit"), None, lambda _: seen.append("webhook"))

    hook(DefaultChanged(organisation="org-1", before=None, after=None))

    assert ["audit", "webhook"] == seen

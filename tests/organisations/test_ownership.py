"""A place belongs to the organisation that verified it first, where the host shares none (issue 18, C1)."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kazinex_storage import CheckStatus, DocumentKey, DocumentStore, Storage, VerificationReport, verify_provider
from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import AccessDeniedError, AuthenticationError, SettingsError, StorageError
from kazinex_storage.keys import ObjectKey
from kazinex_storage.organisations import (
    OPERATOR_CHOICES,
    TENANT_CHOICES,
    MemoryCatalogue,
    OperatorChoices,
    Organisations,
    ProviderRecord,
    ProviderStatus,
    Resolver,
    TenantChoices,
)
from kazinex_storage.organisations.ownership import MARKER, PlaceTakenError, check_owner
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.types import ByteRange, ObjectInfo, ProviderInfo, Sink

from .binding import bound_once

BINDING = OperatorChoices(shares=False)
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
S3 = {"bucket": "docs", "region": "eu-central-1", "access_key_id": "AK", "secret_access_key": "example"}


def of(organisation: str, root: Path, admit: OperatorChoices = BINDING) -> Organisations:
    """A host of its own, that knows nothing of the records of others: only the place can tell."""
    organisations = Organisations(MemoryCatalogue(), admit=admit)
    organisations.add_provider(organisation, "local", "a", {"root": str(root), "durable": False})
    return organisations


def owner_check(report: VerificationReport) -> CheckStatus:
    return next(check.status for check in report.checks if check.name == "owner")


def marker(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / MARKER).read_bytes())
    return found


def test_the_first_organisation_binds_the_place_and_the_next_is_refused(tmp_path: Path) -> None:
    ours, theirs = of("acme", tmp_path), of("globex", tmp_path)

    assert verify_provider(ours, "acme", "a").ok
    assert verify_provider(ours, "acme", "a").ok
    report = verify_provider(theirs, "globex", "a")

    assert CheckStatus.FAILED is owner_check(report)
    assert "another organisation keeps its documents in this place" in (report.failure or "")
    assert "acme" not in (report.failure or "")
    assert ProviderStatus.FAILED is theirs.find("globex", "a").status
    with pytest.raises(SettingsError, match="only a VERIFIED one"):
        theirs.set_default("globex", "a")


def test_the_marker_says_whose_it_is_and_holds_no_secret(tmp_path: Path) -> None:
    ours = of("acme", tmp_path)

    verify_provider(ours, "acme", "a")

    found = marker(tmp_path)
    assert {"format", "organisation", "provider", "created_at", "shared"} == found.keys()
    assert ("acme", ours.find("acme", "a").id, False) == (found["organisation"], found["provider"], found["shared"])


def test_the_marker_is_no_document(tmp_path: Path) -> None:
    ours = of("acme", tmp_path)
    verify_provider(ours, "acme", "a")
    ours.set_default("acme", "a")
    resolver = Resolver(ours)
    DocumentStore(resolver).upload(DocumentKey("acme", "bridge", "D", "P01", "a.pdf"), b"%PDF")

    assert ["bridge/D/P01/a.pdf"] == [info.key for info in resolver.storage_for("acme").list()]
    with pytest.raises(SettingsError, match="our own marker"):
        ours.add_provider(".kazinex-storage", "local", "b", {"root": str(tmp_path)})
    with pytest.raises(SettingsError, match="our own marker"):
        ours.add_provider(".Kazinex-Storage", "local", "b", {"root": str(tmp_path)})


def test_an_operator_shares_a_place_on_purpose(tmp_path: Path) -> None:
    ours, theirs, third = of("acme", tmp_path), of("globex", tmp_path), of("initech", tmp_path)
    verify_provider(ours, "acme", "a")

    assert verify_provider(theirs, "globex", "a", share=True).ok

    assert ("acme", True) == (marker(tmp_path)["organisation"], marker(tmp_path)["shared"])
    assert verify_provider(third, "initech", "a").ok
    assert verify_provider(ours, "acme", "a").ok


def test_a_host_that_shares_places_binds_none_and_heeds_the_bound(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "bound").mkdir()
    for organisation in ("acme", "globex"):
        assert verify_provider(of(organisation, tmp_path / "open", OPERATOR_CHOICES), organisation, "a").ok
    verify_provider(of("acme", tmp_path / "bound"), "acme", "a")

    report = verify_provider(of("globex", tmp_path / "bound", OPERATOR_CHOICES), "globex", "a")

    assert not (tmp_path / "open" / MARKER).exists()
    assert CheckStatus.FAILED is owner_check(report)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"nonsense", b'{"organisation": "x' + b"y" * 9000])
def test_a_marker_that_cannot_be_understood_is_for_a_person_to_look_at(tmp_path: Path, body: bytes) -> None:
    (tmp_path / MARKER).parent.mkdir()
    (tmp_path / MARKER).write_bytes(body)

    report = verify_provider(of("acme", tmp_path), "acme", "a")

    assert "remove it, and verify again" in (report.failure or "")
    assert body == (tmp_path / MARKER).read_bytes()


class Replacing(MemoryProvider):
    """A service without create-only writes."""

    @property
    def info(self) -> ProviderInfo:
        kept = super().info
        return replace(kept, capabilities=kept.capabilities - {Capability.CREATE_ONLY})


@pytest.mark.parametrize("provider", [MemoryProvider, Replacing])
def test_a_place_belongs_to_the_first_organisation(provider: type[MemoryProvider]) -> None:
    bound_once(Storage(provider()))


@pytest.mark.parametrize("provider", [MemoryProvider, Replacing])
def test_of_two_who_come_at_once_one_has_the_place(provider: type[MemoryProvider]) -> None:
    place, outcomes = Storage(provider()), dict[str, bool]()

    def bind(organisation: str) -> None:
        record = ProviderRecord(
            id="memory-1", organisation=organisation, kind="memory", label="a", settings={}, created_at=NOW
        )
        try:
            check_owner(place, record, NOW, bind=True)
            outcomes[organisation] = True
        except PlaceTakenError:
            outcomes[organisation] = False

    threads = [threading.Thread(target=bind, args=(name,)) for name in ("acme", "globex")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    if provider is MemoryProvider:
        assert [False, True] == sorted(outcomes.values())
    (owner,) = {json.loads(place.get_bytes(MARKER))["organisation"]}
    assert outcomes[owner]


class Scoped(MemoryProvider):
    """Credentials that reach the folder of one organisation only."""

    def __init__(self, error: type[StorageError]) -> None:
        super().__init__()
        self._error = error

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        if not key.startswith("acme/"):
            raise self._error("403")
        return super().get(key, span, sink, if_match)


@pytest.mark.parametrize("error", [AccessDeniedError, AuthenticationError])
def test_credentials_that_do_not_reach_the_root_bind_nothing_and_the_report_says_so(error: type[StorageError]) -> None:
    place = Storage(Scoped(error))
    record = ProviderRecord(id="m-1", organisation="acme", kind="memory", label="a", settings={}, created_at=NOW)

    warning = check_owner(place, record, NOW, bind=True)

    assert warning is not None
    assert "no organisation owns it" in warning.meaning
    assert check_owner(place, record, NOW, bind=False) is None


def test_tenants_may_not_take_a_place_that_another_one_has() -> None:
    organisations = Organisations(MemoryCatalogue(), admit=TENANT_CHOICES)
    organisations.add_provider("acme", "s3", "a", S3)

    with pytest.raises(SettingsError, match="another organisation has this place"):
        organisations.add_provider("globex", "s3", "a", S3)
    sharing = Organisations(organisations.catalogue, admit=TenantChoices(shares=True))
    assert "globex" == sharing.add_provider("globex", "s3", "a", S3).organisation


def test_without_a_say_of_the_judge_places_are_not_shared(tmp_path: Path) -> None:
    organisations = Organisations(MemoryCatalogue(), admit=lambda proposal: None)
    organisations.add_provider("acme", "local", "a", {"root": str(tmp_path), "durable": False})

    verify_provider(organisations, "acme", "a")

    assert "acme" == marker(tmp_path)["organisation"]

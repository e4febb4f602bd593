"""Settings that are tried before they replace those that work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from kazinex_storage.errors import RecordConflictError, SettingsError
from kazinex_storage.organisations import MemoryCatalogue, Organisations, open_organisations
from kazinex_storage.organisations.trials import TriedSecret
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.registry import ProviderKind, Registry
from kazinex_storage.verification.trying import keep_trial, try_settings
from kazinex_storage.verification.verify import verify_provider


class SignedInSettings(BaseModel):
    """Settings with a secret that the service replaces."""

    model_config = ConfigDict(extra="forbid")

    folder: str = ""
    refresh_token: SecretStr


def open_signed_in(settings: SignedInSettings) -> MemoryProvider:  # the interface of factories
    return MemoryProvider()


@pytest.fixture
def organisations(tmp_path: Path) -> Iterator[Organisations]:
    found = open_organisations({"KAZINEX_STORAGE_HOME": str(tmp_path / "home")})
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    found.add_provider("acme", "local", "Disk", {"root": str(tmp_path / "one"), "durable": False})
    assert verify_provider(found, "acme", "Disk").ok
    found.set_default("acme", "Disk")
    yield found
    found.close()


def test_what_passes_is_stored_as_verified_at_once(organisations: Organisations, tmp_path: Path) -> None:
    trial = organisations.trial("acme", "Disk", {"root": str(tmp_path / "two")})
    tried = try_settings(organisations, trial)
    untouched = organisations.find("acme", "Disk")

    kept = keep_trial(organisations, trial, tried, label="Other")

    assert organisations.is_live(untouched)
    assert str(tmp_path / "one") == untouched.settings["root"]
    assert (str(tmp_path / "two"), "VERIFIED", "Other") == (kept.settings["root"], kept.status.value, kept.label)
    assert tried.report.started_at == kept.last_verified_at


def test_what_fails_is_not_stored(organisations: Organisations, tmp_path: Path) -> None:
    trial = organisations.trial("acme", "Disk", {"root": str(tmp_path / "missing")})
    tried = try_settings(organisations, trial)

    with pytest.raises(SettingsError, match="did not pass"):
        keep_trial(organisations, trial, tried)

    assert str(tmp_path / "one") == organisations.find("acme", "Disk").settings["root"]


def test_a_trial_that_others_overtook_is_refused(organisations: Organisations, tmp_path: Path) -> None:
    trial = organisations.trial("acme", "Disk", {"root": str(tmp_path / "two")})
    tried = try_settings(organisations, trial)
    organisations.update_provider("acme", "Disk", settings={"durable": True})

    with pytest.raises(RecordConflictError, match="changed while others were tried"):
        keep_trial(organisations, trial, tried)


def test_a_trial_is_kept_as_a_whole_or_not_at_all(organisations: Organisations, tmp_path: Path) -> None:
    organisations.add_provider("acme", "local", "Taken", {"root": str(tmp_path / "two")})
    trial = organisations.trial("acme", "Disk", {"durable": True})
    tried = try_settings(organisations, trial)

    with pytest.raises(SettingsError, match="Taken"):
        keep_trial(organisations, trial, tried, label="Taken")

    found = organisations.find("acme", "Disk")
    assert (1, "VERIFIED") == (found.settings_version, found.status.value)


def test_a_secret_that_its_service_replaces_is_kept_where_the_trial_has_it_from() -> None:
    kind = ProviderKind(
        kind="signed_in",
        title="",
        settings=f"{__name__}:SignedInSettings",
        factory=f"{__name__}:open_signed_in",
        harmless=frozenset({"folder"}),
    )
    organisations = Organisations(MemoryCatalogue(), Registry(kind, entry_points=False))
    organisations.add_provider("acme", "signed_in", "Library", {"refresh_token": "example-1"})
    same = organisations.trial("acme", "Library", {"folder": "plans"})
    other = organisations.trial("acme", "Library", {"refresh_token": "example-2"})

    stored = same.keeper(organisations.catalogue, "refresh_token")
    tried = other.keeper(organisations.catalogue, "refresh_token")

    assert stored.swap("example-1", "example-3")
    assert {"refresh_token": "example-3"} == organisations.find("acme", "Library").secrets.reveal()
    assert isinstance(tried, TriedSecret)
    assert (False, True) == (tried.swap("example-1", "example-4"), tried.swap("example-2", "example-4"))
    assert ("example-4", "example-4") == (tried.load(), other.changes["refresh_token"])
    assert {"refresh_token": "example-3"} == organisations.find("acme", "Library").secrets.reveal()

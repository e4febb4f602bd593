"""What an administrator does, over every catalogue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.errors import (
    InvalidKeyError,
    PolicyError,
    RecordConflictError,
    RecordNotFoundError,
    SettingsError,
    UnknownProviderError,
)
from kazinex_storage.organisations import Catalogue, Organisations, ProviderRecord, ProviderStatus
from kazinex_storage.policy import TIB
from kazinex_storage.registry import Registry
from kazinex_storage.types import MIB

if TYPE_CHECKING:
    from tests.organisations.plugins.vault_provider import VaultProvider
else:
    from vault_provider import VaultProvider  # conftest.py makes it importable, as an installed plugin would be

Verified = Callable[..., ProviderRecord]
TOKEN = "example-token-not-real"  # noqa: S105  # it says so itself
SETTINGS = {"bucket": "plans", "token": TOKEN}


def test_a_new_provider_is_pending_and_its_secrets_stand_apart(organisations: Organisations) -> None:
    record = organisations.add_provider("org-1", "vault", " Frankfurt ", SETTINGS, max_file_bytes=10 * MIB)

    assert record == organisations.find("org-1", record.id)
    assert ("Frankfurt", ProviderStatus.PENDING, 10 * MIB) == (record.label, record.status, record.max_file_bytes)
    assert {"bucket": "plans"} == record.settings
    assert {"token": TOKEN} == record.secrets.reveal()
    assert record.id.startswith("vault-")


def test_the_time_of_the_clock_is_recorded(catalogue: Catalogue, registry: Registry) -> None:
    now = datetime(2026, 8, 1, 12, tzinfo=UTC)
    organisations = Organisations(catalogue, registry, clock=lambda: now)

    record = organisations.add_provider("org-1", "vault", "Vault", SETTINGS)
    after = organisations.record_verification(record, ok=True)

    assert (now, now) == (record.created_at, after.last_verified_at)


def test_an_unknown_kind_is_refused(organisations: Organisations) -> None:
    with pytest.raises(UnknownProviderError, match="did you mean 'vault'"):
        organisations.add_provider("org-1", "volt", "Vault", SETTINGS)

    assert () == organisations.providers("org-1")


def test_wrong_settings_are_refused(organisations: Organisations) -> None:
    with pytest.raises(SettingsError, match="'token' is missing; 'tokn' is not a field, did you mean 'token'"):
        organisations.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "tokn": TOKEN})

    assert () == organisations.providers("org-1")


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "a\x00b", "\u202egnp.exe", "a" * 101, "zero\u200bwidth"])
def test_a_label_is_short_visible_and_on_one_line(organisations: Organisations, label: str) -> None:
    with pytest.raises(SettingsError, match="a label is 1 to 100 visible characters"):
        organisations.add_provider("org-1", "vault", label, SETTINGS)


def test_a_label_is_kept_in_its_normal_form(organisations: Organisations) -> None:
    organisations.add_provider("org-1", "vault", "Pla\u0308ne", SETTINGS)

    with pytest.raises(SettingsError, match="choose another label"):
        organisations.add_provider("org-1", "vault", "PL\u00c4NE", SETTINGS)

    assert "Pl\u00e4ne" == organisations.find("org-1", "pla\u0308ne").label


def test_a_label_may_not_read_like_the_id_of_another_provider(organisations: Organisations) -> None:
    """A command that names the label would reach the other one."""
    first = organisations.add_provider("org-1", "vault", "one", SETTINGS)

    with pytest.raises(SettingsError, match="choose another label"):
        organisations.add_provider("org-1", "vault", first.id.upper(), SETTINGS)


def test_providers_are_found_by_id_and_by_label_in_any_case(organisations: Organisations) -> None:
    record = organisations.add_provider("org-1", "vault", "Frankfurt", SETTINGS)

    for reference in (record.id, "Frankfurt", "FRANKFURT", " frankfurt "):
        assert record == organisations.find("org-1", reference)
    with pytest.raises(RecordNotFoundError, match="no provider 'Berlin'"):
        organisations.find("org-1", "Berlin")


def test_a_provider_is_not_found_from_another_organisation(organisations: Organisations, verified: Verified) -> None:
    theirs = verified("theirs")

    for reference in (theirs.id, theirs.label):
        for attempt in (
            lambda ref=reference: organisations.find("ours", ref),
            lambda ref=reference: organisations.set_default("ours", ref),
            lambda ref=reference: organisations.set_override("ours", "bridge", ref),
            lambda ref=reference: organisations.update_provider("ours", ref, label="mine"),
            lambda ref=reference: organisations.remove_provider("ours", ref),
        ):
            with pytest.raises(RecordNotFoundError):
                attempt()
    assert (theirs,) == organisations.providers("theirs")


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a b", "ä", "x" * 129, "org\n"])
def test_ids_are_checked_everywhere(organisations: Organisations, verified: Verified, bad: str) -> None:
    record = verified()
    for attempt in (
        lambda: organisations.organisation(bad),
        lambda: organisations.providers(bad),
        lambda: organisations.overrides(bad),
        lambda: organisations.find(bad, "Vault"),
        lambda: organisations.add_provider(bad, "vault", "Vault", SETTINGS),
        lambda: organisations.update_provider(bad, "Vault", label="x"),
        lambda: organisations.remove_provider(bad, "Vault"),
        lambda: organisations.set_default(bad, "Vault"),
        lambda: organisations.set_default(bad, None),
        lambda: organisations.set_allowlist(bad, ["pdf"]),
        lambda: organisations.set_override(bad, "bridge", "Vault"),
        lambda: organisations.set_override("org-1", bad, "Vault"),
        lambda: organisations.clear_override(bad, "bridge"),
        lambda: organisations.clear_override("org-1", bad),
    ):
        with pytest.raises(InvalidKeyError, match="id"):
            attempt()
    assert (record,) == organisations.providers("org-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "us"},
        {"token": "example-new"},
        {"token": "example-new", "auth": {"tenant": "a", "client_secret": "example"}},
    ],
    ids=["setting", "secret", "nested"],
)
def test_new_settings_make_a_provider_pending_again(
    organisations: Organisations, verified: Verified, changes: dict[str, object]
) -> None:
    before = verified()

    after = organisations.update_provider("org-1", "Vault", settings=changes)

    assert ProviderStatus.PENDING is after.status
    assert before.settings_version + 1 == after.settings_version
    assert after == organisations.find("org-1", "Vault")


def test_settings_that_are_not_named_stay(organisations: Organisations) -> None:
    organisations.add_provider("org-1", "vault", "Vault", {**SETTINGS, "region": "us"})

    after = organisations.update_provider("org-1", "Vault", settings={"bucket": "other"})

    assert {"bucket": "other", "region": "us"} == after.settings
    assert {"token": TOKEN} == after.secrets.reveal()


def test_none_removes_a_setting(organisations: Organisations) -> None:
    organisations.add_provider("org-1", "vault", "Vault", {**SETTINGS, "region": "us"})

    after = organisations.update_provider("org-1", "Vault", settings={"region": None})

    assert {"bucket": "plans"} == after.settings
    with pytest.raises(SettingsError, match="'token' is missing"):
        organisations.update_provider("org-1", "Vault", settings={"token": None})


def test_the_same_settings_again_change_nothing(organisations: Organisations, verified: Verified) -> None:
    before = verified()

    after = organisations.update_provider("org-1", "Vault", settings={"token": TOKEN})

    assert before == after == organisations.find("org-1", "Vault")


def test_a_new_label_or_limit_does_not_void_the_verification(organisations: Organisations, verified: Verified) -> None:
    verified()

    after = organisations.update_provider("org-1", "Vault", label="Main", max_file_bytes=MIB)

    assert ("Main", MIB, ProviderStatus.VERIFIED) == (after.label, after.max_file_bytes, after.status)
    assert 1 == after.settings_version


def test_a_limit_goes_back_to_the_default_of_the_kind(organisations: Organisations) -> None:
    organisations.add_provider("org-1", "vault", "Vault", SETTINGS, max_file_bytes=MIB)

    kept = organisations.update_provider("org-1", "Vault", label="Main")
    after = organisations.update_provider("org-1", "Main", max_file_bytes=None)

    assert (MIB, None) == (kept.max_file_bytes, after.max_file_bytes)


@pytest.mark.parametrize(("kind", "ceiling"), [("r2", 5 * TIB), ("local", 2**63 - 1)])
def test_a_limit_up_to_the_ceiling_of_the_kind_is_taken(
    organisations: Organisations, tmp_path: Path, kind: str, ceiling: int
) -> None:
    settings = {"root": str(tmp_path)} if kind == "local" else SETTINGS

    record = organisations.add_provider("org-1", kind, "Main", settings, max_file_bytes=ceiling)

    assert ceiling == organisations.find("org-1", "Main").max_file_bytes
    for limit in (ceiling + 1, 0, -1):
        with pytest.raises(PolicyError):
            organisations.add_provider("org-1", kind, "Other", settings, max_file_bytes=limit)
        with pytest.raises(PolicyError):
            organisations.update_provider("org-1", "Main", max_file_bytes=limit)
    assert (record,) == organisations.providers("org-1")


def test_a_change_from_an_outdated_version_is_refused(organisations: Organisations, verified: Verified) -> None:
    old = verified()
    organisations.update_provider("org-1", "Vault", label="Main", version=old.version)

    for attempt in (
        lambda: organisations.update_provider("org-1", old.id, label="Other", version=old.version),
        lambda: organisations.remove_provider("org-1", old.id, version=old.version),
        lambda: organisations.set_default("org-1", old.id, version=7),
        lambda: organisations.set_override("org-1", "bridge", old.id, version=7),
        lambda: organisations.clear_override("org-1", "bridge", version=7),
        lambda: organisations.set_allowlist("org-1", ["pdf"], version=7),
    ):
        with pytest.raises(RecordConflictError):
            attempt()

    assert "Main" == organisations.find("org-1", old.id).label


def test_a_verification_that_passes_is_recorded(organisations: Organisations) -> None:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    record = organisations.add_provider("org-1", "vault", "Vault", SETTINGS)
    failed = organisations.record_verification(record, ok=False, error="no route to host")

    after = organisations.record_verification(failed, ok=True, at=at)

    assert (ProviderStatus.VERIFIED, at, None) == (after.status, after.last_verified_at, after.last_error)


def test_a_verification_that_fails_keeps_the_time_of_the_last_success(organisations: Organisations) -> None:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    record = organisations.add_provider("org-1", "vault", "Vault", SETTINGS)
    passed = organisations.record_verification(record, ok=True, at=at)

    after = organisations.record_verification(passed, ok=False, error="403")

    assert (ProviderStatus.FAILED, at, "403") == (after.status, after.last_verified_at, after.last_error)


def test_the_error_of_a_verification_is_kept_without_secrets_and_control_characters(
    organisations: Organisations,
) -> None:
    record = organisations.add_provider("org-1", "vault", "Vault", SETTINGS)

    after = organisations.record_verification(record, ok=False, error=f"\x1b[31m{TOKEN}\x00 refused\n" + "x" * 5000)

    assert after.last_error is not None
    assert after.last_error.startswith("?[31m***? refused\nx")
    assert 2000 == len(after.last_error)


def test_a_failed_default_stays_the_default(organisations: Organisations, verified: Verified) -> None:
    record = verified()
    organisations.set_default("org-1", "Vault")

    organisations.record_verification(organisations.find("org-1", "Vault"), ok=False, error="403")

    assert record.id == organisations.organisation("org-1").default_provider


def test_a_default_with_new_settings_stays_the_default(organisations: Organisations, verified: Verified) -> None:
    """Rotated credentials must work at once, not after the next verification."""
    record = verified()
    organisations.set_default("org-1", "Vault")

    organisations.update_provider("org-1", "Vault", settings={"token": "example-rotated"})

    assert record.id == organisations.organisation("org-1").default_provider


def test_the_default_changes_and_goes(organisations: Organisations, verified: Verified) -> None:
    first, second = verified(label="one"), verified(label="two")

    chosen = [
        organisations.set_default("org-1", "one").default_provider,
        organisations.set_default("org-1", second.id).default_provider,
        organisations.set_default("org-1", None).default_provider,
    ]

    assert [first.id, second.id, None] == chosen


def test_an_override_is_set_and_cleared(organisations: Organisations, verified: Verified) -> None:
    record = verified()

    organisations.set_override("org-1", "bridge", "vault")
    during = organisations.overrides("org-1")
    organisations.clear_override("org-1", "bridge")
    again = organisations.clear_override("org-1", "bridge")

    assert [("bridge", record.id)] == [(override.project, override.provider) for override in during]
    assert (None, 2) == (again.provider, again.version)
    assert () == organisations.overrides("org-1")


def test_the_allowlist_is_normal_sorted_and_without_doubles(organisations: Organisations) -> None:
    after = organisations.set_allowlist("org-1", [".PDF", "dwg", "pdf", " Ifc "])

    assert ("dwg", "ifc", "pdf") == after.allowlist == organisations.organisation("org-1").allowlist
    assert () == organisations.set_allowlist("org-1", []).allowlist


def test_an_allowlist_with_something_else_in_it_is_refused_whole(organisations: Organisations) -> None:
    with pytest.raises(PolicyError, match=r"'tar\.gz' is not an extension"):
        organisations.set_allowlist("org-1", ["pdf", "tar.gz"])

    assert () == organisations.organisation("org-1").allowlist


def test_a_removed_provider_leaves_no_secret(organisations: Organisations, verified: Verified) -> None:
    record = verified()

    organisations.remove_provider("org-1", "vault")

    with pytest.raises(RecordNotFoundError):
        organisations.find("org-1", record.id)
    with pytest.raises(RecordNotFoundError):
        organisations.record_verification(record, ok=True)


def test_a_provider_opens_with_its_secrets(organisations: Organisations, verified: Verified) -> None:
    record = verified()

    provider = organisations.open(organisations.find("org-1", record.id))

    assert isinstance(provider, VaultProvider)
    assert ("plans", TOKEN) == (provider.settings.bucket, provider.settings.token.get_secret_value())
    provider.close()


def test_settings_that_this_release_does_not_understand_are_named(catalogue: Catalogue, verified: Verified) -> None:
    record = verified()
    other = Organisations(catalogue, Registry(entry_points=False))

    with pytest.raises(UnknownProviderError, match="no kind of provider 'vault'"):
        other.open(record)

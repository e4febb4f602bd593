"""What every catalogue does alike, run over memory, SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from kazinex_storage.errors import RecordConflictError, RecordNotFoundError, SettingsError
from kazinex_storage.organisations import (
    Catalogue,
    OrganisationRecord,
    ProjectOverride,
    ProviderRecord,
    ProviderStatus,
    SecretValues,
)
from kazinex_storage.organisations.records import Choice

Make = Callable[..., ProviderRecord]
VERIFIED = ProviderStatus.VERIFIED


def test_a_new_provider_is_kept_as_it_was_given(catalogue: Catalogue, record: Make) -> None:
    given = replace(
        record(),
        settings={"bucket": "Pläne 🏗", "nested": {"list": [1, 2.5, None, True]}},
        status=ProviderStatus.FAILED,
        last_error="no route to host",
        last_verified_at=datetime(2026, 7, 1, 8, 30, tzinfo=timezone(timedelta(hours=2))),
        max_file_bytes=2**62,
    )

    kept = catalogue.add_provider(given)

    assert replace(given, version=1) == kept
    assert kept == catalogue.provider("org-1", "vault-1")


def test_times_come_back_in_utc(catalogue: Catalogue, record: Make) -> None:
    made = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))

    catalogue.add_provider(replace(record(), created_at=made))

    found = catalogue.provider("org-1", "vault-1").created_at
    assert made == found
    assert timedelta(0) == found.utcoffset()


def test_secrets_are_revealed_as_they_were_given(catalogue: Catalogue, record: Make) -> None:
    secrets = {"token": "example-token", "auth/client_secret": "ключ 🔑", "empty": ""}

    catalogue.add_provider(replace(record(), secrets=SecretValues(secrets)))

    found = catalogue.provider("org-1", "vault-1").secrets
    assert ("auth/client_secret", "empty", "token") == found.names
    assert secrets == found.reveal()


def test_providers_are_listed_from_the_oldest_on(catalogue: Catalogue, record: Make) -> None:
    for number, second in ((1, 30), (2, 10), (3, 20)):
        catalogue.add_provider(record(id=f"vault-{number}", label=f"{number}", second=second))

    listed = catalogue.providers("org-1")

    assert ["vault-2", "vault-3", "vault-1"] == [found.id for found in listed]


def test_two_providers_of_one_kind_are_fine_when_their_labels_differ(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(id="a", label="Frankfurt"))

    catalogue.add_provider(record(id="b", label="Dublin"))

    assert 2 == len(catalogue.providers("org-1"))


@pytest.mark.parametrize("label", ["Straße", "STRASSE", "straße"])
def test_a_label_is_unique_whatever_the_case(catalogue: Catalogue, record: Make, label: str) -> None:
    catalogue.add_provider(record(id="a", label="Straße"))

    with pytest.raises(SettingsError, match="choose another label"):
        catalogue.add_provider(record(id="b", label=label))

    assert 1 == len(catalogue.providers("org-1"))


def test_another_organisation_may_use_the_same_label_and_id(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record())

    catalogue.add_provider(record(organisation="org-2"))

    assert "org-2" == catalogue.provider("org-2", "vault-1").organisation


def test_an_id_is_not_used_twice_in_an_organisation(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(label="one"))

    with pytest.raises(SettingsError, match="the id 'vault-1' is in use"):
        catalogue.add_provider(record(label="two"))


def test_a_replaced_provider_has_the_next_version(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record())

    after = catalogue.replace_provider(replace(kept, label="Main", status=VERIFIED))

    assert replace(kept, label="Main", status=VERIFIED, version=2) == after
    assert after == catalogue.provider("org-1", "vault-1")


def test_a_change_from_an_outdated_version_is_refused_and_changes_nothing(catalogue: Catalogue, record: Make) -> None:
    old = catalogue.add_provider(record())
    new = catalogue.replace_provider(replace(old, label="first"))

    with pytest.raises(RecordConflictError, match="read it and try again"):
        catalogue.replace_provider(replace(old, label="second"))

    assert new == catalogue.provider("org-1", "vault-1")


def test_settings_and_secrets_change_with_their_version_only(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(replace(record(), secrets=SecretValues({"token": "example-old"})))
    other = replace(kept, settings={"bucket": "other"}, secrets=SecretValues({"token": "example-new"}))

    same = catalogue.replace_provider(other)
    changed = catalogue.replace_provider(replace(other, version=same.version, settings_version=2))

    assert {"bucket": "plans"} == same.settings
    assert {"token": "example-old"} == same.secrets.reveal()
    assert {"bucket": "other"} == changed.settings == catalogue.provider("org-1", "vault-1").settings
    assert {"token": "example-new"} == catalogue.provider("org-1", "vault-1").secrets.reveal()


def test_a_provider_may_not_take_the_label_of_another(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(id="a", label="one"))
    second = catalogue.add_provider(record(id="b", label="two"))

    with pytest.raises(SettingsError, match="choose another label"):
        catalogue.replace_provider(replace(second, label="ONE"))

    assert "two" == catalogue.provider("org-1", "b").label


def test_a_provider_that_is_not_there_is_named_with_the_command_that_lists(catalogue: Catalogue, record: Make) -> None:
    with pytest.raises(RecordNotFoundError, match="kazinex-storage provider list --organisation org-1"):
        catalogue.provider("org-1", "vault-1")
    with pytest.raises(RecordNotFoundError):
        catalogue.replace_provider(replace(record(), version=1))
    with pytest.raises(RecordNotFoundError):
        catalogue.remove_provider("org-1", "vault-1", version=1)


def test_a_removed_provider_is_gone(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record())

    catalogue.remove_provider("org-1", "vault-1", version=kept.version)

    assert () == catalogue.providers("org-1")


def test_removing_from_an_outdated_version_is_refused(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record())
    catalogue.replace_provider(kept)

    with pytest.raises(RecordConflictError):
        catalogue.remove_provider("org-1", "vault-1", version=kept.version)

    assert 1 == len(catalogue.providers("org-1"))


def test_an_organisation_that_was_never_set_up_is_empty(catalogue: Catalogue) -> None:
    assert OrganisationRecord(organisation="org-1") == catalogue.organisation("org-1")
    assert () == catalogue.providers("org-1")
    assert ProjectOverride(organisation="org-1", project="bridge") == catalogue.override("org-1", "bridge")
    assert () == catalogue.overrides("org-1")
    assert Choice() == catalogue.choice("org-1", "bridge")


def test_a_verified_provider_becomes_the_default(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=VERIFIED))

    after = catalogue.set_default("org-1", "vault-1", version=0)

    assert OrganisationRecord(organisation="org-1", default_provider="vault-1", default_chosen=True, version=1) == after
    assert after == catalogue.organisation("org-1")


@pytest.mark.parametrize("status", [ProviderStatus.PENDING, ProviderStatus.FAILED])
def test_only_a_verified_provider_is_chosen(catalogue: Catalogue, record: Make, status: ProviderStatus) -> None:
    catalogue.add_provider(record(status=status))

    with pytest.raises(SettingsError, match=f"{status.value}.*kazinex-storage provider verify Vault --organisation"):
        catalogue.set_default("org-1", "vault-1", version=0)
    with pytest.raises(SettingsError, match="only a VERIFIED one"):
        catalogue.set_override("org-1", "bridge", "vault-1", version=0)

    assert Choice(providers=catalogue.providers("org-1")) == catalogue.choice("org-1", "bridge")


def test_a_default_stays_when_its_provider_fails(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_default("org-1", "vault-1", version=0)

    catalogue.replace_provider(replace(kept, status=ProviderStatus.FAILED))

    assert "vault-1" == catalogue.organisation("org-1").default_provider


def test_the_default_can_be_taken_away(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_default("org-1", "vault-1", version=0)

    after = catalogue.set_default("org-1", None, version=1)

    assert OrganisationRecord(organisation="org-1", default_chosen=True, version=2) == after


def test_a_default_set_from_an_outdated_version_is_refused(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_allowlist("org-1", ["pdf"], version=0)

    with pytest.raises(RecordConflictError):
        catalogue.set_default("org-1", "vault-1", version=0)

    assert OrganisationRecord(organisation="org-1", allowlist=("pdf",), version=1) == catalogue.organisation("org-1")


def test_the_allowlist_and_the_default_leave_each_other_alone(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_default("org-1", "vault-1", version=0)

    after = catalogue.set_allowlist("org-1", ["dwg", "pdf"], version=1)

    expected = OrganisationRecord(
        organisation="org-1", default_provider="vault-1", default_chosen=True, allowlist=("dwg", "pdf"), version=2
    )
    assert expected == after == catalogue.organisation("org-1")


def test_a_project_gets_a_provider_of_its_own(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=VERIFIED))

    after = catalogue.set_override("org-1", "bridge", "vault-1", version=0)

    expected = ProjectOverride(organisation="org-1", project="bridge", provider="vault-1", version=1)
    assert expected == after == catalogue.override("org-1", "bridge")
    assert (expected,) == catalogue.overrides("org-1")


def test_a_cleared_override_counts_its_versions_on(catalogue: Catalogue, record: Make) -> None:
    """Else a change made from before the clearing would pass for one made after it."""
    catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_override("org-1", "bridge", "vault-1", version=0)

    catalogue.set_override("org-1", "bridge", None, version=1)

    assert () == catalogue.overrides("org-1")
    assert 2 == catalogue.override("org-1", "bridge").version
    with pytest.raises(RecordConflictError):
        catalogue.set_override("org-1", "bridge", "vault-1", version=0)


def test_overrides_are_sorted_by_project(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=VERIFIED))
    for project in ("b", "_", "A", "a"):
        catalogue.set_override("org-1", project, "vault-1", version=0)

    assert ["A", "_", "a", "b"] == [override.project for override in catalogue.overrides("org-1")]


def test_the_default_is_not_removed(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_default("org-1", "vault-1", version=0)

    with pytest.raises(SettingsError, match="is the default; first choose another: kazinex-storage provider set-def"):
        catalogue.remove_provider("org-1", "vault-1", version=kept.version)

    assert 1 == len(catalogue.providers("org-1"))


def test_the_override_of_a_project_is_not_removed(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record(status=VERIFIED))
    for project in ("tunnel", "bridge"):
        catalogue.set_override("org-1", project, "vault-1", version=0)

    with pytest.raises(SettingsError, match="project 'bridge' and 1 more; clear it first: kazinex-storage provider"):
        catalogue.remove_provider("org-1", "vault-1", version=kept.version)


def test_a_provider_that_is_chosen_no_more_is_removed(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(record(status=VERIFIED))
    catalogue.set_default("org-1", "vault-1", version=0)
    catalogue.set_override("org-1", "bridge", "vault-1", version=0)
    catalogue.set_default("org-1", None, version=1)
    catalogue.set_override("org-1", "bridge", None, version=1)

    catalogue.remove_provider("org-1", "vault-1", version=kept.version)

    assert () == catalogue.providers("org-1")


def test_a_choice_holds_all_that_decides(catalogue: Catalogue, record: Make) -> None:
    first = catalogue.add_provider(record(id="a", label="a", status=VERIFIED, second=1))
    second = catalogue.add_provider(record(id="b", label="b", status=VERIFIED, second=2))
    catalogue.set_default("org-1", "a", version=0)
    catalogue.set_allowlist("org-1", ["pdf"], version=1)
    catalogue.set_override("org-1", "bridge", "b", version=0)

    with_project = catalogue.choice("org-1", "bridge")
    without = catalogue.choice("org-1", None)

    expected = Choice(providers=(first, second), default="a", default_chosen=True, override="b", allowlist=("pdf",))
    assert expected == with_project
    assert replace(with_project, override=None) == without == catalogue.choice("org-1", "tunnel")


def test_a_choice_holds_the_allowlist_of_an_organisation_without_providers(catalogue: Catalogue) -> None:
    catalogue.set_allowlist("org-1", ["pdf"], version=0)

    assert Choice(allowlist=("pdf",)) == catalogue.choice("org-1", "bridge")


def test_no_call_reaches_a_record_of_another_organisation(catalogue: Catalogue, record: Make) -> None:
    theirs = catalogue.add_provider(record(organisation="theirs", status=VERIFIED))
    catalogue.set_override("theirs", "bridge", theirs.id, version=0)

    for attempt in (
        lambda: catalogue.provider("ours", theirs.id),
        lambda: catalogue.replace_provider(replace(theirs, organisation="ours")),
        lambda: catalogue.remove_provider("ours", theirs.id, version=theirs.version),
        lambda: catalogue.set_default("ours", theirs.id, version=0),
        lambda: catalogue.set_override("ours", "bridge", theirs.id, version=0),
    ):
        with pytest.raises(RecordNotFoundError):
            attempt()

    assert () == catalogue.providers("ours")
    assert Choice() == catalogue.choice("ours", "bridge")
    assert () == catalogue.overrides("ours")
    assert (theirs,) == catalogue.providers("theirs")


def test_changing_what_was_returned_does_not_change_the_catalogue(catalogue: Catalogue, record: Make) -> None:
    settings: dict[str, list[str]] = {"names": ["a"]}
    catalogue.add_provider(replace(record(), settings=settings))

    settings["names"].append("b")
    found = catalogue.provider("org-1", "vault-1").settings["names"]
    assert isinstance(found, list)
    found.append("c")

    assert {"names": ["a"]} == catalogue.provider("org-1", "vault-1").settings


def test_resealing_with_nothing_to_do_changes_nothing(catalogue: Catalogue, record: Make) -> None:
    kept = catalogue.add_provider(replace(record(), secrets=SecretValues({"token": "example-token"})))

    assert 0 == catalogue.reseal()

    assert kept == catalogue.provider("org-1", "vault-1")


def test_closing_twice_is_harmless(catalogue: Catalogue) -> None:
    catalogue.close()
    catalogue.close()

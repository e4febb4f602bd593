"""Stored secrets stay with the address that they were entered for (issue 18, C2)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations import MemoryCatalogue, Organisations, ProviderRecord
from kazinex_storage.organisations.settings import canonical
from kazinex_storage.registry import ProviderKind, Registry

TENANT = "12345678-1234-1234-1234-123456789012"
KEYS = {"access_key_id": "0" * 32, "secret_access_key": "f" * 64}
SETTINGS: dict[str, dict[str, object]] = {
    "s3": {"bucket": "docs", "region": "eu-central-1", **KEYS, "session_token": "example-session"},
    "r2": {"bucket": "docs", "account_id": "a" * 32, **KEYS},
    "supabase": {
        "bucket": "docs",
        "project_ref": "abcdefghijklmnopqrst",
        "region": "eu-central-1",
        "service_key": "sb_secret_example",
        "access_key_id": "key",
        "secret_access_key": "example",
    },
    "azure_blob": {"account": "acme", "container": "docs", "tenant_id": TENANT, "client_id": "c", "client_secret": "s"},
    "sharepoint": {
        "tenant_id": TENANT,
        "client_id": f"9{TENANT[1:]}",
        "client_secret": "example-secret",
        "site_url": "https://contoso.sharepoint.com/sites/p",
    },
}
ADDRESSES = [
    ("s3", {"endpoint_url": "https://evil.example"}),
    ("s3", {"region": "us-east-1"}),
    ("s3", {"addressing": "path"}),
    ("s3", {"ca_file": "/tmp/ca.pem"}),
    ("r2", {"ca_file": "/tmp/ca.pem"}),
    ("supabase", {"ca_file": "/tmp/ca.pem"}),
    ("r2", {"account_id": "b" * 32}),
    ("r2", {"jurisdiction": "eu"}),
    ("r2", {"endpoint_url": "https://evil.example"}),
    ("supabase", {"endpoint_url": "https://evil.example/storage/v1/s3"}),
    ("supabase", {"project_ref": "zyxwvutsrqponmlkjihg"}),
    ("azure_blob", {"account": "other"}),
    ("azure_blob", {"endpoint_url": "https://evil.example"}),
    ("azure_blob", {"login_url": "https://evil.example"}),
    ("azure_blob", {"tenant_id": f"2{TENANT[1:]}"}),
    ("azure_blob", {"ca_file": "/tmp/ca.pem"}),
    ("sharepoint", {"login_url": "https://evil.example"}),
    ("sharepoint", {"graph_url": "https://evil.example/v1.0"}),
    ("sharepoint", {"site_url": "https://evil.sharepoint.com/sites/p"}),
    ("sharepoint", {"tenant_id": f"2{TENANT[1:]}"}),
    ("sharepoint", {"ca_file": "/tmp/ca.pem"}),
]
HARMLESS = [
    ("s3", {"prefix": "a", "bucket": "other", "max_file_size": 5}),
    ("r2", {"prefix": "a", "bucket": "other", "browser_origin": "https://app.example.com"}),
    ("supabase", {"prefix": "a", "bucket": "other", "region": "us-east-1"}),
    ("azure_blob", {"prefix": "a", "container": "other", "body_checksum": "md5"}),
    ("sharepoint", {"library": "Plans", "root_folder": "a", "permanent_delete": True, "cloud": "global"}),
]


@pytest.fixture
def organisations() -> Organisations:
    return Organisations(MemoryCatalogue())


def added(organisations: Organisations, kind: str) -> ProviderRecord:
    return organisations.add_provider("acme", kind, "a", SETTINGS[kind])


@pytest.mark.parametrize(("kind", "change"), ADDRESSES, ids=lambda value: str(value)[:40])
def test_stored_secrets_do_not_follow_a_change_of_the_address(
    organisations: Organisations, kind: str, change: dict[str, object]
) -> None:
    before = added(organisations, kind)
    (field,) = change

    with pytest.raises(SettingsError, match=field) as caught:
        organisations.update_provider("acme", "a", settings=change)

    assert all(name in str(caught.value) for name in before.secrets.names)
    assert before == organisations.find("acme", "a")


@pytest.mark.parametrize(("kind", "change"), ADDRESSES, ids=lambda value: str(value)[:40])
def test_with_the_secrets_entered_again_the_address_changes(
    organisations: Organisations, kind: str, change: dict[str, object]
) -> None:
    before = added(organisations, kind)
    again = {name: SETTINGS[kind][name] for name in before.secrets.names}

    after = organisations.update_provider("acme", "a", settings={**again, **change})

    assert before.settings_version + 1 == after.settings_version


def test_one_secret_that_is_not_entered_again_is_enough_to_refuse(organisations: Organisations) -> None:
    added(organisations, "supabase")

    with pytest.raises(SettingsError, match="or new ones: service_key"):
        organisations.update_provider(
            "acme", "a", settings={"project_ref": "zyxwvutsrqponmlkjihg", "secret_access_key": "again"}
        )


def test_a_secret_that_is_removed_is_not_sent_anywhere(organisations: Organisations) -> None:
    added(organisations, "supabase")
    change = {"project_ref": "zyxwvutsrqponmlkjihg", "secret_access_key": "again", "service_key": None}

    assert ("secret_access_key",) == organisations.update_provider("acme", "a", settings=change).secrets.names


@pytest.mark.parametrize(("kind", "change"), HARMLESS, ids=lambda value: str(value)[:40])
def test_what_says_nothing_of_the_address_changes_alone(
    organisations: Organisations, kind: str, change: dict[str, object]
) -> None:
    before = added(organisations, kind)

    after = organisations.update_provider("acme", "a", settings=change)

    assert before.secrets.reveal() == after.secrets.reveal()


def test_of_a_kind_that_calls_nothing_harmless_every_field_is_an_address() -> None:
    """A third party that forgets to say so is safe."""
    known = Registry(entry_points=False)
    kind = ProviderKind(
        kind="vault",
        title="Vault",
        settings="kazinex_storage.providers.s3:S3Settings",
        factory="kazinex_storage.providers.s3.provider:open_s3",
    )
    known.register(kind)
    organisations = Organisations(MemoryCatalogue(), known)
    organisations.add_provider("acme", "vault", "a", SETTINGS["s3"])

    with pytest.raises(SettingsError, match="prefix may decide where secrets are sent"):
        organisations.update_provider("acme", "a", settings={"prefix": "a"})

    organisations = Organisations(MemoryCatalogue(), Registry(replace(kind, harmless=frozenset({"prefix"}))))
    organisations.add_provider("acme", "vault", "a", SETTINGS["s3"])
    assert "a/" == organisations.update_provider("acme", "a", settings={"prefix": "a"}).settings["prefix"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_settings_are_the_same_text_before_and_after_they_were_stored(settings: dict[str, object]) -> None:
    stored = json.loads(json.dumps(settings))

    assert canonical("s3", settings) == canonical("s3", stored)  # type: ignore[arg-type]
    assert canonical("s3", settings) == canonical("s3", dict(reversed(settings.items())))  # type: ignore[arg-type]

"""Settings split into what is shown and what is sealed, and put together again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations.settings import covers, merge, overlay, split

if TYPE_CHECKING:
    from tests.organisations.plugins.vault_provider import VaultSettings
else:
    from vault_provider import VaultSettings  # conftest.py makes it importable, as an installed plugin would be

names = st.text(min_size=1, max_size=8)
texts = st.text(max_size=20)
marked = texts.map(lambda text: f"secret!{text}")

settings = st.fixed_dictionaries(
    {"bucket": st.just("plans"), "token": marked},
    optional={
        "region": texts,
        "retries": st.integers(-(2**53), 2**53),
        "auth": st.one_of(st.none(), st.fixed_dictionaries({"tenant": texts, "client_secret": marked})),
        "keys": st.lists(marked, max_size=4),
        "headers": st.dictionaries(names, marked, max_size=4),
    },
)


@given(settings)
def test_the_halves_make_the_whole_again(given_settings: dict[str, object]) -> None:
    model = VaultSettings.model_validate(given_settings)

    public, secrets = split(model)

    assert given_settings == merge(json.loads(json.dumps(public)), secrets)


@given(settings)
def test_the_public_half_holds_no_secret(given_settings: dict[str, object]) -> None:
    public, _ = split(VaultSettings.model_validate(given_settings))

    assert "secret!" not in json.dumps(public)
    assert "***" not in json.dumps(public)


def test_secrets_are_named_by_where_they_stand() -> None:
    model = VaultSettings.model_validate(
        {
            "bucket": "plans",
            "token": "t",
            "auth": {"tenant": "acme", "client_secret": "c"},
            "keys": ["k0", "k1"],
            "headers": {"x/y~z": "h"},
        }
    )

    public, secrets = split(model)

    assert {"token": "t", "auth/client_secret": "c", "keys/0": "k0", "keys/1": "k1", "headers/x~1y~0z": "h"} == secrets
    assert {"bucket": "plans", "auth": {"tenant": "acme"}, "keys": [None, None], "headers": {}} == public


def test_defaults_are_not_stored() -> None:
    """A later release may change one; what nobody set should follow."""
    public, _ = split(VaultSettings.model_validate({"bucket": "plans", "token": "t"}))

    assert {"bucket": "plans"} == public


def test_a_secret_of_another_type_is_refused() -> None:
    class Bytes(BaseModel):
        token: SecretBytes

    class Set(BaseModel):
        tokens: set[SecretStr]

    for model in (Bytes(token=SecretBytes(b"x")), Set(tokens={SecretStr("x")})):
        with pytest.raises(SettingsError, match=r"'tokens?' is neither a SecretStr nor a list of them"):
            split(model)


def test_changes_are_laid_over_what_there_is() -> None:
    before = {"bucket": "plans", "region": "eu", "auth": {"tenant": "acme", "client_secret": "old"}, "keys": ["a"]}

    after = overlay(before, {"region": None, "auth": {"client_secret": "new"}, "keys": ["b", "c"], "retries": 5})

    expected = {
        "bucket": "plans",
        "auth": {"tenant": "acme", "client_secret": "new"},
        "keys": ["b", "c"],
        "retries": 5,
    }
    assert expected == after
    assert "eu" == before["region"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"auth": {"client_secret": "new"}}, True),
        ({"auth": None}, True),
        ({"auth": {"tenant": "acme"}}, False),
        ({"token": "new"}, False),
        ({}, False),
    ],
    ids=["given", "removed", "beside", "another", "nothing"],
)
def test_changes_cover_a_secret_when_they_give_or_remove_it(changes: dict[str, object], expected: bool) -> None:
    assert expected is covers(changes, "auth/client_secret")

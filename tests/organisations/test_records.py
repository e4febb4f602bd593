"""Records and the secrets in them: what shows and what does not."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime

import pytest

from kazinex_storage.errors import SettingsError
from kazinex_storage.organisations import ProviderRecord, SecretValues

Make = Callable[..., ProviderRecord]
SECRET = "example-secret-not-real"  # noqa: S105  # it says so itself


@pytest.fixture
def secretive(record: Make) -> ProviderRecord:
    return replace(record(), secrets=SecretValues({"token": SECRET}))


def test_secrets_are_shown_to_who_asks_for_them(secretive: ProviderRecord) -> None:
    assert {"token": SECRET} == secretive.secrets.reveal()


def test_no_text_made_of_a_record_shows_a_secret(secretive: ProviderRecord, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r", secretive, secretive.secrets)

    for text in (repr(secretive), str(secretive), f"{secretive.secrets}", json.dumps(secretive.public()), caplog.text):
        assert SECRET not in text
    assert "SecretValues(token=***)" in repr(secretive)
    assert ["token"] == secretive.public()["secrets"]


def test_json_refuses_secrets(secretive: ProviderRecord) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(secretive.secrets)


def test_a_pickle_leaves_the_secrets_behind(secretive: ProviderRecord) -> None:
    pickled = pickle.dumps(secretive)

    loaded: ProviderRecord = pickle.loads(pickled)  # noqa: S301  # made above

    assert SECRET.encode() not in pickled
    assert secretive == loaded
    assert ("token",) == loaded.secrets.names
    with pytest.raises(SettingsError, match="a pickle carries no secrets; read the record from the catalogue"):
        loaded.secrets.reveal()


def test_a_pickle_of_no_secrets_has_none_to_miss(record: Make) -> None:
    loaded: ProviderRecord = pickle.loads(pickle.dumps(record()))  # noqa: S301  # made here

    assert {} == loaded.secrets.reveal()


def test_copies_share_the_holder(secretive: ProviderRecord) -> None:
    holder = secretive.secrets

    assert holder is copy.copy(holder) is copy.deepcopy(holder) is copy.deepcopy(secretive).secrets
    assert holder is asdict(secretive)["secrets"]


def test_what_was_revealed_is_not_what_is_held() -> None:
    given = {"token": SECRET}
    secrets = SecretValues(given)

    given.clear()
    secrets.reveal().clear()

    assert {"token": SECRET} == secrets.reveal()


def test_secrets_are_true_when_there_are_any() -> None:
    assert SecretValues({"token": ""})
    assert not SecretValues()


def test_a_time_without_a_zone_is_refused(record: Make) -> None:
    with pytest.raises(ValueError, match="created_at has no zone"):
        replace(record(), created_at=datetime(2026, 1, 1))

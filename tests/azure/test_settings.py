"""Settings of the kind azure_blob: one credential, and no secret in what is said of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kazinex_storage.providers.azure_blob import AzureBlobSettings
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, SasToken

CLIENT = "aaaaaaaa-0000-4000-8000-000000000000"
KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
SAS = "sv=2021-12-02&sp=rl&sig=c2VjcmV0LXNlY3JldC1zZWNyZXQ%3D"


def settings_of(**given: str | None) -> AzureBlobSettings:
    return AzureBlobSettings.model_validate({"account": "acme", "container": "docs", **given})


def test_account_and_key_reach_the_public_cloud() -> None:
    target = settings_of(account_key=KEY, prefix="plans").target()

    assert "https://acme.blob.core.windows.net/docs" == target.base_url
    assert AccountKey(key=KEY) == target.credential
    assert "acme/docs/plans" == target.location


def test_a_connection_string_says_all() -> None:
    line = f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn"

    target = settings_of(account=None, connection_string=line).target()

    assert "https://acme.blob.core.chinacloudapi.cn/docs" == target.base_url
    assert AccountKey(key=KEY) == target.credential


def test_a_signature_may_begin_with_a_question_mark() -> None:
    target = settings_of(sas_token=f"?{SAS}").target()

    assert SasToken(token=SAS) == target.credential


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "account_key"),
        ({"account_key": KEY, "sas_token": SAS}, "sas_token"),
        ({"account_key": "no base64!"}, "account_key"),
        ({"sas_token": "sv=1"}, "sas_token"),
        ({"connection_string": "AccountName=acme"}, "connection_string"),
        ({"connection_string": f"AccountName=other;AccountKey={KEY}"}, "account"),
        ({"connection_string": f"AccountKey={KEY};BlobEndpoint=https://u:p@h"}, "connection_string"),
        ({"connection_string": f"AccountKey={KEY};EndpointSuffix=x/@127.0.0.1"}, "connection_string"),
        ({"connection_string": f"AccountKey={KEY};EndpointSuffix=x@127.0.0.1"}, "connection_string"),
        ({"connection_string": f"AccountKey={KEY};EndpointSuffix=x?"}, "connection_string"),
        ({"connection_string": f"AccountKey={KEY};DefaultEndpointsProtocol=https://127.0.0.1/x"}, "connection_string"),
        ({"client_secret": "s", "client_id": "c"}, "tenant_id"),
        ({"client_secret": "s", "tenant_id": "t"}, "client_id"),
        ({"tenant_id": "t", "account_key": KEY}, "client_secret"),
        ({"private_key": "p", "tenant_id": "t", "client_id": "c"}, "certificate"),
        ({"client_secret": "s", "tenant_id": "t", "client_id": "c", "login_url": "http://login.example"}, "login_url"),
        ({"identity": "managed", "account_key": KEY}, "identity"),
        ({"account_key": KEY, "container": "UPPER"}, "container"),
        ({"account_key": KEY, "container": "$web"}, "container"),
        ({"account_key": KEY, "account": "a.evil.example/"}, "account"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_by_its_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of(**given)

    assert [(field,)] == [problem["loc"] for problem in caught.value.errors()]


def test_no_secret_stands_in_a_repr() -> None:
    settings = settings_of(account_key=KEY)

    assert KEY not in repr(settings) + repr(settings.target()) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ({"account_key": KEY}, KEY),
        ({"sas_token": SAS}, SAS),
        ({"client_secret": "example~secret", "client_id": CLIENT, "tenant_id": CLIENT}, "example~secret"),
        ({"identity": "managed"}, None),
    ],
    ids=["key", "signature", "app", "machine"],
)
def test_upload_states_are_sealed_by_what_opens_the_container(given: dict[str, str], secret: str | None) -> None:
    """The identity of a machine has nothing that lasts: its storages are given a key, or seal for one process."""
    provider = AzureBlobProvider(settings_of(**given).target())

    assert (None if secret is None else secret.encode()) == provider.state_secret()

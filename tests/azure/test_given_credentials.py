"""Signatures and tokens from a function of the caller's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import generate_container_sas

from kazinex_storage import NotSupportedError, SettingsError, Storage, StorageError
from kazinex_storage.providers.azure_blob.provider import open_azure_blob
from kazinex_storage.providers.settings.given import AccessToken
from kazinex_storage.testing.servers import AzuriteServer


def fields(server: AzuriteServer) -> dict[str, object]:
    return {
        "account": server.account,
        "container": server.make_container(),
        "endpoint_url": server.account_url,
    }


def test_signatures_come_from_the_function_once_a_minute(azurite_server: AzuriteServer) -> None:
    given = fields(azurite_server)
    good = generate_container_sas(
        azurite_server.account,
        str(given["container"]),
        account_key=azurite_server.account_key,
        permission="racwdl",
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    asked: list[str] = []

    def fetch() -> str:
        asked.append("asked")
        return f"?{good}"

    with Storage(open_azure_blob(given, sas=fetch)) as storage:
        stored = storage.put("a", b"1")
        found = storage.get_bytes("a")

        assert (1, b"1", 1) == (stored.size, found, len(asked))
        with pytest.raises(NotSupportedError, match="cannot sign"):
            storage.presign("a")


def test_tokens_come_from_the_function_and_a_refused_one_is_asked_for_again(azurite_server: AzuriteServer) -> None:
    """Azurite takes tokens over TLS alone, so what is proved here is who is asked, and when."""
    asked: list[str] = []

    def fetch() -> AccessToken:
        asked.append("asked")
        return AccessToken(token="example-not-real", expires_at=datetime.now(UTC) + timedelta(hours=1))  # noqa: S106

    with Storage(open_azure_blob(fields(azurite_server), credentials=fetch)) as storage, pytest.raises(StorageError):
        storage.put("a", b"1")

    assert asked


def test_one_function_is_given(azurite_server: AzuriteServer) -> None:
    def none() -> str:
        return ""

    def token() -> AccessToken:
        return AccessToken(token="", expires_at=datetime.now(UTC))

    with pytest.raises(SettingsError, match="give a function for tokens, or one for signatures"):
        open_azure_blob(fields(azurite_server), sas=none, credentials=token)

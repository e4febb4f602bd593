"""Identities of Microsoft Entra: real msal, an emulated token endpoint, and Azurite over TLS, which gives them keys.

Azurite does not accept what the current azure-storage-blob signs with such a key; so what is proved here is that the
key is the one that the witness gets, and that signatures are minted from it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, generate_container_sas

from kazinex_storage import AccessDeniedError, AuthenticationError, PresignOptions, SettingsError, Storage, verify
from kazinex_storage.providers.azure_blob import AzureBlobSettings
from kazinex_storage.providers.azure_blob.delegation import key_request, parse_key
from kazinex_storage.providers.azure_blob.exchanges import AzureBlobProvider
from kazinex_storage.providers.azure_blob.managed import ManagedTokens
from kazinex_storage.providers.azure_blob.provider import open_azure_blob
from kazinex_storage.testing.emulators.graph import App, GraphEmulator, graph_emulator
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.testing.servers import AzuriteServer, azurite
from kazinex_storage.transport import Authorisation, Fixed, Observation, Transport, TransportSettings


@dataclass
class World:
    emulator: GraphEmulator
    app: App
    server: AzuriteServer
    authority: CertificateAuthority

    def settings(self, **given: object) -> AzureBlobSettings:
        return AzureBlobSettings.model_validate(
            {
                "account": self.server.account,
                "container": self.server.make_container(),
                "endpoint_url": self.server.account_url,
                "tenant_id": self.emulator.tenant,
                "client_id": self.app.client_id,
                "client_secret": "example-secret",
                "login_url": self.emulator.login_url,
                "ca_file": str(self.authority.ca_file),
                **given,
            }
        )

    def open(self, seen: list[Observation] | None = None, **given: object) -> Storage:
        trust = TransportSettings(proxy="", ca_file=str(self.authority.ca_file))
        transport = Transport(settings=trust, observe=seen.append if seen is not None else None)
        return Storage(open_azure_blob(self.settings(**given)), transport=transport)

    def witness(self) -> BlobServiceClient:
        """A client of azure-storage-blob with a token of the same app."""
        token = open_azure_blob(self.settings()).target.credential.tokens()  # type: ignore[union-attr]

        class Given:
            def get_token(self, *scopes: str, **options: object) -> AccessToken:
                return AccessToken(token, int(time.time()) + 600)

        transport = RequestsTransport(use_env_settings=False, connection_verify=str(self.authority.ca_file))
        return BlobServiceClient(self.server.account_url, credential=Given(), transport=transport)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with certificate_authority() as authority, graph_emulator(authority) as emulator, azurite(authority) as server:
        app = emulator.add_app(secret="example-secret")  # noqa: S106  # no real one
        yield World(emulator, app, server, authority)


def test_an_app_is_given_one_key_and_signs_with_it(world: World) -> None:
    seen: list[Observation] = []
    with closing(world.open(seen)) as storage:
        signing = AzureBlobProvider(world.settings().target())._signing
        first, second = (storage.transport.run(signing.fetch()).query for _ in range(2))
        key: Any = storage.transport.run(signing.key(timedelta(minutes=5)))

    assert first == second
    assert f"skoid={world.app.client_id}" in first
    assert "sr=c" in first
    assert ["sign"] == [observation.operation for observation in seen]
    moments = [datetime.fromisoformat(key.fields[name]) for name in ("signed_start", "signed_expiry")]
    with closing(world.witness()) as witness:
        theirs = witness.get_user_delegation_key(*moments)
    assert (theirs.value, theirs.signed_oid, theirs.signed_expiry) == (
        key.value,
        key.fields["signed_oid"],
        key.fields["signed_expiry"],
    )


def test_azurite_does_not_accept_signatures_of_user_delegation(world: World) -> None:
    """The current azure-storage-blob signs more fields than Azurite 3.35 knows; when this fails, prove more here."""
    with closing(world.witness()) as witness:
        now = datetime.now(UTC)
        key = witness.get_user_delegation_key(now - timedelta(minutes=5), now + timedelta(days=1))
        container = world.server.make_container()
        token = generate_container_sas(
            world.server.account,
            container,
            user_delegation_key=key,
            permission="racwdl",
            expiry=now + timedelta(hours=1),
        )
    given = dict.fromkeys(("tenant_id", "client_id", "client_secret"))
    with (
        closing(world.open(sas_token=token, container=container, **given)) as storage,
        pytest.raises(AccessDeniedError),
    ):
        storage.put("a", b"1")


def test_a_url_is_signed_for_others(world: World) -> None:
    with closing(world.open()) as storage:
        url = storage.presign("a", PresignOptions(expires_in=timedelta(days=6)))

    assert "skoid=" in url.url
    assert timedelta(days=5) < url.expires_at - datetime.now(UTC) <= timedelta(days=6)


def test_the_token_endpoint_is_trusted_as_the_transport_of_the_storage_trusts(world: World) -> None:
    with closing(world.open(ca_file=None)) as storage:
        assert "skoid=" in storage.presign("a").url


def test_a_wrong_secret_is_explained(world: World) -> None:
    with closing(world.open(client_secret="wrong-secret")) as storage:  # noqa: S106  # no real one
        report = verify(storage)

        assert not report.ok
        assert "client secret is wrong" in str(report.failure)
        with pytest.raises((AuthenticationError, SettingsError)) as caught:
            storage.put("a", b"1")
    assert "wrong-secret" not in str(caught.value)


def test_a_machine_without_an_identity_gets_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SettingsError, match="no workload identity"):
        ManagedTokens("workload")()


def test_a_key_is_asked_for_at_most_seven_days() -> None:
    auth = Fixed(Authorisation(headers=(("Authorization", "Bearer example-token"),)))
    request = key_request("https://acme.blob.core.windows.net", auth, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))

    assert "https://acme.blob.core.windows.net/?restype=service&comp=userdelegationkey" == request.url
    assert b"<Start>2026-01-02T02:49:00Z</Start><Expiry>2026-01-09T02:49:00Z</Expiry>" in bytes(request.body)  # type: ignore[arg-type]
    assert "example-token" not in repr(request)


@pytest.mark.parametrize("body", [b"<a/>", b"<UserDelegationKey><Value>x</Value></UserDelegationKey>", b"<html>"])
def test_what_is_no_key_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(Exception, match=r"Azure|no user delegation key"):
        parse_key(body)

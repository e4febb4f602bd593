"""Each key service wraps and unwraps, says whose key it was, and what is wrong; AWS by a server, the others strict."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from traceback import TracebackException
from typing import Any

import boto3
import hvac
import pytest

from kazinex_storage.errors import (
    AccessDeniedError,
    AuthenticationError,
    SealError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.organisations import KeyRing
from kazinex_storage.organisations.key_sources import (
    AwsKms,
    AzureKeyVault,
    KeySource,
    RingKeys,
    VaultTransit,
    open_key_source,
)
from kazinex_storage.testing.emulators.key_vault import KeyVaultEmulator, key_vault_emulator
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.testing.emulators.vault import TransitKey, VaultEmulator, vault_emulator
from kazinex_storage.testing.servers import S3Server

ROOT = bytes(range(32))


@dataclass(slots=True, kw_only=True)
class Service:
    """A key service of a test, and what its administrator does."""

    source: KeySource
    disable: Callable[[], object]
    rotates: Callable[[], object] | None = None


class GivenToken:
    """A credential as azure-core has it."""

    def __init__(self, emulator: KeyVaultEmulator) -> None:
        self._emulator = emulator

    def get_token(self, *scopes: str, **_: object) -> Any:
        from azure.core.credentials import AccessToken

        assert ("https://vault.azure.net/.default",) == scopes
        return AccessToken(self._emulator.token, 4_000_000_000)


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as found:
        yield found


@pytest.fixture(scope="module")
def key_vault(authority: CertificateAuthority) -> Iterator[KeyVaultEmulator]:
    with key_vault_emulator(authority) as emulator:
        yield emulator


@pytest.fixture
def vault() -> Iterator[VaultEmulator]:
    with vault_emulator() as emulator:
        yield emulator


def kms_client(server: S3Server) -> Any:
    return boto3.client(
        "kms",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
    )


@pytest.fixture
def aws(ministack_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ministack_server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ministack_server.secret_access_key)
    client = kms_client(ministack_server)
    key = client.create_key()["KeyMetadata"]["KeyId"]
    source = AwsKms(key, region=ministack_server.region, endpoint=ministack_server.endpoint_url)
    return Service(source=source, disable=lambda: client.disable_key(KeyId=key))


def azure_source(emulator: KeyVaultEmulator, authority: CertificateAuthority) -> AzureKeyVault:
    key = f"{emulator.address}/keys/kazinex"
    return AzureKeyVault(key, credential=GivenToken(emulator), ca_file=authority.ca_file, check_resource=False)


@pytest.fixture
def azure(key_vault: KeyVaultEmulator, authority: CertificateAuthority) -> Iterator[Service]:
    key = key_vault.keys["kazinex"]
    yield Service(
        source=azure_source(key_vault, authority), disable=lambda: setattr(key, "enabled", False), rotates=key.rotate
    )
    key.enabled = True


@pytest.fixture
def transit(vault: VaultEmulator) -> Service:
    source = VaultTransit(vault.address, "kazinex", token=lambda: vault.token)
    return Service(source=source, disable=vault.keys.clear, rotates=vault.keys["kazinex"].rotate)


@pytest.fixture(params=["aws", "azure", "transit"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    found: Service = request.getfixturevalue(request.param)
    yield found
    found.source.close()


def test_what_is_wrapped_opens_by_the_service_alone(service: Service) -> None:
    wrapped = service.source.wrap(ROOT, "acme")

    assert ROOT not in base64.b64decode(wrapped.text.split(":")[-1])
    assert ROOT == service.source.unwrap(wrapped, "acme")
    assert (wrapped.key, wrapped.version) == service.source.newest("acme")
    assert wrapped.source == service.source.kind


@pytest.mark.parametrize("named", ["aws", "transit"])
def test_a_service_that_authenticates_context_opens_it_for_no_other_organisation(
    named: str, request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(named).source
    wrapped = source.wrap(ROOT, "acme")

    with pytest.raises(SealError, match=r"another organisation"):
        source.unwrap(wrapped, "other")


@pytest.mark.parametrize("named", ["azure", "transit"])
def test_an_altered_wrap_is_refused(named: str, request: pytest.FixtureRequest) -> None:
    """Ministack does not authenticate what it wraps; what data keys are bound by is tested with them."""
    service: Service = request.getfixturevalue(named)
    wrapped = service.source.wrap(ROOT, "acme")
    *before, last = wrapped.text.split(":")
    blob = bytearray(base64.b64decode(last))
    blob[-1] ^= 1

    with pytest.raises(SealError, match=r"altered"):
        service.source.unwrap(replace(wrapped, text=":".join([*before, base64.b64encode(blob).decode()])), "acme")


def test_a_key_that_is_gone_or_disabled_is_told(service: Service) -> None:
    wrapped = service.source.wrap(ROOT, "acme")
    service.disable()

    with pytest.raises(SealError, match=r"disabled|not there"):
        service.source.unwrap(wrapped, "acme")


@pytest.mark.parametrize("named", ["azure", "transit"])
def test_a_key_that_was_rotated_goes_on_unwrapping(named: str, request: pytest.FixtureRequest) -> None:
    service: Service = request.getfixturevalue(named)
    before = service.source.wrap(ROOT, "acme")
    assert service.rotates is not None
    service.rotates()
    after = service.source.wrap(ROOT, "acme")

    assert before.version != after.version
    assert service.source.newest("acme") == (after.key, after.version)
    assert ROOT == service.source.unwrap(before, "acme") == service.source.unwrap(after, "acme")


def test_a_kms_that_does_not_know_the_credentials_says_so(aws: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLENOTREAL00")

    with pytest.raises((AuthenticationError, AccessDeniedError)):
        aws.source.wrap(ROOT, "acme")


@pytest.mark.parametrize("named", ["aws", "azure"])
def test_no_frame_of_an_error_holds_the_key(named: str, request: pytest.FixtureRequest) -> None:
    """SDKs keep requests in their frames, which tools that print local variables would show."""
    service: Service = request.getfixturevalue(named)
    wrapped = service.source.wrap(ROOT, "acme")
    service.disable()

    for ask in (lambda: service.source.wrap(ROOT, "acme"), lambda: service.source.unwrap(wrapped, "acme")):
        with pytest.raises(SealError, match="disabled") as caught:
            ask()
        shown = "".join(TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert base64.b64encode(ROOT).decode() not in shown


def test_a_vault_says_what_is_wrong(vault: VaultEmulator, transit: Service) -> None:
    wrapped = transit.source.wrap(ROOT, "acme")
    found: list[type[StorageError]] = []

    def ask() -> None:
        with pytest.raises(StorageError) as caught:
            transit.source.unwrap(wrapped, "acme")
        assert vault.token not in str(caught.value)
        found.append(caught.type)

    vault.denied.add("transit/decrypt/kazinex")
    ask()
    vault.denied.clear()
    vault.keys["kazinex"].rotate()
    vault.keys["kazinex"].min_decryption_version = 2
    ask()
    vault.sealed = True
    ask()
    vault.sealed = False
    stale = VaultTransit(vault.address, "kazinex", token=lambda: "hvs.example-not-real")
    with pytest.raises(AuthenticationError, match="not accepted"):
        stale.unwrap(wrapped, "acme")

    assert [AccessDeniedError, SealError, UnavailableError] == found


def test_the_emulator_of_vault_is_one_to_its_own_client(vault: VaultEmulator) -> None:
    client = hvac.Client(url=vault.address, token=vault.token)
    text = base64.b64encode(ROOT).decode()

    sealed = client.secrets.transit.encrypt_data("kazinex", plaintext=text)["data"]["ciphertext"]
    opened = client.secrets.transit.decrypt_data("kazinex", ciphertext=sealed)["data"]["plaintext"]
    read = client.secrets.transit.read_key("kazinex")["data"]

    assert (text, 1, "aes256-gcm96") == (opened, read["latest_version"], read["type"])


def test_a_key_vault_says_what_is_wrong(key_vault: KeyVaultEmulator, azure: Service) -> None:
    wrapped = azure.source.wrap(ROOT, "acme")

    key_vault.denied.add("unwrapkey")
    with pytest.raises(AccessDeniedError, match="allow get, wrapKey and unwrapKey"):
        azure.source.unwrap(wrapped, "acme")
    key_vault.denied.clear()
    with pytest.raises(SealError, match="not there"):
        azure.source.unwrap(replace(wrapped, version="0" * 32), "acme")


def test_each_organisation_may_have_a_key_of_its_own(vault: VaultEmulator) -> None:
    vault.keys |= {"kazinex-acme": TransitKey(), "kazinex-other": TransitKey()}
    source = VaultTransit(vault.address, "kazinex-{organisation}", token=lambda: vault.token)

    wrapped = source.wrap(ROOT, "acme")
    del vault.keys["kazinex-other"]

    assert ("kazinex-acme", ROOT) == (wrapped.key, source.unwrap(wrapped, "acme"))
    with pytest.raises(SealError):
        source.wrap(ROOT, "other")


def test_text_names_a_key_source() -> None:
    ring = KeyRing.generate()
    texts = [
        "aws-kms:alias/kazinex?region=eu-central-1",
        "azure-key-vault:https://example.vault.azure.net/keys/kazinex",
        "vault:https://vault.example.com:8200/team/transit/kazinex?token_file=/run/token",
        "ring:",
    ]

    assert [AwsKms, AzureKeyVault, VaultTransit, RingKeys] == [type(open_key_source(text, ring)) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "gcp-kms:key",
        "aws-kms:",
        "aws-kms:alias/kazinex?token=x",
        "vault:http://vault.example.com:8200/transit/kazinex?token_file=/run/token",
        "vault:https://vault.example.com:8200/kazinex?token_file=/run/token",
        "vault:https://vault.example.com:8200/transit/kazinex",
        "azure-key-vault:https://example.vault.azure.net/secrets/kazinex",
        "ring:",
    ],
)
def test_what_names_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        open_key_source(text)

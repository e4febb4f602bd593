"""What holds secrets or connections stays in its process: no pickle has a secret, and the refusal says what to do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from kazinex_storage import AsyncStorage, DocumentStore, PresignedUrl, Resolver, Storage, Transport
from kazinex_storage.organisations import KeyFile, MemoryCatalogue, Organisations
from kazinex_storage.providers.azure_blob import AzureBlobSettings, open_azure_blob
from kazinex_storage.providers.azure_blob.target import AccountKey, DelegatedKey, SasToken
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3 import R2Settings, S3Settings, SupabaseSettings, open_r2, open_s3, open_supabase
from kazinex_storage.providers.s3.target import Credentials
from kazinex_storage.providers.settings.entra import AppIdentity, MemoryTokenStore, Tokens
from kazinex_storage.providers.sharepoint import SharePointSettings, open_sharepoint
from kazinex_storage.transport import Request, Response, SigV4, TransportSettings
from kazinex_storage.verbs import AnyProvider

SECRET = "ab" * 32
KEY = "YWJh" * 21 + "YQ=="

S3 = S3Settings(bucket="docs", region="eu-central-1", access_key_id="AK", secret_access_key=SecretStr(SECRET))
R2 = R2Settings(account_id="0" * 32, bucket="docs", access_key_id="1" * 32, secret_access_key=SecretStr(SECRET))
SUPABASE = SupabaseSettings(
    project_ref="abcdefghijklmnopqrst",
    bucket="docs",
    region="eu-central-1",
    access_key_id="1" * 32,
    secret_access_key=SecretStr(SECRET),
)
AZURE = AzureBlobSettings(account="plans", container="docs", account_key=SecretStr(KEY))
SHAREPOINT = SharePointSettings(
    tenant_id="contoso.example",
    client_id="00000000-0000-0000-0000-000000000001",
    client_secret=SecretStr(SECRET),
    site_url="https://contoso.sharepoint.com/sites/a",
)
SETTINGS: tuple[BaseModel, ...] = (S3, R2, SUPABASE, AZURE, SHAREPOINT)

PROVIDERS: dict[str, Callable[[], AnyProvider]] = {
    "s3": lambda: open_s3(S3),
    "r2": lambda: open_r2(R2),
    "supabase": lambda: open_supabase(SUPABASE),
    "azure": lambda: open_azure_blob(AZURE),
    "sharepoint": lambda: open_sharepoint(SHAREPOINT),
    "local": lambda: LocalProvider(LocalSettings(root=Path("/tmp"))),
    "memory": MemoryProvider,
}
APP = AppIdentity(login_url="https://l", tenant_id="t", client_id="c", scope="s", secret=SECRET)
MOMENT = datetime(2026, 8, 1, tzinfo=UTC)
URL = PresignedUrl(method="GET", url=f"https://h/k?sig={SECRET}", expires_at=MOMENT)

VALUES: dict[str, Callable[[], object]] = {
    "s3 credentials": lambda: Credentials(access_key_id="AK", secret_access_key=SECRET),
    "s3 target": S3.target,
    "r2 target": R2.target,
    "supabase target": SUPABASE.target,
    "azure target": AZURE.target,
    "sharepoint target": SHAREPOINT.target,
    "account key": lambda: AccountKey(key=KEY),
    "sas": lambda: SasToken(token=f"sig={SECRET}"),
    "delegated key": lambda: DelegatedKey(fields={}, value=KEY, expires_at=MOMENT),
    "app": lambda: APP,
    "tokens": lambda: Tokens(APP, MemoryTokenStore(SECRET)),
    "refresh token": lambda: MemoryTokenStore(SECRET),
    "signing": lambda: SigV4(access_key_id="AK", secret_access_key=SECRET, region="r"),
    "request": lambda: Request(method="GET", url=f"https://h/k?sig={SECRET}"),
    "response": lambda: Response(status=200, headers={"location": SECRET}),
    "signed url": lambda: URL,
    "signed urls in a list": lambda: [URL],
    "transport": Transport,
    "proxy": lambda: TransportSettings(proxy=f"http://user:{SECRET}@proxy:3128"),
    "key file": lambda: KeyFile(Path("/tmp/nowhere.key")),
    "organisations": lambda: Organisations(MemoryCatalogue()),
    "resolver": lambda: Resolver(Organisations(MemoryCatalogue())),
    "documents": lambda: DocumentStore(Resolver(Organisations(MemoryCatalogue()))),
}


def refused(value: object) -> str:
    """Return why *value* is not pickled, whatever the protocol."""
    told = set()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled; ") as caught:
            pickle.dumps(value, protocol)
        told.add(str(caught.value))
    (text,) = told
    assert SECRET not in text
    assert KEY not in text
    return text


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: type(settings).__name__)
def test_settings_with_a_secret_are_not_pickled_and_the_error_names_it(settings: BaseModel) -> None:
    text = refused(settings)

    assert type(settings).__name__ in text
    assert "account_key" in text or "client_secret" in text or "secret_access_key" in text
    assert "environment" in text
    refused({"settings": [settings]})


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: type(settings).__name__)
def test_settings_are_copied_within_the_process(settings: BaseModel) -> None:
    assert settings == copy.copy(settings) == copy.deepcopy(settings) == settings.model_copy()


def test_settings_without_a_secret_are_pickled() -> None:
    for settings in (
        S3Settings(bucket="docs", region="eu-central-1", profile="plans"),
        AzureBlobSettings(account="plans", container="docs", identity="managed"),
        LocalSettings(root=Path("/tmp")),
        TransportSettings(proxy="http://proxy:3128", user_agent="plans/1.0"),
    ):
        assert settings == pickle.loads(pickle.dumps(settings))  # noqa: S301  # made on this line


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES.keys())
def test_what_holds_secrets_or_connections_is_not_pickled(make: Callable[[], object]) -> None:
    refused(make())


@pytest.mark.parametrize("make", PROVIDERS.values(), ids=PROVIDERS.keys())
def test_a_storage_is_not_pickled_and_the_error_says_what_to_send_instead(make: Callable[[], AnyProvider]) -> None:
    provider = make()
    with Storage(provider) as storage:
        for value in (storage, storage.scoped("plans"), AsyncStorage(storage)):
            text = refused(value)

            assert "Storage" in text
            assert "file system" in text
        if not isinstance(provider, LocalProvider | MemoryProvider):
            refused(provider)


@pytest.mark.parametrize("text", ["a\r\nX-Forged: 1", "a\n", "a\x00b", "a\x1bb", "", " a", "ä", "a\u2028b"])
def test_a_user_agent_that_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="user_agent is no text for a header") as caught:
        TransportSettings(user_agent=text)

    assert "Forged" not in str(caught.value)

"""``kazinex+azure://``: fsspec's own suites, and what is peculiar to containers."""

from __future__ import annotations

import importlib
import pickle
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

from kazinex_storage.errors import InvalidUrlError, NotFoundError, NotSupportedError, SettingsError, UnavailableError
from kazinex_storage.fs import AzureFileSystem
from kazinex_storage.testing.servers import AzuriteServer

# Untyped.
pandas: Any = importlib.import_module("pandas")
suites: Any = importlib.import_module("fsspec.tests.abstract")


def options_of(server: AzuriteServer) -> dict[str, Any]:
    return {"account": server.account, "account_key": server.account_key, "endpoint_url": server.account_url}


@pytest.fixture
def fs(azurite_server: AzuriteServer) -> AzureFileSystem:
    return AzureFileSystem(**options_of(azurite_server))


@pytest.fixture
def base(shared_witness: ContainerClient) -> str:
    """A folder that no other test uses."""
    return f"{shared_witness.container_name}/{secrets.token_hex(4)}"


class Fixtures(suites.AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture
    def fs(self, fs: AzureFileSystem) -> AzureFileSystem:
        return fs

    @pytest.fixture
    def fs_path(self, base: str) -> str:
        return base

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Fixtures, suites.AbstractCopyTests):  # type: ignore[misc]
    pass


class TestGet(Fixtures, suites.AbstractGetTests):  # type: ignore[misc]
    pass


class TestPut(Fixtures, suites.AbstractPutTests):  # type: ignore[misc]
    pass


class TestOpen(Fixtures, suites.AbstractOpenTests):  # type: ignore[misc]
    pass


class TestPipe(Fixtures, suites.AbstractPipeTests):  # type: ignore[misc]
    pass


def test_a_url_begins_with_the_container(
    azurite_server: AzuriteServer, shared_witness: ContainerClient, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in options_of(azurite_server).items():
        monkeypatch.setenv(f"KAZINEX_STORAGE_AZURE_BLOB_{name.upper()}", value)

    with fsspec.open(f"kazinex+azure://{base}/Plan Müller #1.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")

    name = f"{base.partition('/')[2]}/Plan Müller #1.csv"
    assert b"a,b\n1,2\n" == shared_witness.download_blob(name).readall()
    assert [[1, 2]] == pandas.read_csv(f"kazinex+azure://{base}/Plan Müller #1.csv").to_numpy().tolist()


def test_files_that_others_wrote_are_found(fs: AzureFileSystem, shared_witness: ContainerClient, base: str) -> None:
    shared_witness.upload_blob(f"{base.partition('/')[2]}/a/b.txt", b"12345")

    assert [f"{base}/a/b.txt"] == fs.find(f"kazinex+azure://{base}")
    assert 5 == fs.size(f"{base}/a/b.txt")


@pytest.mark.parametrize("url", ["kazinex+azure://u@docs/a", "kazinex+azure://docs/../other/a", "kazinex+azure:///a"])
def test_urls_that_name_no_object_are_refused(fs: AzureFileSystem, url: str) -> None:
    with pytest.raises(InvalidUrlError):
        fs.cat_file(url)


def test_containers_are_not_listed(fs: AzureFileSystem) -> None:
    with pytest.raises(NotSupportedError):
        fs.ls("kazinex+azure://")


def test_a_missing_container_is_named_as_such(fs: AzureFileSystem) -> None:
    with pytest.raises(SettingsError, match="container"):
        fs.pipe_file(f"missing-{secrets.token_hex(4)}/a", b"1")


def test_a_missing_object_is_not_found(fs: AzureFileSystem, base: str) -> None:
    with pytest.raises(NotFoundError):
        fs.cat_file(f"{base}/missing")


@pytest.mark.parametrize(
    "secret",
    [{"account_key": "ZXhhbXBsZQ=="}, {"tenant_id": "t", "client_id": "c", "client_secret": "example-client-secret"}],
    ids=["key", "app"],
)
def test_no_secret_leaves_with_a_file_system(secret: dict[str, Any]) -> None:
    fs = AzureFileSystem(account="acme", **secret)

    value = list(secret.values())[-1]
    assert value.encode() not in pickle.dumps(fs)
    assert value not in repr(fs)


def test_who_may_only_write_can_store_files(
    azurite_server: AzuriteServer, shared_witness: ContainerClient, base: str, tmp_path: Path
) -> None:
    sas = generate_container_sas(
        azurite_server.account,
        base.partition("/")[0],
        account_key=azurite_server.account_key,
        permission=ContainerSasPermissions(create=True, write=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    fs = AzureFileSystem(account=azurite_server.account, endpoint_url=azurite_server.account_url, sas_token=sas)
    (tmp_path / "a.txt").write_bytes(b"hello")

    fs.put(str(tmp_path / "a.txt"), f"{base}/put")
    fs.put([str(tmp_path / "a.txt")], f"{base}/list/")
    with fs.open(f"{base}/created", "xb") as file:
        file.write(b"hello")
    # Refused by the service; whose object stands there cannot be looked up.
    with pytest.raises(UnavailableError, match="could not be told"), fs.open(f"{base}/created", "xb") as file:
        file.write(b"again")

    folder = base.partition("/")[2]
    assert [b"hello"] * 3 == [
        shared_witness.download_blob(f"{folder}/{name}").readall() for name in ("put", "list/a.txt", "created")
    ]

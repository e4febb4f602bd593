"""Other tools with our options on the same container: the witness reads what each writes, and each reads ours."""

from __future__ import annotations

import importlib
import re
import subprocess
import sysconfig
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import duckdb
import obstore
import pytest
from azure.storage.blob import ContainerClient
from obstore.store import AzureStore

from kazinex_storage import SettingsError
from kazinex_storage.providers.azure_blob import AzureBlobSettings
from kazinex_storage.testing.servers import AzuriteServer

# Untyped.
adlfs: Any = importlib.import_module("adlfs")
duckdb_extension_azure: Any = importlib.import_module("duckdb_extension_azure")

PREFIX = "live/export"
SCRIPTS = Path(sysconfig.get_path("scripts"))
BODY = bytes(range(256)) * 50_000  # 12.8 MB
APP = {"tenant_id": "contoso.example", "client_id": "00000000-0000-4000-8000-000000000000"}


class Tool(Protocol):
    def write(self, key: str, data: bytes) -> None: ...

    def read(self, key: str) -> bytes: ...


class Sdk:
    def __init__(self, settings: AzureBlobSettings, folder: Path) -> None:
        self._client = ContainerClient(**settings.export("azure-storage-blob"))  # type: ignore[arg-type]

    def write(self, key: str, data: bytes) -> None:
        with closing(self._client) as client:
            client.upload_blob(f"{PREFIX}/{key}", data)

    def read(self, key: str) -> bytes:
        with closing(self._client) as client:
            return client.download_blob(f"{PREFIX}/{key}").readall()


class Adlfs:
    def __init__(self, settings: AzureBlobSettings, folder: Path) -> None:
        self._fs = adlfs.AzureBlobFileSystem(skip_instance_cache=True, **settings.export("adlfs"))
        self._base = f"{settings.container}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        self._fs.pipe_file(f"{self._base}/{key}", data)

    def read(self, key: str) -> bytes:
        data: bytes = self._fs.cat_file(f"{self._base}/{key}")
        return data


class Obstore:
    def __init__(self, settings: AzureBlobSettings, folder: Path) -> None:
        options: dict[str, Any] = settings.export("obstore")
        self._store = AzureStore(**options)

    def write(self, key: str, data: bytes) -> None:
        obstore.put(self._store, key, data)

    def read(self, key: str) -> bytes:
        return bytes(obstore.get(self._store, key).bytes())


class Rclone:
    def __init__(self, settings: AzureBlobSettings, folder: Path) -> None:
        self._config = folder / "rclone.conf"
        self._config.write_text(settings.export("rclone", name="site"), encoding="utf-8")
        self._file = folder / "file"
        self._base = f"site:{settings.container}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        self._file.write_bytes(data)
        self._run("copyto", str(self._file), f"{self._base}/{key}")

    def read(self, key: str) -> bytes:
        return self._run("cat", f"{self._base}/{key}")

    def _run(self, *arguments: str) -> bytes:
        command = [str(SCRIPTS / "rclone"), "--config", str(self._config), *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout


TOOLS: dict[str, Callable[[AzureBlobSettings, Path], Tool]] = {
    "azure-storage-blob": Sdk,
    "adlfs": Adlfs,
    "obstore": Obstore,
    "rclone": Rclone,
}


def settings_of(server: AzuriteServer, container: str) -> AzureBlobSettings:
    return AzureBlobSettings.model_validate(
        {
            "account": server.account,
            "account_key": server.account_key,
            "endpoint_url": server.account_url,
            "container": container,
            "prefix": PREFIX,
        }
    )


@pytest.fixture
def settings(azurite_server: AzuriteServer, shared_witness: ContainerClient) -> AzureBlobSettings:
    return settings_of(azurite_server, shared_witness.container_name)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # adlfs does
@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_reads_and_writes_the_same_container(
    tool: str, settings: AzureBlobSettings, shared_witness: ContainerClient, tmp_path: Path
) -> None:
    mine = TOOLS[tool](settings, tmp_path)
    shared_witness.upload_blob(f"{PREFIX}/{tool}/theirs.bin", BODY, overwrite=True)

    mine.write(f"{tool}/Plan ü.bin", BODY)

    assert BODY == shared_witness.download_blob(f"{PREFIX}/{tool}/Plan ü.bin").readall()
    assert BODY == TOOLS[tool](settings, tmp_path).read(f"{tool}/theirs.bin")


def test_duckdb_takes_the_statement_and_reads(settings: AzureBlobSettings, shared_witness: ContainerClient) -> None:
    """It loads the extension from its package: DuckDB itself would download it."""
    shared_witness.upload_blob(f"{PREFIX}/table.csv", b"a,b\n1,2\n", overwrite=True)
    folder = Path(duckdb_extension_azure.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    with duckdb.connect() as connection:
        connection.load_extension(str(folder / "azure.duckdb_extension"))
        connection.execute(settings.export("duckdb"))

        rows = connection.execute(f"FROM read_csv('azure://{settings.container}/{PREFIX}/table.csv')").fetchall()

    assert [(1, 2)] == rows


@pytest.mark.parametrize("tool", ["adlfs", "obstore", "rclone", "duckdb"])
def test_an_app_is_exported_with_its_secret(tool: Any) -> None:
    settings = AzureBlobSettings.model_validate({"account": "acme", "container": "docs", "client_secret": "s3", **APP})

    found = settings.export(tool)

    for value in (*APP.values(), "s3", "acme"):
        assert value in str(found)


@pytest.mark.parametrize("tool", ["azure-storage-blob", "adlfs", "obstore", "rclone", "duckdb"])
def test_a_signature_is_exported(tool: Any) -> None:
    given = {"account": "acme", "container": "docs", "sas_token": "sv=1&sig=example%3D"}

    assert "sig=example%3D" in str(AzureBlobSettings.model_validate(given).export(tool))


def test_there_is_no_export_for_an_unknown_tool_or_name(settings: AzureBlobSettings) -> None:
    export: Any = settings.export
    with pytest.raises(SettingsError, match="no export"):
        export("boto3")
    with pytest.raises(SettingsError, match="name"):
        export("rclone", name="a]\n[b")
    assert re.match(r"\[site\]\n", export("rclone", name="site"))

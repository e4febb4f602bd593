"""``kazinex+azure://``: what is peculiar to containers; ``tests/fs`` has what every service owes."""

from __future__ import annotations

import pickle
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

from kazinex_storage.errors import UnavailableError
from kazinex_storage.fs import AzureFileSystem
from kazinex_storage.testing.servers import AzuriteServer


@pytest.fixture
def base(shared_witness: ContainerClient) -> str:
    """A folder that no other test uses."""
    return f"{shared_witness.container_name}/{secrets.token_hex(4)}"


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
    with pytest.raises(UnavailableError, match="not known whether"), fs.open(f"{base}/created", "xb") as file:
        file.write(b"again")

    folder = base.partition("/")[2]
    assert [b"hello"] * 3 == [
        shared_witness.download_blob(f"{folder}/{name}").readall() for name in ("put", "list/a.txt", "created")
    ]

"""A real Azurite for the whole run, and azure-storage-blob as the independent witness."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from kazinex_storage.provider import StorageProvider
from kazinex_storage.providers.azure_blob.names import encode
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, Target
from kazinex_storage.storage import Storage
from kazinex_storage.testing import Harness
from kazinex_storage.testing.servers import AzuriteServer, azurite


@pytest.fixture(scope="session")
def azurite_server() -> Iterator[AzuriteServer]:
    with azurite() as server:
        yield server


@pytest.fixture
def witness(azurite_server: AzuriteServer) -> Iterator[ContainerClient]:
    """An empty container."""
    with closing(azurite_server.client()) as client:
        yield client.get_container_client(azurite_server.make_container())


def target_of(server: AzuriteServer, container: str, *, prefix: str = "") -> Target:
    return Target(
        account=server.account,
        container=container,
        endpoint_url=server.account_url,
        credential=AccountKey(key=server.account_key),
        prefix=prefix,
    )


class AzureHarness(Harness):
    """A folder of one container for each provider; azure-storage-blob is the back door."""

    max_examples = 10
    shrink = False
    # Azurite takes 10 ms for a blob that is listed.
    page_items = 105
    page_blobs = 50

    def __init__(self, server: AzuriteServer, witness: ContainerClient) -> None:
        self._server = server
        self._witness = witness
        self._prefix = ""

    def make(self) -> StorageProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        target = target_of(self._server, self._witness.container_name, prefix=self._prefix)
        return AzureBlobProvider(replace(target, page_blobs=self.page_blobs))

    def peek(self, key: str) -> bytes | None:
        try:
            return self._witness.download_blob(encode(self._prefix + key)).readall()
        except ResourceNotFoundError:
            return None

    def poke(self, key: str, data: bytes) -> None:
        self._witness.upload_blob(encode(self._prefix + key), data, overwrite=True)

    def close(self) -> None:
        """Keep the witness, which all tests share."""


@pytest.fixture(scope="session")
def shared_witness(azurite_server: AzuriteServer) -> Iterator[ContainerClient]:
    """A container for tests that keep to a folder of their own."""
    with closing(azurite_server.client()) as client:
        yield client.get_container_client(azurite_server.make_container())


@pytest.fixture
def target(azurite_server: AzuriteServer, witness: ContainerClient) -> Target:
    """The container of *witness*."""
    return target_of(azurite_server, witness.container_name)


@pytest.fixture
def storage(target: Target) -> Iterator[Storage]:
    with Storage(AzureBlobProvider(target)) as storage:
        yield storage

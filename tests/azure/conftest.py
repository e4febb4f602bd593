"""A real Azurite for the whole run, and azure-storage-blob as the independent witness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from azure.storage.blob import ContainerClient

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

"""Containers on a real Azurite, and azure-storage-blob as the independent witness."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from kazinex_storage.providers.azure_blob.names import encode
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, Target
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings
from kazinex_storage.verbs import AnyProvider

from ..s3.proxy import Action, Proxy, Seen, proxy, says


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

    def make(self) -> AnyProvider:
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


def azure_kind(seen: Seen) -> str:
    """Say what a request is to Azure: ``put``, ``block``, ``commit``, ``list``, ``blocks``, ``batch``, ``copy``, ..."""
    query = seen.target.partition("?")[2]
    names = {name.lower() for name, _ in seen.headers}
    if "comp=blocklist" in query:
        return "commit" if seen.method == "PUT" else "blocks"
    for mark, kind in (("comp=block&", "block"), ("comp=batch", "batch"), ("comp=list", "list")):
        if mark in query:
            return kind
    return "copy" if "x-ms-copy-source" in names else seen.method.lower()


def azure_fails(status: int, code: str, *headers: tuple[str, str]) -> Action:
    """Answer instead of the server, with an error as the documentation shows it."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
    return says(status, body.encode(), ("x-ms-error-code", code), ("x-ms-request-id", "example"), *headers)


class Faulty:
    """One storage on Azurite behind a proxy that fails as told; azure-storage-blob past the proxy is the witness."""

    def __init__(self, target: Target, front: Proxy, witness: ContainerClient) -> None:
        self.front = front
        self.target = replace(target, endpoint_url=f"{front.url}/{target.account}")
        self.witness = witness
        self._ends = contextlib.ExitStack()
        self.storage = self.made()

    def made(self, attempts: int = 4, *, silence_s: float = 1) -> Storage:
        """Make a storage that tries so often, without waiting, and takes a server for silent after so long."""
        retry = RetryPolicy(attempts=attempts, base_s=0.001, first_429_wait_s=0)
        settings = TransportSettings(
            first_byte_timeout_s=silence_s, idle_timeout_s=silence_s, connect_timeout_s=5, proxy=""
        )
        transport = self._ends.enter_context(closing(Transport(8, settings=settings, retry=retry)))
        return self._ends.enter_context(Storage(AzureBlobProvider(self.target), transport=transport))

    def stored(self, key: str) -> bytes | None:
        try:
            return self.witness.download_blob(encode(key)).readall()
        except ResourceNotFoundError:
            return None

    def close(self) -> None:
        self._ends.close()


@pytest.fixture
def faulty(azurite_server: AzuriteServer, target: Target, witness: ContainerClient) -> Iterator[Faulty]:
    with proxy(azurite_server.host_url, kind_of=azure_kind) as front, closing(Faulty(target, front, witness)) as found:
        yield found


@pytest.fixture
def make_target(azurite_server: AzuriteServer) -> Callable[[str], Target]:
    return lambda container: target_of(azurite_server, container)

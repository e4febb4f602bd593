"""Keys of the customer on Azure, before a front that demands them as the service does."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import NotSupportedError, SettingsError, StorageError
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import Target
from kazinex_storage.registry import default_registry
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.emulators.keyed_blobs import KeyedBlobs, keyed_blobs
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.types import ByteRange, PutMode, PutOptions
from kazinex_storage.verification.verify import verify

from .conftest import target_of

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def front(azurite_server: AzuriteServer) -> Iterator[KeyedBlobs]:
    with keyed_blobs(azurite_server) as found:
        yield found


@pytest.fixture(scope="module")
def container(front: KeyedBlobs) -> str:
    with closing(front.server.client()):
        return front.server.make_container()


@pytest.fixture
def keyed_target(front: KeyedBlobs, container: str) -> Target:
    target = target_of(front.server, container, prefix=f"{secrets.token_hex(4)}/")
    return replace(target, customer_key=KEY)


@pytest.fixture
def keyed(keyed_target: Target) -> Iterator[Storage]:
    with Storage(AzureBlobProvider(keyed_target)) as storage:
        yield storage


def test_blobs_are_written_and_read_with_the_key_whatever_their_size(
    keyed: Storage, front: KeyedBlobs, tmp_path: Path
) -> None:
    body = os.urandom(9 * 1024 * 1024)
    keyed.put("small", b"plan", PutOptions(mode=PutMode.CREATE))
    keyed.put("large", body)  # in blocks
    keyed.copy("small", "copy")  # through this process: the service has no key
    state = keyed.begin_upload("resumed", len(body))
    keyed.resume_upload(state, body)

    assert b"plan" == keyed.get_bytes("small") == keyed.get_bytes("copy")
    assert body[70_000:70_005] == keyed.get_bytes("large", ByteRange(start=70_000, end=70_005))
    keyed.download("resumed", tmp_path / "large")
    assert body == (tmp_path / "large").read_bytes()
    assert 4 == keyed.head("small").size
    assert 4 == len([path for path in front.digests if keyed.info.location.rstrip("/") in path])
    keyed.delete_many(["small", "large", "copy", "resumed"])
    assert [] == list(keyed.list())


def test_another_key_or_none_is_refused_as_a_permanent_error(keyed: Storage, keyed_target: Target) -> None:
    keyed.put("a", b"plan")

    for key in (None, bytes(32)):
        with Storage(AzureBlobProvider(replace(keyed_target, customer_key=key))) as other:
            for read in (other.get_bytes, other.head):
                with pytest.raises(StorageError) as caught:
                    read("a")
                assert not caught.value.retryable


def test_what_the_service_would_do_without_the_key_is_not_declared(keyed: Storage) -> None:
    assert keyed.info.can(Capability.CUSTOMER_KEYS)
    assert not keyed.info.can(Capability.SERVER_COPY)

    with pytest.raises(NotSupportedError, match="would need the customer's key"):
        keyed.presign("a")


def test_verify_finds_that_the_service_uses_the_key(keyed: Storage) -> None:
    report = verify(keyed)

    assert report.ok
    assert "customer key" in [check.name for check in report.checks]


def test_a_key_travels_over_tls_alone() -> None:
    key = base64.b64encode(KEY).decode()
    settings = {"account": "plans", "container": "plans", "account_key": key, "customer_key": key}

    with pytest.raises(SettingsError, match="customer_key") as caught:
        default_registry().parse_settings("azure_blob", {**settings, "endpoint_url": "http://blobs.example"})

    assert key not in str(caught.value)

"""Version-level immutability: the theme of the kit before a front that keeps blobs, with the SDK as the witness."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage import Retention, RetentionError, RetentionMode, Storage, verify
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.testing import Harness
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_retention import RetentionContract
from kazinex_storage.testing.emulators.immutable_blobs import ImmutableBlobs, immutable_blobs
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.verbs import AnyProvider

from .conftest import AzureHarness, target_of

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


class ImmutableHarness(AzureHarness):
    """A folder of a container that keeps blobs."""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        target = target_of(self._server, self._witness.container_name, prefix=self._prefix)
        return AzureBlobProvider(replace(target, immutability=True))


@pytest.fixture(scope="module")
def front(azurite_server: AzuriteServer) -> Iterator[ImmutableBlobs]:
    with immutable_blobs(azurite_server) as found:
        yield found


@pytest.fixture(scope="module")
def container(front: ImmutableBlobs) -> Iterator[ContainerClient]:
    with closing(front.server.client()) as client:
        yield client.get_container_client(front.server.make_container())


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestImmutability(RetentionContract, OnBench):
    """The theme of the kit."""

    @pytest.fixture(autouse=True)
    def _use(self, front: ImmutableBlobs, container: ContainerClient) -> None:
        self._server, self._witness = front.server, container

    def harness(self) -> Harness:
        return ImmutableHarness(self._server, self._witness)


def _storage(front: ImmutableBlobs, container: ContainerClient, *, immutability: bool = True) -> Storage:
    target = target_of(front.server, container.container_name)
    return Storage(AzureBlobProvider(replace(target, immutability=immutability)))


def test_the_sdk_sees_what_keeps_a_blob(front: ImmutableBlobs, container: ContainerClient) -> None:
    with _storage(front, container) as storage:
        storage.put("seen", b"1")
        storage.retain("seen", Retention(until=LATER, mode=RetentionMode.COMPLIANCE))
        storage.hold("seen")

        properties = container.get_blob_client("seen").get_blob_properties()

        assert (LATER, "locked", True) == (
            properties.immutability_policy.expiry_time,
            properties.immutability_policy.policy_mode,
            properties.has_legal_hold,
        )
        with pytest.raises(RetentionError):
            storage.delete("seen")
        assert [] == [path for path in front.kept_versions if path.endswith("/seen")]


def test_verify_proves_that_blobs_can_be_held(
    front: ImmutableBlobs, container: ContainerClient, azurite_server: AzuriteServer
) -> None:
    with _storage(front, container) as storage:
        assert "immutability" in [check.name for check in verify(storage).checks if check.status.value == "passed"]
    target = target_of(azurite_server, container.container_name)
    with Storage(AzureBlobProvider(replace(target, immutability=True))) as storage:
        report = verify(storage)

    (failed,) = [check for check in report.checks if check.name == "immutability"]
    assert "blobs cannot be held" in str(failed.error)

"""Accounts with blob versioning: the theme of the kit before a front that keeps versions; the SDK is the witness."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import ContainerClient, generate_container_sas
from pydantic import ValidationError

from kazinex_storage import CheckStatus, NotFoundError, PutOptions, Storage, verify
from kazinex_storage.providers.azure_blob import AzureBlobSettings, copying
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import SasToken, Target
from kazinex_storage.testing import Harness
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_versions import VersionContract
from kazinex_storage.testing.emulators.versioned_blobs import versioned_blobs
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.verbs import AnyProvider

from .conftest import AzureHarness, target_of


class VersionedHarness(AzureHarness):
    """A folder of a container that keeps versions."""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        target = target_of(self._server, self._witness.container_name, prefix=self._prefix)
        return AzureBlobProvider(replace(target, versioned=True))


@pytest.fixture(scope="module")
def front(azurite_server: AzuriteServer) -> Iterator[AzuriteServer]:
    with versioned_blobs(azurite_server) as found:
        yield found


@pytest.fixture(scope="module")
def container(front: AzuriteServer) -> Iterator[ContainerClient]:
    with closing(front.client()) as client:
        yield client.get_container_client(front.make_container())


@pytest.fixture
def versioned(front: AzuriteServer, container: ContainerClient) -> Target:
    target = target_of(front, container.container_name, prefix=f"{secrets.token_hex(4)}/")
    return replace(target, versioned=True)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestVersions(VersionContract, OnBench):
    """The theme of the kit."""

    @pytest.fixture(autouse=True)
    def _use(self, front: AzuriteServer, container: ContainerClient) -> None:
        self._server, self._witness = front, container

    def harness(self) -> Harness:
        return VersionedHarness(self._server, self._witness)


def test_the_sdk_lists_and_reads_the_versions_that_we_see(versioned: Target, container: ContainerClient) -> None:
    with Storage(AzureBlobProvider(versioned)) as storage:
        storage.put("a", b"first", PutOptions(tags={"kind": "plan"}, metadata={"by": "ada"}))
        first = storage.head("a").version
        storage.put("a", b"second one")
        name = f"{versioned.prefix}a"

        listed = list(container.list_blobs(name_starts_with=name, include=["versions"]))

        assert [one.version for one in storage.versions("a")] == [one.version_id for one in reversed(listed)]
        assert [None, True] == [one.is_current_version for one in listed]
        assert b"first" == container.get_blob_client(name).download_blob(version_id=first).readall()
        storage.delete("a")
        assert not storage.exists("a")
        back = storage.undelete("a", first)
        assert (5, "ada", {"kind": "plan"}) == (back.size, storage.head("a").metadata["by"], storage.tags("a"))


def test_a_large_version_comes_back_in_blocks(versioned: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MAX_COPY_BYTES", 4)
    with Storage(AzureBlobProvider(versioned)) as storage:
        storage.put("a", b"first")
        storage.put("a", b"second one")

        storage.restore("a", storage.versions("a")[1].version)

        assert b"first" == storage.get_bytes("a")
        assert [5, 10, 5] == [one.size for one in storage.versions("a")]


def test_versions_are_listed_over_pages_and_an_id_that_is_none_names_nothing(versioned: Target) -> None:
    with Storage(AzureBlobProvider(replace(versioned, page_blobs=2))) as storage:
        for number in range(5):
            storage.put("a", b"x" * number)
        storage.put("ab", b"another")

        assert [4, 3, 2, 1, 0] == [one.size for one in storage.versions("a")]
        with pytest.raises(NotFoundError):
            storage.restore("a", "no-version")


@pytest.mark.parametrize(
    ("permission", "says"), [("racwdxlt", None), ("racwdlt", "versions cannot be removed"), (None, "keeps no versions")]
)
def test_verify_proves_that_versions_are_kept_and_can_be_removed(
    azurite_server: AzuriteServer, versioned: Target, permission: str | None, says: str | None
) -> None:
    if permission is None:
        target = replace(versioned, endpoint_url=azurite_server.account_url)
    else:
        expiry = datetime.now(UTC) + timedelta(hours=1)
        key, container = azurite_server.account_key, versioned.container
        token = generate_container_sas(
            versioned.account, container, account_key=key, permission=permission, expiry=expiry
        )
        target = replace(versioned, credential=SasToken(token=token))

    with Storage(AzureBlobProvider(target)) as storage:
        (check,) = [check for check in verify(storage).checks if check.name == "versions"]
        left = list(storage.deleted()) if check.status is CheckStatus.PASSED else []

    assert (CheckStatus.PASSED if says is None else CheckStatus.FAILED) is check.status
    assert [] == left  # no probe stays behind
    assert says is None or says in str(check.error)


def test_verify_warns_that_soft_delete_keeps_what_is_purged(azurite_server: AzuriteServer, versioned: Target) -> None:
    with (
        versioned_blobs(azurite_server, soft_delete=True) as soft,
        Storage(AzureBlobProvider(replace(versioned, endpoint_url=soft.account_url))) as storage,
    ):
        report = verify(storage)

    (check,) = [check for check in report.checks if check.name == "versions"]
    assert report.ok
    assert "soft delete" in (check.diagnosis or "")


@pytest.mark.parametrize(
    "other", [{"keep_deleted_days": 30}, {"customer_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]
)
def test_what_does_not_go_with_versions_is_refused(other: dict[str, object]) -> None:
    given = {"account": "example", "container": "documents", "account_key": "ZXhhbXBsZQ==", "versioned": True}

    with pytest.raises(ValidationError, match="leave"):
        AzureBlobSettings.model_validate({**given, **other})

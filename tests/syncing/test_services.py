"""From service to service and back: what each says of its objects is enough to find what has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from tests.azure.conftest import target_of as container_of
from tests.azure.conftest import witness as witness
from tests.s3.conftest import target_of as bucket_of

from kazinex_storage import MostDeletes, Storage, SyncOptions, sync
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.testing.servers import AzuriteServer, S3Server

DELETE = SyncOptions(delete=True, max_delete=MostDeletes(100, percent=True))
BYTES = SyncOptions(by="sha256")


@pytest.mark.soak
def test_azure_and_s3_are_made_equal_both_ways(
    azurite_server: AzuriteServer, seaweedfs_server: S3Server, witness: ContainerClient, tmp_path: Path
) -> None:
    seaweedfs_server.client().create_bucket(Bucket="synced")
    azure = Storage(AzureBlobProvider(container_of(azurite_server, str(witness.container_name))))
    s3 = Storage(S3Provider(bucket_of(seaweedfs_server, "synced")))
    with azure, s3:
        there_and_back(azure.scoped("one"), s3.scoped("one"), tmp_path / "1")
        there_and_back(s3.scoped("two"), azure.scoped("two"), tmp_path / "2")


def there_and_back(storage: Storage, other: Storage, folder: Path) -> None:
    up, down = folder / "up", folder / "down"
    for key, size in (("a b.txt", 5), ("ü/x.bin", 2_500_000), ("d/e/f", 5)):
        (up / key).parent.mkdir(parents=True, exist_ok=True)
        (up / key).write_bytes(os.urandom(size))
    sync(up, storage)
    (up / "a b.txt").write_bytes(b"123456")
    (up / "ü/x.bin").write_bytes(os.urandom(1_500_000))
    (up / "d/e/f").unlink()
    (up / "new").write_bytes(b"1")

    changed = sync(up, storage, DELETE)
    across = sync(storage, other)
    storage.put("ü/x.bin", b"small by now")
    again = sync(storage, other)
    came = sync(other, down)

    assert (2, 1, 1, 0) == (changed.replaced, changed.deleted, changed.copied, changed.failed)
    assert (3, 1, 2, 3) == (across.copied, again.replaced, again.same, came.copied)
    assert [3, 3, 3] == [
        sync(storage, other, BYTES).same,
        sync(other, down, BYTES).same,
        sync(down, storage, BYTES).same,
    ]

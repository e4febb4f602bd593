"""Buckets that keep old versions, and those that lock them: only moto knows both, as AWS documents them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import AlreadyExistsError, ArchivedError, NotFoundError, PutMode, PutOptions, Storage, verify
from kazinex_storage.providers.s3 import S3Settings
from kazinex_storage.providers.s3.provider import open_s3
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Transport, TransportSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024 * 1024
CREATE = PutOptions(mode=PutMode.CREATE)


@pytest.fixture(scope="module")
def server(moto_server: S3Server) -> S3Server:
    return moto_server


@dataclass
class Bucket:
    """A bucket, a storage on it, and the witness."""

    name: str
    witness: S3Client
    storage: Storage

    def versions(self, key: str) -> list[bytes]:
        """Return the bodies of all versions, oldest first."""
        found = self.witness.list_object_versions(Bucket=self.name, Prefix=key).get("Versions", [])
        ids = [version["VersionId"] for version in sorted(found, key=lambda version: version["LastModified"])]
        return [self.witness.get_object(Bucket=self.name, Key=key, VersionId=version)["Body"].read() for version in ids]


@pytest.fixture(params=["versioned", "locked"])
def bucket(server: S3Server, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    witness, name = server.client(), server.make_bucket()
    witness.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if request.param == "locked":
        witness.delete_bucket(Bucket=name)
        witness.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        witness.put_object_lock_configuration(
            Bucket=name,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
            },
        )
    settings = S3Settings.model_validate(
        {
            "bucket": name,
            "endpoint_url": server.endpoint_url,
            "region": server.region,
            "access_key_id": server.access_key_id,
            "secret_access_key": server.secret_access_key,
        }
    )
    transport = Transport(settings=TransportSettings(proxy=""))
    with Storage(open_s3(settings), transport=transport) as storage:
        yield Bucket(name, witness, storage)
    transport.close()
    witness.close()


def test_what_is_replaced_stays_as_an_older_version(bucket: Bucket) -> None:
    bucket.storage.put("plan.pdf", b"first")
    bucket.storage.put("plan.pdf", b"second")

    assert b"second" == bucket.storage.get_bytes("plan.pdf")
    assert [b"first", b"second"] == sorted(bucket.versions("plan.pdf"))


def test_a_large_object_is_stored_and_replaced_whole(bucket: Bucket) -> None:
    first, second = bytes(17 * MIB), bytes([1]) * 17 * MIB

    bucket.storage.put("model.ifc", first)
    bucket.storage.put("model.ifc", second)

    assert second == bucket.storage.get_bytes("model.ifc")
    assert [first, second] == sorted(bucket.versions("model.ifc"))


def test_a_delete_hides_an_object_and_removes_no_version(bucket: Bucket) -> None:
    bucket.storage.put("plan.pdf", b"1")
    bucket.storage.put("other.pdf", b"2")

    bucket.storage.delete("plan.pdf")
    bucket.storage.delete_many(["other.pdf"])

    assert not bucket.storage.exists("plan.pdf")
    assert [] == list(bucket.storage.list())
    with pytest.raises(NotFoundError):
        bucket.storage.get_bytes("other.pdf")
    assert [[b"1"], [b"2"]] == [bucket.versions("plan.pdf"), bucket.versions("other.pdf")]


def test_a_key_whose_object_was_deleted_is_free(bucket: Bucket) -> None:
    bucket.storage.put("plan.pdf", b"first", CREATE)
    bucket.storage.delete("plan.pdf")

    bucket.storage.put("plan.pdf", b"second", CREATE)

    assert b"second" == bucket.storage.get_bytes("plan.pdf")
    with pytest.raises(AlreadyExistsError):
        bucket.storage.put("plan.pdf", b"third", CREATE)
    assert 2 == len(bucket.versions("plan.pdf"))


# moto wants a checksum for copies into a locked bucket as well, which have no body; AWS does not.
@pytest.mark.parametrize("bucket", ["versioned"], indirect=True)
def test_a_moved_object_leaves_its_version_behind(bucket: Bucket) -> None:
    bucket.storage.put("a.pdf", b"12345")

    bucket.storage.move("a.pdf", "b.pdf")

    assert ["b.pdf"] == [info.key for info in bucket.storage.list()]
    assert [b"12345"] == bucket.versions("a.pdf") == bucket.versions("b.pdf")


def test_such_a_bucket_is_verified(bucket: Bucket) -> None:
    report = verify(bucket.storage)

    assert report.ok, report.failure
    assert [] == list(bucket.storage.list())


def test_the_lock_of_an_object_holds_against_the_witness_too(bucket: Bucket) -> None:
    """So the tests above say something of a locked bucket."""
    locked = bucket.witness.get_bucket_versioning(Bucket=bucket.name)
    bucket.storage.put("plan.pdf", b"1")
    found = bucket.witness.head_object(Bucket=bucket.name, Key="plan.pdf")

    assert "Enabled" == locked["Status"]
    if found.get("ObjectLockMode") is not None:
        assert found["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(hours=1)
        with pytest.raises(bucket.witness.exceptions.ClientError, match="AccessDenied"):
            bucket.witness.delete_object(Bucket=bucket.name, Key="plan.pdf", VersionId=found["VersionId"])


def test_an_object_in_an_archive_is_restored_first(bucket: Bucket) -> None:
    bucket.witness.put_object(Bucket=bucket.name, Key="cold.pdf", Body=b"1", StorageClass="GLACIER")
    with pytest.raises(ArchivedError, match="restore it first"):
        bucket.storage.get_bytes("cold.pdf")

    assert 1 == bucket.storage.head("cold.pdf").size

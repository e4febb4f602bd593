"""Object Lock: the kit on moto, which lets a retention be lifted, and what real services refuse beyond the library."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from kazinex_storage import Retention, RetentionError, Storage, verify
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.testing import Harness
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_retention import RetentionContract
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.verbs import AnyProvider

from .conftest import S3Harness, target_of

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


class LockedHarness(S3Harness):
    """A folder of a bucket with Object Lock."""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        return S3Provider(replace(target_of(self._server, self._bucket, prefix=self._prefix), object_lock=True))


@pytest.fixture(scope="module")
def locked(moto_server: S3Server) -> tuple[S3Server, str]:
    return moto_server, _locked_bucket(moto_server)


def _locked_bucket(server: S3Server) -> str:
    name = f"locked-{secrets.token_hex(4)}"
    server.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestObjectLock(RetentionContract, OnBench):
    """The theme of the kit."""

    @pytest.fixture(autouse=True)
    def _use(self, locked: tuple[S3Server, str]) -> None:
        self._locked = locked

    def harness(self) -> Harness:
        return LockedHarness(*self._locked)


def _storage(server: S3Server, bucket: str) -> Storage:
    return Storage(S3Provider(replace(target_of(server, bucket), object_lock=True)))


def test_the_service_keeps_the_version_from_the_witness_as_well(ministack_server: S3Server) -> None:
    bucket, witness = _locked_bucket(ministack_server), ministack_server.client()
    ends: tuple[Callable[[Storage], object], ...] = (
        lambda storage: storage.retain("a", Retention(until=LATER)),
        lambda storage: storage.hold("a"),
    )
    with _storage(ministack_server, bucket) as storage:
        for keep in ends:
            storage.put("a", b"1")
            keep(storage)
            version = witness.head_object(Bucket=bucket, Key="a")["VersionId"]

            with pytest.raises(RetentionError):
                storage.delete("a")
            with pytest.raises(ClientError, match="AccessDenied"):
                witness.delete_object(Bucket=bucket, Key="a", VersionId=version)
            witness.delete_object(Bucket=bucket, Key="a")  # which hides it: that is why the library asks first


def test_verify_proves_that_objects_can_be_held(
    ministack_server: S3Server, bucket_of: Callable[[S3Server], str]
) -> None:
    with _storage(ministack_server, _locked_bucket(ministack_server)) as storage:
        assert "object lock" in [check.name for check in verify(storage).checks if check.status.value == "passed"]
    with _storage(ministack_server, bucket_of(ministack_server)) as storage:
        report = verify(storage)

    (failed,) = [check for check in report.checks if check.name == "object lock"]
    assert "Object Lock" in str(failed.error)
    assert not report.ok

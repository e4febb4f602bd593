"""Versioned buckets keep what is replaced and deleted; moto knows versions, as AWS documents them."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_versions import VersionContract
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.verbs import AnyProvider
from kazinex_storage.verification.verify import CheckStatus, verify

from .conftest import S3Harness, target_of


class VersionedHarness(S3Harness):
    """A folder of one bucket with versioning."""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        return S3Provider(replace(target_of(self._server, self._bucket, prefix=self._prefix), versioned=True))


@pytest.fixture(scope="module")
def versioned_bucket(moto_server: S3Server) -> tuple[S3Server, str]:
    """On moto: ministack sends the whole of a version where a part of it is asked for."""
    name, client = moto_server.make_bucket(), moto_server.client()
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    client.close()
    return moto_server, name


class TestVersionedBucket(VersionContract, OnBench):
    """The theme of versions."""

    @pytest.fixture(autouse=True)
    def _use(self, versioned_bucket: tuple[S3Server, str]) -> None:
        self._bucket = versioned_bucket

    def harness(self) -> Harness:
        return VersionedHarness(*self._bucket)


@pytest.mark.parametrize("enabled", [True, False])
def test_verify_says_whether_the_bucket_keeps_versions(versioned_bucket: tuple[S3Server, str], enabled: bool) -> None:
    server, name = versioned_bucket
    bucket = name if enabled else server.make_bucket()
    target = replace(target_of(server, bucket, prefix=f"{secrets.token_hex(4)}/"), versioned=True)
    with Storage(S3Provider(target)) as storage:
        (check,) = [check for check in verify(storage).checks if check.name == "versions"]
        left = list(storage.deleted()) if check.status is CheckStatus.PASSED else []

    assert (CheckStatus.PASSED if enabled else CheckStatus.FAILED) is check.status
    assert [] == left  # no probe stays behind

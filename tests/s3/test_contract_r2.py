"""The provider passes the conformance kit behind the strict R2 front, in plain http and over TLS."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.provider import StorageProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import R2, Credentials, Target
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.emulators.cloudflare import R2Front, r2_front
from kazinex_storage.testing.servers import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    with r2_front(ministack_server) as front:
        yield front


@pytest.fixture(scope="module")
def r2_bucket(front: R2Front) -> str:
    return front.make_bucket()


@pytest.fixture(scope="module")
def r2_witness(front: R2Front) -> S3Client:
    return front.client()


class R2Harness(Harness):
    """A folder of one bucket for each provider, reached with a token for objects in that bucket alone."""

    max_examples = 8
    shrink = False

    def __init__(self, front: R2Front, bucket: str, witness: S3Client) -> None:
        self._bucket = bucket
        self._witness = witness
        self._front = front
        self._token = front.token([bucket])
        self._prefix = ""

    def make(self) -> StorageProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        return S3Provider(
            Target(
                kind="r2",
                preset=R2,
                endpoint_url=self._front.endpoint_url,
                bucket=self._bucket,
                region="auto",
                credentials=Credentials(
                    access_key_id=self._token.access_key_id, secret_access_key=self._token.secret_access_key
                ),
                prefix=self._prefix,
                max_object_bytes=R2.max_object_bytes,
            )
        )

    def peek(self, key: str) -> bytes | None:
        try:
            return self._witness.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()
        except self._witness.exceptions.NoSuchKey:
            return None

    def poke(self, key: str, data: bytes) -> None:
        self._witness.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def close(self) -> None:
        """Keep the witness, which all tests share."""


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)  # half the time of both
class TestR2Front(ProviderContract):
    """R2's rules, enforced."""

    @pytest.fixture(autouse=True)
    def _use(self, front: R2Front, r2_bucket: str, r2_witness: S3Client) -> None:
        self._parts = (front, r2_bucket, r2_witness)

    def harness(self) -> Harness:
        return R2Harness(*self._parts)


del ProviderContract  # pytest would collect it as well

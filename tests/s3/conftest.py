"""Buckets on real S3 servers, and boto3 as the independent witness."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import S3, Credentials, Preset, Target
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.verbs import AnyProvider

from .faulty import Faulty, faulty_before

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(params=["seaweedfs", "ministack"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(f"{request.param}_server")
    return found


def target_of(server: S3Server, bucket: str, *, preset: Preset = S3, prefix: str = "") -> Target:
    return Target(
        kind="s3",
        preset=preset,
        endpoint_url=server.endpoint_url,
        bucket=bucket,
        region=server.region,
        credentials=Credentials(access_key_id=server.access_key_id, secret_access_key=server.secret_access_key),
        prefix=prefix,
        max_object_bytes=preset.max_object_bytes,
    )


class S3Harness(Harness):
    """A folder of one bucket for each provider; boto3 is the back door."""

    max_examples = 20
    shrink = False

    def __init__(self, server: S3Server, bucket: str) -> None:
        self._server = server
        self._witness = server.client()
        self._bucket = bucket
        self._prefix = ""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        return S3Provider(target_of(self._server, self._bucket, prefix=self._prefix))

    def peek(self, key: str) -> bytes | None:
        try:
            return self._witness.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()
        except self._witness.exceptions.NoSuchKey:
            return None

    def poke(self, key: str, data: bytes) -> None:
        self._witness.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def close(self) -> None:
        self._witness.close()


@pytest.fixture(scope="session")
def bucket_of() -> Callable[[S3Server], str]:
    """One bucket on each server: SeaweedFS gives each a volume, and has few."""
    known: dict[str, str] = {}

    def make(server: S3Server) -> str:
        if server.endpoint_url not in known:
            known[server.endpoint_url] = server.make_bucket()
        return known[server.endpoint_url]

    return make


@pytest.fixture(scope="session")
def make_harness(request: pytest.FixtureRequest, bucket_of: Callable[[S3Server], str]) -> Callable[[str], S3Harness]:
    def make(name: str) -> S3Harness:
        server: S3Server = request.getfixturevalue(f"{name}_server")
        return S3Harness(server, bucket_of(server))

    return make


@pytest.fixture
def bucket(server: S3Server, bucket_of: Callable[[S3Server], str]) -> str:
    return bucket_of(server)


@pytest.fixture
def witness(server: S3Server) -> S3Client:
    return server.client()


@pytest.fixture
def seaweedfs_witness(seaweedfs_server: S3Server) -> S3Client:
    return seaweedfs_server.client()


@pytest.fixture
def target(server: S3Server, bucket: str) -> Target:
    """An empty folder of the bucket."""
    return target_of(server, bucket, prefix=f"{secrets.token_hex(4)}/")


@pytest.fixture
def seaweedfs_target(seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str]) -> Target:
    """An empty folder on the server that verifies signatures."""
    return target_of(seaweedfs_server, bucket_of(seaweedfs_server), prefix=f"{secrets.token_hex(4)}/")


@pytest.fixture
def seaweedfs_storage(seaweedfs_target: Target) -> Iterator[Storage]:
    with Storage(S3Provider(seaweedfs_target)) as storage:
        yield storage


@pytest.fixture
def storage(target: Target) -> Iterator[Storage]:
    with Storage(S3Provider(target)) as storage:
        yield storage


@pytest.fixture
def faulty(seaweedfs_target: Target, seaweedfs_server: S3Server) -> Iterator[Faulty]:
    """A storage whose network fails as told."""
    with faulty_before(seaweedfs_target, seaweedfs_server.client()) as found:
        yield found


@pytest.fixture
def faulty_tls(seaweedfs_target: Target, seaweedfs_server: S3Server, tmp_path: Path) -> Iterator[Faulty]:
    """The same over TLS."""
    with faulty_before(seaweedfs_target, seaweedfs_server.client(), tmp_path) as found:
        yield found

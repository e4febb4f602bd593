"""``r2://`` and ``kazinex+s3://``: what is peculiar to buckets; ``tests/fs`` has what every service owes."""

from __future__ import annotations

import gc
import os
import pickle
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from kazinex_storage.errors import SettingsError
from kazinex_storage.fs import R2FileSystem, S3FileSystem
from kazinex_storage.testing.servers import S3Server


def options_of(server: S3Server) -> dict[str, Any]:
    return {
        "endpoint_url": server.endpoint_url,
        "region": server.region,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    }


@pytest.fixture
def fs(ministack_server: S3Server) -> S3FileSystem:
    return S3FileSystem(**options_of(ministack_server))


@pytest.fixture
def base(ministack_server: S3Server, bucket_of: Callable[[S3Server], str]) -> str:
    """A folder that no other test uses."""
    return f"{bucket_of(ministack_server)}/{secrets.token_hex(4)}"


def test_one_file_system_reaches_every_bucket_of_its_credentials(
    fs: S3FileSystem, ministack_server: S3Server, base: str
) -> None:
    other = ministack_server.make_bucket()

    fs.pipe_file(f"{other}/a", b"1")
    fs.copy(f"{other}/a", f"{base}/b")

    assert b"1" == fs.cat_file(f"{base}/b")


def test_the_bucket_is_no_option() -> None:
    with pytest.raises(TypeError, match="bucket"):
        S3FileSystem(region="us-east-1", bucket="example-bucket")  # type: ignore[call-arg]


def test_settings_that_are_missing_are_reported_at_once() -> None:
    with pytest.raises(SettingsError, match="account_id"):
        R2FileSystem()


def test_secrets_are_in_no_pickle_and_no_repr(fs: S3FileSystem, ministack_server: S3Server) -> None:
    secret = f"example-secret-{secrets.token_hex(8)}"
    other = S3FileSystem(**{**options_of(ministack_server), "secret_access_key": secret})

    pickled = pickle.dumps(other)

    assert secret.encode() not in pickled
    assert secret not in repr(other) + other.to_json()


def test_what_a_file_system_held_is_closed_with_it(ministack_server: S3Server, base: str) -> None:
    def use() -> None:
        fs = S3FileSystem(**options_of(ministack_server))
        fs.pipe({f"{base}/{number}": b"1" for number in range(4)})
        assert b"1" == fs.cat_file(f"{base}/0")

    use()
    gc.collect()
    before = len(os.listdir("/dev/fd"))

    for _ in range(3):
        use()

    assert len(os.listdir("/dev/fd")) <= before

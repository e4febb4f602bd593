"""``r2://``, ``kazinex+s3://`` and ``kazinex+supabase://``: fsspec's own suites, and what is peculiar to buckets."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from kazinex_storage.errors import InvalidUrlError, NotFoundError, NotSupportedError, SettingsError
from kazinex_storage.fs import R2FileSystem, S3FileSystem
from kazinex_storage.testing.servers import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Untyped.
pandas: Any = importlib.import_module("pandas")
suites: Any = importlib.import_module("fsspec.tests.abstract")


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


class Fixtures(suites.AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture
    def fs(self, fs: S3FileSystem) -> S3FileSystem:
        return fs

    @pytest.fixture
    def fs_path(self, base: str) -> str:
        return base

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Fixtures, suites.AbstractCopyTests):  # type: ignore[misc]
    pass


class TestGet(Fixtures, suites.AbstractGetTests):  # type: ignore[misc]
    pass


class TestPut(Fixtures, suites.AbstractPutTests):  # type: ignore[misc]
    pass


class TestOpen(Fixtures, suites.AbstractOpenTests):  # type: ignore[misc]
    pass


class TestPipe(Fixtures, suites.AbstractPipeTests):  # type: ignore[misc]
    pass


@pytest.mark.parametrize("scheme", ["r2", "kazinex+r2"])
def test_a_url_begins_with_the_bucket(
    scheme: str, seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "ACCOUNT_ID": "0" * 32,
        "ENDPOINT_URL": seaweedfs_server.endpoint_url,
        "ACCESS_KEY_ID": seaweedfs_server.access_key_id,
        "SECRET_ACCESS_KEY": seaweedfs_server.secret_access_key,
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"KAZINEX_STORAGE_R2_{name}", value)
    bucket, folder = bucket_of(seaweedfs_server), secrets.token_hex(4)
    base = f"{bucket}/{folder}"

    with fsspec.open(f"{scheme}://{base}/Plan Müller #1.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")

    client: S3Client = seaweedfs_server.client()
    assert b"a,b\n1,2\n" == client.get_object(Bucket=bucket, Key=f"{folder}/Plan Müller #1.csv")["Body"].read()
    assert [[1, 2]] == pandas.read_csv(f"{scheme}://{base}/Plan Müller #1.csv").to_numpy().tolist()


def test_files_that_others_wrote_are_found(fs: S3FileSystem, ministack_server: S3Server, base: str) -> None:
    bucket, _, folder = base.partition("/")
    ministack_server.client().put_object(Bucket=bucket, Key=f"{folder}/a/b.txt", Body=b"12345")

    assert [f"{base}/a/b.txt"] == fs.find(f"kazinex+s3://{base}")
    assert 5 == fs.size(f"{base}/a/b.txt")


def test_one_file_system_reaches_every_bucket_of_its_credentials(
    fs: S3FileSystem, ministack_server: S3Server, base: str
) -> None:
    other = ministack_server.make_bucket()

    fs.pipe_file(f"{other}/a", b"1")
    fs.copy(f"{other}/a", f"{base}/b")

    assert b"1" == fs.cat_file(f"{base}/b")


@pytest.mark.parametrize("url", ["kazinex+s3://user@bucket/a", "kazinex+s3://bucket/../other/a", "kazinex+s3:///a"])
def test_urls_that_name_no_object_are_refused(fs: S3FileSystem, url: str) -> None:
    with pytest.raises(InvalidUrlError):
        fs.cat_file(url)


def test_buckets_are_not_listed(fs: S3FileSystem) -> None:
    with pytest.raises(NotSupportedError):
        fs.ls("kazinex+s3://")


def test_a_missing_bucket_is_named_as_such(fs: S3FileSystem) -> None:
    with pytest.raises(SettingsError, match="bucket"):
        fs.pipe_file(f"missing-{secrets.token_hex(4)}/a", b"1")


def test_a_missing_object_is_not_found(fs: S3FileSystem, base: str) -> None:
    with pytest.raises(NotFoundError):
        fs.cat_file(f"{base}/missing")


def test_the_bucket_is_no_option() -> None:
    with pytest.raises(TypeError, match="bucket"):
        S3FileSystem(region="us-east-1", bucket="example-bucket")


def test_settings_that_are_missing_are_told_at_once() -> None:
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

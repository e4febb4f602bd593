"""What other tools leave in a bucket beside keys: markers of folders, names that are no keys (issue 18)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import Storage
from kazinex_storage.errors import BulkError
from kazinex_storage.fs import R2FileSystem, S3FileSystem, StorageFileSystem
from kazinex_storage.providers.s3 import S3Settings, open_s3
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.servers import S3Server

from .test_file_systems import options_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A console makes the folders, and one of them by a name that no key has.
MARKERS = ("p/", "p/empty/", "p/empty/deep/", "p/d/")
ODD = ("p/Mu\u0308ller.pdf", "p/odd/line\nbreak", "p/odd//double", "p/odd/plan\uffff/")


class Bucket:
    """A folder of a bucket, reached as a file system and behind its back."""

    def __init__(self, server: S3Server, bucket: str, client: S3Client) -> None:
        self._options = options_of(server)
        self.fs = S3FileSystem(**self._options)
        self.base = f"{bucket}/{secrets.token_hex(4)}"
        self._bucket, self._client = bucket, client

    def storage(self) -> Storage:
        """Return a storage of this folder."""
        provider = open_s3(S3Settings(bucket=self._bucket, **self._options))
        return Storage(provider, prefix=self._folder)

    def poke(self, *names: str, body: bytes = b"") -> None:
        for name in names:
            self._client.put_object(Bucket=self._bucket, Key=f"{self._folder}{name}", Body=body)

    def names(self) -> set[str]:
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._folder).get("Contents", [])
        return {entry["Key"].removeprefix(self._folder) for entry in found}

    @property
    def _folder(self) -> str:
        return self.base.partition("/")[2] + "/"

    def path(self, name: str = "") -> str:
        return f"{self.base}/{name}" if name else self.base


@pytest.fixture
def bucket(ministack_server: S3Server, bucket_of: Callable[[S3Server], str]) -> Bucket:
    return Bucket(ministack_server, bucket_of(ministack_server), ministack_server.client())


def test_all_calls_agree_that_a_marked_folder_is_there(bucket: Bucket) -> None:
    fs, folder = bucket.fs, bucket.path("p")
    bucket.poke(*MARKERS)

    assert [f"{folder}/d", f"{folder}/empty"] == fs.ls(folder, detail=False)
    for name in ("p", "p/empty", "p/empty/deep", "p/d"):
        path = bucket.path(name)
        assert (True, True, False) == (fs.exists(path), fs.isdir(path), fs.isfile(path))
        assert {"name": path, "size": 0, "type": "directory"} == fs.info(path) == fs.info(f"{path}/")
    assert [] == fs.ls(bucket.path("p/empty/deep")) == fs.find(folder)
    folders = [folder, f"{folder}/d", f"{folder}/empty", f"{folder}/empty/deep"]
    assert folders == fs.find(folder, withdirs=True) == fs.expand_path(folder, recursive=True)
    assert folders[:-1] == fs.find(folder, maxdepth=1, withdirs=True)
    assert folders == fs.glob(f"{folder}/**")
    assert folders[1:] == sorted([*fs.glob(f"{folder}/*"), *fs.glob(f"{folder}/*/*")])
    assert folders == sorted(path for path, _, _ in fs.walk(folder))
    assert 0 == fs.du(folder)


@pytest.mark.parametrize("way", ["blocking", "awaited", "storage"])
def test_removing_a_folder_removes_its_markers(bucket: Bucket, way: str) -> None:
    bucket.poke(*MARKERS, "q/")
    bucket.fs.pipe({bucket.path("p/d/f.txt"): b"1", bucket.path("pp"): b"2"})

    if way == "blocking":
        bucket.fs.rm(bucket.path("p"), recursive=True)
    elif way == "awaited":
        asyncio.run(bucket.fs._rm([bucket.path("p/")], recursive=True))
    else:
        with bucket.storage() as storage:
            StorageFileSystem(storage=storage).rm("p", recursive=True)

    assert {"pp", "q/"} == bucket.names()
    assert not bucket.fs.exists(bucket.path("p"))


def test_removing_a_folder_that_is_nothing_but_a_marker_needs_to_be_said(bucket: Bucket) -> None:
    bucket.poke("p/empty/")

    with pytest.raises(IsADirectoryError):
        bucket.fs.rm(bucket.path("p/empty"))
    bucket.fs.rm(bucket.path("p/empty"), recursive=True)

    assert set() == bucket.names()


def test_a_pattern_removes_the_markers_of_what_it_matches(bucket: Bucket) -> None:
    bucket.poke(*MARKERS)

    bucket.fs.rm(bucket.path("p/e*"), recursive=True)

    assert {"p/", "p/d/"} == bucket.names()


def test_removing_to_some_depth_leaves_markers(bucket: Bucket) -> None:
    bucket.poke(*MARKERS)
    bucket.fs.pipe_file(bucket.path("p/f.txt"), b"1")

    bucket.fs.rm(bucket.path("p"), recursive=True, maxdepth=1)

    assert set(MARKERS) == bucket.names()


def test_an_empty_folder_is_removed_alone(bucket: Bucket) -> None:
    bucket.poke("p/", "p/empty/")

    with pytest.raises(OSError, match="not empty"):
        bucket.fs.rmdir(bucket.path("p"))
    bucket.fs.rmdir(bucket.path("p/empty"))
    bucket.fs.rmdir(bucket.path("p"))

    assert set() == bucket.names()


def test_a_moved_folder_leaves_no_marker(bucket: Bucket) -> None:
    bucket.poke(*MARKERS)
    bucket.fs.pipe({bucket.path("p/d/f.txt"): b"1", bucket.path("p/empty/deep/g.txt"): b"2"})

    bucket.fs.mv(bucket.path("p"), bucket.path("moved"), recursive=True)

    assert {"moved/d/f.txt", "moved/empty/deep/g.txt"} == bucket.names()


def test_a_folder_that_is_moved_into_one_of_its_own_keeps_the_markers_of_what_is_filled(bucket: Bucket) -> None:
    bucket.poke("p/", "p/d/", "p/empty/")
    bucket.fs.pipe_file(bucket.path("p/f.txt"), b"1")

    bucket.fs.mv(bucket.path("p/"), bucket.path("p/d/"), recursive=True)

    assert {"p/", "p/d/", "p/d/f.txt"} == bucket.names()


def test_what_no_key_names_is_moved_nowhere_and_stays(bucket: Bucket) -> None:
    bucket.poke("p/", "p/odd/", *ODD, body=b"1")
    bucket.fs.pipe_file(bucket.path("p/f.txt"), b"1")

    bucket.fs.mv(bucket.path("p"), bucket.path("moved"), recursive=True)

    assert {"moved/f.txt", "p/", "p/odd/", *ODD} == bucket.names()


def test_removing_a_folder_removes_what_no_key_names(bucket: Bucket) -> None:
    bucket.poke(*ODD, "q/Mu\u0308ller.pdf", body=b"1")

    assert bucket.fs.isdir(bucket.path("p"))
    bucket.fs.rm(bucket.path("p"), recursive=True)

    assert {"q/Mu\u0308ller.pdf"} == bucket.names()


@pytest.mark.parametrize("name", ["p/Mu\u0308ller/a.pdf", "p//a", "p/line\nbreak/a", "p/d/Mu\u0308ller/a.pdf"])
def test_a_folder_that_holds_nothing_but_such_folders_is_there_and_can_be_removed(bucket: Bucket, name: str) -> None:
    folder = bucket.path("p")
    bucket.poke(name, body=b"1")

    assert (True, True, False) == (bucket.fs.exists(folder), bucket.fs.isdir(folder), bucket.fs.isfile(folder))
    assert "directory" == bucket.fs.info(folder)["type"]
    assert [] == bucket.fs.find(folder)
    with pytest.raises(OSError, match="not empty"):
        bucket.fs.rmdir(folder)
    bucket.fs.rm(folder, recursive=True)

    assert set() == bucket.names()
    assert not bucket.fs.exists(folder)


def test_a_name_that_leads_elsewhere_is_not_removed_but_said(bucket: Bucket) -> None:
    bucket.poke("p/../q/a.pdf", "p/./a.pdf", "q/a.pdf", body=b"1")
    assert {"p/../q/a.pdf", "p/./a.pdf", "q/a.pdf"} == bucket.names()

    with pytest.raises(BulkError, match=r"2 of 2 failed.*leads elsewhere"):
        bucket.fs.rm(bucket.path("p"), recursive=True)

    assert {"p/../q/a.pdf", "p/./a.pdf", "q/a.pdf"} == bucket.names()


def test_a_folder_that_hadoop_marks_is_an_object_beside_it(bucket: Bucket) -> None:
    """``d_$folder$`` is a key like any other, so it is listed, and removed with what holds it."""
    bucket.poke("p/d_$folder$")

    assert [bucket.path("p/d_$folder$")] == bucket.fs.find(bucket.path("p"))
    bucket.fs.rm(bucket.path("p"), recursive=True)

    assert set() == bucket.names()


def test_markers_that_are_refused_are_reported(ministack_server: S3Server) -> None:
    with r2_front(ministack_server) as front:
        name = front.make_bucket()
        client = front.client()
        for key in ("p/", "p/empty/"):
            client.put_object(Bucket=name, Key=key, Body=b"")
        token = front.token([name], write=False)
        fs = R2FileSystem(
            account_id=front.account_id,
            endpoint_url=front.endpoint_url,
            access_key_id=token.access_key_id,
            secret_access_key=token.secret_access_key,
        )

        with pytest.raises(BulkError, match="2 of 2 failed; the first: delete") as caught:
            fs.rm(f"{name}/p", recursive=True)

        assert ["p/empty/", "p/"] == [getattr(failure, "key", None) for failure in caught.value.failures]
        assert 2 == client.list_objects_v2(Bucket=name)["KeyCount"]

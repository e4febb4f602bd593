"""Transactions: what is written in one is published in order when it ends, or not at all (issue 24, ADR 0076)."""

from __future__ import annotations

import asyncio
import gc
import importlib
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import Storage
from kazinex_storage.errors import BulkError, NotSupportedError, ReadOnlyError
from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem, ObjectFileSystem, OrganisationFileSystem
from kazinex_storage.fs.kinds import StorageFileSystem
from kazinex_storage.fs.transactions import HeldFile
from kazinex_storage.providers.memory import MemoryProvider

fsspec: Any = importlib.import_module("fsspec")  # it is untyped


def test_nothing_is_seen_before_the_end_and_all_of_it_after(face: Any, below: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "local").write_bytes(b"4")
    face.pipe_file(f"{below}/old", b"old")

    with face.transaction:
        with face.open(f"{below}/a", "wb") as file:
            file.write(b"1")
        face.pipe_file(f"{below}/old", b"2")
        face.pipe({f"{below}/b": [b"3", b"3"]})
        face.put_file(str(source / "local"), f"{below}/c")
        face.put(f"{source}/", f"{below}/d/", recursive=True)
        face.touch(f"{below}/e")
        assert [f"{below}/old"] == face.find(below)
        assert b"old" == face.cat_file(f"{below}/old")

    found = {name.removeprefix(f"{below}/"): face.cat_file(name) for name in face.find(below)}
    assert {"a": b"1", "old": b"2", "b": b"33", "c": b"4", "d/local": b"4", "e": b""} == found


@pytest.mark.parametrize("how", ["wb", "w", "gzip"])
def test_nothing_is_published_when_the_block_raises(fs: ObjectFileSystem, base: str, how: str) -> None:
    with pytest.raises(KeyError), fs.transaction:
        options: Any = {"compression": "gzip"} if how == "gzip" else {}
        with fs.open(f"{base}/a", "w" if how == "w" else "wb", **options) as file:
            file.write("1" if how == "w" else b"1")
        raise KeyError

    assert [] == fs.find(base)
    fs.pipe_file(f"{base}/a", b"after")
    assert b"after" == fs.cat_file(f"{base}/a")


def test_text_and_compressed_files_are_part_of_it(fs: ObjectFileSystem, base: str) -> None:
    with fs.transaction:
        with fs.open(f"{base}/a.txt", "w", encoding="utf-16") as file:
            file.write("plan")
        with fs.open(f"{base}/a.gz", "wb", compression="infer") as file:
            file.write(b"plan")

    assert "plan".encode("utf-16") == fs.cat_file(f"{base}/a.txt")
    with fs.open(f"{base}/a.gz", compression="gzip") as file:
        assert b"plan" == file.read()


def test_a_file_that_failed_by_itself_is_no_part_of_it(fs: ObjectFileSystem, base: str) -> None:
    with fs.transaction:
        fs.pipe_file(f"{base}/a", b"1")
        with pytest.raises(KeyError), fs.open(f"{base}/b", "wb") as file:
            file.write(b"2")
            raise KeyError

    assert [f"{base}/a"] == fs.find(base)


def test_an_object_that_is_to_be_created_and_exists_stops_all_of_it(fs: ObjectFileSystem, base: str) -> None:
    with pytest.raises(FileExistsError, match="nothing was published"), fs.transaction:
        fs.pipe_file(f"{base}/a", b"1")
        fs.pipe_file(f"{base}/b", b"2", mode="create")
        LocalDiskFileSystem.pipe_file(_outside(fs), f"{base}/b", b"other")

    assert {f"{base}/b": b"other"} == fs.cat(base, recursive=True)


def _outside(fs: ObjectFileSystem) -> ObjectFileSystem:
    return type(fs)(**fs.storage_options)


def test_a_file_that_is_still_open_stops_all_of_it(fs: ObjectFileSystem, base: str) -> None:
    with pytest.raises(ValueError, match=r"close .*/b' first; nothing was published"), fs.transaction:
        fs.pipe_file(f"{base}/a", b"1")
        file = fs.open(f"{base}/b", "wb")
        file.write(b"2")

    assert (True, []) == (file.closed, fs.find(base))


class Failing(MemoryProvider):
    """A provider that stores nothing under ``bad``."""

    def put(self, key: Any, source: Any, options: Any) -> Any:
        if key.endswith("bad"):
            raise NotSupportedError("this one fails", key=key)
        return super().put(key, source, options)


def test_what_was_created_before_an_error_is_removed_again() -> None:
    with Storage(Failing()) as storage:
        fs = StorageFileSystem(storage=storage)

        with pytest.raises(NotSupportedError, match="this one fails"), fs.transaction:
            for name in ("a", "b", "bad", "c"):
                fs.pipe_file(name, b"1")

        assert [] == fs.find("")


def test_what_cannot_be_taken_back_is_named() -> None:
    with Storage(Failing()) as storage:
        fs = StorageFileSystem(storage=storage)
        fs.pipe_file("old", b"old")

        with (
            pytest.raises(BulkError, match=r"'bad' could not be stored.*taken back: 'old'; .*this one fails"),
            fs.transaction,
        ):
            for name in ("a", "old", "bad"):
                fs.pipe_file(name, b"1")

        assert {"old": b"1"} == fs.cat("", recursive=True)


def test_the_files_of_revisions_are_created_and_stay(organisation: OrganisationFileSystem) -> None:
    with organisation.transaction:
        organisation.pipe_file("org-1/bridge/doc/R1/a.txt", b"1")
    with pytest.raises(FileExistsError), organisation.transaction:
        organisation.pipe_file("org-1/bridge/doc/R2/a.txt", b"2")
        organisation.pipe_file("org-1/bridge/doc/R1/a.txt", b"other")

    assert ["org-1/bridge/doc/R1/a.txt"] == organisation.find("org-1/bridge")
    assert b"1" == organisation.cat_file("org-1/bridge/doc/R1/a.txt")


@pytest.mark.parametrize(
    "change",
    [
        lambda fs, path: fs.rm(path),
        lambda fs, path: fs.rm_file(path),
        lambda fs, path: fs.rmdir(path),
        lambda fs, path: fs.cp_file(path, f"{path}2"),
        lambda fs, path: fs.copy(path, f"{path}2"),
        lambda fs, path: fs.mv(path, f"{path}2"),
        lambda fs, path: fs.put_tags(path, {"a": "b"}),
    ],
    ids=["rm", "rm_file", "rmdir", "cp_file", "copy", "mv", "put_tags"],
)
def test_what_is_no_write_is_refused_in_it(fs: ObjectFileSystem, base: str, change: Any) -> None:
    fs.pipe_file(f"{base}/a", b"1")

    with pytest.raises(NotImplementedError, match="only writes"), fs.transaction:
        change(fs, f"{base}/a")

    assert {f"{base}/a": b"1"} == fs.cat(base, recursive=True)


def test_there_is_one_at_a_time(fs: ObjectFileSystem) -> None:
    with fs.transaction, pytest.raises(ValueError, match="under way"):
        fs.start_transaction()


def test_start_and_end_are_calls_too(memory: MemoryFileSystem, store: str) -> None:
    memory.start_transaction()
    memory.pipe_file(f"{store}/a", b"1")
    assert not memory.exists(f"{store}/a")

    memory.end_transaction()

    assert memory.exists(f"{store}/a")


def test_a_file_without_autocommit_is_committed_by_hand(fs: ObjectFileSystem, base: str) -> None:
    files = [fs.open(f"{base}/{name}", "wb", autocommit=False) for name in "ab"]
    for file in files:
        file.write(b"1")
        file.close()
    assert [] == fs.find(base)

    files[0].commit()
    files[1].discard()

    assert [f"{base}/a"] == fs.find(base)
    with pytest.raises(ValueError, match="nothing to publish"):
        files[0].commit()


def test_a_file_with_autocommit_is_published_at_once(fs: ObjectFileSystem, base: str) -> None:
    with fs.transaction:
        with fs.open(f"{base}/a", "wb", autocommit=True) as file:
            file.write(b"1")

        assert fs.exists(f"{base}/a")


def test_what_is_dropped_leaves_no_file_behind(local: LocalDiskFileSystem) -> None:
    file = local.open("a", "wb", autocommit=False)
    assert isinstance(file, HeldFile)
    file.write(b"x" * (9 << 20))
    file.close()
    assert file.held

    del file
    gc.collect()  # warnings are errors here

    assert [] == local.find("")


def test_a_file_system_that_only_reads_refuses_at_once(store: str) -> None:
    fs = MemoryFileSystem(read_only=True)

    with pytest.raises(ReadOnlyError), fs.transaction:
        fs.pipe_file(f"{store}/a", b"1")


def test_coroutines_are_part_of_it(store: str) -> None:
    fs = MemoryFileSystem(asynchronous=True)

    with fs.transaction:
        asyncio.run(fs._pipe_file(f"{store}/a", b"1"))
        assert not fs.exists(f"{store}/a")

    assert fs.exists(f"{store}/a")


def test_the_transaction_is_one_of_fsspec(memory: MemoryFileSystem) -> None:
    assert isinstance(memory.transaction, fsspec.transaction.Transaction)

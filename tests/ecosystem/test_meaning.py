"""Sketches of what went wrong with fsspec's own tools, on every service: emptied folders, rsync, bounds."""

from __future__ import annotations

import importlib
import secrets
from typing import Any

import fsspec
import pytest

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.fs import MemoryFileSystem

from .conftest import Served

generic: Any = importlib.import_module("fsspec.generic")


def test_the_name_of_a_folder_that_was_emptied_is_free(served: Served) -> None:
    fs, folder = served.open(), served.folder()
    fs.pipe_file(f"{folder}/d/deep/x", b"1")
    fs.rm(f"{folder}/d/deep/x")
    assert not fs.exists(f"{folder}/d")

    if served.scheme == "sharepoint":  # folders are real there, and an empty one may be another writer's next place
        with pytest.raises(InvalidKeyError, match="remove the folder in SharePoint if it is empty"):
            fs.pipe_file(f"{folder}/d", b"2")
        return
    fs.pipe_file(f"{folder}/d", b"2")

    assert (b"2", [f"{folder}/d"]) == (fs.cat_file(f"{folder}/d"), fs.find(folder))


def test_what_lies_behind_the_end_is_empty(served: Served) -> None:
    fs, path = served.open(), f"{served.folder()}/a"
    fs.pipe_file(path, b"0123456789")

    assert (b"", b"89") == (fs.read_block(path, 50, 10), fs.read_block(path, 8, 10))


def test_rsync_of_fsspec_copies_and_never_replaces_a_revision(organisation_served: Served) -> None:
    fs, revision = organisation_served.open(), f"acme/p{secrets.token_hex(4)}/doc/R1"
    source = f"kazinexmemory://ecosystem/rsync-{secrets.token_hex(4)}"
    memory = MemoryFileSystem()
    memory.pipe_file(f"{source}/a", b"1")

    generic.rsync(source, f"kazinex://{revision}")
    memory.pipe_file(f"{source}/a", b"22")
    generic.rsync(source, f"kazinex://{revision}")  # which ignores errors, as documented

    assert (b"1", [f"{revision}/a"]) == (fs.cat_file(f"{revision}/a"), fs.find(revision))
    with pytest.raises(FileExistsError):
        fs.put_file(__file__, f"{revision}/a")


def test_the_shapes_of_fsspec_agree_about_a_url(served: Served) -> None:
    fs, folder = served.open(), served.folder()
    fs.pipe_file(f"{folder}/a", b"1")

    other, path = fsspec.core.url_to_fs(served.url(f"{folder}/a"), **served.options)

    assert (b"1", served.url(f"{folder}/a")) == (other.cat_file(path), other.unstrip_protocol(path))


def test_a_transaction_publishes_all_or_nothing_and_writers_seek(served: Served) -> None:
    fs, folder = served.open(), served.folder()

    with fs.transaction:
        with fs.open(f"{folder}/a.txt", "w", encoding="utf-16") as text, fs.open(f"{folder}/b", "wb") as file:
            text.write("plan")
            file.write(b"0123")
            file.seek(1)
            file.write(b"x")
        assert [] == fs.find(folder)
    with pytest.raises(FileExistsError), fs.transaction:
        fs.pipe_file(f"{folder}/c", b"1")
        fs.pipe_file(f"{folder}/b", b"2", mode="create")

    assert {f"{folder}/a.txt": "plan".encode("utf-16"), f"{folder}/b": b"0x23"} == fs.cat(folder, recursive=True)

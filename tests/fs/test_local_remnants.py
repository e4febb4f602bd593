"""What other programs leave on a disk beside objects goes with its folder (issue 18)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from kazinex_storage.errors import NotFoundError
from kazinex_storage.fs import LocalDiskFileSystem


@pytest.fixture
def root(local: LocalDiskFileSystem, tmp_path: Path) -> Path:
    """The folder of *local*, with a folder ``p`` that holds all that no key names, and something outside."""
    root = tmp_path / "root"
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    local.pipe({"p/a.pdf": b"1", "p/d/b.pdf": b"2", "q/c.pdf": b"3"})
    (root / "p" / "Mu\u0308ller.pdf").touch()
    (root / "p" / "line\nbreak").touch()
    (root / "p" / "Mu\u0308ller").mkdir()
    (root / "p" / "Mu\u0308ller" / "x.pdf").touch()
    (root / "p" / "empty" / "deep").mkdir(parents=True)
    (root / "p" / "d" / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(root / "p" / "pipe")
    Path(os.fsdecode(os.fsencode(root / "p") + b"/\xff.pdf")).touch()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "p" / "socket"))
    return root


def test_removing_a_folder_removes_everything_in_it(local: LocalDiskFileSystem, root: Path) -> None:
    local.rm("p", recursive=True)

    assert ["q"] == [path.name for path in root.iterdir() if not path.name.startswith(".~kazinex")]
    assert ["q/c.pdf"] == local.find("")
    assert (root.parent / "outside" / "kept").exists()


def test_removing_everything_leaves_the_root(local: LocalDiskFileSystem, root: Path) -> None:
    local.rm("", recursive=True)

    assert [] == [path.name for path in root.iterdir() if not path.name.startswith(".~kazinex")]
    local.pipe_file("again", b"1")
    assert ["again"] == local.find("")


def test_moving_a_folder_leaves_what_no_key_names(local: LocalDiskFileSystem, root: Path) -> None:
    local.mv("p", "moved", recursive=True)

    assert ["moved/a.pdf", "moved/d/b.pdf", "q/c.pdf"] == local.find("")
    assert (root / "p" / "Mu\u0308ller.pdf").exists()
    assert (root / "p" / "d" / "link").is_symlink()


def test_removing_objects_one_by_one_removes_nothing_else(local: LocalDiskFileSystem, root: Path) -> None:
    local.rm(list(local.find("p")))

    assert (root / "p" / "Mu\u0308ller.pdf").exists()
    with pytest.raises(NotFoundError):
        local.rm("p", recursive=True)  # no object is in it, so it is no folder here

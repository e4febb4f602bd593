"""A name that is there means itself, whatever glob signs it has; one that is not there is a pattern (issue 18)."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import Storage
from kazinex_storage.errors import NotFoundError
from kazinex_storage.fs import StorageFileSystem
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.recording import RecordingProvider

FOLDER = "Plan [A]"
NEIGHBOUR = "Plan A"  # what the name of the folder matches as a pattern


@pytest.fixture
def tree(face: Any, below: str) -> str:
    face.pipe({f"{below}/{FOLDER}/1.pdf": b"1", f"{below}/{NEIGHBOUR}/2.pdf": b"2"})
    return below


def found(face: Any, tree: str) -> dict[str, bytes]:
    return {path.removeprefix(f"{tree}/"): face.cat_file(path) for path in face.find(tree)}


@pytest.mark.parametrize("given", ["{}", "{}/", ["{}"]], ids=["name", "slash", "list"])
def test_removing_a_folder_leaves_the_one_that_its_name_matches(face: Any, tree: str, given: str | list[str]) -> None:
    name = f"{tree}/{FOLDER}"
    paths = given.format(name) if isinstance(given, str) else [one.format(name) for one in given]

    face.rm(paths, recursive=True)

    assert {f"{NEIGHBOUR}/2.pdf": b"2"} == found(face, tree)


@pytest.mark.parametrize("given", ["{}", "{}/"], ids=["name", "slash"])
def test_moving_and_copying_a_folder_takes_that_folder(face: Any, tree: str, given: str) -> None:
    source = given.format(f"{tree}/{FOLDER}")

    face.copy(source, f"{tree}/copied", recursive=True)
    face.mv(source, f"{tree}/moved", recursive=True)

    assert {"copied/1.pdf": b"1", "moved/1.pdf": b"1", f"{NEIGHBOUR}/2.pdf": b"2"} == found(face, tree)


def test_a_folder_goes_into_a_folder_that_is_there(face: Any, tree: str) -> None:
    face.mv(f"{tree}/{FOLDER}", f"{tree}/{NEIGHBOUR}", recursive=True)

    assert {f"{NEIGHBOUR}/{FOLDER}/1.pdf": b"1", f"{NEIGHBOUR}/2.pdf": b"2"} == found(face, tree)


def test_reading_and_listing_a_folder_is_of_that_folder(face: Any, tree: str, tmp_path: Path) -> None:
    folder = f"{tree}/{FOLDER}"

    face.get(folder, str(tmp_path / "got"), recursive=True)

    assert ["1.pdf"] == [path.name for path in (tmp_path / "got").iterdir()]
    assert {f"{folder}/1.pdf": b"1"} == face.cat(folder, recursive=True)
    assert [folder, f"{folder}/1.pdf"] == face.expand_path(folder, recursive=True)
    assert [folder] == face.expand_path(folder)
    assert [f"{folder}/1.pdf"] == face.find(folder) == face.ls(folder, detail=False)
    assert 1 == face.du(folder)


def test_what_needs_recursive_needs_it_for_such_a_folder_too(face: Any, tree: str) -> None:
    for refused in (face.rm, lambda path: face.mv(path, f"{tree}/other")):
        with pytest.raises(IsADirectoryError):
            refused(f"{tree}/{FOLDER}")

    assert {f"{FOLDER}/1.pdf": b"1", f"{NEIGHBOUR}/2.pdf": b"2"} == found(face, tree)


@pytest.mark.parametrize("given", [str, lambda path: [path]], ids=["name", "list"])
def test_a_local_folder_of_such_a_name_is_that_folder(
    face: Any, below: str, tmp_path: Path, given: Callable[[str], Any]
) -> None:
    for name, content in ((FOLDER, b"1"), (NEIGHBOUR, b"2")):
        (tmp_path / "from" / name).mkdir(parents=True)
        (tmp_path / "from" / name / "x.pdf").write_bytes(content)

    face.put(given(str(tmp_path / "from" / FOLDER)), f"{below}/to", recursive=True)

    assert {"to/x.pdf": b"1"} == found(face, below)


def test_a_name_that_is_not_there_is_a_pattern(face: Any, tree: str, tmp_path: Path) -> None:
    face.rm(f"{tree}/{FOLDER}", recursive=True)

    face.copy(f"{tree}/{FOLDER}/*.pdf", f"{tree}/copied/")
    face.rm(f"{tree}/Plan [A]", recursive=True)
    with pytest.raises(NotFoundError):
        face.rm(f"{tree}/Plan [A]", recursive=True)

    assert {"copied/2.pdf": b"2"} == found(face, tree)


def test_an_escaped_pattern_reaches_into_a_folder_of_such_a_name(face: Any, tree: str) -> None:
    face.rm(f"{glob.escape(f'{tree}/{FOLDER}')}/*.pdf")

    assert {f"{NEIGHBOUR}/2.pdf": b"2"} == found(face, tree)


def test_a_name_costs_one_look_up_more_only_when_it_has_glob_signs() -> None:
    recording = RecordingProvider(MemoryProvider())
    fs = StorageFileSystem(storage=Storage(recording))
    fs.pipe({"plain": b"1", "odd [1]": b"2"})
    recording.calls.clear()

    assert b"1" == fs.cat("plain")
    assert ["get"] == [operation for operation, _ in recording.calls]
    recording.calls.clear()
    assert b"2" == fs.cat("odd [1]")

    assert ["head", "get"] == [operation for operation, _ in recording.calls]

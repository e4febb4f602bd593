"""A bucket, container, library or root that is not there: nothing is in it, and every call says that it is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import LocationNotFoundError
from kazinex_storage.errors import NotFoundError, SettingsError
from kazinex_storage.fs import LocalDiskFileSystem, ObjectFileSystem

from .conftest import Served

PLACES = ("s3", "r2", "supabase", "azure", "sharepoint")


@pytest.fixture(scope="module", params=PLACES)
def served(request: pytest.FixtureRequest) -> Served:
    """Those whose places have to be made first."""
    found: Served = request.getfixturevalue(f"{request.param}_served")
    return found


@pytest.fixture
def fs(served: Served) -> ObjectFileSystem:
    return served.open()


def test_nothing_exists_in_a_place_that_is_not_there(served: Served, fs: ObjectFileSystem) -> None:
    for path in (f"{served.missing}", f"{served.missing}/", f"{served.missing}/a", f"{served.missing}/a/b"):
        assert (False, False, False) == (fs.exists(path), fs.isdir(path), fs.isfile(path))


def test_a_place_that_is_there_and_empty_exists(served: Served, fs: ObjectFileSystem) -> None:
    assert (True, True, False) == (fs.exists(served.place), fs.isdir(served.place), fs.isfile(served.place))


CALLS: dict[str, Callable[[Any, str], object]] = {
    "info": lambda fs, place: fs.info(f"{place}/a"),
    "info of the place": lambda fs, place: fs.info(place),
    "ls": lambda fs, place: fs.ls(place),
    "find": lambda fs, place: fs.find(place),
    "glob": lambda fs, place: fs.glob(f"{place}/*"),
    "cat": lambda fs, place: fs.cat(f"{place}/a"),
    "cat_file": lambda fs, place: fs.cat_file(f"{place}/a"),
    "open": lambda fs, place: fs.open(f"{place}/a"),
    "pipe_file": lambda fs, place: fs.pipe_file(f"{place}/a", b"1"),
    "create": lambda fs, place: fs.pipe_file(f"{place}/a", b"1", mode="create"),
    "copy": lambda fs, place: fs.copy(f"{place}/a", f"{place}/b"),
    "rm": lambda fs, place: fs.rm(f"{place}/a"),
    "rm -r": lambda fs, place: fs.rm(place, recursive=True),
    "du": lambda fs, place: fs.du(place),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_says_so_by_an_error_of_a_missing_file(
    served: Served, fs: ObjectFileSystem, call: Callable[[Any, str], object]
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        call(fs, str(served.missing))

    assert isinstance(caught.value, NotFoundError | LocationNotFoundError)


def test_downloading_from_it_leaves_no_file(served: Served, fs: ObjectFileSystem, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fs.get_file(f"{served.missing}/a", tmp_path / "a")

    assert [] == list(tmp_path.iterdir())


def test_coroutines_say_the_same(served: Served) -> None:
    async def run() -> tuple[bool, bool]:
        fs: Any = served.open(asynchronous=True)
        with pytest.raises(LocationNotFoundError):
            await fs._find(served.missing)
        return await fs._exists(served.missing), await fs._isdir(f"{served.missing}/a")

    assert (False, False) == asyncio.run(run())


def test_a_root_that_is_not_there_is_a_missing_file_and_a_wrong_setting(tmp_path: Path) -> None:
    for kind in (FileNotFoundError, SettingsError, LocationNotFoundError):
        with pytest.raises(kind, match="does not exist"):
            LocalDiskFileSystem(root=tmp_path / "missing")


def test_an_organisation_of_which_nothing_is_known_does_not_exist(organisation_served: Served) -> None:
    fs = organisation_served.open()

    assert (False, True) == (fs.exists("nobody"), fs.exists("acme"))
    assert (False, False) == (fs.isdir("nobody/bridge"), fs.exists("nobody/bridge/a"))
    with pytest.raises(FileNotFoundError):
        fs.info("nobody")

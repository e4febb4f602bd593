"""UPath works for every scheme, those with a plus sign included (issue 24)."""

from __future__ import annotations

import importlib
import pickle
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

PYPROJECT = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8"))
ENTRY_POINTS = PYPROJECT["project"]["entry-points"]

upath: Any = importlib.import_module("upath")
registry: Any = importlib.import_module("upath.registry")


@pytest.fixture(autouse=True)
def _registered() -> None:
    # As the entry points do it, which an installation made before them has not.
    for scheme, found in ENTRY_POINTS["universal_pathlib.implementations"].items():
        registry.register_implementation(scheme, found.replace(":", "."), clobber=True)


@pytest.fixture(params=["kazinexmemory", "kazinex+memory"])
def scheme(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def folder(scheme: str, store: str) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield upath.UPath(f"{scheme}://{store}/plans")


def test_every_scheme_of_fsspec_has_a_path() -> None:
    assert set(ENTRY_POINTS["fsspec.specs"]) == set(ENTRY_POINTS["universal_pathlib.implementations"])


def test_paths_keep_their_scheme(scheme: str, folder: Any, store: str) -> None:
    path = folder / "2026" / "a.txt"

    assert (scheme, f"{scheme}://{store}/plans/2026/a.txt") == (path.protocol, str(path))
    assert (f"{scheme}://{store}/plans/2026", "a.txt", ".txt") == (str(path.parent), path.name, path.suffix)
    assert path == upath.UPath(str(path)) == upath.UPath(path) == upath.UPath(folder, "2026", "a.txt")
    assert path == pickle.loads(pickle.dumps(path))  # noqa: S301
    assert path == folder.joinpath(upath.UPath(f"{scheme}://{store}/plans/2026/a.txt").relative_to(folder))


def test_files_are_written_listed_renamed_and_removed(scheme: str, folder: Any, store: str) -> None:
    path = folder / "a.txt"

    path.write_text("plan")
    renamed = path.rename(folder / "b.txt").rename(f"{scheme}://{store}/plans/c.txt")
    again = renamed.rename(PurePosixPath(store, "plans", "d.txt"))

    assert ("plan", [again]) == (again.read_text(), list(folder.iterdir()))
    with pytest.raises(NotImplementedError):
        again.rename("e.txt")
    again.unlink()
    assert not folder.exists()


def test_two_file_systems_are_not_mixed(folder: Any) -> None:
    with pytest.raises(ValueError, match="incompatible"):
        folder.joinpath(upath.UPath("kazinexlocal://a", root="/tmp"))

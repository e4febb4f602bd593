"""What the tests of the file systems share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage.fs import LocalFileSystem, MemoryFileSystem, ObjectFileSystem

_STORES = itertools.count()


@pytest.fixture
def memory() -> MemoryFileSystem:
    return MemoryFileSystem()


@pytest.fixture
def store() -> Iterator[str]:
    """A store in memory that no other test names; emptied afterwards, since named stores outlive file systems."""
    name = f"store-{next(_STORES)}"
    yield name
    fs = MemoryFileSystem()
    if fs.find(name):
        fs.rm(name, recursive=True)


@pytest.fixture
def local(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem(root=tmp_path / "root", create=True, durable=False)


@pytest.fixture(params=["memory", "local"])
def fs(request: pytest.FixtureRequest) -> ObjectFileSystem:
    """One file system after the other."""
    found: ObjectFileSystem = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def base(fs: ObjectFileSystem, store: str) -> str:
    """A folder of *fs* that no other test uses, without a slash at the end."""
    return store if isinstance(fs, MemoryFileSystem) else "base"

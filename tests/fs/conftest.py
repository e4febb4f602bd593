"""What the tests of the file systems share."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import Organisations, Resolver
from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem, ObjectFileSystem, OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.servers import AzuriteServer, S3Server

from ..services import tenant
from .services import Service, bucket_on, container_on, library_of

_STORES = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most of fsspec's tables of patterns to ``make soak``."""
    spread_rows([item for item in items if isinstance(item, pytest.Function) and "_glob_edge_cases[" in item.name])


def spread_rows(tests: list[pytest.Function]) -> None:
    """Leave each row of a table to memory and to one of the other places, which take turns."""
    rows = Counter[tuple[str, object]]()
    others = [place for place in dict.fromkeys(test.callspec.params["found"] for test in tests) if place != "memory"]
    for test in tests:
        table = test.nodeid.partition("[")[0], test.callspec.params["found"]
        if table[1] not in ("memory", others[rows[table] % len(others)]):
            test.add_marker(pytest.mark.soak)
        rows[table] += 1


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
def local(tmp_path: Path) -> LocalDiskFileSystem:
    return LocalDiskFileSystem(root=tmp_path / "root", create=True, durable=False)


@pytest.fixture(params=["memory", "local"])
def fs(request: pytest.FixtureRequest) -> ObjectFileSystem:
    """One file system after the other."""
    found: ObjectFileSystem = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def base(fs: ObjectFileSystem, store: str) -> str:
    """A folder of *fs* that no other test uses, without a slash at the end."""
    return store if isinstance(fs, MemoryFileSystem) else "base"


class Awaited:
    """A file system whose blocking calls are its coroutines, each run on a loop of its own."""

    def __init__(self, fs: ObjectFileSystem) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        coroutine = getattr(self._fs, f"_{name}", None)
        if not inspect.iscoroutinefunction(coroutine):
            return getattr(self._fs, name)
        return lambda *arguments, **options: asyncio.run(coroutine(*arguments, **options))


@pytest.fixture
def awaited() -> Any:
    return Awaited(MemoryFileSystem(asynchronous=True))


@pytest.fixture
def organisation(tmp_path: Path) -> Iterator[OrganisationFileSystem]:
    organisations = Organisations(MemoryCatalogue())
    (tmp_path / "disk").mkdir()
    record = organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path / "disk"), "durable": False})
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", record.id)
    resolver = Resolver(organisations)
    yield OrganisationFileSystem(resolver=resolver)
    resolver.close()


@pytest.fixture(params=["memory", "local", "awaited", "organisation"])
def face(request: pytest.FixtureRequest) -> Any:
    """Every kind of face: blocking and awaited, one storage and the providers of an organisation."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def below(face: Any, store: str) -> str:
    """A folder of *face* that no other test uses, without a slash at the end; nothing below it is a revision's file."""
    return "org-1/bridge/a/b/c" if isinstance(face, OrganisationFileSystem) else store


@pytest.fixture(scope="module")
def s3(ministack_server: S3Server) -> Service:
    return bucket_on(ministack_server, "s3")


@pytest.fixture(scope="module")
def r2(seaweedfs_server: S3Server) -> Service:
    return bucket_on(seaweedfs_server, "r2")


@pytest.fixture(scope="module")
def azure(azurite_server: AzuriteServer) -> Iterator[Service]:
    with container_on(azurite_server) as service:
        yield service


@pytest.fixture(scope="module")
def sharepoint() -> Iterator[Service]:
    with tenant() as found:
        yield library_of(found)

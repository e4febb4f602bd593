"""What the calls of a file system cost, in requests: services throttle by their number, and a caller waits for each."""

from __future__ import annotations

import asyncio
import importlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import Organisations, Resolver, Storage
from kazinex_storage.fs import ObjectFileSystem, OrganisationFileSystem, StorageFileSystem
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.registry import default_registry
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Observation, Transport

from .conftest import Served

# Untyped.
pandas: Any = importlib.import_module("pandas")

BODY = b"drawing,revision\n1,2\n"
PLACES = {"s3": "bucket", "azure": "container", "sharepoint": "library"}
KINDS = {"s3": "s3", "azure": "azure_blob", "sharepoint": "sharepoint"}


@dataclass(slots=True)
class Counted:
    """A file system whose requests are counted, with one object in it."""

    fs: ObjectFileSystem
    folder: str
    seen: list[str]
    resolver: Resolver | None = None
    """Of an organisation."""

    @property
    def path(self) -> str:
        """The path of the object."""
        return f"{self.folder}/d.csv"

    def requests(self, call: Callable[[], object]) -> list[str]:
        """Return the methods of the requests that *call* makes."""
        del self.seen[:]
        call()
        return list(self.seen)


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
def transport(seen: list[str]) -> Iterator[Transport]:
    def observe(one: Observation) -> None:
        seen.append(one.method)

    found = Transport(observe=observe)
    yield found
    found.close()


def storage_of(name: str, request: pytest.FixtureRequest, transport: Transport) -> tuple[Storage, str]:
    """Return a storage over the service *name*, and a prefix that no other test uses."""
    served: Served = request.getfixturevalue(f"{name}_served")
    registry, kind = default_registry(), KINDS[name]
    settings = registry.parse_settings(kind, {**served.options, PLACES[name]: served.place})
    return Storage(registry.open(kind, settings), transport=transport), served.folder().removeprefix(f"{served.place}/")


@pytest.fixture(params=list(KINDS))
def stored(request: pytest.FixtureRequest, transport: Transport, seen: list[str]) -> Iterator[tuple[Storage, Counted]]:
    """A storage over one service after the other, and the file system over it."""
    storage, folder = storage_of(request.param, request, transport)
    with storage:
        counted = Counted(fs=StorageFileSystem(storage=storage), folder=folder, seen=seen)
        counted.fs.pipe_file(counted.path, BODY)
        counted.fs.cat_file(counted.path)
        yield storage, counted


@pytest.fixture
def shared(ministack_server: S3Server, s3_served: Served, transport: Transport, seen: list[str]) -> Iterator[Counted]:
    """An organisation with two providers, either of which may hold the object."""
    organisations = Organisations(MemoryCatalogue())
    records = [
        organisations.add_provider("acme", "s3", name, {**s3_served.options, "bucket": ministack_server.make_bucket()})
        for name in ("one", "two")
    ]
    for record in records:
        organisations.record_verification(record, ok=True)
    organisations.set_default("acme", records[0].id)
    resolver = Resolver(organisations, transport=transport)
    fs = OrganisationFileSystem(resolver=resolver)
    counted = Counted(fs=fs, folder="acme/bridge/a/b/c/d", seen=seen, resolver=resolver)
    counted.fs.pipe_file(counted.path, BODY)
    yield counted
    resolver.close()


@pytest.fixture
def s3(request: pytest.FixtureRequest, transport: Transport, seen: list[str]) -> Iterator[Counted]:
    storage, folder = storage_of("s3", request, transport)
    with storage:
        counted = Counted(fs=StorageFileSystem(storage=storage), folder=folder, seen=seen)
        counted.fs.pipe_file(counted.path, BODY)
        yield counted


@pytest.fixture
def counted(stored: tuple[Storage, Counted]) -> Counted:
    return stored[1]


def read(fs: ObjectFileSystem, path: str, mode: str = "rb") -> object:
    with fs.open(path, mode) as file:
        return file.read()


def test_opening_is_one_request_and_reading_one_more(counted: Counted) -> None:
    def opened() -> None:
        counted.fs.open(counted.path).close()

    look = counted.requests(opened)

    assert 1 == len(look)
    assert [*look, "GET"] == counted.requests(lambda: read(counted.fs, counted.path))
    assert [*look, "GET"] == counted.requests(lambda: read(counted.fs, counted.path, "rt"))


def test_opening_in_a_storage_is_one_request_and_reading_one_more(stored: tuple[Storage, Counted]) -> None:
    storage, counted = stored

    def opened() -> None:
        storage.open(counted.path).close()

    def opened_and_read() -> None:
        with storage.open(counted.path) as file:
            file.read()

    look = counted.requests(opened)

    assert 1 == len(look)
    assert [*look, "GET"] == counted.requests(opened_and_read)


def test_opening_where_two_providers_may_hold_the_object_is_one_request_too(shared: Counted) -> None:
    def opened() -> None:
        shared.fs.open(shared.path).close()

    def tabulated() -> None:
        pandas.read_csv(f"kazinex://{shared.path}", storage_options={"resolver": shared.resolver})

    assert ["HEAD"] == shared.requests(opened)
    assert ["HEAD", "GET"] == shared.requests(lambda: read(shared.fs, shared.path))
    assert ["HEAD", "GET"] == shared.requests(tabulated)


def test_what_is_appended_to_an_open_file_is_not_looked_up_first(counted: Counted) -> None:
    read_whole = counted.requests(lambda: counted.fs.cat_file(counted.path))
    into_file = counted.requests(lambda: counted.fs.get_file(counted.path, outfile=io.BytesIO()))
    awaited = counted.requests(lambda: asyncio.run(counted.fs._get_file(counted.path, outfile=io.BytesIO())))

    assert [read_whole, read_whole] == [into_file, awaited]


def test_getting_a_file_by_its_name_looks_up_nothing_first(counted: Counted, tmp_path: Path) -> None:
    one = counted.requests(lambda: counted.fs.get_file(counted.path, str(tmp_path / "one")))

    assert one == counted.requests(lambda: counted.fs.get(counted.path, str(tmp_path / "other")))
    assert BODY == (tmp_path / "other").read_bytes()


def test_a_folder_is_left_out_without_recursive(counted: Counted, tmp_path: Path) -> None:
    counted.fs.get(counted.folder, str(tmp_path / "folder"))

    assert [] == list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        counted.fs.get(f"{counted.folder}/missing", str(tmp_path / "missing"))


def test_of_two_providers_the_one_that_is_appended_to_an_open_file_is_found_first(shared: Counted) -> None:
    assert ["HEAD", "GET"] == shared.requests(lambda: shared.fs.get_file(shared.path, outfile=io.BytesIO()))


def test_a_single_move_looks_at_its_source_before_and_after_the_copy(shared: Counted) -> None:
    moved = f"{shared.folder}/moved.csv"

    copied = shared.requests(lambda: shared.fs.cp_file(shared.path, f"{shared.folder}/copied.csv"))

    found = shared.requests(lambda: asyncio.run(shared.fs._mv_file(shared.path, moved)))

    assert ["HEAD", *copied, "HEAD"] == found[: len(copied) + 2]
    assert not set(found[len(copied) + 2 :]) - {"HEAD", "PUT", "POST", "DELETE"}  # the delete, through the trash


def test_removing_a_folder_lists_it_once_before_and_once_after(s3: Counted) -> None:
    # Between them: whether an object has the name of the folder, and the deletes.
    assert ["GET", "HEAD", "POST", "GET"] == s3.requests(lambda: s3.fs.rm(s3.folder, recursive=True))

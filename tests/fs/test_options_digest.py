"""The option ``digest`` of file systems: what proves the objects that are written."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import fsspec
import pytest

from kazinex_storage import Storage
from kazinex_storage.fs.filesystem import ObjectFileSystem
from kazinex_storage.fs.kinds import StorageFileSystem
from kazinex_storage.fs.options import FileSystemOptions
from kazinex_storage.fs.organisations import OrganisationFileSystem
from kazinex_storage.organisations import Resolver
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.types import DigestChoice

from ..journeys.only_provider import OnlyProvider

SETTINGS = {
    "endpoint_url": "http://127.0.0.1:9",
    "region": "us-east-1",
    "access_key_id": "AKIAEXAMPLE",
    "secret_access_key": "example",
}


def writer_of(fs: ObjectFileSystem, path: str) -> Storage:
    """What *path* is written to."""
    space = fs._lookups.space
    return space.transport.run(space.writer(space.place(path)))


def choice_of(storage: Storage) -> DigestChoice:
    return storage.operations.context.rules.digest


@pytest.mark.parametrize("chosen", [None, "service", "sha256"])
def test_the_storage_of_a_file_system_is_used_as_the_option_says(chosen: DigestChoice | None) -> None:
    owns: tuple[DigestChoice, ...] = ("service", "sha256")
    for own in owns:
        with Storage(MemoryProvider(), digest=own) as storage:
            fs = StorageFileSystem(storage=storage, digest=chosen)

            assert (chosen or own) == choice_of(writer_of(fs, "a"))
            fs.pipe_file("a", b"%PDF")
            assert b"%PDF" == storage.get_bytes("a")


@pytest.mark.parametrize(("given", "chosen"), [({}, "service"), ({"digest": "sha256"}, "sha256")])
def test_buckets_and_disks_are_opened_as_the_option_says(
    tmp_path: Path, given: dict[str, str], chosen: DigestChoice
) -> None:
    buckets = fsspec.filesystem("kazinexs3", **SETTINGS, **given)
    disk = fsspec.filesystem("kazinexlocal", root=tmp_path, **given)

    assert chosen == choice_of(writer_of(buckets, "bucket/a"))
    assert chosen == choice_of(writer_of(disk, "a"))
    assert chosen == choice_of(writer_of(type(buckets).from_json(buckets.to_json()), "bucket/a"))


@pytest.mark.parametrize("chosen", [None, "service", "sha256"])
def test_the_storages_of_an_organisation_are_used_as_the_option_says(chosen: DigestChoice | None) -> None:
    with Storage(MemoryProvider()) as storage:
        fs = OrganisationFileSystem(resolver=cast("Resolver", OnlyProvider(storage)), digest=chosen)

        assert (chosen or "service") == choice_of(writer_of(fs, "acme/bridge/a"))


def test_it_is_an_option_of_urls_and_of_every_scheme() -> None:
    with fsspec.open("kazinexmemory://digests/a.txt", "wb", digest="sha256") as file:
        file.write(b"%PDF")

    fs = fsspec.filesystem("kazinexmemory", digest="sha256")
    assert fs.info("digests/a.txt")["sha256"]
    fs.rm("digests", recursive=True)


def test_one_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="service, sha256"):
        FileSystemOptions(digest="md5")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="service, sha256"):
        fsspec.filesystem("kazinexmemory", digest="crc32")

"""A revision is written once through kazinex:// too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import Organisations, Resolver, verify_provider
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue

REVISION = "org-1/bridge/DRG-1/P01/plan.pdf"


@pytest.fixture
def fs(tmp_path: Path) -> Iterator[OrganisationFileSystem]:
    organisations = Organisations(MemoryCatalogue())
    organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path), "durable": False})
    assert verify_provider(organisations, "org-1", "disk").ok
    organisations.set_default("org-1", "disk")
    resolver = Resolver(organisations)
    yield OrganisationFileSystem(resolver=resolver)
    resolver.close()


def test_the_file_of_a_revision_is_never_replaced_by_whatever_call(fs: OrganisationFileSystem, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"second")
    fs.pipe_file(REVISION, b"first")
    fs.pipe_file("org-1/bridge/note", b"second")

    with pytest.raises(FileExistsError):
        fs.pipe_file(REVISION, b"second")
    with pytest.raises(FileExistsError):
        fs.pipe({REVISION: b"second"})
    with pytest.raises(FileExistsError), fs.open(REVISION, "wb") as file:
        file.write(b"second")
    with pytest.raises(FileExistsError):
        fs.put_file(str(local), REVISION)
    with pytest.raises(FileExistsError):
        fs.cp_file("org-1/bridge/note", REVISION)
    with pytest.raises(FileExistsError):
        fs.mv("org-1/bridge/note", REVISION)
    with pytest.raises(FileExistsError):
        fs.touch(REVISION)

    assert b"first" == fs.cat_file(REVISION)
    assert b"second" == fs.cat_file("org-1/bridge/note")


def test_other_objects_are_replaced_as_usual(fs: OrganisationFileSystem) -> None:
    for path in ("org-1/bridge/note", "org-1/bridge/a/b/c/d/e"):
        fs.pipe_file(path, b"first")
        with fs.open(path, "wb") as file:
            file.write(b"second")

        assert b"second" == fs.cat_file(path)


@pytest.mark.asyncio
async def test_coroutines_keep_the_rule(fs: OrganisationFileSystem) -> None:
    await fs._pipe_file(REVISION, b"first")

    with pytest.raises(FileExistsError):
        await fs._pipe_file(REVISION, b"second")

    assert b"first" == await fs._cat_file(REVISION)

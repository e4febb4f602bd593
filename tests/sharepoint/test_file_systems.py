"""``sharepoint://``: what is peculiar to libraries; ``tests/fs`` has what every service owes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from kazinex_storage.fs import SharePointFileSystem
from kazinex_storage.testing.emulators.graph import Site

from .. import services
from ..services import Tenant


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    with services.tenant() as found:
        yield found


@pytest.fixture(scope="module")
def fs(tenant: Tenant) -> SharePointFileSystem:
    """One for all: each has connections of its own, and client and server are both in this process."""
    return SharePointFileSystem(**tenant.options)


@pytest.fixture
def base() -> str:
    return f"Shared Documents/{secrets.token_hex(4)}"


def ids(site: Site, base: str, *names: str) -> list[str]:
    folder = base.removeprefix("Shared Documents/")
    return [site.drives[0].find(f"{folder}/{name}").id for name in names]


@pytest.mark.parametrize("recursive", [True, False], ids=["folder", "list"])
def test_a_moved_file_is_the_same_file(tenant: Tenant, fs: SharePointFileSystem, base: str, recursive: bool) -> None:
    fs.pipe({f"{base}/from/a.txt": b"1", f"{base}/from/b/c.txt": b"2", f"{base}/to/b/c.txt": b"old"})
    before = ids(tenant.site, base, "from/a.txt", "from/b/c.txt")

    if recursive:
        fs.mv(f"{base}/from/", f"{base}/to/", recursive=True)
    else:
        names = ["a.txt", "b/c.txt"]
        fs.mv([f"{base}/from/{name}" for name in names], [f"{base}/to/{name}" for name in names])

    assert before == ids(tenant.site, base, "to/a.txt", "to/b/c.txt")
    assert {f"{base}/to/a.txt": b"1", f"{base}/to/b/c.txt": b"2"} == fs.cat(base, recursive=True)


def test_a_rotation_keeps_every_file(tenant: Tenant, fs: SharePointFileSystem, base: str) -> None:
    fs.pipe({f"{base}/log": b"new", f"{base}/log.1": b"old"})
    before = ids(tenant.site, base, "log", "log.1")

    fs.mv([f"{base}/log", f"{base}/log.1"], [f"{base}/log.1", f"{base}/log.2"])

    assert before == ids(tenant.site, base, "log.1", "log.2")


@pytest.mark.asyncio
async def test_the_coroutine_moves_too(tenant: Tenant, base: str) -> None:
    fs = SharePointFileSystem(**tenant.options, asynchronous=True)
    await fs._pipe_file(f"{base}/a.txt", b"1")
    before = ids(tenant.site, base, "a.txt")

    await fs._mv(f"{base}/a.txt", f"{base}/b.txt")
    await fs._mv_file(f"{base}/b.txt", f"{base}/c.txt")

    assert before == ids(tenant.site, base, "c.txt")


@pytest.mark.parametrize("call", ["mv", "copy"])
def test_targets_that_differ_in_case_are_one(fs: SharePointFileSystem, base: str, call: str) -> None:
    before = {f"{base}/x/a.txt": b"1", f"{base}/y/A.TXT": b"2"}
    fs.pipe(before)

    with pytest.raises(ValueError, match="would both become"):
        getattr(fs, call)(list(before), f"{base}/t/")

    assert before == fs.cat(base, recursive=True)

"""``sharepoint://``: fsspec's own suites, and what is peculiar to libraries."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import fsspec
import pytest

from kazinex_storage.fs import SharePointFileSystem
from kazinex_storage.testing.emulators.graph import GraphEmulator, Site, graph_emulator
from kazinex_storage.testing.emulators.tls import certificate_authority

# Untyped.
pandas: Any = importlib.import_module("pandas")
suites: Any = importlib.import_module("fsspec.tests.abstract")

Tenant = tuple[GraphEmulator, Site, dict[str, Any]]


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    with (
        certificate_authority() as authority,
        graph_emulator(authority) as emulator,
        pytest.MonkeyPatch.context() as patch,
    ):
        # The file systems have no option for it: a trusted authority is a matter of the machine.
        patch.setenv("SSL_CERT_FILE", authority.ca_file)
        site, app = emulator.add_site("sites/projects"), emulator.add_app(secret="example-secret")  # noqa: S106
        options = {
            "tenant_id": emulator.tenant,
            "client_id": app.client_id,
            "client_secret": "example-secret",
            "site_url": site.url,
            "login_url": emulator.login_url,
            "graph_url": emulator.graph_url,
            "ca_file": authority.ca_file,
        }
        yield emulator, site, options


@pytest.fixture(scope="module")
def fs(tenant: Tenant) -> SharePointFileSystem:
    """One for all: each has connections of its own, and client and server are both in this process."""
    return SharePointFileSystem(**tenant[2])


@pytest.fixture
def base() -> str:
    return f"Shared Documents/{secrets.token_hex(4)}"


class Fixtures(suites.AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture
    def fs(self, fs: SharePointFileSystem) -> SharePointFileSystem:
        return fs

    @pytest.fixture
    def fs_path(self, base: str) -> str:
        return base

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Fixtures, suites.AbstractCopyTests):  # type: ignore[misc]
    pass


class TestGet(Fixtures, suites.AbstractGetTests):  # type: ignore[misc]
    pass


class TestPut(Fixtures, suites.AbstractPutTests):  # type: ignore[misc]
    pass


class TestOpen(Fixtures, suites.AbstractOpenTests):  # type: ignore[misc]
    pass


class TestPipe(Fixtures, suites.AbstractPipeTests):  # type: ignore[misc]
    pass


@pytest.mark.parametrize("scheme", ["sharepoint", "kazinex+sharepoint"])
def test_a_url_begins_with_the_library(scheme: str, tenant: Tenant, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, site, options = tenant
    for name, value in options.items():
        monkeypatch.setenv(f"KAZINEX_STORAGE_SHAREPOINT_{name.upper()}", str(value))

    with fsspec.open(f"{scheme}://{base}/Plan Müller #1.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")

    folder = base.partition("/")[2]
    assert b"a,b\n1,2\n" == site.drives[0].find(f"{folder}/Plan Müller #1.csv").content
    assert [[1, 2]] == pandas.read_csv(f"{scheme}://{base}/Plan Müller #1.csv").to_numpy().tolist()


def ids(site: Site, base: str, *names: str) -> list[str]:
    folder = base.removeprefix("Shared Documents/")
    return [site.drives[0].find(f"{folder}/{name}").id for name in names]


@pytest.mark.parametrize("recursive", [True, False], ids=["folder", "list"])
def test_a_moved_file_is_the_same_file(tenant: Tenant, fs: SharePointFileSystem, base: str, recursive: bool) -> None:
    fs.pipe({f"{base}/from/a.txt": b"1", f"{base}/from/b/c.txt": b"2", f"{base}/to/b/c.txt": b"old"})
    before = ids(tenant[1], base, "from/a.txt", "from/b/c.txt")

    if recursive:
        fs.mv(f"{base}/from/", f"{base}/to/", recursive=True)
    else:
        names = ["a.txt", "b/c.txt"]
        fs.mv([f"{base}/from/{name}" for name in names], [f"{base}/to/{name}" for name in names])

    assert before == ids(tenant[1], base, "to/a.txt", "to/b/c.txt")
    assert {f"{base}/to/a.txt": b"1", f"{base}/to/b/c.txt": b"2"} == fs.cat(base, recursive=True)


def test_a_rotation_keeps_every_file(tenant: Tenant, fs: SharePointFileSystem, base: str) -> None:
    fs.pipe({f"{base}/log": b"new", f"{base}/log.1": b"old"})
    before = ids(tenant[1], base, "log", "log.1")

    fs.mv([f"{base}/log", f"{base}/log.1"], [f"{base}/log.1", f"{base}/log.2"])

    assert before == ids(tenant[1], base, "log.1", "log.2")


@pytest.mark.asyncio
async def test_the_coroutine_moves_too(tenant: Tenant, base: str) -> None:
    fs = SharePointFileSystem(**tenant[2], asynchronous=True)
    await fs._pipe_file(f"{base}/a.txt", b"1")
    before = ids(tenant[1], base, "a.txt")

    await fs._mv(f"{base}/a.txt", f"{base}/b.txt")
    await fs._mv_file(f"{base}/b.txt", f"{base}/c.txt")

    assert before == ids(tenant[1], base, "c.txt")


@pytest.mark.parametrize("call", ["mv", "copy"])
def test_targets_that_differ_in_case_are_one(fs: SharePointFileSystem, base: str, call: str) -> None:
    before = {f"{base}/x/a.txt": b"1", f"{base}/y/A.TXT": b"2"}
    fs.pipe(before)

    with pytest.raises(ValueError, match="would both become"):
        getattr(fs, call)(list(before), f"{base}/t/")

    assert before == fs.cat(base, recursive=True)

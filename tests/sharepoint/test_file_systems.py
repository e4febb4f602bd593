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

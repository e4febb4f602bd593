"""Every file system as a program of the ecosystem meets it: a scheme, options for it, and a folder to work in."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pytest

from kazinex_storage.fs import ObjectFileSystem
from kazinex_storage.organisations import open_organisations
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.testing.servers import AzuriteServer, S3Server

from ..services import azure_options, keys_of, r2_options, supabase_options, tenant

collect_ignore_glob = ["drawings/*"]  # an application of Django, which can be imported once Django is set up


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One file system that answers."""

    scheme: str
    place: str
    """Where paths begin: a bucket, a store, an organisation with a project; empty for a disk."""
    options: Mapping[str, Any] = field(repr=False)
    missing: str | None = None
    """The name of a place that is not there, where places have to be made first."""

    def open(self, **further: object) -> ObjectFileSystem:
        """Make the file system."""
        found: ObjectFileSystem = fsspec.filesystem(self.scheme, **{**self.options, **further})
        return found

    def folder(self) -> str:
        """Return the path of a folder that no other test uses."""
        name = f"folder-{secrets.token_hex(4)}"
        return f"{self.place}/{name}" if self.place else name

    def url(self, path: str) -> str:
        """Return the URL of *path*."""
        return f"{self.scheme}://{path}"


@pytest.fixture(scope="session")
def memory_served() -> Served:
    return Served(scheme="kazinexmemory", place="ecosystem", options={})


@pytest.fixture(scope="session")
def local_served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    root = str(tmp_path_factory.mktemp("disk"))
    return Served(scheme="kazinexlocal", place="", options={"root": root, "durable": False})


@pytest.fixture(scope="session")
def s3_served(ministack_server: S3Server) -> Served:
    options = {**keys_of(ministack_server), "region": ministack_server.region}
    place = ministack_server.make_bucket()
    return Served(scheme="kazinexs3", place=place, options=options, missing="missing-bucket")


@pytest.fixture(scope="session")
def r2_served(ministack_server: S3Server) -> Iterator[Served]:
    with r2_front(ministack_server) as front:
        bucket = f"test-{secrets.token_hex(4)}"
        front.make_bucket(bucket)
        options = r2_options(front, [bucket, "missing-bucket"])
        yield Served(scheme="r2", place=bucket, options=options, missing="missing-bucket")


@pytest.fixture(scope="session")
def supabase_served(ministack_server: S3Server) -> Iterator[Served]:
    with supabase_front(ministack_server) as front:
        place = front.make_bucket()
        yield Served(scheme="kazinexsupabase", place=place, options=supabase_options(front), missing="missing-bucket")


@pytest.fixture(scope="session")
def azure_served(azurite_server: AzuriteServer) -> Served:
    place, options = azurite_server.make_container(), azure_options(azurite_server)
    return Served(scheme="kazinexazure", place=place, options=options, missing="missing-container")


@pytest.fixture(scope="session")
def sharepoint_served() -> Iterator[Served]:
    with tenant() as found:
        yield Served(scheme="sharepoint", place="Shared Documents", options=found.options, missing="Missing Library")


@pytest.fixture(scope="session")
def organisation_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home, root = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAZINEX_STORAGE_HOME", str(home))
        organisations = open_organisations()
        try:
            record = organisations.add_provider("acme", "local", "archive", {"root": str(root), "durable": False})
            organisations.record_verification(record, ok=True)
            organisations.set_default("acme", record.id)
        finally:
            organisations.close()
        yield Served(scheme="kazinex", place="acme/bridge/tables/today", options={})


KINDS = ("memory", "local", "s3", "r2", "supabase", "azure", "sharepoint", "organisation")


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest) -> Served:
    """One file system after the other."""
    found: Served = request.getfixturevalue(f"{request.param}_served")
    return found


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Work in a folder that must stay empty; what is called tells what is in it."""
    folder = tmp_path / "working-folder"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def held() -> list[str]:
        return sorted(os.path.join(root, name) for root, folders, files in os.walk(folder) for name in folders + files)

    yield held
    assert held() == []

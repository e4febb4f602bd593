"""How long a file system lives: as long as somebody holds it or a file of it, and no longer."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from kazinex_storage.fs import (
    AzureFileSystem,
    LocalDiskFileSystem,
    MemoryFileSystem,
    OrganisationFileSystem,
    R2FileSystem,
    S3FileSystem,
    SharePointFileSystem,
    SupabaseFileSystem,
)
from kazinex_storage.fs.filesystem import ObjectFileSystem

KEYS: dict[str, Any] = {"access_key_id": "1" * 32, "secret_access_key": "0" * 64}
APP: dict[str, Any] = {
    "tenant_id": f"{'0' * 8}-0000-0000-0000-{'0' * 12}",
    "client_id": f"{'1' * 8}-0000-0000-0000-{'0' * 12}",
    "client_secret": "example",
}

MADE: dict[str, Callable[[Path], ObjectFileSystem]] = {
    "memory": lambda _: MemoryFileSystem(),
    "local": lambda folder: LocalDiskFileSystem(root=str(folder), create=True),
    "organisation": lambda _: OrganisationFileSystem(),
    "r2": lambda _: R2FileSystem(account_id="0" * 32, **KEYS),
    "s3": lambda _: S3FileSystem(region="eu-central-1", **KEYS),
    "supabase": lambda _: SupabaseFileSystem(project_ref="a" * 20, region="eu-central-1", **KEYS),
    "azure": lambda _: AzureFileSystem(account="example", account_key="ZXhhbXBsZQ=="),
    "sharepoint": lambda _: SharePointFileSystem(site_url="https://example.sharepoint.com/sites/a", **APP),
}


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Nothing but the count of references lets go of anything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", MADE)
def test_an_unreferenced_file_system_is_collected(name: str, tmp_path: Path, without_collector: None) -> None:
    fs = MADE[name](tmp_path / "root")
    known = weakref.ref(fs)

    del fs

    assert None is known()


OPENED: dict[str, Callable[[str], Any]] = {
    "bytes": lambda url: fsspec.open(url, "rb").open(),
    "text": lambda url: fsspec.open(url, "r").open(),
    "gzip": lambda url: fsspec.open(url, "rb", compression="gzip").open(),
    "by itself": lambda url: MemoryFileSystem().open(url, "rb"),
}


@pytest.mark.parametrize("name", OPENED)
def test_a_file_that_is_read_keeps_its_file_system(name: str) -> None:
    url = f"kazinex+memory://lives/{name}"
    with fsspec.open(url, "wb", compression="gzip" if name == "gzip" else None) as file:
        file.write(b"plan")

    opened = OPENED[name](url)
    gc.collect()

    assert opened.read() in (b"plan", "plan")
    opened.close()


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_that_is_written_keeps_its_file_system(compression: str | None) -> None:
    url = f"kazinex+memory://lives/written-{compression}"

    opened = MemoryFileSystem().open(url, "w", compression=compression)
    gc.collect()
    opened.write("plan")
    opened.close()

    with fsspec.open(url, "r", compression=compression) as file:
        assert "plan" == file.read()

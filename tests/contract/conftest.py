"""Fixtures for tests of the provider for local disks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.storage.sync import Storage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty root."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder that is none of the provider's business, with a secret in it."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_bytes(b"secret")
    return path


@pytest.fixture
def storage(root: Path) -> Iterator[Storage]:
    """Return a storage over the root."""
    with Storage(LocalProvider(LocalSettings(root=root, durable=False))) as storage:
        yield storage

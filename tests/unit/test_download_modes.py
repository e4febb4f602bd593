"""A download leaves the permissions of its target as they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import Storage
from kazinex_storage.providers.memory import MemoryProvider


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", b"new")
        yield storage


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755], ids=oct)
def test_a_file_that_is_replaced_keeps_its_mode(storage: Storage, tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(mode)

    storage.download("a", target)

    assert (b"new", mode) == (target.read_bytes(), stat.S_IMODE(target.stat().st_mode))


def test_a_new_file_has_the_mode_that_the_umask_gives(storage: Storage, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        storage.download("a", tmp_path / "a")
    finally:
        os.umask(before)

    assert 0o640 == stat.S_IMODE((tmp_path / "a").stat().st_mode)

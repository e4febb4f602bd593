"""Who may use what a local root holds, whatever the umask says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import PutOptions, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings, temporary
from kazinex_storage.providers.local.settings import LocalAccess

HELD = PutOptions(metadata={"author": "A. Person"})


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(root: Path) -> tuple[set[int], set[int]]:
    """Return the modes of all files and of all folders below *root*."""
    found = [(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in root.rglob("*")]
    return {mode for folder, mode in found if not folder}, {mode for folder, mode in found if folder}


def fill(root: Path, **settings: LocalAccess) -> None:
    values = {"root": root, "durable": False, **settings}
    with Storage(LocalProvider(LocalSettings.model_validate(values))) as storage:
        storage.put("acme/p/D/R1/contract.pdf", b"1", HELD)
        storage.put("acme/p/D/R1/contract.pdf", b"2", HELD)
        storage.copy("acme/p/D/R1/contract.pdf", "acme/p/D/R2/contract.pdf")
        storage.delete("acme/p/D/R2/contract.pdf")


@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
def test_only_the_owner_may_use_anything(
    tmp_path: Path, umask: int, unnamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not unnamed:
        monkeypatch.setattr(temporary, "_UNNAMED", 0)

    fill(tmp_path)

    assert ({0o600}, {0o700}) == modes(tmp_path)


def test_a_root_that_is_made_belongs_to_the_owner(tmp_path: Path, umask: int) -> None:
    LocalProvider(LocalSettings(root=tmp_path / "made", create=True)).close()

    assert 0o700 == stat.S_IMODE((tmp_path / "made").stat().st_mode)


def test_the_group_may_use_everything_when_the_settings_say_so(tmp_path: Path, umask: int) -> None:
    fill(tmp_path, access="group")

    assert ({0o660}, {0o770}) == modes(tmp_path)


def test_the_umask_decides_when_the_settings_say_so(tmp_path: Path, umask: int) -> None:
    fill(tmp_path, access="umask")

    assert ({0o666 & ~umask}, {0o777 & ~umask}) == modes(tmp_path)


def test_locks_and_sidecars_of_an_earlier_release_are_closed_to_others(tmp_path: Path) -> None:
    fill(tmp_path, access="umask")
    (tmp_path / ".~kazinex").chmod(0o755)

    LocalProvider(LocalSettings(root=tmp_path)).close()

    assert 0o700 == stat.S_IMODE((tmp_path / ".~kazinex").stat().st_mode)

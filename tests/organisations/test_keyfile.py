"""The key file: made once, closed to others, rotated under running processes."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kazinex_storage.errors import SealError, SettingsError
from kazinex_storage.organisations import KeyFile, KeyRing, Sealer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sealing.key"


def test_the_file_is_made_when_the_first_secret_is_sealed_and_only_its_owner_may_use_it(path: Path) -> None:
    keys = KeyFile(path)
    assert not path.exists()

    ring = keys.for_sealing()

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ring.ids == KeyRing.parse(path.read_text()).ids
    assert [path] == list(path.parent.iterdir())


def test_the_mode_does_not_depend_on_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        KeyFile(path).for_sealing()
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_of_many_that_find_no_file_all_use_the_one_key_that_is_made(path: Path) -> None:
    start = threading.Barrier(8)

    def begin(_: int) -> str:
        start.wait()
        return KeyFile(path).for_sealing().current

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(begin, range(8)))

    assert ids == {KeyRing.parse(path.read_text()).current}
    assert [path] == list(path.parent.iterdir())


def test_opening_does_not_make_a_file(path: Path) -> None:
    """A key made now cannot have sealed anything; a missing file has to be restored."""
    with pytest.raises(SealError, match=r"sealing\.key' is missing; restore it"):
        KeyFile(path).for_opening("0123456789abcdef")

    assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_use_is_refused_with_the_fix(path: Path, mode: int) -> None:
    KeyFile(path).for_sealing()
    path.chmod(mode)

    with pytest.raises(SettingsError, match=f"mode {mode:04o}.*chmod 600 {path}"):
        KeyFile(path).for_sealing()


@pytest.mark.parametrize("content", [b"", b"not a key\n", b"\xff\xfe"], ids=["empty", "words", "binary"])
def test_a_file_that_holds_something_else_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)

    with pytest.raises(SettingsError):
        KeyFile(path).for_sealing()

    assert content == path.read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be written.*KAZINEX_STORAGE_KEY"):
        KeyFile(tmp_path / "missing" / "sealing.key").for_sealing()


def test_a_rotation_puts_a_new_key_first_and_keeps_the_old_one(path: Path) -> None:
    keys = KeyFile(path)
    before = keys.for_sealing()

    after = keys.rotate()

    assert before.ids == after.ids[1:]
    assert after.ids == KeyRing.parse(path.read_text()).ids
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


def test_a_rotation_made_elsewhere_is_picked_up(path: Path) -> None:
    running, elsewhere = Sealer(KeyFile(path)), KeyFile(path)
    place = {"organisation": "org-1", "record": "vault-1", "field": "token"}
    old = running.seal("example", **place)
    elsewhere.rotate()

    new = Sealer(elsewhere).seal("example", **place)

    assert ("example", "example") == (running.open(old, **place), running.open(new, **place))
    assert not running.is_current(old)
    assert running.is_current(running.seal("example", **place))


def test_retired_keys_open_nothing_any_more(path: Path) -> None:
    keys = KeyFile(path)
    place = {"organisation": "org-1", "record": "vault-1", "field": "token"}
    old = Sealer(keys).seal("example", **place)
    keys.rotate()

    assert 1 == len(keys.retire().ids)

    with pytest.raises(SealError, match="put that key back"):
        Sealer(KeyFile(path)).open(old, **place)


def test_of_two_rotations_at_once_one_is_refused(path: Path) -> None:
    keys = KeyFile(path)
    before = keys.for_sealing()
    unfinished = path.with_name(".sealing.key.new")
    unfinished.touch()

    with pytest.raises(SettingsError, match=r"under way; if none is, remove '.*\.sealing\.key\.new'"):
        keys.rotate()

    assert before.ids == KeyFile(path).for_sealing().ids
    assert unfinished.exists()


def test_racing_rotations_lose_no_key(path: Path) -> None:
    KeyFile(path).for_sealing()
    start = threading.Barrier(6)

    def rotate(_: int) -> str | None:
        start.wait()
        try:
            return KeyFile(path).rotate().current
        except SettingsError:
            return None

    with ThreadPoolExecutor(6) as pool:
        made = {key for key in pool.map(rotate, range(6)) if key is not None}

    assert made
    assert made <= set(KeyFile(path).for_sealing().ids)
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_is_refused_with_the_fix(path: Path, mode: int) -> None:
    KeyFile(path).for_sealing()
    path.parent.chmod(mode)

    with pytest.raises(SettingsError, match=f"mode {mode:04o}.*chmod go-w {path.parent}"):
        KeyFile(path).for_sealing()


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o1777])
def test_a_folder_in_which_others_cannot_replace_files_is_used(path: Path, mode: int) -> None:
    path.parent.chmod(mode)

    assert KeyFile(path).for_sealing().ids == KeyFile(path).for_sealing().ids


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("given", ["file", "folder"])
def test_a_file_or_folder_of_another_user_is_refused(path: Path, given: str) -> None:
    KeyFile(path).for_sealing()
    os.chown(path if given == "file" else path.parent, 12345, -1)

    with pytest.raises(SettingsError, match=r"belongs to another user \(uid 12345\)"):
        KeyFile(path).for_sealing()

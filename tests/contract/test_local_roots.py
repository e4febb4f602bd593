"""Roots that the provider for local disks can use, and roots that it cannot."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage.errors import AccessDeniedError, SettingsError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.bench import in_child

# An account without rights: the owner of nothing on every Linux (nobody).
_NOBODY = 65_534


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder that every user may enter, which ``tmp_path`` is not."""
    path = Path(tempfile.mkdtemp(prefix="kazinex-storage-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def _unprivileged(work: object) -> int:
    """Run *work* in a child that has no rights, and return its exit status."""

    def run() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        assert callable(work)
        work()

    return in_child(run)


class TestRoots:
    """Roots that can be used and roots that cannot."""

    def test_a_missing_root_is_refused_with_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="does not exist; mount the disk"):
            LocalProvider(LocalSettings(root=tmp_path / "none"))

        assert [] == list(tmp_path.iterdir())

    def test_a_missing_root_is_made_when_asked_for(self, tmp_path: Path) -> None:
        with Storage(LocalProvider(LocalSettings(root=tmp_path / "a" / "b", create=True))) as storage:
            storage.put("c", b"1")

        assert b"1" == (tmp_path / "a" / "b" / "c").read_bytes()

    @pytest.mark.parametrize("create", [False, True])
    def test_a_root_that_is_a_file_is_refused(self, tmp_path: Path, create: bool) -> None:
        (tmp_path / "file").write_bytes(b"1")

        with pytest.raises(SettingsError, match="not a folder"):
            LocalProvider(LocalSettings(root=tmp_path / "file", create=create))

    def test_a_root_below_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"1")

        with pytest.raises(SettingsError, match="not a folder"):
            LocalProvider(LocalSettings(root=tmp_path / "file" / "root", create=True))

    @pytest.mark.parametrize("mode", [0o000, 0o300, 0o600], ids=oct)
    def test_an_unreadable_root_is_refused(self, public: Path, mode: int) -> None:
        root = public / "root"
        root.mkdir(mode=mode)
        if os.geteuid() == 0:
            os.chown(root, _NOBODY, _NOBODY)

        def work() -> None:
            with pytest.raises(SettingsError, match="may not be"):
                LocalProvider(LocalSettings(root=root))

        assert 0 == _unprivileged(work)

    def test_a_folder_that_may_not_be_written_is_said(self, public: Path) -> None:
        root = public / "root"
        (root / "locked").mkdir(parents=True)
        (root / "locked" / "a").write_bytes(b"old")
        if os.geteuid() == 0:
            os.chown(root, _NOBODY, _NOBODY)
        else:
            (root / "locked").chmod(0o555)

        def work() -> None:
            storage = Storage(LocalProvider(LocalSettings(root=root)))
            assert b"old" == storage.get_bytes("locked/a")
            for action in (
                lambda: storage.put("locked/a", b"new"),
                lambda: storage.put("locked/b", b"new"),
                lambda: storage.delete("locked/a"),
            ):
                with pytest.raises(AccessDeniedError):
                    action()
            assert b"old" == storage.get_bytes("locked/a")

        assert 0 == _unprivileged(work)
        (root / "locked").chmod(0o755)

    def test_a_folder_that_may_not_be_read_is_said_and_not_taken_for_an_empty_one(self, public: Path) -> None:
        root = public / "root"
        (root / "closed").mkdir(parents=True)
        (root / "closed" / "a").write_bytes(b"1")
        (root / "closed").chmod(0)
        if os.geteuid() == 0:
            os.chown(root, _NOBODY, _NOBODY)

        def work() -> None:
            storage = Storage(LocalProvider(LocalSettings(root=root)))
            for action in (
                lambda: storage.get_bytes("closed/a"),
                lambda: storage.head("closed/a"),
                lambda: list(storage.list("closed/")),
                lambda: list(storage.list()),
            ):
                with pytest.raises(AccessDeniedError):
                    action()

        status = _unprivileged(work)
        (root / "closed").chmod(0o755)
        assert 0 == status

    def test_a_root_that_is_a_link_of_the_administrator_is_followed(self, tmp_path: Path, root: Path) -> None:
        (tmp_path / "link").symlink_to(root)

        with Storage(LocalProvider(LocalSettings(root=tmp_path / "link"))) as storage:
            storage.put("a", b"1")

        assert b"1" == (root / "a").read_bytes()

    def test_a_root_that_is_renamed_stays_the_same_root(self, tmp_path: Path, root: Path, storage: Storage) -> None:
        storage.put("a", b"1")

        root.rename(tmp_path / "renamed")
        storage.put("b", b"2")

        assert (b"1", b"2") == (storage.get_bytes("a"), (tmp_path / "renamed" / "b").read_bytes())

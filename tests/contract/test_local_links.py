"""The provider for local disks follows no symbolic link, neither in nor out."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

import pytest

from kazinex_storage.errors import AccessDeniedError, InvalidKeyError, NotFoundError, StorageError
from kazinex_storage.providers.local import tree
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import PutMode, PutOptions

# AT_FDCWD of fcntl.h and RENAME_EXCHANGE of linux/fs.h: two names change places in one atomic step.
_HERE = -100
_EXCHANGE = 2

# Each round is five tries to slip through.
_ROUNDS = 300


@pytest.fixture(autouse=True, params=["one call", "folder by folder"])
def _way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open files in both ways: by ``openat2``, where this system has it, and as the others do."""
    if request.param == "folder by folder":
        monkeypatch.setattr(tree, "open_beneath", lambda _: None)


class TestLinks:
    """Symbolic links lead nowhere."""

    @pytest.mark.parametrize("key", ["link", "deep/link"])
    def test_a_link_to_a_file_is_no_object(self, root: Path, outside: Path, storage: Storage, key: str) -> None:
        (root / "deep").mkdir()
        (root / key).symlink_to(outside / "secret")

        for action in (
            lambda: storage.get_bytes(key),
            lambda: storage.head(key),
            lambda: storage.copy(key, "copy"),
            lambda: storage.move(key, "moved"),
            lambda: storage.open(key),
        ):
            with pytest.raises((NotFoundError, AccessDeniedError)):
                action()
        assert [] == list(storage.list())
        assert [] == list(storage.list(recursive=False))

    @pytest.mark.parametrize("mode", PutMode)
    def test_writing_to_a_link_does_not_write_through_it(
        self, root: Path, outside: Path, storage: Storage, mode: PutMode
    ) -> None:
        (root / "link").symlink_to(outside / "secret")
        (root / "dangling").symlink_to(outside / "new")

        for key in ("link", "dangling"):
            try:
                storage.put(key, b"mine", PutOptions(mode=mode))
            except StorageError:
                assert (root / key).is_symlink()
            else:
                assert not (root / key).is_symlink()

        assert ["secret"] == os.listdir(outside)
        assert b"secret" == (outside / "secret").read_bytes()

    def test_deleting_a_link_leaves_what_it_points_to(self, root: Path, outside: Path, storage: Storage) -> None:
        (root / "link").symlink_to(outside / "secret")
        (root / "folder").symlink_to(outside)

        storage.delete("link")
        storage.delete("folder")
        (root / "folder").symlink_to(outside)
        with pytest.raises(AccessDeniedError, match="symbolic link"):
            storage.delete("folder/secret")

        assert b"secret" == (outside / "secret").read_bytes()

    def test_nothing_below_a_link_to_a_folder_can_be_named(self, root: Path, outside: Path, storage: Storage) -> None:
        (root / "folder").symlink_to(outside)
        storage.put("mine", b"mine")

        for action in (
            lambda: storage.get_bytes("folder/secret"),
            lambda: storage.head("folder/secret"),
            lambda: storage.put("folder/secret", b"mine"),
            lambda: storage.put("folder/new", b"mine", PutOptions(mode=PutMode.CREATE)),
            lambda: storage.put("folder/deep/new", b"mine"),
            lambda: storage.copy("folder/secret", "copy"),
            lambda: storage.copy("mine", "folder/copy"),
            lambda: storage.move("mine", "folder/moved"),
        ):
            with pytest.raises((AccessDeniedError, NotFoundError, InvalidKeyError)):
                action()

        assert ["mine"] == [info.key for info in storage.list()]
        assert {"secret": b"secret"} == {path.name: path.read_bytes() for path in outside.iterdir()}

    def test_a_link_inside_the_root_is_not_followed_either(self, root: Path, storage: Storage) -> None:
        storage.put("tenant-a/secret", b"1")
        (root / "tenant-b").mkdir()
        (root / "tenant-b" / "window").symlink_to(root / "tenant-a")

        view = storage.scoped("tenant-b")

        assert [] == list(view.list())
        with pytest.raises((AccessDeniedError, NotFoundError)):
            view.get_bytes("window/secret")

    def test_a_link_in_the_place_of_the_sidecars_is_not_followed(
        self, root: Path, outside: Path, storage: Storage
    ) -> None:
        (root / ".~kazinex").symlink_to(outside)

        with pytest.raises(StorageError):
            storage.put("a", b"1", PutOptions(metadata={"a": "b"}))

        assert ["secret"] == os.listdir(outside)

    def test_a_folder_that_keeps_turning_into_a_link_leads_nowhere_outside(
        self, root: Path, outside: Path, storage: Storage
    ) -> None:
        """The classic race: between checking a path and opening it, the folder is exchanged for a link."""
        (root / "folder").mkdir()
        (root / "folder" / "secret").write_bytes(b"ours")
        (root / "link").symlink_to(outside)
        ended = threading.Event()
        libc = ctypes.CDLL(None, use_errno=True)

        def exchange() -> None:
            one, other = os.fsencode(root / "folder"), os.fsencode(root / "link")
            while not ended.is_set():
                libc.renameat2(_HERE, one, _HERE, other, _EXCHANGE)

        thread = threading.Thread(target=exchange)
        thread.start()
        seen: set[bytes] = set()
        try:
            for index in range(_ROUNDS):
                for action in (
                    lambda: seen.add(storage.get_bytes("folder/secret")),
                    lambda index=index: storage.put(f"folder/new{index}", b"ours"),
                    lambda: storage.copy("folder/secret", "copy"),
                    lambda: seen.update(key.key.encode() for key in storage.list("folder/") if "secret" not in key.key),
                    lambda: storage.delete("folder/nothing"),
                ):
                    try:
                        action()
                    except (NotFoundError, AccessDeniedError, InvalidKeyError):
                        continue
        finally:
            ended.set()
            thread.join()

        assert {b"ours"} <= seen
        assert b"secret" not in seen
        assert {"secret": b"secret"} == {path.name: path.read_bytes() for path in outside.iterdir()}
        assert not storage.exists("copy") or b"ours" == storage.get_bytes("copy")

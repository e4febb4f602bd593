"""Locks of a local root: waits end, and what killed writers left is cleared up by whoever comes next."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from kazinex_storage import PutMode, PutOptions, Storage, UnavailableError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.local.locks import lock_name

HELD = PutOptions(metadata={"author": "A. Person"})


def provider_on(root: Path, lock_timeout_s: float = 30) -> LocalProvider:
    return LocalProvider(LocalSettings(root=root, durable=False, lock_timeout_s=lock_timeout_s))


def sidecars(root: Path) -> list[Path]:
    return [path for path in (root / ".~kazinex" / "objects").rglob("*") if path.is_file()]


def temporary_names(root: Path) -> list[Path]:
    return [*root.rglob(".~kazinex-*")]


def killed_in(root: Path, moment: str, act: Callable[[Storage], object]) -> None:
    """Do *act* in a child that kills itself the first time it calls ``os.<moment>`` after it took a lock."""
    child = os.fork()
    if child == 0:
        locked, real_lock = False, fcntl.flock
        real = getattr(os, moment)

        def flock(descriptor: object, operation: int) -> None:
            nonlocal locked
            real_lock(cast(int, descriptor), operation)
            locked = locked or operation == fcntl.LOCK_EX | fcntl.LOCK_NB

        def dying(*arguments: object, **named: object) -> object:
            if locked:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        storage = Storage(provider_on(root))
        fcntl.flock = flock
        setattr(os, moment, dying)
        act(storage)
        os._exit(0)
    assert signal.SIGKILL == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) * -1


MOMENTS = ["link", "rename", "unlink"]
"""Before the new version is published, while it takes the place of the old one, before the old sidecar goes."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_next_opening_clears_up_after_a_killed_writer(tmp_path: Path, moment: str) -> None:
    Storage(provider_on(tmp_path)).put("a/b", b"old", HELD)
    killed_in(tmp_path, moment, lambda storage: storage.put("a/b", b"newer", HELD))

    storage = Storage(provider_on(tmp_path))

    assert storage.get_bytes("a/b") in (b"old", b"newer")
    assert HELD.metadata == storage.head("a/b").metadata
    assert (1, []) == (len(sidecars(tmp_path)), temporary_names(tmp_path))


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_next_writer_of_the_key_clears_up_as_well(tmp_path: Path, moment: str) -> None:
    storage = Storage(provider_on(tmp_path))
    storage.put("a/b", b"old", HELD)
    killed_in(tmp_path, moment, lambda doomed: doomed.put("a/b", b"newer", HELD))

    storage.put("a/b", b"newest", HELD)

    assert (1, []) == (len(sidecars(tmp_path)), temporary_names(tmp_path))


def test_a_killed_create_leaves_nothing_for_long(tmp_path: Path) -> None:
    create = PutOptions(mode=PutMode.CREATE, metadata={"author": "A. Person"})
    killed_in(tmp_path, "link", lambda storage: storage.put("a/b", b"1", create))
    assert 1 == len(sidecars(tmp_path))

    storage = Storage(provider_on(tmp_path))

    assert ([], False) == (sidecars(tmp_path), storage.exists("a/b"))


def test_a_killed_delete_leaves_nothing_for_long(tmp_path: Path) -> None:
    Storage(provider_on(tmp_path)).put("a/b", b"1", HELD)
    killed_in(tmp_path, "unlink", lambda storage: storage.delete("a/b"))

    storage = Storage(provider_on(tmp_path))
    storage.delete("a/b")

    assert [] == sidecars(tmp_path)


def test_a_killed_writer_costs_a_living_one_nothing(tmp_path: Path) -> None:
    """The note of a writer that still holds its lock is left alone when the root is opened once more."""
    Storage(provider_on(tmp_path)).put("a", b"1", HELD)
    writing = provider_on(tmp_path)
    with writing._locks.held("a"):
        (own,) = sidecars(tmp_path)

        provider_on(tmp_path).close()

        assert own.exists()


def test_a_cut_note_is_no_note(tmp_path: Path) -> None:
    storage = Storage(provider_on(tmp_path))
    storage.put("a", b"1", HELD)
    lock = tmp_path / ".~kazinex" / "locks" / lock_name("a")
    for text in (b"\x01", b'\x01{"key": "a"', b"\x01[]\n", b'\x01["a", null, 1]\n', b"\x01{}\n", b"\x011\n"):
        lock.write_bytes(text)

        storage.put("a", b"2", HELD)

        assert b"2" == Storage(provider_on(tmp_path)).get_bytes("a")


def test_waiting_for_a_lock_that_is_never_let_go_ends(tmp_path: Path) -> None:
    Storage(provider_on(tmp_path)).put("a", b"1")
    with open(tmp_path / ".~kazinex" / "locks" / lock_name("a"), "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        with pytest.raises(UnavailableError, match="has held the lock") as caught:
            Storage(provider_on(tmp_path, lock_timeout_s=0.05)).put("a", b"2")

    assert ("put", "a", "local") == (caught.value.operation, caught.value.key, caught.value.provider)
    assert b"1" == Storage(provider_on(tmp_path)).get_bytes("a")


def test_there_are_at_most_256_lock_files(tmp_path: Path) -> None:
    storage = Storage(provider_on(tmp_path))
    for number in range(1500):
        storage.put(str(number), b"")

    assert 256 >= len(list((tmp_path / ".~kazinex" / "locks").iterdir())) > 200

"""What killed writers leave behind is swept, and nothing else is."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from kazinex_storage import PutOptions, Storage, sweep
from kazinex_storage.providers.local import LocalProvider, LocalSettings

HELD = PutOptions(metadata={"author": "A. Person"})


def sidecars(root: Path) -> list[Path]:
    return [path for path in (root / ".~kazinex" / "objects").rglob("*") if path.is_file()]


@pytest.fixture
def provider(root: Path) -> LocalProvider:
    return LocalProvider(LocalSettings(root=root, durable=False))


def test_a_sidecar_whose_object_was_never_published_is_removed(root: Path, provider: LocalProvider) -> None:
    storage = Storage(provider)
    storage.put("a/b", b"1", HELD)
    (own,) = sidecars(root)
    own.with_name("f" * 40 + ".1-1").write_text(json.dumps({"key": "a/never"}))
    # A real one of a version that is gone, under its own name:
    own_stale = own.with_name(f"{own.name.partition('.')[0]}.1-1")
    own_stale.write_text(json.dumps({"key": "a/b"}))

    removed = provider.sweep()

    assert 2 == removed
    assert {"author": "A. Person"} == storage.head("a/b").metadata
    assert not own_stale.exists()


def test_a_sidecar_whose_object_another_program_removed_is_removed(root: Path, provider: LocalProvider) -> None:
    storage = Storage(provider)
    storage.put("a/b", b"1", HELD)
    storage.put("c", b"1", HELD)
    (root / "a" / "b").unlink()

    assert 1 == provider.sweep()
    assert 0 == provider.sweep()
    assert 1 == len(sidecars(root))


def test_a_dry_run_counts_and_removes_nothing(root: Path, provider: LocalProvider) -> None:
    Storage(provider).put("a/b", b"1", HELD)
    (root / "a" / "b").unlink()

    assert 1 == provider.sweep(dry_run=True)
    assert 1 == len(sidecars(root))


def test_a_storage_of_one_folder_is_swept_without_touching_others(root: Path, provider: LocalProvider) -> None:
    storage = Storage(provider)
    for key in ("tenant-1/a", "tenant-2/a"):
        storage.put(key, b"1", HELD)
        (root / key).unlink()

    report = sweep(storage.scoped("tenant-1"), dry_run=False)

    assert (1, 1) == (report.leftovers, report.removed)
    assert ["tenant-2/a"] == [json.loads(path.read_text())["key"] for path in sidecars(root)]


def test_sweeping_an_empty_root_does_nothing(provider: LocalProvider) -> None:
    assert 0 == provider.sweep()


def test_sweeping_while_others_write_takes_nothing_of_theirs(root: Path, provider: LocalProvider) -> None:
    storage = Storage(provider)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for number in range(20):
                storage.put(f"folder/{number}", b"1", HELD)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        provider.sweep()
    stop.set()
    for thread in threads:
        thread.join()

    assert [HELD.metadata] * 20 == [storage.head(info.key).metadata for info in storage.list()]


def test_versions_that_are_replaced_leave_no_sidecar(root: Path, provider: LocalProvider) -> None:
    storage = Storage(provider)
    for number in range(10):
        storage.put("a", bytes(number), HELD)

    assert 1 == len(sidecars(root))
    storage.delete("a")
    assert [] == sidecars(root)

"""Synchronisation with organisations and with services: their rules hold, and their listings need no order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.migration.worlds import ACME, World, content, document, key_of, world_on_disk
from tests.s3.conftest import target_of
from tests.sharepoint.conftest import target_on

from kazinex_storage import Storage, StorageError
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.syncing.guarding import MostDeletes
from kazinex_storage.syncing.organisations import OrganisationFolder
from kazinex_storage.syncing.syncs import SyncOptions, sync
from kazinex_storage.testing.emulators.graph import GraphEmulator, graph_emulator
from kazinex_storage.testing.servers import S3Server

DELETE = SyncOptions(delete=True, max_delete=MostDeletes(100, percent=True))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_disk(tmp_path, "Old", "New") as made:
        yield made


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """Revisions as a folder, and a file that is none."""
    folder = tmp_path / "plans"
    for number in (1, 2):
        path = folder / key_of(number).removeprefix("bridge/")
        path.parent.mkdir(parents=True)
        path.write_bytes(content(number))
    (folder / "index.txt").write_bytes(b"two drawings")
    return folder


def test_revisions_get_receipts_and_are_never_replaced(world: World, plans: Path) -> None:
    bridge = OrganisationFolder(world.resolver, ACME, "bridge")

    first = sync(plans, bridge)
    receipt = world.documents.find(document(1))
    changed = plans / key_of(1).removeprefix("bridge/")
    changed.write_bytes(content(1)[::-1])
    os.utime(plans / key_of(2).removeprefix("bridge/"), (2e9, 2e9))
    (plans / "index.txt").write_bytes(b"three drawings")
    second = sync(plans, bridge)

    assert (3, True) == (first.copied, first.is_complete)
    record = world.resolver.revisions.revision(document(1))
    assert record is not None
    assert (record.sha256, len(content(1))) == (receipt.sha256, receipt.size)
    assert [("refuse", changed.relative_to(plans).as_posix()), ("replace", "index.txt")] == [
        (item.action, item.key) for item in second.items
    ]
    assert "new revision" in second.items[0].reason
    assert (1, content(1)) == (second.same, world.documents.get_bytes(document(1)))


def test_documents_that_the_source_has_no_more_go_into_the_trash_under_their_retention(
    world: World, plans: Path
) -> None:
    bridge = OrganisationFolder(world.resolver, ACME, "bridge")
    sync(plans, bridge)
    for number in (1, 2):
        (plans / key_of(number).removeprefix("bridge/")).unlink()
    world.documents.hold(document(2), "a dispute")

    report = sync(plans, bridge, DELETE)

    assert {("delete", key_of(1).removeprefix("bridge/")), ("fail", key_of(2).removeprefix("bridge/"))} == {
        (item.action, item.key) for item in report.items
    }
    assert [document(1)] == [found.document for found in world.documents.removed(ACME)]
    assert content(2) == world.documents.get_bytes(document(2))


def test_what_any_provider_holds_comes_down_proved_and_one_that_is_silent_stops_it(
    world: World, tmp_path: Path
) -> None:
    world.upload(1)
    world.organisations.set_default(ACME, world.ids["New"])
    world.upload(2)
    world.storage("Old").put("bridge/notes.txt", b"old")
    world.storage("New").put("bridge/notes.txt", b"new")
    down = tmp_path / "down"

    report = sync(OrganisationFolder(world.resolver, ACME), down)
    again = sync(OrganisationFolder(world.resolver, ACME), down, SyncOptions(by="sha256"))

    assert (3, 3) == (report.copied, again.same)
    assert (content(1), content(2), b"new") == tuple(
        (down / key).read_bytes() for key in (key_of(1), key_of(2), "bridge/notes.txt")
    )
    (world.folder / "Old").rename(world.folder / "Away")
    with world_on_disk(tmp_path, "Old", "New") as later, pytest.raises(StorageError, match="Old"):
        sync(OrganisationFolder(later.resolver, ACME), down, DELETE)
    assert 3 == len([path for path in down.rglob("*") if path.is_file()])


def test_a_retired_provider_keeps_what_it_holds_and_stands_in_the_way_of_nothing_else(
    world: World, plans: Path
) -> None:
    world.storage("New").put("bridge/kept.txt", b"kept")
    world.organisations.retire_provider(ACME, world.ids["New"])
    bridge = OrganisationFolder(world.resolver, ACME, "bridge")
    sync(plans, bridge)
    (plans / "index.txt").unlink()

    report = sync(plans, bridge, DELETE)

    assert {("fail", "kept.txt"), ("delete", "index.txt")} == {(item.action, item.key) for item in report.items}


def test_a_damaged_document_is_not_copied(world: World) -> None:
    world.upload(1)
    world.path("Old", key_of(1)).write_bytes(content(1)[::-1])
    target = Storage(MemoryProvider())

    report = sync(OrganisationFolder(world.resolver, ACME, "bridge"), target)

    assert (1, 0) == (report.failed, len(list(target.list())))


def test_a_bucket_is_made_equal_both_ways(ministack_server: S3Server, tmp_path: Path) -> None:
    bucket = "sync-both-ways"
    ministack_server.client().create_bucket(Bucket=bucket)
    folder, down = tmp_path / "up", tmp_path / "down"
    for key, size in (("a.bin", 10), ("b/large.bin", 1_200_000), ("é ü.txt", 3)):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(os.urandom(size))
    with Storage(S3Provider(target_of(ministack_server, bucket))) as storage:
        assert 3 == sync(folder, storage, SyncOptions(by="sha256")).copied
        assert 3 == sync(storage, down).copied
        copied = sync(storage.scoped("b"), storage.scoped("copy of b"))
        same = [sync(folder, storage, SyncOptions(by=by)).same for by in ("time", "size", "sha256")]
        (folder / "a.bin").write_bytes(b"changed")
        (folder / "é ü.txt").unlink()
        report = sync(folder, storage, DELETE)

    assert (1, [3, 3, 3]) == (copied.copied, same)
    assert {path.name: path.read_bytes() for path in down.rglob("*.bin")}["large.bin"] == (
        folder / "b/large.bin"
    ).read_bytes()
    assert (1, 2) == (report.replaced, report.deleted), "the copy and the removed one are not in the source"


def test_a_library_that_lists_in_an_order_of_its_own_and_ignores_case(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    for key in ("b/x/1.txt", "b.txt", "B2/y.txt", "a/z.txt"):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(key.encode())
    with graph_emulator() as emulator, _library(emulator) as storage:
        first = sync(folder, storage)
        (folder / "B.TXT").write_bytes(b"other")
        (folder / "a/z.txt").write_bytes(b"changed")
        second = sync(folder, storage, SyncOptions(by="sha256"))

        assert b"changed" == storage.get_bytes("a/z.txt")
    assert (4, 3) == (first.copied, second.same)
    assert [("refuse", "B.TXT"), ("replace", "a/z.txt")] == [(item.action, item.key) for item in second.items]


def _library(emulator: GraphEmulator) -> Storage:
    return Storage(SharePointProvider(target_on(emulator, emulator.add_site("sites/projects").drives[0])))

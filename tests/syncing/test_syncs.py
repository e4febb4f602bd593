"""Folders and storages made equal: what is copied, kept, refused, named and left alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PutOptions,
    SettingsError,
    Storage,
    UnavailableError,
    UploadPolicy,
)
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.syncing.folders import Folder
from kazinex_storage.syncing.guarding import DeletesRefusedError, MostDeletes
from kazinex_storage.syncing.objects import Objects
from kazinex_storage.syncing.reports import SyncReport
from kazinex_storage.syncing.syncs import SyncOptions, sync
from kazinex_storage.testing.faults import Corrupt, Fault, FaultyProvider, Raise

ALL = MostDeletes(100, percent=True)
DELETE = SyncOptions(delete=True, max_delete=ALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plans"
    for key in ("a.pdf", "b/c.pdf", "b/d/e.pdf"):
        (made / key).parent.mkdir(parents=True, exist_ok=True)
        (made / key).write_bytes(key.encode())
    return made


@pytest.fixture
def storage() -> Storage:
    return Storage(MemoryProvider())


def told(report: SyncReport) -> list[tuple[str, str]]:
    return [(item.action, item.key) for item in report.items]


def held(storage: Storage) -> dict[str, bytes]:
    return {info.key: storage.get_bytes(info.key) for info in storage.list()}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_asks_for_no_write_and_says_what_would_be_done(folder: Path, storage: Storage) -> None:
    storage.put("b/c.pdf", b"another size")
    storage.put("old.pdf", b"old")
    options = SyncOptions(delete=True, max_delete=ALL, dry_run=True, by="sha256")

    report = sync(folder, storage.read_only(), options)
    down = sync(storage.read_only(), folder, options)

    assert [("copy", "a.pdf"), ("replace", "b/c.pdf"), ("copy", "b/d/e.pdf"), ("delete", "old.pdf")] == told(report)
    assert [("delete", "a.pdf"), ("replace", "b/c.pdf"), ("delete", "b/d/e.pdf"), ("copy", "old.pdf")] == told(down)
    assert (2, 1, 1, True) == (report.copied, report.replaced, report.deleted, report.dry_run)
    assert {"b/c.pdf": b"another size", "old.pdf": b"old"} == held(storage)


def test_only_what_was_asked_for_is_deleted_and_only_at_the_end(folder: Path, storage: Storage) -> None:
    storage.put("old.pdf", b"old")

    kept = sync(folder, storage)
    asked = list[tuple[int, int]]()
    gone = sync(folder, storage, DELETE, approve=lambda count, total: asked.append((count, total)))

    assert (1, 0) == (kept.extra, kept.deleted)
    assert [("delete", "old.pdf")] == told(gone)
    assert [(1, 4)] == asked
    assert files(folder) == held(storage)


def test_deletes_over_the_limit_and_an_empty_source_change_nothing(folder: Path, storage: Storage) -> None:
    sync(folder, storage)
    for path in folder.rglob("*.pdf"):
        path.unlink()
    (folder / "new.pdf").write_bytes(b"new")

    with pytest.raises(DeletesRefusedError, match="3 of 3"):
        sync(folder, storage, SyncOptions(delete=True))
    (folder / "new.pdf").unlink()
    with pytest.raises(DeletesRefusedError, match="source is empty"):
        sync(folder, storage, DELETE)
    with pytest.raises(NotFoundError, match="does not exist"):
        sync(folder / "nowhere", storage, SyncOptions(delete=True, max_delete=ALL, allow_empty=True))

    assert 3 == len(held(storage))
    assert 3 == sync(folder, storage, SyncOptions(delete=True, max_delete=ALL, allow_empty=True)).deleted


def test_a_source_that_does_not_list_deletes_nothing(tmp_path: Path, folder: Path) -> None:
    away = Storage(FaultyProvider(MemoryProvider(), [Fault(operation="scan", effect=Raise(UnavailableError("away")))]))

    with pytest.raises(UnavailableError):
        sync(away, folder, SyncOptions(delete=True, max_delete=ALL, allow_empty=True))

    assert 3 == len(files(folder))


def test_nothing_is_deleted_once_something_has_failed_and_the_rest_is_copied(folder: Path) -> None:
    plan = [Fault(operation="put", effect=Raise(UnavailableError("away")), key="b/c.pdf")]
    storage = Storage(FaultyProvider(MemoryProvider(), plan))
    storage.put("old.pdf", b"old")

    report = sync(folder, storage, DELETE)
    again = sync(folder, storage, DELETE)

    assert [("copy", "a.pdf"), ("copy", "b/d/e.pdf"), ("fail", "b/c.pdf")] == sorted(
        told(report), key=lambda one: one[0]
    )
    assert (1, 1, False) == (report.failed, report.undeleted, report.is_complete)
    assert [("copy", "b/c.pdf"), ("delete", "old.pdf")] == told(again)


def test_links_and_special_files_are_left_out_and_what_they_name_on_the_target_stays(
    folder: Path, storage: Storage, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "x").write_bytes(b"secret")
    (folder / "link").symlink_to(secret)
    (folder / "a-link.pdf").symlink_to(secret / "x")
    os.mkfifo(folder / "pipe")
    storage.put("link/x", b"was here")

    report = sync(folder, storage, DELETE)

    assert {("leave out", "a-link.pdf"), ("leave out", "link"), ("leave out", "pipe")} < set(told(report))
    assert (3, 0, True) == (report.left_out, report.wrong, report.is_complete)
    assert {"a.pdf", "b/c.pdf", "b/d/e.pdf", "link/x"} == set(held(storage))


def test_names_that_are_no_keys_are_named_and_skipped(folder: Path, storage: Storage) -> None:
    for name in (b"b\\c", b"line\nbreak", b"\xff\xfe", "e\u0301.pdf".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"x")

    report = sync(folder, storage)

    assert (4, 4, False) == (report.left_out, report.wrong, report.is_complete)
    named = {item.key: item.reason for item in report.items if item.action == "leave out"}
    assert {"b\\c", "line\nbreak", "\\udcff\\udcfe", "e\u0301.pdf"} == set(named)
    assert all("no legal key" in reason for reason in named.values())
    assert 3 == report.copied


@contextmanager
def without_rights() -> Iterator[None]:
    """Be nobody for a while, where the tests run as root, who may read everything."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)


def test_a_folder_that_cannot_be_read_is_named_and_nothing_is_deleted(storage: Storage) -> None:
    with TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        for key in ("a", "b/c"):
            Path(root, key).parent.mkdir(exist_ok=True)
            Path(root, key).write_bytes(b"1")
        sync(root, storage)
        storage.put("old", b"old")
        Path(root, "b").chmod(0)
        with without_rights():
            report = sync(root, storage, DELETE)
        Path(root, "b").chmod(0o700)

    assert [("leave out", "b")] == told(report)
    assert (1, 1, "permission denied") == (report.wrong, report.undeleted, report.items[0].reason.rpartition(": ")[2])
    assert {"a", "b/c", "old"} == set(held(storage))


def test_nothing_is_written_through_a_link_of_the_target(folder: Path, storage: Storage, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    storage.put("l/x", b"1")
    storage.put("f", b"2")
    target = tmp_path / "target"
    target.mkdir()
    (target / "l").symlink_to(outside)
    (target / "f").symlink_to(outside / "f")

    report = sync(storage, target)

    assert {("refuse", "l/x"), ("refuse", "f")} == set(told(report))
    assert [] == list(outside.iterdir())


def test_files_that_came_down_have_the_time_of_their_objects_so_a_change_of_one_size_is_seen(
    folder: Path, storage: Storage, tmp_path: Path
) -> None:
    storage.put("a", b"one")
    target = tmp_path / "down"

    first = sync(storage, target)
    unchanged = sync(storage, target)
    (target / "a").write_bytes(b"two")
    os.utime(target / "a", (2e9, 2e9))
    changed = sync(storage, target)

    assert [1, 0, 1] == [report.copied + report.replaced for report in (first, unchanged, changed)]
    assert b"one" == (target / "a").read_bytes()


def test_by_size_by_time_and_by_sha256_see_what_they_can(folder: Path, storage: Storage) -> None:
    sync(folder, storage)
    (folder / "a.pdf").write_bytes(b"b.pdf")  # the same size and, soon after, about the same time
    os.utime(folder / "a.pdf", (1e9, 1e9))

    found = {by: sync(folder, storage, SyncOptions(by=by, dry_run=True)).replaced for by in ("size", "time", "sha256")}

    assert {"size": 0, "time": 0, "sha256": 1} == found
    os.utime(folder / "a.pdf", (2e9, 2e9))
    assert 1 == sync(folder, storage).replaced


def test_what_others_write_meanwhile_is_not_replaced(folder: Path, storage: Storage) -> None:
    sync(folder, storage)
    (folder / "a.pdf").write_bytes(b"changed here")
    (folder / "new.pdf").write_bytes(b"new")

    class Raced(Objects):
        def take(self, *arguments):  # type: ignore[no-untyped-def]
            storage.put("a.pdf", b"changed there")
            storage.put("new.pdf", b"theirs")
            return super().take(*arguments)

    report = sync(folder, Raced(storage), SyncOptions(concurrency=1))

    assert {("fail", "a.pdf"), ("fail", "new.pdf")} == set(told(report))
    assert isinstance(next(item.error for item in report.items if item.key == "new.pdf"), AlreadyExistsError)
    assert (b"changed there", b"theirs") == (storage.get_bytes("a.pdf"), storage.get_bytes("new.pdf"))


def test_a_file_that_is_written_meanwhile_is_not_replaced(storage: Storage, tmp_path: Path) -> None:
    storage.put("a", b"one")
    target = tmp_path / "down"
    sync(storage, target)
    storage.put("a", b"three")

    class Raced(Folder):
        def take(self, *arguments):  # type: ignore[no-untyped-def]
            (target / "a").write_bytes(b"mine")
            return super().take(*arguments)

    report = sync(storage, Raced(target))

    assert [("fail", "a")] == told(report)
    assert b"mine" == (target / "a").read_bytes()


def test_what_is_written_once_is_refused_when_it_differs_and_compared_by_its_bytes(folder: Path) -> None:
    storage = Storage(MemoryProvider(), write_once=lambda key: key.startswith("b/"))
    sync(folder, storage)
    (folder / "b/c.pdf").write_bytes(b"b/C.pdf")
    os.utime(folder / "b/d/e.pdf", (2e9, 2e9))

    report = sync(folder, storage)

    assert [("refuse", "b/c.pdf")] == told(report)
    assert (2, False) == (report.same, report.is_complete)
    assert b"b/c.pdf" == storage.get_bytes("b/c.pdf")


class Caseless(Objects):
    """A place that takes names that differ only in case for one, as SharePoint and some disks do."""

    ignores_case = True
    hierarchical = True


def test_names_that_a_caseless_target_cannot_tell_apart_are_refused_and_cost_nothing(tmp_path: Path) -> None:
    source, storage = Storage(MemoryProvider()), Storage(MemoryProvider())
    for key in ("A.pdf", "new.pdf", "NEW.pdf", "Dir/x", "dir/y"):
        source.put(key, b"1")
    storage.put("a.pdf", b"2")
    storage.put("gone.pdf", b"3")

    report = sync(source, Caseless(storage), DELETE)

    refused = [item.key for item in report.items if item.action == "refuse"]
    assert ["A.pdf", "dir/y", "new.pdf"] == sorted(refused)
    assert {"a.pdf": b"2", "NEW.pdf": b"1", "Dir/x": b"1"} == held(storage)


def test_an_object_and_a_folder_of_one_name_cannot_both_be_files(tmp_path: Path, storage: Storage) -> None:
    storage.put("a", b"1")
    storage.put("a/b", b"2")

    report = sync(storage, tmp_path / "down")

    assert [("refuse", "a/b"), ("copy", "a")] == told(report)
    assert {"a": b"1"} == files(tmp_path / "down")


def test_what_the_policy_refuses_is_told_before_anything_is_copied(folder: Path) -> None:
    storage = Storage(MemoryProvider(), policy=UploadPolicy(max_file_bytes=6, ceiling=6))

    report = sync(folder, storage, SyncOptions(dry_run=True))

    assert [("refuse", "b/c.pdf"), ("refuse", "b/d/e.pdf"), ("copy", "a.pdf")] == told(report)


def test_patterns_choose_and_what_they_leave_out_is_not_deleted(folder: Path, storage: Storage) -> None:
    storage.put("b/old.pdf", b"old")
    storage.put("old.pdf", b"old")

    report = sync(folder, storage, SyncOptions(exclude=("b/",), delete=True, max_delete=ALL))

    assert {("copy", "a.pdf"), ("delete", "old.pdf")} == set(told(report))
    assert {"a.pdf", "b/old.pdf"} == set(held(storage))


def test_folders_that_deletes_leave_empty_go_and_others_stay(storage: Storage, tmp_path: Path) -> None:
    target = tmp_path / "down"
    for key in ("a/b/c", "a/d", "e/f/g"):
        storage.put(key, b"1")
    sync(storage, target)
    (target / "kept").mkdir()
    storage.delete_many(("a/b/c", "e/f/g"))

    report = sync(storage, target, DELETE)

    assert (2, {"a/d": b"1"}) == (report.deleted, files(target))
    assert ["a", "kept"] == sorted(path.name for path in target.iterdir())


def test_a_copy_with_other_bytes_than_were_stored_is_not_made(tmp_path: Path) -> None:
    provider = LocalProvider(LocalSettings(root=tmp_path / "disk", create=True, durable=False))
    Storage(provider, digest="sha256").put("a", b"12345678")
    broken = Storage(FaultyProvider(provider, [Fault(operation="get", effect=Corrupt(), times=9)]))
    target = Storage(MemoryProvider())

    report = sync(broken, target)

    assert [("fail", "a")] == told(report)
    assert isinstance(report.items[0].error, IntegrityError)
    assert {} == held(target)


def test_large_objects_go_from_storage_to_storage_and_keep_what_is_known_of_them(tmp_path: Path) -> None:
    source = Storage(LocalProvider(LocalSettings(root=tmp_path / "disk", create=True, durable=False)))
    target = Storage(MemoryProvider())
    body = os.urandom(3_000_001)
    source.put("large.bin", body, PutOptions(content_type="application/x-plan", metadata={"by": "ada"}))
    source.put("empty", b"")

    report = sync(source, target, SyncOptions(by="sha256"))
    info = target.head("large.bin")

    assert (2, 3_000_001) == (report.copied, report.bytes)
    assert body == target.get_bytes("large.bin")
    assert ("application/x-plan", "ada") == (info.content_type, info.metadata["by"])
    assert 2 == sync(source, target, SyncOptions(by="sha256")).same


def test_two_folders_of_one_storage_are_copied_by_the_service_and_must_be_apart(storage: Storage) -> None:
    storage.put("one/a", b"1")

    report = sync(storage.scoped("one"), storage.scoped("two"))

    assert (1, b"1") == (report.copied, storage.get_bytes("two/a"))
    for source, target in (("one", "one/x"), ("one/x", "one"), ("one", "one")):
        with pytest.raises(SettingsError, match="in each other"):
            sync(storage.scoped(source), storage.scoped(target))


def test_two_folders_of_this_machine_are_not_our_business(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is no folder"):
        sync(Storage(MemoryProvider()), folder / "a.pdf")
    with pytest.raises(NotSupportedError, match="rsync"):
        sync(folder, tmp_path / "other")
    with pytest.raises(SettingsError, match="no comparison"):
        sync(folder, Storage(MemoryProvider()), SyncOptions(by="name"))  # type: ignore[arg-type]


def test_an_interrupt_leaves_each_object_whole_or_absent_and_the_next_run_goes_on(
    folder: Path, storage: Storage
) -> None:
    for number in range(50):
        (folder / f"{number}.bin").write_bytes(b"x" * 1000)

    def interrupt(item: object) -> None:
        if len(list(storage.list())) > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(folder, storage, on_step=interrupt)
    there = held(storage)
    report = sync(folder, storage)

    assert {key: body for key, body in files(folder).items() if key in there} == there
    assert len(there) == report.same
    assert files(folder) == held(storage)

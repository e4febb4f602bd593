"""Documents on their way from one provider to another: the register follows, and who removes one is obeyed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, NotFoundError, SettingsError
from kazinex_storage.migration import planning, working
from kazinex_storage.migration.following import LOST
from kazinex_storage.migration.journal import Entry, EntryState, RunState
from kazinex_storage.migration.migrations import Migration, finish
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.runs import RunReport
from kazinex_storage.organisations import MemoryCatalogue

from .worlds import ACME, World, content, document, key_of, world_on_disk


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        with world_on_disk(tmp_path) as found:
            yield quick(found)
    else:
        found = World(tmp_path, MemoryCatalogue())
        yield quick(found)
        found.close()


def quick(world: World) -> World:
    """Add two folders whose files need not outlive the machine."""
    for label in ("old", "new"):
        (world.folder / label).mkdir()
        world.add_kind("local", label, {"root": str(world.folder / label), "durable": False})
    return world


def migration(world: World, **options: object) -> Migration:
    return Migration(world.resolver, ACME, "old", "new", options=CopyOptions.from_dict(options), by="ann")


def count(report: RunReport, state: EntryState) -> int:
    return report.counts[state].objects if state in report.counts else 0


def place_of(world: World, key: DocumentKey) -> str:
    record = world.resolver.revisions.revision(key)
    assert record is not None
    return next(label for label, provider in world.ids.items() if provider == record.provider)


def test_records_follow_and_receipts_of_before_are_read(world: World) -> None:
    receipts = [world.upload(number) for number in range(5)]

    plan = migration(world).plan()
    report = migration(world).copy()

    assert (RunState.PLANNED, 5, ()) == (plan.run.state, plan.added, plan.refused)
    assert (True, RunState.DONE, "ann") == (report.complete, report.run.state, report.run.begun_by)
    assert {"new"} == {place_of(world, document(number)) for number in range(5)}
    for number, receipt in enumerate(receipts):
        world.path("old", key_of(number)).unlink()
        assert content(number) == world.documents.get_bytes(receipt)


def test_one_project_moves_alone_and_no_other_organisation(world: World) -> None:
    world.upload(1, project="bridge")
    world.upload(1, project="tunnel")
    (world.folder / "old" / "other").mkdir()
    (world.folder / "old" / "other" / "secret.pdf").write_bytes(b"secret")

    report = Migration(world.resolver, ACME, "old", "new", project="bridge").copy()

    assert (1, "bridge") == (count(report, EntryState.COPIED), report.run.project)
    assert ["old", "new"] == [place_of(world, document(1, "tunnel")), place_of(world, document(1, "bridge"))]
    assert [ACME] == sorted(path.name for path in (world.folder / "new").iterdir() if not path.name.startswith("."))


def test_objects_that_are_no_documents_go_along(world: World) -> None:
    world.storage("old").put("notes/a.txt", b"note")
    world.storage("old").put("bridge/D-1/P01/unrecorded.pdf", b"of another tool")

    report = migration(world).copy()

    assert 2 == count(report, EntryState.COPIED)
    assert b"note" == world.storage("new").get_bytes("notes/a.txt")
    assert world.resolver.revisions.revision(document(1)) is None


def test_a_document_that_is_not_what_was_uploaded_is_not_copied(world: World) -> None:
    for number in range(3):
        world.upload(number)
    path = world.path("old", key_of(1))
    path.chmod(0o600)
    path.write_bytes(b"%PDF-1.7 forged")

    report = migration(world).copy()

    assert ([key_of(1)], 2) == ([entry.key for entry in report.failures], count(report, EntryState.COPIED))
    assert "the source is not what was uploaded" in str(report.failures[0].reason)
    assert not world.path("new", key_of(1)).exists()
    assert "old" == place_of(world, document(1))


def test_a_large_document_that_is_not_what_was_uploaded_is_not_copied(world: World) -> None:
    world.upload(1)
    path = world.path("old", key_of(1))
    path.chmod(0o600)
    path.write_bytes(b"%PDF-1.7 forged" * 100)

    report = migration(world, small_bytes=10).copy()

    assert [key_of(1)] == [entry.key for entry in report.failures]
    assert not world.path("new", key_of(1)).exists()


def test_a_file_that_went_missing_past_the_register_fails(world: World) -> None:
    for number in range(2):
        world.upload(number)
    migration(world).plan()
    world.path("old", key_of(1)).unlink()

    report = migration(world).copy()

    assert [(key_of(1), LOST)] == [(entry.key, entry.reason) for entry in report.failures]


def test_what_was_removed_before_its_turn_is_not_copied(world: World) -> None:
    for number in range(3):
        world.upload(number)
    migration(world).plan()
    world.documents.remove(document(1), by="bob")

    report = migration(world).copy()

    assert (2, 1, True) == (count(report, EntryState.COPIED), count(report, EntryState.VANISHED), report.complete)
    assert not world.path("new", key_of(1)).exists()


def test_what_is_removed_while_it_is_copied_leaves_nothing_on_the_target(world: World) -> None:
    """The copy is there and not recorded yet when the revision is removed."""
    for number in range(3):
        world.upload(number)
    moving = migration(world)
    run = moving.plan().run
    job = moving.job(run)

    class Removing:
        def before(self, keys: Sequence[str]) -> object:
            return job.follower.before(keys)

        def commit(self, journal: object, run: object, entries: Sequence[Entry]) -> Sequence[Entry]:
            assert world.path("new", key_of(1)).exists()
            record = world.resolver.revisions.revision(document(1))
            world.documents.remove(document(1), by="bob")
            assert record is not None
            world.storage("new").put("seen", b"1")
            return job.follower.commit(journal, run, entries)  # type: ignore[arg-type]

    job_with = type(job)(
        **{name: getattr(job, name) for name in ("journal", "run", "source", "target", "options", "owner")},
        follower=Removing(),  # type: ignore[arg-type]
    )
    finish(job_with)

    counts = moving.journal.counts(run)
    assert (2, 1) == (counts[EntryState.COPIED].objects, counts[EntryState.VANISHED].objects)
    assert not world.path("new", key_of(1)).exists()
    with pytest.raises(NotFoundError):
        world.documents.find(document(1))


def test_a_copy_that_nobody_recorded_is_deleted_when_its_revision_was_removed_meanwhile(world: World) -> None:
    """The process was killed after the put; the revision is removed before another one goes on."""
    world.upload(1)
    moving = migration(world)
    moving.plan()
    world.documents.remove(document(1), by="bob")
    path = world.path("new", key_of(1))
    path.parent.mkdir(parents=True)
    path.write_bytes(content(1))

    report = moving.copy()

    assert 1 == count(report, EntryState.VANISHED)
    assert not world.path("new", key_of(1)).exists()


def test_a_later_upload_is_found_by_the_next_copy(world: World) -> None:
    world.upload(1)
    first = migration(world).copy()
    world.upload(2)

    second = migration(world).copy()

    assert (first.run.id, 2, RunState.DONE) == (second.run.id, count(second, EntryState.COPIED), second.run.state)


def test_a_copy_that_is_stopped_goes_on_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_BATCH", 4)
    for number in range(20):
        world.upload(number)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 12

    first = migration(world, concurrency=2).copy(stop=stop)
    second = migration(world).copy()

    assert (RunState.RUNNING, "it was asked to stop") == (first.run.state, first.stopped)
    assert 0 < count(first, EntryState.COPIED) < 20
    assert (20, True) == (count(second, EntryState.COPIED), second.complete)


def test_a_plan_that_was_stopped_is_made_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "pages_of", lambda end, prefix: ([info] for info in end.storage.list(prefix)))
    for number in range(6):
        world.upload(number)
    asked = iter([False, False, *[True] * 100])

    first = migration(world).plan(stop=lambda: next(asked))
    second = migration(world).plan()

    assert (RunState.PLANNING, RunState.PLANNED) == (first.run.state, second.run.state)
    assert (2, 4) == (first.added, second.added)


def test_a_provider_is_not_migrated_to_itself(world: World) -> None:
    with pytest.raises(SettingsError, match="are both 'old'"):
        Migration(world.resolver, ACME, "old", world.ids["old"])


def test_the_sha256_of_every_copy_is_in_the_journal(world: World) -> None:
    for number in range(3):
        world.upload(number)
    moving = migration(world)

    moving.copy()

    assert moving.run is not None
    found = {entry.key: entry for entry in moving.journal.entries(moving.run)}
    assert {key_of(number): hashlib.sha256(content(number)).hexdigest() for number in range(3)} == {
        key: entry.sha256 for key, entry in found.items()
    }
    assert {world.storage("new").head(key).etag for key in found} == {entry.target_etag for entry in found.values()}

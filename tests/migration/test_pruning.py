"""Pruning deletes what is proven to be on the target, after a yes, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kazinex_storage import Event, IntegrityState, Resolver
from kazinex_storage.documents.events import SourcePruned
from kazinex_storage.errors import SettingsError
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.prune_values import PruneAsk, PruneOptions, PruneReport
from kazinex_storage.migration.pruning import prune
from kazinex_storage.migration.retention import KeptFor
from kazinex_storage.organisations import MemoryCatalogue

from ..services import Tenant, tenant
from .worlds import ACME, World, content, document, key_of, world_on_disk

CHOSEN = PruneOptions(allow_chosen=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, MemoryCatalogue(), "one", "two")
    yield world
    world.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Tenant]:
    with tenant() as found:
        yield found


def copied(world: World, count: int = 3) -> Migration:
    """Upload documents to the one provider, and copy them to the other."""
    for number in range(count):
        world.upload(number)
    migration = Migration(world.resolver, ACME, "one", "two")
    assert migration.copy().complete
    return migration


def left(world: World, label: str = "one") -> set[str]:
    return {info.key for info in world.storage(label).list()}


def reasons(report: PruneReport) -> dict[str, str]:
    return {entry.key: str(entry.reason) for entry in report.kept}


def test_what_is_proven_goes_and_the_documents_stay_readable(world: World) -> None:
    receipts = [world.upload(number) for number in range(3)]
    migration = Migration(world.resolver, ACME, "one", "two")
    migration.copy()
    world.organisations.set_default(ACME, "two")

    report = prune(migration, True)

    assert (3, 0, (), False) == (report.pruned.objects, report.retained, report.kept, report.recycled)
    assert set() == left(world)
    assert {IntegrityState.INTACT} == {world.documents.check(receipt) for receipt in receipts}
    assert {EntryState.PRUNED} == set(migration.journal.counts(report.run))
    record = world.resolver.revisions.revision(document(1))
    assert record is not None
    assert (world.ids["two"], None) == (record.provider, record.removal)


def test_what_the_register_keeps_stays_on_the_source_until_that_ends(world: World) -> None:
    migration = copied(world)
    world.organisations.set_default(ACME, "two")
    world.documents.hold(document(1), "case 7")

    report = prune(migration, True)

    assert (2, 1) == (report.pruned.objects, report.retained)
    assert {key_of(1)} == left(world)
    world.documents.release(document(1))
    assert 1 == prune(migration, True).pruned.objects


def test_nothing_goes_without_a_yes(world: World) -> None:
    migration = copied(world)
    asked: list[PruneAsk] = []

    def refuse(ask: PruneAsk) -> bool:
        asked.append(ask)
        return False

    with pytest.raises(SettingsError, match=r"3 objects \(.* bytes\) would go from 'one'"):
        prune(migration, options=CHOSEN)
    with pytest.raises(SettingsError, match="nothing was deleted"):
        prune(migration, refuse, CHOSEN)

    assert 3 == len(left(world))
    assert [(3, sum(len(content(number)) for number in range(3)), "one")] == [
        (ask.objects, ask.bytes, ask.label) for ask in asked
    ]


def test_nothing_goes_while_new_documents_go_to_the_source(world: World) -> None:
    migration = copied(world)
    with pytest.raises(SettingsError, match="still go to 'one': it is the default of the organisation"):
        prune(migration, True)
    world.organisations.set_default(ACME, "two")
    world.organisations.set_override(ACME, "tunnel", "one")
    with pytest.raises(SettingsError, match="that of the project 'tunnel'"):
        prune(migration, True)

    assert 3 == len(left(world))
    assert 3 == prune(migration, True, CHOSEN).pruned.objects


def test_nothing_goes_before_a_run_is_done_and_complete(world: World) -> None:
    for number in range(3):
        world.upload(number)
    migration = Migration(world.resolver, ACME, "one", "two")
    with pytest.raises(SettingsError, match="there is none"):
        prune(migration, True, CHOSEN)
    migration.plan()
    with pytest.raises(SettingsError, match="it is planned"):
        prune(migration, True, CHOSEN)
    in_the_way = world.path("two", key_of(1))
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_bytes(b"another object")
    migration.copy()
    with pytest.raises(SettingsError, match="1 objects of the run"):
        prune(migration, True, CHOSEN)

    report = prune(migration, True, PruneOptions(allow_chosen=True, allow_failed=True))

    assert 2 == report.pruned.objects
    assert {key_of(1)} == left(world)


def test_what_the_target_lost_or_holds_otherwise_stays(world: World) -> None:
    migration = copied(world)
    world.path("two", key_of(0)).unlink()
    altered = world.path("two", key_of(1))
    altered.chmod(0o600)
    altered.write_bytes(content(1)[::-1])

    report = prune(migration, True, CHOSEN)

    assert {key_of(0), key_of(1)} == left(world)
    assert 1 == report.pruned.objects
    assert "the target has it no more" in reasons(report)[key_of(0)]
    assert "the target has other bytes" in reasons(report)[key_of(1)]
    assert migration.copy().counts[EntryState.COPIED].objects == 2, "what the target lost is copied again"


def test_a_source_object_that_was_changed_since_stays(world: World) -> None:
    migration = copied(world)
    world.path("one", key_of(1)).write_bytes(b"a later version")

    report = prune(migration, True, CHOSEN)

    assert {key_of(1)} == left(world)
    assert "another version" in reasons(report)[key_of(1)]


def test_by_version_no_bytes_are_read_and_another_version_is_read_after_all(world: World) -> None:
    migration = copied(world)
    same = world.path("two", key_of(1))
    body = same.read_bytes()
    same.unlink()
    same.write_bytes(body)  # another version of the same bytes
    other = world.path("two", key_of(2))
    other.unlink()
    other.write_bytes(body)

    report = prune(migration, True, PruneOptions(verify="version", allow_chosen=True))

    assert 2 == report.pruned.objects
    assert {key_of(2)} == left(world)


def test_what_the_register_still_has_on_the_source_stays(world: World) -> None:
    migration = copied(world)
    register = world.resolver.revisions
    record = register.revision(document(1))
    assert record is not None
    back = type(record)(
        document=record.document,
        provider=world.ids["one"],
        sha256=record.sha256,
        size=record.size,
        recorded_at=record.recorded_at,
    )
    assert register.swap_revision(record, back)

    report = prune(migration, True, CHOSEN)

    assert {key_of(1)} == left(world)
    assert "the register still names the source" in reasons(report)[key_of(1)]


def test_a_project_that_was_cut_over_is_pruned_while_the_default_stays(world: World) -> None:
    """What the others do is no matter of this run: the override decides for the project."""
    for number, project in ((1, "bridge"), (2, "tunnel")):
        world.upload(number, project=project)
    migration = Migration(world.resolver, ACME, "one", "two", project="bridge")
    migration.copy()
    with pytest.raises(SettingsError, match="still go to 'one'"):
        prune(migration, True)
    world.organisations.set_override(ACME, "bridge", "two")
    world.organisations.set_override(ACME, "tunnel", "one")

    report = prune(migration, True)

    assert 1 == report.pruned.objects
    assert {key_of(2, "tunnel")} == left(world)


def test_a_rule_keeps_objects_until_it_lets_them_go(world: World) -> None:
    migration = copied(world)

    kept = prune(migration, True, CHOSEN, rules=[KeptFor(timedelta(days=30))])
    gone = prune(migration, True, CHOSEN)

    assert (0, 3) == (kept.pruned.objects, kept.retained)
    assert (3, 0) == (gone.pruned.objects, gone.retained)


def test_a_prune_that_keeps_an_object_does_not_begin_its_period_again(world: World) -> None:
    migration = copied(world)
    run = migration.run
    assert run is not None
    copied_at = max(entry.changed_at for entry in migration.journal.entries(run) if entry.changed_at is not None)
    first = KeptFor(timedelta(days=30), clock=lambda: copied_at + timedelta(days=29))
    second = KeptFor(timedelta(days=30), clock=lambda: copied_at + timedelta(days=30))

    kept, gone = (prune(migration, True, CHOSEN, rules=[rule]) for rule in (first, second))

    assert (3, 3) == (kept.retained, gone.pruned.objects)


def test_a_file_that_sharepoint_locks_is_retained_and_the_others_are_in_the_recycle_bin(
    tmp_path: Path, site: Tenant
) -> None:
    world = World(tmp_path, MemoryCatalogue(), "two")
    world.add_kind("sharepoint", "one", dict(site.options))
    world.organisations.set_default(ACME, "one")
    migration = copied(world)
    drive = site.site.drives[0]
    drive.find(f"{ACME}/{key_of(1)}").locked = True

    report = prune(migration, True, CHOSEN)
    again = prune(migration, True, CHOSEN)
    drive.find(f"{ACME}/{key_of(1)}").locked = False
    unlocked = prune(migration, True, CHOSEN)

    assert (2, 1, True) == (report.pruned.objects, report.retained, report.recycled)
    assert (0, 1) == (again.pruned.objects, again.retained)
    assert (1, 0) == (unlocked.pruned.objects, unlocked.retained)
    world.close()


PRUNER = """
import sys
from pathlib import Path
from worlds import ACME, world_on_disk
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.prune_values import PruneOptions
from kazinex_storage.migration.pruning import prune

with world_on_disk(Path(sys.argv[1]), "one", "two") as world:
    prune(Migration(world.resolver, ACME, "one", "two"), True, PruneOptions(allow_chosen=True, concurrency=2))
"""


def test_a_prune_that_is_killed_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    with world_on_disk(tmp_path, "one", "two") as world:
        for number in range(120):
            path = world.path("one", key_of(number))
            path.parent.mkdir(parents=True)
            path.write_bytes(content(number))
        migration = Migration(world.resolver, ACME, "one", "two")
        assert migration.copy().complete
        path_of_tests = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parent.parent)))
        environment = {**os.environ, "PYTHONPATH": path_of_tests}
        with subprocess.Popen([sys.executable, "-c", PRUNER, str(tmp_path)], env=environment) as process:
            end = time.monotonic() + 60
            while len(left(world)) > 100:
                assert time.monotonic() < end
            process.send_signal(signal.SIGKILL)
        killed = left(world)

        report = prune(migration, True, CHOSEN)

        assert 0 < len(killed) < 120
        assert len(killed) <= report.pruned.objects <= 120
        assert {EntryState.PRUNED} == set(migration.journal.counts(report.run))
        assert set() == left(world)
        assert {content(number) for number in range(120)} == {
            world.path("two", key_of(number)).read_bytes() for number in range(120)
        }


def test_two_names_of_one_place_lose_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, MemoryCatalogue(), "one")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    world.add_kind("local", "two", {"root": str(tmp_path / "two")})
    world.upload(1)
    migration = Migration(world.resolver, ACME, "one", "two")
    migration.copy()

    with pytest.raises(SettingsError, match="have their objects in one place"):
        prune(migration, True, CHOSEN)

    assert {key_of(1)} == left(world)
    world.close()


def test_an_event_tells_what_went_of_each_partition(tmp_path: Path) -> None:
    events: list[Event] = []
    world = World(tmp_path, MemoryCatalogue(), "one", "two")
    for number in range(3):
        world.upload(number)
    resolver = Resolver(world.organisations, on_event=events.append)
    migration = Migration(resolver, ACME, "one", "two", by="müller")
    migration.copy()

    report = prune(migration, True, CHOSEN)

    told = [event for event in events if isinstance(event, SourcePruned)]
    assert [(3, report.pruned.bytes, "müller")] == [(event.objects, event.bytes, event.by) for event in told]
    resolver.close()
    world.close()


def test_a_removed_document_is_left_to_its_removal(world: World) -> None:
    migration = copied(world)
    world.documents.remove(document(1), reason="a test")
    world.path("one", key_of(1)).parent.mkdir(parents=True, exist_ok=True)
    world.path("one", key_of(1)).write_bytes(content(1))  # as if the source had been down

    report = prune(migration, True, CHOSEN)

    assert 2 == report.pruned.objects
    assert {key_of(1)} == left(world)

"""Cut-over and roll-back: choices follow a verified copy, and no upload is lost or unreadable meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import Event, IntegrityState, Resolver, StoredDocument
from kazinex_storage.documents.events import CutOver, DefaultChanged, RolledBack
from kazinex_storage.errors import SettingsError
from kazinex_storage.migration.cutting_over import cut_over
from kazinex_storage.migration.journal import EntryState, RunState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.pruning import prune
from kazinex_storage.migration.rolling_back import roll_back
from kazinex_storage.organisations import KeyRing, MemoryCatalogue, Sealer, SqlCatalogue

from .worlds import ACME, World, document, key_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    world = World(tmp_path, catalogue, "one", "two", "three")
    yield world
    world.close()


def copied(world: World, count: int = 3, project: str | None = None) -> Migration:
    for number in range(count):
        world.upload(number)
    migration = Migration(world.resolver, ACME, "one", "two", project=project)
    assert migration.copy().complete
    return migration


def chosen(world: World) -> tuple[str | None, dict[str, str | None]]:
    """Return the labels of the default and of the overrides."""
    labels = {provider: label for label, provider in world.ids.items()}
    default = world.organisations.organisation(ACME).default_provider
    overrides = {
        found.project: labels.get(found.provider or "") for found in world.organisations.catalogue.overrides(ACME)
    }
    return labels.get(default or ""), overrides


def place_of(world: World, number: int, project: str = "bridge") -> str:
    record = world.resolver.revisions.revision(document(number, project))
    assert record is not None
    return next(label for label, provider in world.ids.items() if provider == record.provider)


def test_choices_that_name_the_source_name_the_target_afterwards(world: World) -> None:
    world.organisations.set_override(ACME, "tunnel", "one")
    world.organisations.set_override(ACME, "tower", "three")
    migration = copied(world)

    report = cut_over(migration)

    assert (True, ("tunnel",), 0, 0) == (report.default, report.overrides, report.stragglers, report.left)
    assert ("two", {"tunnel": "two", "tower": "three"}) == chosen(world)
    assert RunState.CUT_OVER is report.run.state
    assert world.ids["two"] == world.upload(9).provider


def test_a_cut_over_of_one_project_leaves_the_others_alone(world: World) -> None:
    migration = copied(world, project="bridge")

    cut_over(migration)

    assert ("one", {"bridge": "two"}) == chosen(world)
    roll_back(migration)
    assert ("one", {}) == chosen(world)


def test_there_is_no_cut_over_before_everything_is_on_the_target(world: World) -> None:
    with pytest.raises(SettingsError, match="copy first"):
        cut_over(Migration(world.resolver, ACME, "one", "two"))
    world.upload(1)
    migration = Migration(world.resolver, ACME, "one", "two")
    migration.plan()
    with pytest.raises(SettingsError, match="copy first"):
        cut_over(migration)
    in_the_way = world.path("two", key_of(1))
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_bytes(b"another object")
    migration.copy()
    with pytest.raises(SettingsError, match=r"1 objects are not on the target, .*D-1"):
        cut_over(migration)

    assert ("one", {}) == chosen(world)


def test_there_is_no_cut_over_to_a_target_that_takes_nothing_now(world: World) -> None:
    migration = copied(world)
    (world.folder / "two").rename(world.folder / "away")

    with pytest.raises(SettingsError, match="'two' cannot take documents now, so no choice was changed"):
        cut_over(migration)

    (world.folder / "away").rename(world.folder / "two")
    assert ("one", {}) == chosen(world)
    assert cut_over(migration).default


def test_what_the_target_cannot_hold_stays_only_when_that_is_allowed(world: World) -> None:
    world.organisations.update_provider(ACME, "two", max_file_bytes=100)
    world.organisations.record_verification(world.organisations.find(ACME, "two"), ok=True)
    world.upload(9, b"%PDF-1.7 " + b"x" * 200)
    migration = copied(world)
    with pytest.raises(SettingsError, match="cannot hold 1 objects"):
        cut_over(migration)

    report = cut_over(migration, allow_refused=True)

    assert report.default
    assert "one" == place_of(world, 9)


def test_documents_that_came_after_the_copy_come_along(world: World) -> None:
    migration = copied(world)
    receipt = world.upload(7)

    report = cut_over(migration)

    assert (1, 0) == (report.stragglers, report.left)
    assert "two" == place_of(world, 7)
    assert IntegrityState.INTACT is world.documents.check(receipt)


def test_no_upload_is_lost_and_every_read_works_while_choices_change(tmp_path: Path) -> None:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    world = World(tmp_path, catalogue, "one", "two")
    migration = copied(world, 20)
    receipts, failures, ended = list[StoredDocument](), list[BaseException](), threading.Event()

    def upload(numbers: range) -> None:
        try:
            for number in numbers:
                receipts.append(world.upload(number))
                assert IntegrityState.INTACT is world.documents.check(receipts[0])
                if ended.is_set():
                    return
        except BaseException as error:  # shown by the test
            failures.append(error)

    threads = [threading.Thread(target=upload, args=(range(first, first + 900),)) for first in (1000, 2000)]
    for thread in threads:
        thread.start()
    while len(receipts) < 5:
        threading.Event().wait(0.01)
    report = cut_over(migration)
    ended.set()
    for thread in threads:
        thread.join()
    again = cut_over(migration)

    assert [] == failures
    assert report.default
    assert 0 == again.left
    assert {"two"} == {place_of(world, int(receipt.document.document[2:])) for receipt in receipts}
    assert {IntegrityState.INTACT} == {world.documents.check(receipt) for receipt in receipts}
    world.organisations.set_default(ACME, "two")
    assert 20 <= prune(migration, True).pruned.objects
    assert {IntegrityState.INTACT} == {world.documents.check(receipt) for receipt in receipts}
    world.close()


def test_a_roll_back_gives_choices_and_records_back(world: World) -> None:
    world.organisations.set_override(ACME, "tunnel", "one")
    migration = copied(world)
    cut_over(migration)
    late = world.upload(8)

    report = roll_back(migration)

    assert ("one", {"tunnel": "one"}) == chosen(world)
    assert (True, ("tunnel",), 3) == (report.default, report.overrides, report.moved)
    assert (1, (key_of(8),)) == (report.stragglers, report.named)
    assert ["one", "one", "one", "two"] == [place_of(world, number) for number in (0, 1, 2, 8)]
    assert IntegrityState.INTACT is world.documents.check(late)
    with pytest.raises(SettingsError, match="rolled-back"):
        prune(migration, True)


def test_a_choice_that_somebody_made_since_stays(world: World) -> None:
    migration = copied(world)
    cut_over(migration)
    world.organisations.set_default(ACME, "three")

    report = roll_back(migration)

    assert (False, "three") == (report.default, chosen(world)[0])


def test_stragglers_and_what_was_pruned_are_copied_back_when_asked_for(world: World) -> None:
    migration = copied(world)
    cut_over(migration)
    late = world.upload(8)
    prune(migration, True)

    report = roll_back(migration, copy_back=True)

    assert (0, ()) == (report.stragglers, report.named)
    assert report.copied_back is not None
    assert 4 == report.copied_back.counts[EntryState.COPIED].objects
    assert {"one"} == {place_of(world, number) for number in (0, 1, 2, 8)}
    assert IntegrityState.INTACT is world.documents.check(late)


def test_what_was_pruned_and_copied_back_follows_the_next_cut_over(world: World) -> None:
    migration = copied(world)
    cut_over(migration)
    late = world.upload(8)
    prune(migration, True)
    roll_back(migration, copy_back=True)
    migration.copy()

    report = cut_over(migration)
    pruned = prune(migration, True)
    back = roll_back(migration, copy_back=True)

    assert (True, 0) == (report.default, report.left)
    assert 4 == pruned.pruned.objects
    assert back.copied_back is not None
    assert (0, 4) == (back.stragglers, back.copied_back.counts[EntryState.COPIED].objects)
    assert {"one"} == {place_of(world, number) for number in (0, 1, 2, 8)}
    assert IntegrityState.INTACT is world.documents.check(late)


def test_documents_that_were_on_the_target_before_are_no_stragglers(world: World) -> None:
    world.organisations.set_default(ACME, "two")
    world.upload(5)
    world.organisations.set_default(ACME, "one")
    migration = copied(world)
    cut_over(migration)

    assert 0 == roll_back(migration).stragglers
    assert "two" == place_of(world, 5)


def test_after_a_roll_back_one_can_cut_over_again(world: World) -> None:
    migration = copied(world)
    cut_over(migration)
    roll_back(migration)
    world.upload(4)
    migration.copy()

    report = cut_over(migration)

    assert (True, 0) == (report.default, report.left)
    assert {"two"} == {place_of(world, number) for number in (0, 1, 2, 4)}
    assert "two" == chosen(world)[0]
    assert roll_back(migration).default


def test_repeating_a_cut_over_keeps_what_the_first_one_changed(world: World) -> None:
    migration = copied(world)
    cut_over(migration)
    migration.copy()
    again = cut_over(migration)

    assert not again.default
    assert roll_back(migration).default
    assert "one" == chosen(world)[0]


def test_both_are_events_in_the_name_of_whoever_asked(tmp_path: Path) -> None:
    events: list[Event] = []
    world = World(tmp_path, MemoryCatalogue(), "one", "two")
    world.upload(1)
    resolver = Resolver(type(world.organisations)(world.organisations.catalogue, on_event=events.append))
    migration = Migration(resolver, ACME, "one", "two", by="müller")
    migration.copy()

    cut_over(migration)
    roll_back(migration)

    told = [event for event in events if isinstance(event, CutOver | RolledBack | DefaultChanged)]
    assert [DefaultChanged, CutOver, DefaultChanged, RolledBack] == [type(event) for event in told]
    assert {"müller"} == {event.by for event in told}
    resolver.close()
    world.close()

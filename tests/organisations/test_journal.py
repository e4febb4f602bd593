"""What every journal of runs does alike, on memory, SQLite and PostgreSQL; ``test_journal_leases.py`` has the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from kazinex_storage.errors import RecordConflictError, RecordNotFoundError
from kazinex_storage.migration.journal import (
    PARTITION_ENTRIES,
    Count,
    Entry,
    EntryState,
    Journal,
    Run,
    RunKind,
    RunState,
)
from kazinex_storage.organisations import Catalogue, SqlJournal, open_journal

AT = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def journal(catalogue: Catalogue) -> Journal:
    return catalogue.journal


def a_run(name: str = "run-1", organisation: str = "org-1", **changes: object) -> Run:
    run = Run(organisation=organisation, id=name, kind=RunKind.COPY, source="sp-1", target="r2-1", begun_at=AT)
    return replace(run, **changes)  # type: ignore[arg-type]


def some(count: int, start: int = 0, size: int = 10, state: EntryState = EntryState.PLANNED) -> list[Entry]:
    return [Entry(number=-1, key=f"bridge/DRG/{n:06}", size=size, state=state) for n in range(start, start + count)]


def planned(journal: Journal, count: int) -> Run:
    run = journal.add_run(a_run())
    journal.add_entries(run, some(count))
    return run


def numbers(entries: Sequence[Entry]) -> list[int]:
    return [entry.number for entry in entries]


def test_a_run_is_found_as_it_was_kept(journal: Journal) -> None:
    run = a_run(
        project="bridge",
        options={"verify": "full", "limits": {"bandwidth": 5}},
        facts={"default": None},
        begun_by="müller",
        ended_at=AT + timedelta(hours=1),
        state=RunState.DONE,
    )

    kept = journal.add_run(run)

    assert replace(run, version=1) == kept
    assert kept == journal.run("org-1", "run-1")
    assert [kept] == journal.runs("org-1")


def test_no_id_reaches_a_run_of_another_organisation(journal: Journal) -> None:
    mine = planned(journal, 3)
    other = replace(mine, organisation="org-2")

    assert journal.run("org-2", mine.id) is None
    assert [] == journal.runs("org-2")
    assert journal.find_run("org-2", RunKind, "sp-1", "r2-1", None) is None
    assert [] == journal.entries(other)
    assert {} == journal.known(other, ["bridge/DRG/000000"])
    assert {} == journal.counts(other)
    assert journal.claim(other, "me", now=AT, until=AT + timedelta(minutes=1)) is None
    for change in (
        lambda: journal.replace_run(other),
        lambda: journal.add_entries(other, some(1)),
        lambda: journal.record(other, [replace(some(1)[0], number=0)]),
        lambda: journal.follow(other, on=True),
    ):
        with pytest.raises((RecordNotFoundError, RecordConflictError)):
            change()
    journal.drop_run("org-2", mine.id)
    assert 3 == len(journal.entries(mine))


def test_an_id_is_used_once(journal: Journal) -> None:
    journal.add_run(a_run())

    with pytest.raises(RecordConflictError):
        journal.add_run(a_run(kind=RunKind.AUDIT))

    journal.add_run(a_run(organisation="org-2"))


def test_runs_are_listed_from_the_newest_on(journal: Journal) -> None:
    for hour in range(4):
        journal.add_run(a_run(f"run-{hour}", begun_at=AT + timedelta(hours=hour)))

    assert ["run-3", "run-2"] == [run.id for run in journal.runs("org-1", limit=2)]


def test_the_run_to_go_on_with_is_the_newest_of_its_kind_and_place(journal: Journal) -> None:
    journal.add_run(a_run("old"))
    journal.add_run(a_run("new", begun_at=AT + timedelta(hours=1)))
    journal.add_run(a_run("ended", begun_at=AT + timedelta(hours=2), state=RunState.ENDED))
    journal.add_run(a_run("audit", begun_at=AT + timedelta(hours=3), kind=RunKind.AUDIT))
    journal.add_run(a_run("bridge", begun_at=AT + timedelta(hours=4), project="bridge"))
    journal.add_run(a_run("back", begun_at=AT + timedelta(hours=5), source="r2-1", target="sp-1"))

    def found(*kinds: RunKind, project: str | None = None) -> str | None:
        run = journal.find_run("org-1", kinds, "sp-1", "r2-1", project)
        return run.id if run is not None else None

    assert "new" == found(RunKind.COPY, RunKind.MIRROR)
    assert "audit" == found(RunKind.AUDIT)
    assert "bridge" == found(RunKind.COPY, project="bridge")
    assert found(RunKind.EXPORT) is None


def test_of_two_changes_of_a_run_one_is_done(journal: Journal) -> None:
    run = journal.add_run(a_run())

    after = journal.replace_run(replace(run, state=RunState.PLANNED, facts={"total": 7}))

    assert 2 == after.version
    assert after == journal.run("org-1", "run-1")
    with pytest.raises(RecordConflictError):
        journal.replace_run(replace(run, state=RunState.ENDED))


def test_a_change_of_a_run_leaves_its_entries_alone(journal: Journal) -> None:
    run = planned(journal, 3)

    run = journal.replace_run(replace(run, state=RunState.RUNNING))

    assert 2 == journal.add_entries(run, some(5))
    assert [0, 1, 2, 3, 4] == numbers(journal.entries(run))


def test_entries_are_numbered_without_gaps_whatever_is_added_twice(journal: Journal) -> None:
    run = journal.add_run(a_run())

    assert 600 == journal.add_entries(run, iter(some(600)))
    assert 750 == journal.add_entries(run, [*some(750, start=550), *some(50, start=1300), *some(50, start=1300)])

    found = journal.entries(run, limit=2000)
    assert list(range(1350)) == numbers(found)
    assert [entry.key for entry in some(1350)] == [entry.key for entry in found]


def test_an_entry_is_found_as_it_was_kept(journal: Journal) -> None:
    run = journal.add_run(a_run())
    entry = Entry(
        number=0,
        key="bridge/DRG/P01/Plan Ü.pdf",
        size=2**40,
        etag='"abc"',
        last_modified=AT,
        state=EntryState.COPIED,
        sha256="0" * 64,
        target_etag='"def"',
        attempts=3,
        reason="of no use",
        changed_at=AT + timedelta(seconds=1),
    )

    journal.add_entries(run, [entry])

    assert [entry] == journal.entries(run)
    assert {entry.key: entry} == journal.known(run, ["other", entry.key])


def test_a_span_of_entries_is_looked_at_in_order(journal: Journal) -> None:
    run = planned(journal, 20)

    assert [5, 6, 7] == numbers(journal.entries(run, first=5, last=7))
    assert [5, 6, 7] == numbers(journal.entries(run, first=5, limit=3))
    assert [18, 19] == numbers(journal.entries(run, first=18))
    assert [] == journal.entries(run, first=20)


def test_entries_of_some_states_are_found_wherever_they_are(journal: Journal) -> None:
    run = planned(journal, 8 * PARTITION_ENTRIES)
    failed = [3, PARTITION_ENTRIES - 1, PARTITION_ENTRIES, 5 * PARTITION_ENTRIES + 7, 7 * PARTITION_ENTRIES]
    entries = {entry.number: entry for entry in journal.entries(run, limit=10_000)}
    journal.record(run, [replace(entries[number], state=EntryState.FAILED) for number in failed])

    of_failed = [EntryState.FAILED]
    assert failed == numbers(journal.entries(run, states=of_failed))
    assert failed[1:4] == numbers(journal.entries(run, states=of_failed, first=4, limit=3))
    assert failed[1:4] == numbers(journal.entries(run, states=of_failed, first=4, last=failed[-1] - 1))
    assert [3] == numbers(journal.entries(run, states=of_failed, last=10))
    assert 8 * PARTITION_ENTRIES - 5 == len(journal.entries(run, states=[EntryState.PLANNED], limit=10_000))


def test_what_is_recorded_takes_the_place_of_the_entry_and_is_counted(journal: Journal) -> None:
    run = planned(journal, 300)
    first, second, third = journal.entries(run, first=254, last=256)
    copied = replace(first, state=EntryState.COPIED, sha256="a" * 64, size=12, target_etag="t", changed_at=AT)

    journal.record(run, [copied, replace(third, state=EntryState.FAILED, reason="it is gone", attempts=1)])

    assert [copied, second] == journal.entries(run, first=254, last=255)
    assert {
        EntryState.PLANNED: Count(objects=298, bytes=2980),
        EntryState.COPIED: Count(objects=1, bytes=12),
        EntryState.FAILED: Count(objects=1, bytes=10),
    } == journal.counts(run)


def test_an_entry_that_is_not_there_is_not_recorded_nor_what_comes_with_it(journal: Journal) -> None:
    run = planned(journal, 2)
    (entry,) = journal.entries(run, first=1)

    with pytest.raises(RecordNotFoundError):
        journal.record(run, [replace(entry, state=EntryState.COPIED), replace(entry, number=2)])

    assert {EntryState.PLANNED: Count(objects=2, bytes=20)} == journal.counts(run)


def test_what_failed_is_planned_again_and_its_partitions_open(journal: Journal) -> None:
    run = planned(journal, 3 * PARTITION_ENTRIES)
    states = (EntryState.COPIED, EntryState.FAILED, EntryState.REFUSED)
    entries = journal.entries(run, limit=10_000)
    journal.record(run, [replace(entry, state=states[entry.number % 3], attempts=2) for entry in entries])
    journal.record(run, [replace(entry, state=EntryState.SAME) for entry in entries[:PARTITION_ENTRIES]])
    assert [] == journal.open_partitions(run)

    opened = journal.reopen(run, [EntryState.FAILED, EntryState.PLANNED])

    failed = [number for number in range(PARTITION_ENTRIES, 3 * PARTITION_ENTRIES) if number % 3 == 1]
    assert len(failed) == opened
    assert [1, 2] == journal.open_partitions(run)
    again = journal.entries(run, states=[EntryState.PLANNED])
    assert failed == numbers(again)
    assert {2} == {entry.attempts for entry in again}
    assert Count(objects=len(failed), bytes=10 * len(failed)) == journal.counts(run)[EntryState.PLANNED]
    assert EntryState.FAILED not in journal.counts(run)


def test_entries_may_be_added_in_any_state(journal: Journal) -> None:
    run = journal.add_run(a_run())

    journal.add_entries(run, some(2, state=EntryState.REFUSED))

    assert {EntryState.REFUSED: Count(objects=2, bytes=20)} == journal.counts(run)
    assert [] == journal.open_partitions(run)


def test_a_run_is_dropped_with_all_that_is_its_own(journal: Journal) -> None:
    run = planned(journal, 300)
    journal.add_run(a_run("run-2"))

    journal.drop_run("org-1", "run-1")

    assert ["run-2"] == [each.id for each in journal.runs("org-1")]
    assert [] == journal.entries(run)
    journal.add_run(a_run())
    assert 1 == journal.add_entries(run, some(1))


def test_a_journal_in_a_file_of_its_own_needs_no_catalogue_and_no_organisation(tmp_path: Path) -> None:
    with open_journal(tmp_path / "copy.journal") as journal:
        run = journal.add_run(a_run(organisation=""))
        journal.add_entries(run, some(3))

    with open_journal(str(tmp_path / "copy.journal")) as again:
        assert run == again.find_run("", [RunKind.COPY], "sp-1", "r2-1", None)
        assert 3 == len(again.entries(run))


def test_what_a_call_costs_does_not_grow_with_the_run(tmp_path: Path) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def cost_of_calls(journal: SqlJournal, run: Run, total: int) -> int:
        """Return the steps of SQLite's machine, by the hundred, of what a worker and a planner call all the time."""
        nonlocal steps
        steps = 0
        journal.add_entries(run, some(20, start=total - 10))
        journal.known(run, [entry.key for entry in some(20, start=total // 2)])
        partition = journal.claim(run, "me", now=AT, until=AT)
        assert partition is not None
        entries = journal.entries(run, first=total // 2, last=total // 2 + 9, states=[EntryState.PLANNED])
        journal.record(run, [replace(entry, state=EntryState.COPIED) for entry in entries])
        journal.release(run, partition.number, "me")
        return steps

    with open_journal(tmp_path / "copy.journal") as journal:
        engine = journal._database._engine
        event.listen(engine, "connect", lambda raw, _: raw.set_progress_handler(count, 100))
        run = planned(journal, 1000)
        engine.dispose()
        small = cost_of_calls(journal, run, 1000)
        journal.add_entries(run, some(6000))
        large = cost_of_calls(journal, run, 6000)

    assert 0 < large < 2 * small

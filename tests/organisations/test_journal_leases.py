"""Leases on partitions, the changes that mirrors owe, and processes that die; on memory, SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey
from kazinex_storage.documents.register import Removal, RevisionRecord, new_token
from kazinex_storage.migration.journal import PARTITION_ENTRIES, Entry, EntryState, Journal, Pending, Run, RunKind
from kazinex_storage.migration.owners import MAX_OWNER_CHARACTERS, is_gone, this_owner
from kazinex_storage.organisations import Catalogue, SqlCatalogue, open_journal

AT = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
SOON = AT + timedelta(seconds=30)
LATER = AT + timedelta(minutes=5)


@pytest.fixture
def journal(catalogue: Catalogue) -> Journal:
    return catalogue.journal


def planned(journal: Journal, partitions: int, rest: int = 0) -> Run:
    run = journal.add_run(
        Run(organisation="org-1", id="run-1", kind=RunKind.MIRROR, source="sp-1", target="r2-1", begun_at=AT)
    )
    count = partitions * PARTITION_ENTRIES + rest
    journal.add_entries(run, (Entry(number=0, key=f"bridge/DRG/{n:06}", size=1) for n in range(count)))
    return run


def claimed(journal: Journal, run: Run, owner: str, now: datetime = AT) -> int | None:
    partition = journal.claim(run, owner, now=now, until=now + timedelta(seconds=30))
    return partition.number if partition is not None else None


def finish(journal: Journal, run: Run, partition: int) -> None:
    first = partition * PARTITION_ENTRIES
    entries = journal.entries(run, first=first, last=first + PARTITION_ENTRIES - 1)
    journal.record(run, [replace(entry, state=EntryState.COPIED) for entry in entries])


@contextmanager
def another_process() -> Iterator[subprocess.Popen[str]]:
    """Start one that says who it is and then waits."""
    program = "import sys; from kazinex_storage.migration.owners import this_owner; print(this_owner(), flush=True); "
    with subprocess.Popen(
        [sys.executable, "-c", f"{program}sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_partition_is_held_by_one_and_they_come_in_order(journal: Journal) -> None:
    run = planned(journal, 2, rest=1)

    first = journal.claim(run, "me", now=AT, until=SOON)

    assert first is not None
    assert (0, 0, PARTITION_ENTRIES - 1) == (first.number, first.first, first.last)
    assert 1 == claimed(journal, run, "other")
    last = journal.claim(run, "me", now=AT, until=SOON)
    assert last is not None
    assert (2, 2 * PARTITION_ENTRIES, 2 * PARTITION_ENTRIES) == (last.number, last.first, last.last)
    assert claimed(journal, run, "other") is None
    assert [0, 1, 2] == journal.open_partitions(run)
    assert SOON == journal.next_lease_end(run)


def test_a_partition_without_planned_entries_is_not_leased(journal: Journal) -> None:
    run = planned(journal, 2)
    finish(journal, run, 0)

    assert 1 == claimed(journal, run, "me")
    finish(journal, run, 1)

    assert [] == journal.open_partitions(run)
    assert journal.next_lease_end(run) is None
    assert claimed(journal, run, "me", LATER) is None


def test_a_lease_that_ended_or_was_given_back_is_nobodys(journal: Journal) -> None:
    run = planned(journal, 2)
    assert (0, 1) == (claimed(journal, run, "me"), claimed(journal, run, "me"))

    journal.release(run, 1, "other")
    assert claimed(journal, run, "other") is None
    journal.release(run, 1, "me")
    assert 1 == claimed(journal, run, "other")

    assert 0 == claimed(journal, run, "other", SOON)


def test_a_lease_is_renewed_by_the_one_who_holds_it(journal: Journal) -> None:
    run = planned(journal, 1)
    claimed(journal, run, "me")

    assert journal.renew(run, 0, "me", until=LATER)
    assert not journal.renew(run, 0, "other", until=LATER + timedelta(hours=1))

    assert LATER == journal.next_lease_end(run)
    assert claimed(journal, run, "other", SOON) is None
    assert 0 == claimed(journal, run, "other", LATER)
    assert not journal.renew(run, 0, "me", until=LATER)


def test_many_workers_get_a_partition_each(journal: Journal) -> None:
    run = planned(journal, 12)
    got: list[int] = []

    def work(name: str) -> None:
        while (number := claimed(journal, run, name)) is not None:
            got.append(number)

    threads = [threading.Thread(target=work, args=(f"worker-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(range(12)) == sorted(got)


def test_what_a_killed_process_held_is_taken_at_once(journal: Journal) -> None:
    run = planned(journal, 2)
    with another_process() as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert 0 == claimed(journal, run, owner)
        assert 1 == claimed(journal, run, "other-host/boot/1/1")
        assert claimed(journal, run, this_owner()) is None

        process.kill()
        process.wait()

        assert 0 == claimed(journal, run, this_owner())
        assert claimed(journal, run, this_owner()) is None
        assert not journal.renew(run, 0, owner, until=LATER)


def test_owners_are_told_apart_and_only_a_dead_process_of_this_machine_is_gone() -> None:
    mine = this_owner()
    host, boot, pid, started, _ = mine.split("/")

    assert mine != this_owner()
    assert this_owner("slot-1") == this_owner("slot-1")
    assert len(this_owner("x" * 300)) == MAX_OWNER_CHARACTERS
    assert not is_gone(mine)
    assert not is_gone("1/2/3")
    assert not is_gone(f"other/{boot}/999999999/1/x")
    assert not is_gone(f"{host}/other/999999999/1/x")
    assert is_gone(f"{host}/{boot}/999999999/{started}/x")
    assert is_gone(f"{host}/{boot}/{pid}/1/x")  # whose id was given again
    assert not is_gone(f"{host}/{boot}/1/-/x")


def test_a_process_that_ended_is_gone_before_its_parent_has_looked() -> None:
    with another_process() as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert not is_gone(owner)

        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert is_gone(owner)


def stored(provider: str = "sp-1", organisation: str = "org-1", document: str = "DRG-1") -> RevisionRecord:
    key = DocumentKey(organisation, "bridge", document, "P01", "Plan Ü.pdf")
    return RevisionRecord(document=key, provider=provider, sha256="0" * 64, size=7, recorded_at=AT)


def owed(journal: Journal, run: Run, limit: int = 10, now: datetime = LATER) -> list[tuple[str, bool]]:
    found = journal.claim_pending(run, "looker", now=now, until=now, limit=limit)
    return [(pending.key, pending.removed) for pending in found]


def test_a_run_that_follows_is_owed_what_the_register_changes_on_its_source(
    catalogue: Catalogue, journal: Journal
) -> None:
    run = planned(journal, 0)
    swap = catalogue.revisions.swap_revision
    swap(None, stored(document="DRG-0"))
    journal.follow(run, on=True)
    first = stored()
    swap(None, first)
    swap(None, stored("r2-1", document="DRG-2"))
    swap(None, stored(organisation="org-2"))
    assert [("bridge/DRG-1/P01/Plan Ü.pdf", False)] == owed(journal, run)

    removed = replace(first, removal=Removal(at=AT + timedelta(seconds=1)), token=new_token())
    swap(first, removed)
    swap(removed, replace(removed, removal=Removal(at=AT, by="müller"), token=new_token()))

    assert [False, True] == [removed for _, removed in owed(journal, run)]
    assert 2 == journal.count_pending(run)
    journal.follow(run, on=False)
    swap(None, stored(document="DRG-3"))
    assert 2 == journal.count_pending(run)


def test_a_change_that_leaves_the_file_where_it_is_owes_nothing(catalogue: Catalogue, journal: Journal) -> None:
    run = planned(journal, 0)
    journal.follow(run, on=True)
    first = replace(stored(), size=None)
    catalogue.revisions.swap_revision(None, first)
    sized = replace(first, size=7, token=new_token())
    catalogue.revisions.swap_revision(first, sized)
    assert 1 == journal.count_pending(run)

    catalogue.revisions.swap_revision(sized, replace(sized, provider="r2-1", token=new_token()))

    assert 1 == journal.count_pending(run)


def test_a_record_that_is_taken_back_is_owed_as_a_removal(catalogue: Catalogue, journal: Journal) -> None:
    run = planned(journal, 0)
    journal.follow(run, on=True)
    first = stored()
    catalogue.revisions.swap_revision(None, first)

    catalogue.revisions.swap_revision(first, None)

    assert sorted([False, True]) == sorted(
        removed for _, removed in owed(journal, run, now=datetime.now(UTC) + timedelta(hours=1))
    )


def test_a_swap_that_is_refused_owes_nothing(catalogue: Catalogue, journal: Journal) -> None:
    run = planned(journal, 0)
    journal.follow(run, on=True)
    catalogue.revisions.swap_revision(None, stored())

    assert not catalogue.revisions.swap_revision(None, stored())

    assert 1 == journal.count_pending(run)


def test_changes_are_leased_settled_and_postponed(catalogue: Catalogue, journal: Journal) -> None:
    run = planned(journal, 0)
    journal.follow(run, on=True)
    for number in range(3):
        catalogue.revisions.swap_revision(None, stored(document=f"DRG-{number}"))

    def claim(owner: str, now: datetime, limit: int = 10) -> list[Pending]:
        return list(journal.claim_pending(run, owner, now=now, until=now + timedelta(seconds=30), limit=limit))

    assert [] == claim("me", AT - timedelta(seconds=1))
    mine = claim("me", AT, limit=2)
    assert 2 == len(mine)
    (other,) = claim("other", AT)
    assert [] == claim("third", AT)

    journal.settle_pending(run, mine[0])
    late = replace(mine[1], due_at=LATER, attempts=1, reason="the target is down")
    journal.postpone_pending(run, late)

    assert [other] == claim("third", SOON)
    assert [late] == claim("third", LATER)[-1:]
    assert 2 == journal.count_pending(run)


def test_changes_that_a_killed_process_held_are_taken_at_once(catalogue: Catalogue, journal: Journal) -> None:
    run = planned(journal, 0)
    journal.follow(run, on=True)
    catalogue.revisions.swap_revision(None, stored())
    with another_process() as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        held = journal.claim_pending(run, owner, now=AT, until=LATER, limit=1)
        assert [] == journal.claim_pending(run, this_owner(), now=AT, until=LATER, limit=1)

        process.kill()
        process.wait()

        assert held == journal.claim_pending(run, this_owner(), now=AT, until=LATER, limit=1)


def test_the_register_and_the_journal_change_together_or_not_at_all(sql_catalogue: SqlCatalogue) -> None:
    journal = sql_catalogue.journal
    run = planned(journal, 1)
    (entry,) = journal.entries(run, limit=1)
    before, after = stored(), replace(stored(), provider="r2-1", token=new_token())
    sql_catalogue.revisions.swap_revision(None, before)

    with pytest.raises(ZeroDivisionError), journal.together():
        assert sql_catalogue.revisions.swap_revision(before, after)
        journal.record(run, [replace(entry, state=EntryState.COPIED)])
        raise ZeroDivisionError

    assert before == sql_catalogue.revisions.revision(before.document)
    assert [entry] == journal.entries(run, limit=1)

    with journal.together():
        assert sql_catalogue.revisions.swap_revision(before, after)
        journal.record(run, [replace(entry, state=EntryState.COPIED)])

    assert after == sql_catalogue.revisions.revision(before.document)
    assert [EntryState.COPIED] == [entry.state for entry in journal.entries(run, limit=1)]


_KILLED = """
import os, sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from kazinex_storage.migration.journal import *
from kazinex_storage.migration.owners import this_owner
from kazinex_storage.organisations import open_journal

journal = open_journal(sys.argv[1])
run = journal.run("", "run-1")
now = datetime.now(UTC)
part = journal.claim(run, this_owner(), now=now, until=now + timedelta(hours=1))
entries = [replace(entry, state=EntryState.COPIED) for entry in journal.entries(run, first=part.first, last=part.last)]
match sys.argv[2]:
    case "claimed":
        pass
    case "recorded":
        journal.record(run, entries[:100])
    case "within":
        with journal.together():
            journal.record(run, entries[:100])
            os.kill(os.getpid(), 9)
    case "adding":
        def endless():
            number = 0
            while True:
                if number == 5000:
                    os.kill(os.getpid(), 9)
                yield Entry(number=0, key=f"more/{number:06}", size=1)
                number += 1
        journal.add_entries(run, endless())
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    ("moment", "recorded", "added"), [("claimed", 0, 0), ("recorded", 100, 0), ("within", 0, 0), ("adding", 0, 4000)]
)
def test_a_run_goes_on_at_once_when_its_process_was_killed(
    tmp_path: Path, moment: str, recorded: int, added: int
) -> None:
    path = tmp_path / "copy.journal"
    with open_journal(path) as journal:
        run = journal.add_run(Run(organisation="", id="run-1", kind=RunKind.COPY, source="", target="", begun_at=AT))
        journal.add_entries(run, (Entry(number=0, key=f"{n:06}", size=1) for n in range(200)))

    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), moment], check=False, timeout=60)

    assert -signal.SIGKILL == ended.returncode
    with open_journal(path) as journal:
        counts = journal.counts(run)
        assert recorded == (counts[EntryState.COPIED].objects if EntryState.COPIED in counts else 0)
        assert 200 + added == sum(count.objects for count in counts.values())
        now = datetime.now(UTC)
        until = now + timedelta(hours=1)
        claims = [
            part for _ in journal.open_partitions(run) if (part := journal.claim(run, "me", now=now, until=until))
        ]
        assert journal.open_partitions(run) == sorted(part.number for part in claims)
        assert 200 + added - recorded == len(journal.entries(run, states=[EntryState.PLANNED], limit=10_000))
        more = (Entry(number=0, key=f"more/{n:06}", size=1) for n in range(5000))
        assert 5000 - added == journal.add_entries(run, more)
        assert list(range(5200)) == [entry.number for entry in journal.entries(run, limit=10_000)]

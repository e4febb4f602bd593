"""Runs on more than one process: tasks that say little, workers that die, and a journal that says what is done."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kazinex_storage.errors import SettingsError, UnavailableError
from kazinex_storage.migration.audits import AuditPlan, begin_audit, run_audit
from kazinex_storage.migration.executors import FROM_ENVIRONMENT, Task, TaskReport, Workers, drive
from kazinex_storage.migration.journal import PARTITION_ENTRIES, EntryState, RunState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.pools import InProcess, ProcessPool
from kazinex_storage.migration.rates import RateLimits
from kazinex_storage.migration.tasks import forget_opened, run_task

from .opening import COUNT, FOLDER, OPENER, close_all, fill, is_copied
from .worlds import ACME, World, world_on_disk


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    with world_on_disk(tmp_path, "old", "new") as made:
        yield made
    forget_opened()
    close_all()


def a_task(run: str, partitions: int = 1, opener: str = OPENER) -> Task:
    return Task(opener=opener, organisation=ACME, run=run, kind="copy", number=1, partitions=partitions)


def test_a_task_holds_ids_and_nothing_that_opens_a_catalogue(world: World, tmp_path: Path) -> None:
    run = Migration(world.resolver, ACME, "old", "new").plan().run

    sent = pickle.dumps(a_task(run.id, opener=FROM_ENVIRONMENT))

    for told in (str(tmp_path), "catalogue.db", "sqlite", "root", run.source, run.target):
        assert told.encode() not in sent
    assert a_task(run.id) == pickle.loads(pickle.dumps(a_task(run.id)))  # noqa: S301 -- of our own
    assert f"{run.id}-1" == a_task(run.id).name
    assert "copy-7-1" == a_task("7").name


def test_a_task_takes_as_many_free_partitions_as_it_says(world: World) -> None:
    fill(world)
    run = Migration(world.resolver, ACME, "old", "new").plan().run

    report = run_task(a_task(run.id, partitions=1))

    assert (PARTITION_ENTRIES, None) == (report.objects, report.stopped)
    assert [1] == world.organisations.catalogue.journal.open_partitions(run)


def test_a_task_whose_opener_is_no_function_says_so(world: World) -> None:
    with pytest.raises(SettingsError, match="module:function"):
        run_task(a_task("any", opener="nowhere"))


def test_a_run_is_driven_in_the_process_itself(world: World) -> None:
    fill(world, 50)

    report = Migration(world.resolver, ACME, "old", "new").copy(workers=Workers(executor=InProcess(), opener=OPENER))

    assert report.complete
    assert RunState.DONE is report.run.state
    assert is_copied(world, 50)


def test_processes_share_a_run_and_its_limits(world: World) -> None:
    fill(world)
    options = CopyOptions(limits=RateLimits(bandwidth=10**9))

    with ProcessPool(2) as pool:
        report = Migration(world.resolver, ACME, "old", "new", options=options).copy(
            workers=Workers(executor=pool, opener=OPENER)
        )
        assert 2 == len(set(pool.pids))

    assert report.complete
    assert COUNT == report.counts[EntryState.COPIED].objects
    assert is_copied(world)


def test_killed_workers_are_replaced_and_what_they_held_is_taken_at_once(world: World) -> None:
    fill(world)
    options = CopyOptions(limits=RateLimits(bandwidth=3000), lease=timedelta(hours=1))  # which nobody waits for
    migration = Migration(world.resolver, ACME, "old", "new", options=options)
    run = migration.plan().run
    journal, killed = migration.journal, list[int]()
    begun = time.monotonic()

    with ProcessPool(2) as pool:

        def kill() -> None:
            while len(killed) < 2:
                held = journal.next_lease_end(run) is not None
                for pid in pool.pids if held else ():
                    if pid not in killed and len(killed) < 2:
                        killed.append(pid)
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)

        thread = threading.Thread(target=kill)
        thread.start()
        report = migration.copy(
            stop=lambda: time.monotonic() - begun > 180, workers=Workers(executor=pool, opener=OPENER)
        )
        thread.join()

    assert 2 == len(killed)
    assert report.complete
    assert COUNT == sum(count.objects for count in report.counts.values())
    assert is_copied(world)


def test_a_stop_closes_the_pool_and_the_same_run_goes_on(world: World) -> None:
    fill(world)
    slow = CopyOptions(limits=RateLimits(bandwidth=2000))
    migration = Migration(world.resolver, ACME, "old", "new", options=slow)
    journal, run = migration.journal, migration.plan().run

    with ProcessPool(1) as pool:
        report = migration.copy(
            stop=lambda: journal.next_lease_end(run) is not None, workers=Workers(executor=pool, opener=OPENER)
        )

    assert report.stopped is not None
    assert journal.next_lease_end(run) is None
    assert 0 < report.counts[EntryState.PLANNED].objects
    journal.replace_run(replace(report.run, options=CopyOptions().to_dict()))
    assert migration.copy().complete
    assert is_copied(world)


def test_workers_that_cannot_open_the_catalogue_end_the_run_with_what_they_say(world: World) -> None:
    fill(world, 3)
    migration = Migration(world.resolver, ACME, "old", "new")
    run = migration.plan().run

    with ProcessPool(1) as pool, pytest.raises(UnavailableError, match="module:function"):
        drive(Workers(executor=pool, opener="nowhere:at_all"), migration.journal, run)


def test_what_ends_a_run_on_a_worker_ends_it_for_all(world: World) -> None:
    fill(world, 50)
    migration = Migration(world.resolver, ACME, "old", "new")
    run = migration.plan().run

    class Refused(InProcess):
        """Its service refuses the credentials."""

        def submit(self, task: Task) -> object:
            self._ended[task.name] = TaskReport(stopped="the key is refused")
            return task.name

    assert "the key is refused" == drive(Workers(executor=Refused()), migration.journal, run)


def test_an_audit_runs_on_workers_as_well(world: World) -> None:
    fill(world)
    Migration(world.resolver, ACME, "old", "new").copy()
    world.path("new", "bridge/D/P01/00007.pdf").write_bytes(b"%PDF-1.7 another one")
    job = begin_audit(world.resolver, ACME, AuditPlan(source="old", target="new"))

    with ProcessPool(1) as pool:
        result = run_audit(job, workers=Workers(executor=pool, opener=OPENER))

    assert result.finished
    assert COUNT - 1 == result.counts[EntryState.MATCHED].objects
    assert ["bridge/D/P01/00007.pdf"] == [found.key for found in result.findings]


def test_a_process_of_a_pool_ends_when_its_pool_is_gone() -> None:
    program = (
        "import os, sys; from kazinex_storage.migration.pools import ProcessPool; "
        "from kazinex_storage.migration.executors import Task; pool = ProcessPool(1); "
        "pool.submit(Task(opener='x:y', organisation='o', run='r', kind='copy', number=1, partitions=1)); "
        "print(pool.pids[0], flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    pid = int(ended.stdout)

    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)

    assert not Path(f"/proc/{pid}").exists()

"""Processes that are killed at any moment, several of them at one run: the next one goes on, and nothing is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kazinex_storage.migration.journal import PROVEN, EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions

from .worlds import ACME, document, key_of, world_on_disk

DOCUMENTS = 30
OBJECTS = 200
"""Beside the documents, since they are made so much faster."""
LARGE = 7
"""Every so many documents one is read in pieces."""


def body(number: int) -> bytes:
    return (f"drawing {number} ".encode() * (3000 if number % LARGE == 0 else 3))[: 9000 + number]


def filled(folder: Path) -> None:
    with world_on_disk(folder) as world:
        for label in ("old", "new"):
            (folder / label).mkdir()
            world.add_kind("local", label, {"root": str(folder / label), "durable": False})
        for number in range(DOCUMENTS):
            world.upload(number, body(number))
        for number in range(DOCUMENTS, DOCUMENTS + OBJECTS):
            world.storage("old").put(name(number), body(number))


def name(number: int) -> str:
    return key_of(number) if number < DOCUMENTS else f"notes/{number}.txt"


def begun(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.migration.moving_process", str(folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert b"begun\n" == process.stdout.readline()
    return process


def run_and_kill(folder: Path, rounds: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # not for secrets
    for _ in range(rounds):
        processes = [begun(folder), begun(folder)]
        for process in processes:
            time.sleep(rng.uniform(0.0, 0.25))
            process.kill()
        for process in processes:
            process.communicate()


def check(folder: Path) -> None:
    """Go on to the end, and compare everything."""
    with world_on_disk(folder, "old", "new") as world:
        moving = Migration(world.resolver, ACME, "old", "new")
        report = moving.copy()

        assert (True, ()) == (report.complete, report.failures)
        counts = {state: count.objects for state, count in report.counts.items() if count.objects}
        assert (DOCUMENTS + OBJECTS, set()) == (sum(counts.values()), set(counts) - PROVEN)
        expected = {name(number): body(number) for number in range(DOCUMENTS + OBJECTS)}
        for label in ("old", "new"):
            storage = world.storage(label)
            assert expected == {info.key: storage.get_bytes(info.key) for info in storage.list()}, label
        for number in range(DOCUMENTS):
            record = world.resolver.revisions.revision(document(number))
            assert record is not None
            assert world.ids["new"] == record.provider
        assert moving.run is not None
        keys = [entry.key for entry in moving.journal.entries(moving.run)]
        assert sorted(expected) == sorted(keys), "each object has one entry"


def test_two_processes_that_are_killed_lose_and_double_nothing(tmp_path: Path) -> None:
    """What they held is taken up at once: their leases have not ended, but they are gone from this machine."""
    filled(tmp_path)
    processes = [begun(tmp_path), begun(tmp_path)]
    with world_on_disk(tmp_path, "old", "new") as world:
        moving = Migration(world.resolver, ACME, "old", "new")
        while (run := moving.run) is None or not moving.journal.counts(run).get(EntryState.COPIED):
            assert None in [process.poll() for process in processes], "both ended before they were killed"
            time.sleep(0.002)
    for process in processes:
        process.kill()
    for process in processes:
        process.communicate()

    began = time.monotonic()
    check(tmp_path)

    assert time.monotonic() - began < CopyOptions().lease.total_seconds()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(30))
def test_kills_at_many_moments(tmp_path: Path, seed: int) -> None:
    filled(tmp_path)

    run_and_kill(tmp_path, rounds=3, seed=seed)

    check(tmp_path)

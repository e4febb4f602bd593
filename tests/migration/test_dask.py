"""Runs on a cluster of Dask: real schedulers and workers on this machine, which are killed, come and go."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from kazinex_storage.errors import UnavailableError
from kazinex_storage.migration.dask import DaskExecutor
from kazinex_storage.migration.executors import Workers
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.rates import RateLimits

from .opening import COUNT, FOLDER, OPENER, fill, is_copied
from .worlds import ACME, World, world_on_disk

# Dask and tornado leave sockets and loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.syspath_prepend(root)
    with world_on_disk(tmp_path, "old", "new") as made:
        yield made


def pids_of(client: Client) -> list[int]:
    return [int(pid) for pid in client.run(os.getpid).values()]


def test_a_run_ends_on_a_cluster_whose_workers_are_killed(world: World) -> None:
    fill(world)
    migration = Migration(world.resolver, ACME, "old", "new", options=CopyOptions(limits=RateLimits(bandwidth=3000)))
    run = migration.plan().run
    names, killed = set[str](), list[int]()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        DaskExecutor(client) as executor,
    ):

        def kill() -> None:
            while migration.journal.next_lease_end(run) is None:
                time.sleep(0.05)
            names.update(str(key) for keys in client.processing().values() for key in keys)
            killed.extend(pids_of(client))
            os.kill(killed[0], signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        report = migration.copy(workers=Workers(executor=executor, opener=OPENER))
        thread.join()

        assert 2 == executor.workers
    assert killed
    assert any(name.startswith(f"{run.id}-") for name in names)
    assert report.complete
    assert COUNT == report.counts[EntryState.COPIED].objects + (
        report.counts[EntryState.SAME].objects if EntryState.SAME in report.counts else 0
    )
    assert is_copied(world)


@pytest.mark.soak
def test_an_adaptive_cluster_grows_with_a_run(world: World) -> None:
    fill(world)
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as cluster:
        cluster.adapt(minimum=0, maximum=2, interval="100ms")
        with DaskExecutor(cluster.scheduler_address) as executor:
            report = Migration(world.resolver, ACME, "old", "new").copy(
                workers=Workers(executor=executor, opener=OPENER)
            )

    assert report.complete
    assert is_copied(world)


def test_a_scheduler_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(UnavailableError, match="no scheduler of Dask answers"):
        DaskExecutor(f"tcp://127.0.0.1:{port}", timeout_s=0.5)

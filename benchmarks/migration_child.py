"""What ``migration.py`` measures in processes of their own: an order as JSON on standard input, one answer as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from kazinex_storage import Storage
from kazinex_storage.migration.dask import DaskExecutor
from kazinex_storage.migration.endpoints import endpoint_at, endpoint_of
from kazinex_storage.migration.executors import Workers
from kazinex_storage.migration.journal import PARTITION_ENTRIES, EntryState, Run, RunKind
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.planning import plan_run
from kazinex_storage.migration.pools import ProcessPool
from kazinex_storage.migration.runs import begin_run, now
from kazinex_storage.organisations import Resolver, open_organisations
from kazinex_storage.organisations.journal_rows import open_journal
from kazinex_storage.providers.memory import MemoryProvider

from .memory_child import forget_peak, resident
from .memory_remote import open_storage

ORGANISATION = "bench"


def plan(order: dict[str, Any]) -> dict[str, float]:
    """Plan a copy of a long listing."""
    with open_storage(order) as source, Storage(MemoryProvider()) as target, open_journal(order["journal"]) as journal:
        ends = endpoint_at(source), endpoint_at(target)
        run = begin_run(
            journal,
            Run(
                organisation="",
                id="",
                kind=RunKind.COPY,
                source=ends[0].provider,
                target=ends[1].provider,
                begun_at=now(),
            ),
        )
        forget_peak()
        before, cpu, begun = resident("VmRSS"), time.process_time(), time.perf_counter()
        report = plan_run(journal, run, *ends, prefix=order["prefix"])
        return {
            "seconds": time.perf_counter() - begun,
            "cpu": time.process_time() - cpu,
            "entries": report.added,
            "growth": max(0, resident("VmHWM") - before),
        }


def executor(order: dict[str, Any]) -> dict[str, float]:
    """Copy documents from a disk to a bucket by two processes, which are there and warm before."""
    home = Path(order["home"]) / f"{order['executor']}-{order['number']}"
    os.environ["KAZINEX_STORAGE_HOME"] = str(home / "catalogue")  # where the workers find the catalogue too
    with closing(open_organisations(audit=False)) as organisations, closing(Resolver(organisations)) as resolver:
        disk = {"root": str(home / "files"), "create": True, "durable": False}
        organisations.add_provider(ORGANISATION, "local", "disk", disk)
        organisations.add_provider(ORGANISATION, "s3", "bucket", order["server"]["settings"])
        source = endpoint_of(resolver, ORGANISATION, "disk").storage
        for project, objects in (("warm", 2 * PARTITION_ENTRIES), ("project", order["objects"])):
            source.put_many((f"{project}/{number:05}/A/drawing.pdf", bytes(65536)) for number in range(objects))
        with DaskExecutor(workers=2) if order["executor"] == "dask" else ProcessPool(2) as pool:
            workers = Workers(executor=pool)
            for project in ("warm", "project"):
                migration = Migration(resolver, ORGANISATION, "disk", "bucket", project=project)
                migration.plan()
                cpu, begun = os.times(), time.perf_counter()
                report = migration.copy(workers=workers)
                seconds, after = time.perf_counter() - begun, os.times()
        if report.counts[EntryState.COPIED].objects != order["objects"]:
            raise AssertionError(f"not all objects were copied: {report.counts}")
        return {"seconds": seconds, "cpu": after.user - cpu.user + after.system - cpu.system}


def main() -> None:
    """Carry out the order."""
    order = json.loads(sys.stdin.read())
    print(json.dumps({"plan": plan, "executor": executor}[sys.argv[1]](order)))


if __name__ == "__main__":
    main()

"""Run every benchmark and print one report: ``python -m benchmarks [--quick] [--only NAME] [--folder PATH]``.

Each section alternates its contenders for several rounds and prints medians, ranges, processor time and ratios, and
an A/A pair (the same contender twice), which shows how far apart two equal things are on this machine right now. Then
it prints which goals are met. ``--json`` keeps what was measured; ``--write-docs`` makes table, plot and figures of it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import (
    azure,
    bulk,
    commands,
    fs_reads,
    import_time,
    large_put,
    memory,
    migration,
    overhead,
    receipts,
    report,
    service,
    sharepoint,
    small_objects,
    syncs,
)
from .judge import judge
from .machine import describe, load
from .results import Log, Run
from .s3 import files, large, listing, presign, small, start
from .s3.crew import PEER_PYTHON
from .s3.sizes import SIZES
from .sizes import FULL, MIB, QUICK, TINY, Sizes

SECTIONS: Mapping[str, Callable[[Path, Sizes, Log], None]] = {
    "s3-small": small.run,
    "s3-bulk": small.run_bulk,
    "s3-list": listing.run,
    "s3-ranges": files.run_ranges,
    "s3-files": files.run,
    "s3-large": large.run,
    "s3-start": start.run,
    "s3-presign": presign.run,
    "import": import_time.run,
    "commands": commands.run,
    "overhead": overhead.run,
    "receipts": receipts.run,
    "small-objects": small_objects.run,
    "bulk": bulk.run,
    "large-put": large_put.run,
    "fs": fs_reads.run,
    "memory": memory.run,
    "sharepoint": sharepoint.run,
    "azure": azure.run,
    "service": service.run,
    "migration": migration.run,
    "sync": syncs.run,
}
"""The sections in the order in which they are printed."""


def main(arguments: list[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller bodies and fewer rounds: within ten minutes")
    parser.add_argument("--tiny", action="store_true", help="so small that the figures mean nothing: for tests")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="this section; may be repeated")
    parser.add_argument("--folder", type=Path, help="where files are written; default: the temporary folder")
    parser.add_argument("--json", type=Path, help="keep what was measured in this file, section by section")
    parser.add_argument("--write-docs", type=Path, metavar="JSON", help="measure nothing; make the docs of such a file")
    chosen = parser.parse_args(arguments)
    if chosen.write_docs is not None:
        report.write_docs(chosen.write_docs)
        return
    sizes = TINY if chosen.tiny else QUICK if chosen.quick else FULL
    with tempfile.TemporaryDirectory(prefix="kazinex-bench-", dir=chosen.folder) as folder:
        run = Run(describe(Path(folder), sizes.name, PEER_PYTHON), _amounts(sizes))
        print(f"kazinex-storage benchmarks ({sizes.name})\n")
        for fact, value in run.facts.items():
            print(f"  {fact:<12}{value}")
        failed = _measure(run, chosen.only or list(SECTIONS), Path(folder), sizes, chosen.json)
        met = [verdict.met for verdict in judge(run) if verdict.goal.section in run.elapsed_s]
        print(f"\n{met.count(True)} of {len(met)} goals met, {met.count(None)} not judged")
        print(f"load of the machine at the end: {load()}")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _measure(run: Run, names: Sequence[str], folder: Path, sizes: Sizes, kept: Path | None) -> list[str]:
    failed = []
    for name in names:
        begun = time.perf_counter()
        try:
            SECTIONS[name](folder, sizes, Log(name, run))
        except Exception:  # half an hour of the other sections is not thrown away
            traceback.print_exc()
            failed.append(name)
        run.elapsed_s[name] = round(time.perf_counter() - begun, 1)
        print()
        for verdict in judge(run):
            if verdict.goal.section == name:
                print(f"  {report.tell(verdict, run)}")
        print(
            f"  {name} took {run.elapsed_s[name]:.0f} s, {sum(run.elapsed_s.values()) / 60:.1f} min so far", flush=True
        )
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(run.to_json(), encoding="utf-8")
    return failed


def _amounts(sizes: Sizes) -> dict[str, int]:
    """Return what the labels of the rows name."""
    remote = SIZES[sizes.name]
    return {
        "listed": remote.listed,
        "listed_long": remote.listed_long,
        "ranges": remote.ranges,
        "files": remote.files,
        "large_mib": remote.large_size // MIB,
        "local_mib": sizes.large_size // MIB,
        "memory_mib": sizes.memory_size // MIB,
        "listed_local": sizes.listed,
        "sharepoint_mib": sizes.sharepoint_size // MIB,
        "azure_mib": sizes.azure_size // MIB,
        "service_mib": sizes.service_size // MIB,
        "crowd": sizes.crowd,
        "crowd_mib": sizes.crowd_size // MIB,
        "moved_small": sizes.moved_small,
        "moved": sizes.moved,
        "moved_large": sizes.moved_large,
        "planned": sizes.planned,
        "synced": sizes.synced,
    }


if __name__ == "__main__":
    main()

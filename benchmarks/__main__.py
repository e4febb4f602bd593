"""Run every benchmark and print one report: ``python -m benchmarks [--quick] [--only NAME] [--folder PATH]``.

Each section alternates its contenders for several rounds and prints medians, ranges, processor time and ratios, and
an A/A pair (the same contender twice), which shows how far apart two equal things are on this machine right now.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from . import azure, bulk, fs_reads, import_time, large_put, memory, overhead, sharepoint, small_objects
from .machine import describe, load
from .s3 import files, large, listing, presign, small, start
from .sizes import FULL, QUICK, TINY, Sizes

SECTIONS: Mapping[str, Callable[[Path, Sizes], None]] = {
    "large-put": large_put.run,
    "small-objects": small_objects.run,
    "overhead": overhead.run,
    "import": import_time.run,
    "fs": fs_reads.run,
    "memory": memory.run,
    "bulk": bulk.run,
    "sharepoint": sharepoint.run,
    "azure": azure.run,
    "s3-small": small.run,
    "s3-bulk": small.run_bulk,
    "s3-large": large.run,
    "s3-list": listing.run,
    "s3-files": files.run,
    "s3-ranges": files.run_ranges,
    "s3-presign": presign.run,
    "s3-start": start.run,
}
"""The sections in the order in which they are printed."""


def main(arguments: list[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller bodies and fewer rounds: about a minute")
    parser.add_argument("--tiny", action="store_true", help="so small that the figures mean nothing: for tests")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="this section; may be repeated")
    parser.add_argument("--folder", type=Path, help="where files are written; default: the temporary folder")
    chosen = parser.parse_args(arguments)
    sizes = TINY if chosen.tiny else QUICK if chosen.quick else FULL
    with tempfile.TemporaryDirectory(prefix="kazinex-bench-", dir=chosen.folder) as folder:
        print(f"kazinex-storage benchmarks ({sizes.name})\n")
        for fact, value in describe(Path(folder)).items():
            print(f"  {fact:<12}{value}")
        for name in chosen.only or SECTIONS:
            SECTIONS[name](Path(folder), sizes)
        print(f"\nload of the machine at the end: {load()}")


if __name__ == "__main__":
    main()

"""How far the resident set grows while a large body passes through, and while a long listing is read.

Each scenario runs in a fresh interpreter (``memory_child.py``), which reports by how much its peak grew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .large_put import write_random
from .results import Log
from .rounds import heading
from .sizes import MIB, Sizes

SCENARIOS = (
    "put-path",
    "put-iterator",
    "stream",
    "download",
    "async-put-iterator",
    "async-stream",
    "list-folders",
    "list-one-folder",
)


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Memory: a body of {sizes.memory_size // MIB} MiB, a listing of {sizes.listed:,} objects, local disk")
    place, spool = folder / "memory", folder / "memory-spool"
    place.mkdir()
    spool.mkdir()
    write_random(place / "source.bin", sizes.memory_size)
    make_files(place / "folders", sizes.listed, 100)
    make_files(place / "one-folder", sizes.listed, 1)
    for scenario in SCENARIOS:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory_child", scenario, place],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "TMPDIR": str(spool)},
            cwd=Path(__file__).parents[1],
        )
        found = json.loads(child.stdout)
        growth = found["growth"] / MIB
        log.grew("listing" if scenario.startswith("list") else "body", scenario, found["growth"])
        print(
            f"  {scenario:<20} peak grows by {growth:6.1f} MiB from {found['before'] / MIB:5.1f} MiB; "
            f"{found['done']:,} {found['unit']} in {found['seconds']:.2f} s"
        )


def make_files(root: Path, count: int, folders: int) -> None:
    """Put *count* small files into *folders* folders, behind the back of any provider."""
    share = max(1, count // folders)
    for number in range(count):
        parent = root / f"{number // share:04d}"
        if number % share == 0:
            parent.mkdir(parents=True, exist_ok=True)
        (parent / f"{number:06d}.bin").write_bytes(b"x")

"""One large file up and down: speed, processor time by GiB, memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..large_put import write_random
from ..results import Log
from ..rounds import heading
from ..sizes import MIB, Sizes
from . import tables
from .crew import ALL_CLIENTS, HASHING, OURS_SHA256, Job, Member, crew, take_turns
from .place import Place
from .servers import null_servers, present
from .sizes import SIZES

MEMORY = Path("/dev/shm")
"""Where Linux mounts its file system in memory: the disk is not what is measured."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    size = amount.large_size
    heading(f"S3, large: {size // MIB:,} MiB up and down, from and to a file")
    print('  kazinex-storage: digest="service", each part proved by the CRC-32 that the service verifies')
    print('  + sha256: the sha256 of every byte in the same pass; ours by digest="sha256", of the peers by hashlib')
    print("  the other peers as they come: they prove nothing, or what their library proves by default")
    print("  over plain HTTP the slow clients are left out, and there are fewer rounds")
    with fast_folder(folder, 3 * size) as place_for_files, null_servers(folder) as places:
        source = place_for_files / "source.pdf"
        write_random(source, size)
        print(f"  files are in {place_for_files.parent}")
        for place in reversed(places):
            print(f"\n  == {place.name}")
            jobs = [partial(_upload, source), partial(_download, place_for_files, size)]
            rounds = amount.large_rounds if place.over_tls else amount.real_rounds
            with crew(place, present(_members(place), amount)) as workers:
                rows = take_turns(workers, jobs, rounds)
            for row in rows:
                tables.show(row[0].job, row, unit="ms", amount=size / 2**30, memory=True)
                log.keep(f"{row[0].job}{place.note}", row)


def _members(place: Place) -> tuple[Member, ...]:
    everyone = (*ALL_CLIENTS, OURS_SHA256, *HASHING)
    return tuple(member for member in everyone if place.over_tls or not member.slow)


@contextmanager
def fast_folder(folder: Path, size: int) -> Iterator[Path]:
    """Yield a folder in memory where *size* bytes fit twice, else one below *folder*."""
    fits = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * size
    with tempfile.TemporaryDirectory(prefix="kazinex-bench-", dir=MEMORY if fits else folder) as found:
        yield Path(found)


def _key(member: Member, size: int) -> str:
    return f"size-{size}/{member.module}.pdf"


def _upload(source: Path, member: Member) -> Job:
    return {"job": "upload", "path": str(source), "key": _key(member, source.stat().st_size)}


def _download(folder: Path, size: int, member: Member) -> Job:
    return {"job": "download", "path": str(folder / "downloaded.pdf"), "key": _key(member, size)}

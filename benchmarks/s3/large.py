"""One large file up and down: speed, processor time by GiB, memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from ..large_put import write_random
from ..rounds import heading
from ..sizes import MIB, Sizes
from . import tables
from .crew import ALL_CLIENTS, HASHING, Job, Member, crew, take_turns
from .servers import null_servers, present, seaweedfs
from .sizes import SIZES

MEMORY = Path("/dev/shm")
"""Where Linux mounts its file system in memory: the disk is not what is measured."""

GROWTH_LIMIT_MIB = 64.0


def run(folder: Path, sizes: Sizes) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    size = amount.large_size
    heading(f"S3, large: {size // MIB:,} MiB up and down, from and to a file")
    print("  ours reads each byte once and computes its sha256 on the way, in both directions; of the others those do")
    print("  that are named so")
    names = [member.name for member in HASHING]
    print("  over plain HTTP ours and boto3 sign the payload, a sha256 more; the others send it unsigned")
    with fast_folder(folder, 3 * size) as place_for_files, null_servers(folder) as places:
        source = place_for_files / "source.pdf"
        write_random(source, size)
        print(f"  files are in {place_for_files.parent}")
        with ExitStack() as stack:
            if amount.real_server:
                places.append(stack.enter_context(seaweedfs()))
            for place in places:
                print(f"\n  == {place.name}")
                jobs = [partial(_upload, source), partial(_download, place_for_files, size)]
                with crew(place, present((*ALL_CLIENTS, *HASHING), amount)) as workers:
                    rows = take_turns(workers, jobs, amount.large_rounds)
                for row in rows:
                    tables.show(row[0].job, row, unit="ms", amount=size / 2**30, memory=True)
                    tables.faster(row, tables.only(row, *names), 1.0, f"{row[0].job}, sha256 in the same pass")
                    tables.faster(row, row, 1.0, row[0].job)
                    tables.grows(row, GROWTH_LIMIT_MIB, row[0].job)


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

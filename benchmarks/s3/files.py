"""Folders of files through fsspec, and random ranges."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from ..results import Log
from ..rounds import heading
from ..sizes import MIB, Sizes
from . import tables
from .crew import (
    AGAIN,
    BOTO3,
    CURL,
    MINIO,
    OBSTORE,
    OBSTORE_FSSPEC,
    OPENDAL,
    OURS,
    S3FS,
    Job,
    Member,
    crew,
    take_turns,
)
from .large import fast_folder
from .servers import null_servers, plain_servers, present
from .sizes import SIZES

FILE_SIZE = 100 * 1024
RANGE_SIZE = 64 * 1024
OBJECT_SIZE = 256 * MIB
"""What the ranges are read from."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section of whole files."""
    amount = SIZES[sizes.name]
    heading(f"S3, files: {amount.files:,} of 100 KiB up and down")
    print(
        "  ours, obstore.fsspec and s3fs: put and get of fsspec, recursive; the others: their own calls on 16 threads"
    )
    prefix = f"size-{FILE_SIZE}/count-{amount.files}"
    members = (OURS, AGAIN, OBSTORE, OPENDAL, OBSTORE_FSSPEC, MINIO, BOTO3, S3FS, CURL)
    with fast_folder(folder, 2 * amount.files * FILE_SIZE) as place_for_files, plain_servers(folder, amount) as places:
        source = place_for_files / "source"
        source.mkdir()
        body = os.urandom(FILE_SIZE)
        for number in range(amount.files):
            (source / f"{number:08d}.pdf").write_bytes(body)
        for place in places:
            print(f"\n  == {place.name}")
            jobs = [partial(_up, source, prefix), partial(_down, place_for_files / "target", prefix)]
            rounds = amount.files_rounds if place.is_null else amount.real_rounds
            # The floor lists nothing, and knows the names that the null server makes up.
            chosen = members if place.is_null else tuple(member for member in members if not member.floor)
            with crew(place, present(chosen, amount)) as workers:
                rows = take_turns(workers, jobs, rounds)
            for row in rows:
                gibibytes = amount.files * FILE_SIZE / 2**30
                tables.show(f"{row[0].job}, all files", row, unit="ms", amount=gibibytes, memory=True)
                log.keep(f"{row[0].job}{place.note}", row)


def run_ranges(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section of ranges."""
    amount = SIZES[sizes.name]
    heading(f"S3, ranges: {amount.ranges} of 64 KiB at random places of an object of 256 MiB")
    print("  cat_ranges of fsspec for ours, s3fs and obstore.fsspec; get_ranges of obstore; the others on 32 threads")
    members = (OURS, AGAIN, OBSTORE, OBSTORE_FSSPEC, OPENDAL, MINIO, BOTO3, S3FS, CURL)
    with null_servers(folder) as places:
        for place in places:
            with crew(place, present(members, amount)) as workers:
                (row,) = take_turns(workers, [partial(_ranges, amount.ranges)], amount.ranges_rounds)
            tables.show(f"one range, {place.name}", row, memory=True)
            log.keep(f"ranges{place.note}", row)


def _up(source: Path, prefix: str, member: Member) -> Job:
    return {"job": "tree_up", "path": str(source), "prefix": f"{member.module}/{prefix}"}


def _down(target: Path, prefix: str, member: Member) -> Job:
    return {"job": "tree_down", "path": str(target), "prefix": f"{member.module}/{prefix}"}


def _ranges(count: int, member: Member) -> Job:
    del member
    key = f"size-{OBJECT_SIZE}/plan.pdf"
    return {
        "job": "read_ranges",
        "key": key,
        "seed": 1,
        "object_size": OBJECT_SIZE,
        "size": RANGE_SIZE,
        "count": count,
    }

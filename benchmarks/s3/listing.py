"""Long listings: time and memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..results import Log
from ..rounds import heading
from ..sizes import Sizes
from . import tables
from .crew import AGAIN, BOTO3, CURL, MINIO, OBSTORE, OPENDAL, OURS, S3FS, Job, Member, crew, take_turns
from .servers import null_servers, present
from .sizes import SIZES


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    heading(f"S3, list: {amount.listed:,} and {amount.listed_long:,} keys, one object of Python for each")
    print("  of the slow ones only the short listing: 1,000,000 keys take them a minute and more")
    fast = (OURS, AGAIN, OBSTORE, OPENDAL, CURL)
    all_of_them = (*fast, MINIO, BOTO3, S3FS)
    with null_servers(folder) as (place, *_):
        for what, count, rounds, members in (
            ("short", amount.listed, amount.listed_rounds, all_of_them),
            ("long", amount.listed_long, amount.listed_long_rounds, fast),
        ):
            with crew(place, present(members, amount)) as workers:
                (row,) = take_turns(workers, [partial(_count, count)], rounds)
            tables.show(f"{count:,} keys", row, unit="ms", memory=True)
            log.keep(what, row)


def _count(count: int, member: Member) -> Job:
    del member
    return {"job": "count", "prefix": f"size-4096/count-{count}/"}

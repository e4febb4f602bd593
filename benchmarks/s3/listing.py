"""Long listings: time and memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..rounds import heading
from ..sizes import Sizes
from . import tables
from .crew import AGAIN, BOTO3, MINIO, OBSTORE, OPENDAL, OURS, S3FS, Job, Member, crew, take_turns
from .servers import null_servers, present
from .sizes import SIZES

GROWTH_LIMIT_MIB = 64.0


def run(folder: Path, sizes: Sizes) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    heading(f"S3, list: {amount.listed:,} and {amount.listed_long:,} keys, one object of Python for each")
    print("  of the slow ones only the short listing: 1,000,000 keys take them a minute and more")
    fast, all_of_them = (OURS, AGAIN, OBSTORE, OPENDAL), (OURS, AGAIN, OBSTORE, OPENDAL, MINIO, BOTO3, S3FS)
    with null_servers(folder) as (place, *_):
        for count, rounds, members in (
            (amount.listed, amount.listed_rounds, all_of_them),
            (amount.listed_long, amount.listed_long_rounds, fast),
        ):
            with crew(place, present(members, amount)) as workers:
                (row,) = take_turns(workers, [partial(_count, count)], rounds)
            tables.show(f"{count:,} keys", row, unit="ms", memory=True)
            tables.faster(row, tables.only(row, OBSTORE.name), 1.0, f"{count:,} keys")
            tables.grows(row, GROWTH_LIMIT_MIB, f"{count:,} keys")


def _count(count: int, member: Member) -> Job:
    del member
    return {"job": "count", "prefix": f"size-4096/count-{count}/"}

"""Signed URLs: no request is made."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..results import Log
from ..rounds import heading
from ..sizes import Sizes
from . import tables
from .crew import AGAIN, BOTO3, MINIO, OBSTORE, OPENDAL, OURS, S3FS, Job, Member, crew, take_turns
from .servers import null_servers, present
from .sizes import SIZES


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    heading(f"S3, presign: {amount.presigned:,} URLs")
    members = (OURS, AGAIN, OBSTORE, OPENDAL, MINIO, BOTO3, S3FS)
    with null_servers(folder) as (place, *_), crew(place, present(members, amount)) as workers:
        (row,) = take_turns(workers, [partial(_presign, amount.presigned)], amount.presign_rounds)
    tables.show("one URL", row)
    log.keep("presign", row)


def _presign(count: int, member: Member) -> Job:
    del member
    return {"job": "presign", "folder": "size-4096/plans", "count": count}

"""From the start of a process to the first byte of an object: what a function in the cloud or a command pays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ..import_time import compiling_once
from ..results import AGAIN, Log
from ..rounds import heading
from ..sizes import Sizes
from . import tables
from .crew import ROOT, Member, Series
from .place import Place
from .servers import null_servers, present
from .sizes import SIZES

KEY = "size-4096/plan.pdf"
PROGRAM = Path(__file__).with_name("first_byte.py")

# `module` is the name by which the program knows them.
OURS = Member(name="kazinex-storage", module="kazinex-storage", peer=False)
OURS_AGAIN = Member(name=f"kazinex-storage{AGAIN}", module="kazinex-storage", peer=False)
FSSPEC = Member(name="kazinex-storage, fsspec", module="kazinex-fsspec", peer=False)
FSSPEC_AGAIN = Member(name=f"kazinex-storage, fsspec{AGAIN}", module="kazinex-fsspec", peer=False)
LIBCURL = Member(name="bare libcurl (floor)", module="bare-libcurl", peer=False, floor=True)
PYTHON = Member(name="bare Python", module="", peer=False)
PEERS = tuple(
    Member(name=name, module=module)
    for name, module in (
        ("obstore", "obstore"),
        ("obstore.fsspec", "obstore-fsspec"),
        ("opendal", "opendal"),
        ("minio", "minio"),
        ("boto3", "boto3"),
        ("s3fs", "s3fs"),
    )
)


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    heading("S3, start: a fresh process up to the first byte of an object of 4 KiB")
    members = present((OURS, OURS_AGAIN, FSSPEC, FSSPEC_AGAIN, *PEERS, LIBCURL, PYTHON), amount)
    with null_servers(folder) as (place, *_):
        row = [Series(member=member, job="start") for member in members]
        for number in range(-1, amount.starts):
            for series in row if number % 2 else reversed(row):
                if series.error:
                    continue
                try:
                    seconds, cpu = _start(series.member, place, folder / "bytecode")
                except RuntimeError as error:
                    series.error = str(error)
                    continue
                if number >= 0:
                    series.seconds.append(seconds)
                    series.cpu.append(cpu)
                    series.server_cpu.append(0.0)
                    series.growth.append(0)
                    series.quiet.append(True)
    tables.show("first byte (without a check that other programs left the processors alone)", row, unit="ms")
    log.keep("start", row)


def _start(member: Member, place: Place, bytecode: Path) -> tuple[float, float]:
    """Return the seconds up to the first byte, and the processor time of the whole process.

    The round that does not count compiles everything into *bytecode*.
    """
    keys = (place.endpoint_url, place.bucket, place.region, place.access_key_id, place.secret_access_key, KEY)
    words = [str(PROGRAM), member.module, *keys] if member.module else ["-c", "print(1)"]
    begun = time.perf_counter()
    python = member.python if member.peer else sys.executable
    process = subprocess.Popen([python, *words], cwd=ROOT, stdout=subprocess.PIPE, env=compiling_once(bytecode))
    assert process.stdout is not None
    with process.stdout:
        first = process.stdout.readline()
        seconds = time.perf_counter() - begun
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not first:
        raise RuntimeError(f"{member.name} did not get the object")
    return seconds, usage.ru_utime + usage.ru_stime

"""From the start of a process to the first byte of an object: what a function in the cloud or a command pays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ..rounds import heading
from ..sizes import Sizes
from . import tables
from .crew import AGAIN, BOTO3, CURL, MINIO, OBSTORE, OBSTORE_FSSPEC, OPENDAL, OURS, ROOT, S3FS, Member, Series
from .place import Place
from .servers import null_servers, present
from .sizes import SIZES

KEY = "size-4096/plan.pdf"
BARE = Member(name="bare Python (floor)", module="", peer=False, floor=True)


def run(folder: Path, sizes: Sizes) -> None:
    """Print the section."""
    amount = SIZES[sizes.name]
    heading("S3, start: a fresh process up to the first byte of an object of 4 KiB")
    contenders = (OURS, AGAIN, OBSTORE, OBSTORE_FSSPEC, OPENDAL, MINIO, BOTO3, S3FS, CURL, BARE)
    members = present(contenders, amount)
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


def _start(member: Member, place: Place, bytecode: Path) -> tuple[float, float]:
    """Return the seconds up to the first byte, and the processor time of the whole process.

    Everything is compiled before, as it is where pip installed it: into *bytecode*, by the round that is not counted.
    """
    words = ["-m", "benchmarks.s3.child", member.module, place.to_json(), KEY] if member.module else ["-c", "print(1)"]
    begun = time.perf_counter()
    python = member.python if member.peer else sys.executable
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables["PYTHONPYCACHEPREFIX"] = str(bytecode)
    process = subprocess.Popen([python, *words], cwd=ROOT, stdout=subprocess.PIPE, env=variables)
    assert process.stdout is not None
    with process.stdout:
        first = process.stdout.readline()
        seconds = time.perf_counter() - begun
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not first:
        raise RuntimeError(f"{member.name} did not get the object")
    return seconds, usage.ru_utime + usage.ru_stime

"""The processes of the clients, and the rounds in which they take turns."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..results import AGAIN as AGAIN_SUFFIX
from ..results import Measure
from ..rounds import DISTURBED_SHARE, TICKS_S
from .place import Place

ROOT = Path(__file__).parents[2]
PEER_PYTHON = ROOT / ".bench-venv" / "bin" / "python"
"""Made by ``make bench``."""

Job = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A client and how it is named."""

    name: str
    module: str
    """In ``clients/``."""
    peer: bool = True
    """Whether it runs under the Python that has the other clients."""
    slow: bool = False
    """Whether it does a tenth of the work, so that a round stays short."""
    floor: bool = False
    """Whether it is what is possible, and no client."""

    @property
    def python(self) -> str:
        """The interpreter."""
        return str(PEER_PYTHON) if self.peer else sys.executable


OURS = Member(name="kazinex-storage", module="ours", peer=False)
AGAIN = Member(name=f"kazinex-storage{AGAIN_SUFFIX}", module="ours", peer=False)
OURS_SHA256 = Member(name="kazinex-storage + sha256", module="ours_sha256", peer=False)
OURS_WATCHED = Member(name="kazinex-storage, policy, observer", module="ours_watched", peer=False)
OBSTORE = Member(name="obstore", module="with_obstore")
OBSTORE_FSSPEC = Member(name="obstore.fsspec", module="with_obstore_fsspec")
OPENDAL = Member(name="opendal", module="with_opendal")
MINIO = Member(name="minio", module="with_minio", slow=True)
BOTO3 = Member(name="boto3", module="with_boto3", slow=True)
S3FS = Member(name="s3fs", module="with_s3fs", slow=True)
CURL = Member(name="bare libcurl (floor)", module="with_curl", peer=False, floor=True)

# They compute the sha256 in the same pass, as ours does on demand: for large files.
OBSTORE_SHA256 = Member(name="obstore + sha256", module="with_obstore_sha256")
OPENDAL_SHA256 = Member(name="opendal + sha256", module="with_opendal_sha256")
HASHING = (OBSTORE_SHA256, OPENDAL_SHA256)

ALL_CLIENTS = (OURS, AGAIN, OBSTORE, OPENDAL, MINIO, BOTO3, S3FS, CURL)


@dataclass(slots=True, kw_only=True)
class Series:
    """What one client needed for one kind of job; times are seconds of one operation."""

    member: Member
    job: str
    operations: int = 1
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    growth: list[int] = field(default_factory=list)
    """Bytes by which the resident set grew at most, round by round."""
    quiet: list[bool] = field(default_factory=list)
    """Whether others left the processors alone."""
    error: str = ""

    def median(self, values: Sequence[float]) -> float:
        """Return the median of the quiet rounds, or of all where fewer than three were quiet."""
        found = [value for value, quiet in zip(values, self.quiet, strict=True) if quiet]
        return statistics.median(found if len(found) >= 3 else values)

    @property
    def median_s(self) -> float:
        """Wall clock."""
        return self.median(self.seconds)

    @property
    def cpu_s(self) -> float:
        """Processor time of the client."""
        return self.median(self.cpu)

    @property
    def server_s(self) -> float:
        """Processor time of the server."""
        return self.median(self.server_cpu)

    def measure(self, section: str, what: str) -> Measure:
        """Sum it up."""
        name, again = self.member.name.removesuffix(AGAIN_SUFFIX), self.member.name.endswith(AGAIN_SUFFIX)
        if not self.seconds:
            return Measure(section=section, what=what, contender=name, again=again, error=self.error or "no rounds")
        return Measure(
            section=section,
            what=what,
            contender=name,
            again=again,
            floor=self.member.floor,
            median_s=self.median_s,
            low_s=min(self.seconds),
            high_s=max(self.seconds),
            cpu_s=self.cpu_s,
            server_s=self.server_s,
            growth=max(self.growth),
            rounds=len(self.seconds),
            quiet=sum(self.quiet),
            error=self.error,
        )


class Worker:
    """The process of one client."""

    def __init__(self, member: Member, place: Place, cores: frozenset[int]) -> None:
        self.member = member
        self.place = place
        self._process = subprocess.Popen(
            [member.python, "-m", "benchmarks.s3.child", member.module, place.to_json()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        hello = self._answer()
        self.can = frozenset(hello["can"])
        self.version: str = hello["version"]

    def do(self, job: Job) -> dict[str, Any]:
        """Do one job.

        Raises:
            RuntimeError: the process has died.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.member.name} has ended")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def crew(place: Place, members: Sequence[Member], cores: Collection[int] = ()) -> Iterator[list[Worker]]:
    """Start the clients; they end with the block. Only those *cores* are theirs; none means all."""
    allowed = frozenset(cores or os.sched_getaffinity(0))
    with ExitStack() as stack:
        workers = []
        for member in members:
            worker = Worker(member, place, allowed)
            stack.callback(worker.close)
            workers.append(worker)
        yield workers


def take_turns(workers: Sequence[Worker], jobs: Sequence[Callable[[Member], Job]], rounds: int) -> list[list[Series]]:
    """Let every client do every job in each round, in an order that turns; return series by job, then by client.

    The jobs of one client follow each other, so that it reads what it has written. A round before the first warms
    up and does not count, unless there is to be one round only.
    """
    found = [
        [
            Series(member=worker.member, job=job(worker.member)["job"])
            for worker in workers
            if job(worker.member)["job"] in worker.can
        ]
        for job in jobs
    ]
    for number in range(-1 if rounds > 1 else 0, rounds):
        turn = number % len(workers)
        order = [*range(turn, len(workers)), *range(turn)]
        for index in order if number % 2 == 0 else reversed(order):
            worker = workers[index]
            for job, row in zip(jobs, found, strict=True):
                series = next((each for each in row if each.member is worker.member), None)
                if series is not None and not series.error:
                    _once(worker, job(worker.member), series, counts=number >= 0)
    return found


def _once(worker: Worker, job: Job, series: Series, *, counts: bool) -> None:
    others, server, start = _busy(), processor_time(worker.place.processes), time.perf_counter()
    answer = worker.do(job)
    elapsed = time.perf_counter() - start
    if "error" in answer:
        series.error = answer["error"].splitlines()[0][:160]
        return
    if not counts:
        return
    served = processor_time(worker.place.processes) - server
    own = answer["user"] + answer["system"]
    operations = series.operations = job.get("count", 1)
    series.seconds.append(answer["seconds"] / operations)
    series.cpu.append(own / operations)
    series.server_cpu.append(served / operations)
    series.growth.append(answer["growth"])
    # What a client prepares before its clock runs is processor time too, so the whole exchange is allowed for.
    allowed = own + served + (elapsed - answer["seconds"]) + DISTURBED_SHARE * elapsed + TICKS_S
    series.quiet.append(_busy() - others <= allowed)


def processor_time(processes: Sequence[int]) -> float:
    """Return the seconds that *processes* have used so far; the kernel counts in hundredths."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # proc(5): utime and stime
    return ticks / os.sysconf("SC_CLK_TCK")


def _busy() -> float:
    """Return the seconds that the processors worked so far, but for this process, or were lent to other machines."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split()[1:11]
    user, nice, system, _, _, _, _, steal, *_ = map(int, fields)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return (user + nice + system + steal) / os.sysconf("SC_CLK_TCK") - own.ru_utime - own.ru_stime

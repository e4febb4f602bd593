"""Migration: copies between two servers beside what each does alone and beside rclone, own time, planning, executors.

Each round copies the same objects below a fresh prefix with a fresh journal; the bucket is not fresh, since SeaweedFS
takes half a second for the first objects of one. What one server gives, and the other one takes, is measured in the
same rounds by the storage alone; a copy cannot be faster than the slower of both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from kazinex_storage import Storage
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.migrations import migrate
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.servers import seaweedfs

from .memory_remote import open_storage
from .results import AGAIN, Log
from .rounds import Contender, Samples, alternate, heading, show
from .s3.servers import null_servers
from .sizes import MIB, Sizes

if TYPE_CHECKING:
    from kazinex_storage.testing.servers import S3Server

OURS, GET, PUT = "kazinex-storage", "get alone", "put alone"
SLOWER = "get or put alone, the slower"
AT_ONCE = 32
"""Objects that rclone has under way at once: as many as ours has by default."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Migration: {sizes.moved_small:,} objects of 4 KiB, {sizes.moved} of 1 MiB, {sizes.moved_large} of 64 MiB")
    home = folder / "migration"
    home.mkdir()
    with seaweedfs() as source, seaweedfs() as target:
        for what, size, objects in (
            ("4 KiB", 4096, sizes.moved_small),
            ("1 MiB", MIB, sizes.moved),
            ("64 MiB", sizes.moved_large_size, sizes.moved_large),
        ):
            _copies(what, size, objects, (source, target), home, sizes, log)
    _own(home, sizes, log)
    _planning(home, sizes, log)
    _executors(home, sizes, log)
    shutil.rmtree(home)


def _copies(
    what: str, size: int, objects: int, servers: tuple[S3Server, S3Server], home: Path, sizes: Sizes, log: Log
) -> None:
    """Copy *objects* of *size* bytes from one server to the other, by each contender."""
    source, target = servers
    name = what.replace(" ", "").lower()
    here = source.make_bucket(f"from-{name}")
    body, keys = os.urandom(size), [f"project/document-{number:05}/A/drawing.pdf" for number in range(objects)]
    numbers, prefixes, bucket = count(), list[str](), target.make_bucket(f"to-{name}")

    def fresh() -> None:
        prefixes.append(f"{name}-{next(numbers)}")

    with ExitStack() as stack:
        there, taker = (stack.enter_context(open_storage(_opened(*end))) for end in ((source, here), (target, bucket)))
        there.put_many((key, body) for key in keys)
        taker.put_many((f"warm/{number}", body) for number in range(16))

        def ours() -> None:
            report = migrate(there, taker.scoped(f"{prefixes[-1]}/"), journal=home / f"{prefixes[-1]}.db")
            copied = report.counts.get(EntryState.COPIED)
            if copied is None or copied.objects != objects:
                raise AssertionError(f"not all {objects} objects were copied: {report.counts}")

        def get() -> None:
            for _, outcome in there.get_many(keys):
                outcome.result()

        def put() -> None:
            taker.put_many((f"{prefixes[-1]}/{key}", body) for key in keys)

        contenders = [
            Contender(name=OURS, work=ours, prepare=fresh, operations=objects),
            Contender(name=OURS + AGAIN, work=ours, prepare=fresh, operations=objects),
            Contender(name="rclone", work=_rclone(servers, here, bucket, prefixes), prepare=fresh, operations=objects),
            Contender(name=GET, work=get, operations=objects, floor=True),
            Contender(name=PUT, work=put, prepare=fresh, operations=objects, floor=True),
        ]
        found = alternate(contenders, sizes.moved_rounds)
    found.append(_slower(found[3], found[4]))
    show(f"{objects} objects of {what}, S3 to S3", found)
    log.keep(f"copy {what}", found)


def _slower(get: Samples, put: Samples) -> Samples:
    """Return what the slower of both needed in each round."""
    slower = Samples(name=SLOWER)
    for one, other, cpu, other_cpu in zip(get.seconds, put.seconds, get.cpu_seconds, put.cpu_seconds, strict=True):
        slower.seconds.append(max(one, other))
        slower.cpu_seconds.append(cpu if one > other else other_cpu)
    slower.quiet = [one and other for one, other in zip(get.quiet, put.quiet, strict=True)]
    return slower


def _rclone(servers: tuple[S3Server, S3Server], here: str, bucket: str, prefixes: list[str]) -> Callable[[], None]:
    environ = dict(os.environ)
    for name, server in zip(("HERE", "THERE"), servers, strict=True):
        for field, value in (
            ("TYPE", "s3"),
            ("PROVIDER", "Other"),
            ("ENDPOINT", server.endpoint_url),
            ("REGION", server.region),
            ("ACCESS_KEY_ID", server.access_key_id),
            ("SECRET_ACCESS_KEY", server.secret_access_key),
        ):
            environ[f"RCLONE_CONFIG_{name}_{field}"] = value
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        raise FileNotFoundError("rclone is not installed; make test installs it")

    def copy() -> None:
        subprocess.run(
            [
                *(program, "copy", f"here:{here}", f"there:{bucket}/{prefixes[-1]}", "--config", os.devnull),
                *("--transfers", str(AT_ONCE), "--checkers", str(AT_ONCE), "--s3-no-check-bucket"),
            ],
            env=environ,
            check=True,
            capture_output=True,
        )

    return copy


def _own(home: Path, sizes: Sizes, log: Log) -> None:
    """Copy from memory to memory: all that is left is this library's own time."""
    objects, numbers = sizes.moved_small, count()
    with Storage(MemoryProvider()) as source:
        source.put_many((f"project/document-{number:05}/A/drawing.pdf", bytes(4096)) for number in range(objects))

        def copy() -> None:
            with Storage(MemoryProvider()) as target:
                migrate(source, target, journal=home / f"own-{next(numbers)}.db")

        found = alternate([Contender(name=OURS, work=copy, operations=objects)], sizes.moved_rounds)
    show("one object of 4 KiB, memory to memory, with its journal", found)
    log.keep("own time", found)


def _planning(home: Path, sizes: Sizes, log: Log) -> None:
    """Plan a run over a long listing, in a process of its own."""
    with null_servers(home) as (place, *_):
        settings = {
            "endpoint_url": place.endpoint_url,
            "bucket": place.bucket,
            "region": place.region,
            "access_key_id": place.access_key_id,
            "secret_access_key": place.secret_access_key,
        }
        prefix = f"size-4096/count-{sizes.planned}/"
        order = {"kind": "s3", "settings": settings, "prefix": prefix, "journal": str(home / "plan.db")}
        answer = _child("plan", order)
    found = Samples(name=OURS, seconds=[answer["seconds"]], cpu_seconds=[answer["cpu"]], quiet=[True])
    show(f"a plan of {answer['entries']:,.0f} keys", [found], unit="s")
    print(f"  memory grows by {answer['growth'] / MIB:.1f} MiB")
    log.keep("plan", [found])
    log.grew("plan", OURS, int(answer["growth"]))


def _executors(home: Path, sizes: Sizes, log: Log) -> None:
    """Copy by two processes of a pool, and by two workers of Dask."""
    with seaweedfs() as server:
        samples = {name: Samples(name=name) for name in ("dask", "pool")}
        for number in range(sizes.moved_rounds):
            for name, found in samples.items():
                order = {"executor": name, "number": number, "objects": sizes.moved_pooled, "home": str(home)}
                answer = _child(
                    "executor", {**order, "server": _opened(server, server.make_bucket(f"{name}-{number}"))}
                )
                found.seconds.append(answer["seconds"] / sizes.moved_pooled)
                found.cpu_seconds.append(answer["cpu"] / sizes.moved_pooled)
                found.quiet.append(True)
    show("one object of 64 KiB, disk to S3, two processes", list(samples.values()))
    log.keep("executors", samples.values())


def _child(role: str, order: Mapping[str, object]) -> dict[str, float]:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.migration_child", role],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if child.returncode:
        raise AssertionError(child.stderr)
    answer: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return answer


def _opened(server: S3Server, bucket: str) -> dict[str, object]:
    settings = {
        "endpoint_url": server.endpoint_url,
        "bucket": bucket,
        "region": server.region,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    }
    return {"kind": "s3", "settings": settings}

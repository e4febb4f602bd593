"""Objects of 4 KiB: one after another, in bulk, and on an asyncio loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from ..results import Log
from ..rounds import heading
from ..sizes import Sizes
from . import tables
from .crew import ALL_CLIENTS, OURS_WATCHED, Job, Member, Series, crew, take_turns
from .jobs import IN_FLIGHT, THREADS
from .place import Place
from .servers import plain_servers, present
from .sizes import SIZES, S3Sizes

SIZE = 4096
"""Bytes in one object."""

SLOW_SHARE = 10
"""A slow client does one in so many."""

ONE_BY_ONE = ("put", "get", "head", "delete")
BULK = ("put_many", "get_many")
ASYNC = ("async_put", "async_get")


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section of single requests."""
    amount = SIZES[sizes.name]
    heading(f"S3, small: {amount.small_count:,} of 4 KiB, one after another")
    print("  to wake the other core of a virtual machine costs up to 40 us of processor time or nothing, as the kernel")
    print("  places client and server; on one core they work in turn, which is steady, and spares libraries that hand")
    print("  each request to a thread of theirs that wake-up too")
    with plain_servers(folder, amount) as places:
        for place in places:
            _run_on(place, amount, log, one_core=False)
            if one_thread(place.processes):
                _run_on(place, amount, log, one_core=True)


def _run_on(place: Place, sizes: S3Sizes, log: Log, *, one_core: bool) -> None:
    print(f"\n  == {place.name}, {'client and server on one core' if one_core else 'all cores'}")
    share, rounds = (1, sizes.small_rounds) if place.is_null else (sizes.real_share, sizes.real_rounds)
    with pinned(place.processes) if one_core else nullcontext() as cores:
        rows = _rounds(place, sizes, ONE_BY_ONE, sizes.small_count // share, rounds, cores or ())
    for row in rows:
        tables.show(row[0].job, row)
        log.keep(f"{row[0].job}{', one core' if one_core else ''}{place.note}", row)


def run_bulk(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section of many requests at once."""
    amount = SIZES[sizes.name]
    heading(f"S3, bulk: {amount.bulk_count:,} of 4 KiB, {IN_FLIGHT} in flight")
    print(f"  libraries that block use {THREADS} threads, s3fs its own bulk calls, coroutines {IN_FLIGHT} at once")
    with plain_servers(folder, amount) as places:
        for place in places:
            print(f"\n  == {place.name}")
            share, rounds = (1, amount.bulk_rounds) if place.is_null else (amount.real_share, amount.real_rounds)
            for row in _rounds(place, amount, (*BULK, *ASYNC), amount.bulk_count // share, rounds):
                tables.show(row[0].job, row)
                log.keep(f"{row[0].job}{place.note}", row)


def one_thread(processes: Sequence[int]) -> bool:
    """Say whether a server has one thread in each process, so that one core is what it uses at a time."""
    return all(len(os.listdir(f"/proc/{process}/task")) == 1 for process in processes)


@contextmanager
def pinned(processes: Sequence[int]) -> Iterator[frozenset[int]]:
    """Keep a server on one core, and yield that core."""
    everywhere = os.sched_getaffinity(0)
    cores = frozenset([max(everywhere)])
    for process in processes:
        os.sched_setaffinity(process, cores)
    try:
        yield cores
    finally:
        for process in processes:
            os.sched_setaffinity(process, everywhere)


def _rounds(
    place: Place,
    sizes: S3Sizes,
    names: tuple[str, ...],
    count: int,
    rounds: int,
    cores: Collection[int] = (),
) -> list[list[Series]]:
    members = present((*ALL_CLIENTS, OURS_WATCHED), sizes)
    jobs: list[Callable[[Member], Job]] = [partial(_job, name, count) for name in names]
    with crew(place, members, cores) as workers:
        return take_turns(workers, jobs, rounds)


def _job(name: str, count: int, member: Member) -> Job:
    # The folder says to the null server how large the objects are.
    folder = f"size-{SIZE}/{member.module}-{'again' if 'again' in member.name else 'first'}"
    part = max(1, count // SLOW_SHARE) if member.slow else count
    return {"job": name, "folder": folder, "count": part, "size": SIZE}

"""Reads through a cache on a disk: what has not changed is not sent again, and nothing else is ever served."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kazinex_storage import (
    AsyncStorage,
    ByteRange,
    DiskCache,
    NotFoundError,
    PreconditionFailedError,
    PutOptions,
    Storage,
)
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.testing.bench import pattern
from kazinex_storage.types import Buffer, ObjectInfo, Sink

DATA = pattern(3_000_000)


class Counting(MemoryProvider):
    """Counts the bytes that leave it."""

    sent = 0

    def get(self, key, span, sink: Sink, if_match):  # type: ignore[no-untyped-def]
        def counted(buffer: Buffer) -> None:
            self.sent += len(buffer)
            sink(buffer)

        return super().get(key, span, counted, if_match)


@pytest.fixture
def provider() -> Counting:
    return Counting()


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", 40_000_000)


def test_what_has_not_changed_comes_from_the_disk(provider: Counting, cache: DiskCache, tmp_path: Path) -> None:
    storage = Storage(provider).cached(cache)
    storage.put("a", DATA)
    assert DATA == storage.get_bytes("a")
    before = provider.sent

    assert DATA == storage.get_bytes("a")
    assert DATA[1_500_000:2_600_000] == storage.get_bytes("a", ByteRange(start=1_500_000, end=2_600_000))
    assert DATA[-5:] == storage.get_bytes("a", ByteRange(start=-5))
    assert DATA == b"".join(storage.stream("a")) == storage.open("a").read()
    assert len(DATA) == storage.download("a", tmp_path / "a").size
    assert DATA == (tmp_path / "a").read_bytes()

    assert before == provider.sent


def test_what_was_replaced_or_removed_is_never_served(provider: Counting, cache: DiskCache) -> None:
    plain = Storage(provider)
    storage = plain.cached(cache)
    old = plain.put("a", b"old")
    storage.get_bytes("a")

    plain.put("a", b"new")

    with pytest.raises(PreconditionFailedError):
        storage.get_bytes("a", if_match=old.etag)
    assert b"new" == storage.get_bytes("a") == storage.get_bytes("a")
    plain.delete("a")
    with pytest.raises(NotFoundError):
        storage.get_bytes("a")
    assert 0 == cache.size()


@pytest.mark.parametrize("place", [10, 2_000_000, -20], ids=["first block", "later block", "trailer"])
def test_what_the_disk_has_damaged_is_read_again(provider: Counting, cache: DiskCache, place: int) -> None:
    storage = Storage(provider).cached(cache)
    storage.put("a", DATA)
    storage.get_bytes("a")
    (piece,) = cache.path.glob("space-*/*/*/*-*-*")
    with open(piece, "r+b") as file:
        file.seek(place, os.SEEK_END if place < 0 else os.SEEK_SET)
        file.write(b"XX")

    assert DATA == storage.get_bytes("a") == storage.get_bytes("a")


def test_spaces_and_private_stores_share_nothing(cache: DiskCache) -> None:
    one, two = MemoryProvider(), MemoryProvider()  # both call their first version 1
    Storage(one).put("a", b"of one")
    Storage(two).put("a", b"of two")

    assert b"of one" == Storage(one).cached(cache).get_bytes("a")
    assert b"of two" == Storage(two).cached(cache).get_bytes("a")

    shared = Counting(MemorySettings(name="cached in two spaces"))
    Storage(shared).put("a", DATA)
    for space in ("org-1", "org-2"):
        Storage(shared).cached(cache, space=space).get_bytes("a")
    assert 2 * len(DATA) == shared.sent
    cache.clear("org-1")
    assert DATA == Storage(shared).cached(cache, space="org-2").get_bytes("a")
    assert 2 * len(DATA) == shared.sent


def test_the_cache_stays_within_its_bytes_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    provider, cache = Counting(), DiskCache(tmp_path, 1_000_000)
    storage = Storage(provider).cached(cache)
    for number in range(12):
        storage.put(f"{number}", pattern(100_000, number))
        storage.get_bytes(f"{number}")
        storage.get_bytes("0")
        assert cache.size() <= 1_000_000
    storage.put("large", DATA)
    storage.get_bytes("large")
    before = provider.sent

    storage.get_bytes("0")

    assert before == provider.sent  # it was used all the time; what is larger than a quarter is not kept
    assert cache.size() <= 1_000_000
    assert 0o700 == tmp_path.stat().st_mode & 0o777


def test_processes_that_write_at_once_keep_the_bound(tmp_path: Path) -> None:
    program = """
import sys
from kazinex_storage import DiskCache, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings
storage = Storage(LocalProvider(LocalSettings(root=sys.argv[1]))).cached(DiskCache(sys.argv[2], 300_000))
for turn in range(3):
    for number in range(10):
        assert storage.get_bytes(str(number)) == bytes([number]) * 40_000
"""
    folders = [str(tmp_path / "root"), str(tmp_path / "cache")]
    with Storage(LocalProvider(LocalSettings(root=tmp_path / "root", create=True))) as storage:
        storage.put_many((str(number), bytes([number]) * 40_000) for number in range(10))

    running = [subprocess.Popen([sys.executable, "-c", program, *folders]) for _ in range(2)]

    assert [0, 0] == [process.wait(60) for process in running]
    assert DiskCache(tmp_path / "cache", 300_000).size() <= 300_000
    assert [] == list((tmp_path / "cache" / "begun").iterdir())


def test_a_disk_that_takes_nothing_stops_no_read(provider: Counting, cache: DiskCache) -> None:
    storage = Storage(provider).cached(cache)
    storage.put("a", b"1")
    (cache.path / "begun").rmdir()

    assert b"1" == storage.get_bytes("a")


def test_metadata_is_that_of_now(cache: DiskCache) -> None:
    storage = Storage(MemoryProvider()).cached(cache)
    storage.put("a", b"1", PutOptions(metadata={"title": "x"}))
    storage.get_bytes("a")

    info: ObjectInfo = storage.transport.run(storage.operations.get("a", bytearray().extend))

    assert {"title": "x"} == info.metadata
    assert storage.head("a") == info


def test_coroutines_read_through_it(provider: Counting, cache: DiskCache) -> None:
    async def read() -> bytes:
        storage = AsyncStorage(Storage(provider)).cached(cache)
        await storage.put("a", DATA)
        await storage.get_bytes("a")
        return await storage.get_bytes("a")

    assert DATA == asyncio.run(read())
    assert len(DATA) == provider.sent

"""The storage on an asyncio loop: the same results, cancellation, and no thread but our own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    AsyncStorage,
    BulkError,
    ByteRange,
    ClosedError,
    Folder,
    NotFoundError,
    NotSupportedError,
    PutMode,
    PutOptions,
    Storage,
    UploadPolicy,
    verify_async,
)
from kazinex_storage.errors import FileTooLargeError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.types import MIB

pytestmark = pytest.mark.asyncio
CREATE = PutOptions(mode=PutMode.CREATE)


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AsyncStorage]:
    provider = (
        MemoryProvider()
        if request.param == "memory"
        else LocalProvider(LocalSettings(root=tmp_path / "root", create=True, durable=False))
    )
    with Storage(provider, prefix="org-1") as blocking:
        yield AsyncStorage(blocking)


async def test_every_operation_does_what_its_blocking_twin_does(storage: AsyncStorage, tmp_path: Path) -> None:
    body = bytes(range(256)) * 8192

    info = await storage.put("a/b.bin", body, CREATE)

    assert ("a/b.bin", len(body)) == (info.key, info.size)
    assert body == await storage.get_bytes("a/b.bin")
    assert body[-3:] == await storage.get_bytes("a/b.bin", ByteRange(start=-3))
    assert [body[:2], body[5:9]] == await storage.read_ranges("a/b.bin", [ByteRange(end=2), ByteRange(start=5, end=9)])
    assert body == b"".join([chunk async for chunk in storage.stream("a/b.bin")])
    assert body[100:2_000_000] == b"".join(
        [chunk async for chunk in storage.stream("a/b.bin", ByteRange(start=100, end=2_000_000))]
    )
    assert info.etag == (await storage.head("a/b.bin")).etag
    assert await storage.exists("a/b.bin")
    assert info.checksum == (await storage.download("a/b.bin", tmp_path / "b.bin")).checksum
    assert body == (tmp_path / "b.bin").read_bytes()
    with pytest.raises(AlreadyExistsError):
        await storage.put("a/b.bin", b"", CREATE)
    await storage.copy("a/b.bin", "a/c.bin")
    await storage.move("a/c.bin", "d.bin")
    assert ["a/b.bin", "d.bin"] == [found.key async for found in storage.list()]
    assert [Folder(prefix="a/"), "d.bin"] == [
        found if isinstance(found, Folder) else found.key async for found in storage.list(recursive=False)
    ]
    with pytest.raises(NotSupportedError):
        await storage.presign("a/b.bin")
    assert (await verify_async(storage)).ok
    await storage.delete("d.bin")
    with pytest.raises(NotFoundError):
        await storage.head("d.bin")


async def test_bulk_calls_keep_their_order_and_name_their_failures(storage: AsyncStorage) -> None:
    infos = await storage.put_many((f"m/{number:02}", bytes(number)) for number in range(30))

    assert [(f"m/{number:02}", number) for number in range(30)] == [(info.key, info.size) for info in infos]
    found = {key: outcome async for key, outcome in storage.get_many(["m/03", "nothing", "m/05"])}
    assert (3, 5) == (len(found["m/03"].result()), len(found["m/05"].result()))
    assert isinstance(found["nothing"].error, NotFoundError)
    with pytest.raises(BulkError) as failure:
        await storage.put_many([("new", b""), ("m/01", b"")], CREATE)
    assert [AlreadyExistsError] == [type(error) for error in failure.value.failures]
    assert await storage.exists("new")
    await storage.delete_many(f"m/{number:02}" for number in range(30))
    assert ["new"] == [info.key async for info in storage.list()]


async def test_an_async_body_is_taken_chunk_by_chunk(storage: AsyncStorage) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for letter in (b"a", b"b", b"c"):
            await asyncio.sleep(0)
            yield letter * 1000

    info = await storage.put("x", chunks())

    assert 3000 == info.size
    assert b"a" * 1000 + b"b" * 1000 + b"c" * 1000 == await storage.get_bytes("x")


async def test_an_async_body_that_fails_publishes_nothing(storage: AsyncStorage) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await storage.put("x", chunks())

    assert not await storage.exists("x")


async def test_an_endless_async_body_stops_at_the_limit(tmp_path: Path) -> None:
    policy = UploadPolicy.make(kind="memory", ceiling=MIB, max_file_bytes=10_000)
    storage = AsyncStorage(Storage(MemoryProvider(), policy=policy))
    given = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield bytes(1000)

    with pytest.raises(FileTooLargeError):
        await storage.put("x.bin", chunks())

    assert 11 == given


async def test_a_cancelled_put_has_published_nothing_or_the_whole(tmp_path: Path) -> None:
    root = tmp_path / "root"
    storage = AsyncStorage(Storage(LocalProvider(LocalSettings(root=root, create=True, durable=False))))
    reading = asyncio.Event()
    loop = asyncio.get_running_loop()
    release = threading.Event()

    def body() -> Iterator[bytes]:
        yield bytes(MIB)
        loop.call_soon_threadsafe(reading.set)
        release.wait(10)
        yield bytes(MIB)

    task = asyncio.create_task(storage.put("x", body()))
    await reading.wait()
    task.cancel()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not await storage.exists("x")
    assert [] == [path for path in root.rglob("*") if path.is_file() and ".~kazinex" not in str(path)]


async def test_a_cancelled_read_does_not_call_its_sink_again(tmp_path: Path) -> None:
    storage = Storage(LocalProvider(LocalSettings(root=tmp_path / "root", create=True, durable=False)))
    storage.put("x", bytes(16 * MIB))
    started, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    taken: list[int] = []

    def sink(buffer: object) -> None:
        taken.append(1)
        loop.call_soon_threadsafe(started.set)
        release.wait(10)

    task = asyncio.create_task(storage.transport.run_async(storage.operations.get("x", sink)))
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 1 == len(taken)


async def test_blocking_calls_run_on_our_own_threads_with_the_callers_context(tmp_path: Path) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    seen: list[tuple[str, str]] = []

    def body() -> Iterator[bytes]:
        seen.append((threading.current_thread().name, variable.get()))
        yield b"x"

    variable.set("carried")
    storage = AsyncStorage(Storage(MemoryProvider()))

    await storage.put("x", body())

    assert seen[0][0].startswith("kazinex-storage")
    assert "carried" == seen[0][1]


async def test_a_closed_storage_says_so() -> None:
    storage = AsyncStorage(Storage(MemoryProvider()))
    view = storage.scoped("a")
    async with storage:
        await storage.put("a/x", b"1")

    with pytest.raises(ClosedError):
        await storage.head("a/x")
    with pytest.raises(ClosedError):
        await view.head("x")


async def test_a_buffer_that_is_used_again_for_every_chunk_loses_nothing() -> None:
    async def chunks() -> AsyncIterator[bytearray]:
        buffer = bytearray(4)
        for number in range(300):
            buffer[:] = number.to_bytes(4)
            yield buffer

    async with AsyncStorage(Storage(MemoryProvider())) as storage:
        await storage.put("a", chunks())

        assert b"".join(number.to_bytes(4) for number in range(300)) == await storage.get_bytes("a")

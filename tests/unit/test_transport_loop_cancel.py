"""The cancel contract of ``transport/loop.py``, word by word."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import pytest_asyncio

from kazinex_storage.transport import Call, Exchange, Many, Outcome, TransferCancelled, Transport, Wait

PATIENCE_S = 30
"""How long a test waits for what must happen before it calls it a hang."""


class NoExecutor(ThreadPoolExecutor):
    """Stands where asyncio keeps its default pool, which nobody may use."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise AssertionError(f"the default pool of asyncio was asked to run {fn}")


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(4)
    yield transport
    transport.close()


@pytest_asyncio.fixture
async def complaints() -> AsyncIterator[list[str]]:
    """What the loop complains of; it must stay empty. Also takes asyncio's default pool away."""
    loop, found = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: found.append(str(context)))
    loop.set_default_executor(NoExecutor(1))
    yield found
    gc.collect()
    await asyncio.sleep(0)
    assert [] == found


def call(function: Callable[..., Any], *arguments: object, cancel: Callable[[], object] | None = None) -> Exchange[Any]:
    return (yield Call(function, *arguments, cancel=cancel))


class Held:
    """A call that runs until it is released; a cancel may release it or be deaf."""

    def __init__(self, ends: BaseException | None = None, *, deaf: bool = False) -> None:
        self.started = threading.Event()
        self.release = threading.Event()
        self.told = threading.Event()
        self.cancelled = 0
        self.ended = False
        self._ends = ends
        self._deaf = deaf

    def __call__(self) -> str:
        self.started.set()
        assert self.release.wait(PATIENCE_S)
        self.ended = True
        if self._ends is not None:
            raise self._ends
        return "released"

    def cancel(self) -> None:
        self.cancelled += 1
        self.told.set()
        if not self._deaf:
            self.release.set()


async def until(ready: Callable[[], object]) -> None:
    """Let the loop turn until *ready*."""
    async with asyncio.timeout(PATIENCE_S):
        while not ready():
            await asyncio.sleep(0)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_cancelling_a_wait_raises_at_the_yield_and_carries_out_the_cleanup(
    transport: Transport, complaints: list[str]
) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Wait(3600)
        except asyncio.CancelledError:
            yield Call(done.append, "cleaned")
            yield Wait(0)
            yield Many([call(done.append, "nested")], 2)
            raise

    task = asyncio.ensure_future(transport.run_async(careful()))
    await turns()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["cleaned", "nested"] == done


@pytest.mark.asyncio
async def test_the_first_cancel_tells_the_running_call_and_waits_for_its_end(
    transport: Transport, complaints: list[str]
) -> None:
    held = Held(TransferCancelled(), deaf=True)
    task = asyncio.ensure_future(transport.run_async(call(held, cancel=held.cancel)))
    await until(held.started.is_set)

    task.cancel()
    await until(held.told.is_set)
    await turns()

    assert not task.done()
    held.release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (True, 1) == (held.ended, held.cancelled)


@pytest.mark.asyncio
async def test_a_cancelled_call_without_cancel_is_waited_for(transport: Transport, complaints: list[str]) -> None:
    held = Held()
    task = asyncio.ensure_future(transport.run_async(call(held)))
    await until(held.started.is_set)

    task.cancel()
    await turns()

    assert not task.done()
    held.release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held.ended


@pytest.mark.asyncio
async def test_a_second_cancel_leaves_at_once_and_nothing_is_reported_later(
    transport: Transport, complaints: list[str]
) -> None:
    held = Held(OSError("too late for anybody"), deaf=True)
    task = asyncio.ensure_future(transport.run_async(call(held, cancel=held.cancel)))
    await until(held.started.is_set)
    task.cancel()
    await until(held.told.is_set)

    task.cancel()
    await turns()

    assert task.cancelled()
    assert not held.ended
    held.release.set()
    transport.close()
    await turns()
    del task


def test_a_call_that_outlives_its_loop_ends_in_silence(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    held = Held(OSError("too late for anybody"), deaf=True)

    async def leave() -> None:
        task = asyncio.ensure_future(transport.run_async(call(held, cancel=held.cancel)))
        await until(held.started.is_set)
        task.cancel()
        await until(held.told.is_set)
        task.cancel()
        await asyncio.wait([task])

    with caplog.at_level(logging.DEBUG):
        asyncio.run(leave())
        held.release.set()
        transport.close()
        gc.collect()

    assert [] == [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.asyncio
async def test_a_queued_call_that_is_cancelled_never_starts(complaints: list[str]) -> None:
    transport, held, ran = Transport(1), Held(), list[str]()
    first = asyncio.ensure_future(transport.run_async(call(held)))
    await until(held.started.is_set)
    second = asyncio.ensure_future(transport.run_async(call(ran.append, "ran")))
    await turns()

    second.cancel()

    with pytest.raises(asyncio.CancelledError):
        await second
    held.release.set()
    assert "released" == await first
    transport.close()
    assert [] == ran


@pytest.mark.asyncio
async def test_a_cancelled_group_waits_for_its_running_calls_and_cleans_up_from_the_inside(
    transport: Transport, complaints: list[str]
) -> None:
    held, done = [Held(TransferCancelled()) for _ in range(2)], list[str]()

    def inner(each: Held) -> Exchange[None]:
        try:
            yield Call(each, cancel=each.cancel)
        finally:
            yield Call(done.append, f"inner {each.ended}")

    def outer() -> Exchange[None]:
        try:
            yield Many(map(inner, held), 2)
        finally:
            yield Call(done.append, "outer")

    task = asyncio.ensure_future(transport.run_async(outer()))
    await until(lambda: all(each.started.is_set() for each in held))

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["inner True", "inner True", "outer"] == done
    assert [1, 1] == [each.cancelled for each in held]


@pytest.mark.asyncio
async def test_leaving_a_run_early_cancels_what_is_under_way_and_waits_for_it(
    transport: Transport, complaints: list[str]
) -> None:
    held, done = Held(TransferCancelled()), list[str]()

    def careful() -> Exchange[None]:
        try:
            yield Call(held, cancel=held.cancel)
        finally:
            yield Call(done.append, f"cleaned {held.ended}")

    results = transport.run_many_async([careful(), call(len, "a")], 2)
    assert (1, Outcome(value=1)) == await anext(results)
    await until(held.started.is_set)

    await results.aclose()

    assert (["cleaned True"], 1) == (done, held.cancelled)


@pytest.mark.asyncio
async def test_a_timeout_is_a_cancel_like_any_other(transport: Transport, complaints: list[str]) -> None:
    held, loop = Held(TransferCancelled()), asyncio.get_running_loop()

    def work() -> str:
        loop.call_soon_threadsafe(limit.reschedule, loop.time())
        return held()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            await transport.run_async(call(work, cancel=held.cancel))

    assert (1, True) == (held.cancelled, held.ended)


@pytest.mark.asyncio
async def test_a_cancel_before_the_first_step_runs_nothing(transport: Transport, complaints: list[str]) -> None:
    ran: list[str] = []

    def exchange() -> Exchange[None]:
        ran.append("ran")
        yield Call(len, "a")

    task = asyncio.ensure_future(transport.run_async(exchange()))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert [] == ran


@pytest.mark.asyncio
async def test_a_coroutine_that_is_closed_closes_its_exchange(transport: Transport, complaints: list[str]) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Wait(3600)
        finally:
            done.append("closed")

    coroutine = transport.run_async(careful())
    coroutine.send(None)

    coroutine.close()

    assert ["closed"] == done


@pytest.mark.asyncio
async def test_closing_the_transport_lets_what_waits_in_its_queue_end_without_a_cancel(complaints: list[str]) -> None:
    """A ``CancelledError`` without anybody who cancelled would end the task of the caller in silence."""
    transport, held = Transport(1), Held()
    first = asyncio.ensure_future(transport.run_async(call(held)))
    await until(held.started.is_set)
    second = asyncio.ensure_future(transport.run_async(call(len, "ab")))
    await turns()
    closer = threading.Thread(target=transport.close)
    closer.start()
    held.release.set()
    await until(lambda: not closer.is_alive())

    assert "released" == await first
    await asyncio.wait([second], timeout=PATIENCE_S)
    transport.close()

    assert not second.cancelled()
    assert second.exception() is not None or second.result() == 2

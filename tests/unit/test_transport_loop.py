"""Exchanges on an asyncio loop: the same outcomes as elsewhere, and no use of what is asyncio's."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import pytest_asyncio

from kazinex_storage.transport import Call, Exchange, Many, Outcome, TransferCancelled, Transport, Wait

WINDOWS = pytest.mark.parametrize("window", [0, 1, 2, 3, 100])


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


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.asyncio
async def test_outcomes_and_the_result_are_those_of_the_other_drivers(
    transport: Transport, complaints: list[str]
) -> None:
    def three() -> Exchange[list[object]]:
        return [(yield Call(len, "ab")), (yield Wait(0)), (yield Call(max, 1, 2))]

    assert [2, None, 2] == await transport.run_async(three()) == transport.run(three())


@pytest.mark.asyncio
async def test_an_exchange_without_commands_returns_its_result(transport: Transport, complaints: list[str]) -> None:
    def nothing() -> Exchange[int]:
        return 7
        yield

    assert 7 == await transport.run_async(nothing())


@pytest.mark.asyncio
async def test_calls_do_not_run_on_the_thread_of_the_loop(transport: Transport, complaints: list[str]) -> None:
    assert threading.get_ident() != await transport.run_async(call(threading.get_ident))


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [KeyError, TransferCancelled])
async def test_whatever_a_call_raises_lets_the_exchange_clean_up_and_then_reaches_the_caller(
    kind: type[BaseException], transport: Transport, complaints: list[str]
) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Call(fail, kind("stop"))
        except kind:
            yield Call(done.append, "cleaned")
            yield Wait(0)
            yield Call(done.append, "twice")
            raise

    with pytest.raises(kind):
        await transport.run_async(careful())

    assert ["cleaned", "twice"] == done


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_a_call_that_raises_stop_iteration_fails_its_exchange(many: bool, transport: Transport) -> None:
    """asyncio refuses to put StopIteration into a future, and would wait for it for ever."""
    found: list[BaseException | None] = []

    async def run() -> None:
        if many:
            found.extend([o.error async for _, o in transport.run_many_async([call(next, iter(()))], 2)])
            return
        try:
            await transport.run_async(call(next, iter(())))
        except RuntimeError as error:
            found.append(error)

    runner = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    runner.start()
    runner.join(PATIENCE_S / 3)

    assert not runner.is_alive(), "it hangs"
    assert [RuntimeError] == [type(error) for error in found]


@WINDOWS
@pytest.mark.asyncio
async def test_many_gives_its_outcomes_in_the_order_of_the_exchanges(
    window: int, transport: Transport, complaints: list[str]
) -> None:
    def inner(number: int) -> Exchange[int]:
        outcomes: list[Outcome[int]] = yield Many((call(abs, -each) for each in range(number)), window)
        return sum(outcome.result() for outcome in outcomes)

    def outer() -> Exchange[list[Any]]:
        outcomes: list[Outcome[int]] = yield Many([*map(inner, range(5)), call(fail, OSError("disk"))], window)
        return [outcome.value if outcome.error is None else type(outcome.error) for outcome in outcomes]

    assert [0, 0, 1, 3, 6, OSError] == await transport.run_async(outer())


@WINDOWS
@pytest.mark.asyncio
async def test_every_outcome_comes_once_with_its_index(
    window: int, transport: Transport, complaints: list[str]
) -> None:
    exchanges = (call(int, text) for text in ["0", "x", "2", "y", "4"])

    outcomes = {index: outcome async for index, outcome in transport.run_many_async(exchanges, window)}

    assert [0, None, 2, None, 4] == [outcomes[index].value for index in range(5)]
    assert [False, True, False, True, False] == [isinstance(outcomes[index].error, ValueError) for index in range(5)]


@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.asyncio
async def test_the_window_is_never_exceeded_and_the_iterable_read_lazily(
    window: int, transport: Transport, complaints: list[str]
) -> None:
    lock, now, most, read = threading.Lock(), 0, 0, 0

    def enter() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        with lock:
            now -= 1

    def endless() -> Iterator[Exchange[None]]:
        nonlocal read
        while True:
            read += 1
            yield call(enter)

    results = transport.run_many_async(endless(), window)
    for seen in range(1, 40):
        await anext(results)
        assert read <= seen + 2 * window
    await results.aclose()

    assert most <= window


@WINDOWS
@pytest.mark.asyncio
async def test_an_error_in_the_iterable_of_many_is_raised_at_the_yield(
    window: int, transport: Transport, complaints: list[str]
) -> None:
    def listing() -> Iterator[Exchange[int]]:
        yield call(len, "a")
        raise LookupError("listing failed")

    def parent() -> Exchange[str]:
        try:
            yield Many(listing(), window)
        except LookupError as error:
            return str(error)
        return "not raised"

    assert "listing failed" == await transport.run_async(parent())


@pytest.mark.asyncio
async def test_an_error_while_reading_the_iterable_ends_the_run_after_cleaning_up(
    transport: Transport, complaints: list[str]
) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Wait(3600)
        finally:
            yield Call(done.append, "cleaned")

    def source() -> Iterator[Exchange[None]]:
        yield careful()
        yield call(len, "a")
        raise LookupError("listing failed")

    with pytest.raises(LookupError, match="listing failed"):
        async for _ in transport.run_many_async(source(), 2):
            pass

    assert ["cleaned"] == done


@pytest.mark.asyncio
@pytest.mark.parametrize("command", [None, "text"])
async def test_what_is_no_command_fails_its_exchange(command: Any, transport: Transport, complaints: list[str]) -> None:
    def wrong() -> Exchange[None]:
        yield command

    with pytest.raises(AttributeError):
        await transport.run_async(wrong())


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.mark.asyncio
async def test_calls_see_the_context_variables_of_their_task(transport: Transport, complaints: list[str]) -> None:
    async def work(value: str) -> list[str]:
        variable.set(value)
        results = [outcome.value async for _, outcome in transport.run_many_async([call(variable.get)] * 1, 2)]
        return [await transport.run_async(call(variable.get)), *results]

    assert [["a", "a"], ["b", "b"]] == list(await asyncio.gather(work("a"), work("b")))
    assert "unset" == variable.get()


def test_one_transport_serves_many_loops_in_sequence(transport: Transport) -> None:
    async def work() -> list[Any]:
        return [outcome.value async for _, outcome in transport.run_many_async((call(len, "a") for _ in range(9)), 3)]

    assert [[1] * 9] * 5 == [asyncio.run(work()) for _ in range(5)]


def test_one_transport_serves_many_loops_at_once(transport: Transport) -> None:
    results: list[list[Any]] = []

    async def work() -> list[Any]:
        return [outcome.value async for _, outcome in transport.run_many_async((call(len, "a") for _ in range(50)), 8)]

    loops = [threading.Thread(target=lambda: results.append(asyncio.run(work()))) for _ in range(4)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()

    assert [[1] * 50] * 4 == results


@pytest.mark.asyncio
async def test_no_thread_is_left_after_closing(complaints: list[str]) -> None:
    before = set(threading.enumerate())
    transport = Transport(4)
    await transport.run_async(call(len, "a"))

    transport.close()

    assert before == set(threading.enumerate())

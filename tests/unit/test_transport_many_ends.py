"""Many exchanges that are left early, interrupted or cut short: an orderly end whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kazinex_storage.transport import Call, Exchange, Many, Outcome, TransferCancelled, Transport, Wait

WINDOWS = pytest.mark.parametrize("window", [1, 2, 3, 100])


PATIENCE_S = 30
"""How long a test waits for what must happen before it calls it a hang."""


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(4)
    yield transport
    transport.close()


def call(function: Callable[..., Any], *arguments: object, cancel: Callable[[], object] | None = None) -> Exchange[Any]:
    return (yield Call(function, *arguments, cancel=cancel))


def fail(error: BaseException) -> None:
    raise error


class Held:
    """A call that runs until it is cancelled or released."""

    def __init__(self, ends: BaseException | None = None) -> None:
        self.started = threading.Event()
        self.release = threading.Event()
        self.cancelled = 0
        self.ended = False
        self._ends = ends

    def __call__(self) -> str:
        self.started.set()
        assert self.release.wait(PATIENCE_S)
        self.ended = True
        if self._ends is not None:
            raise self._ends
        return "released"

    def cancel(self) -> None:
        self.cancelled += 1
        self.release.set()


def test_outcomes_come_as_they_end_and_not_as_they_began(transport: Transport) -> None:
    slow = Held()

    results = transport.run_many([call(slow), call(len, "ab")], 2)

    assert (1, Outcome(value=2)) == next(results)
    slow.release.set()
    assert [(0, Outcome(value="released"))] == list(results)


@WINDOWS
def test_an_error_while_reading_the_iterable_ends_the_run_after_cleaning_up(window: int, transport: Transport) -> None:
    cleaned: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Call(len, "a")
            yield Wait(3600)
        finally:
            yield Call(cleaned.append, "cleaned")

    def source() -> Iterator[Exchange[None]]:
        if window > 1:
            yield careful()
            yield from (call(len, "a") for _ in range(window - 1))
        raise LookupError("listing failed")

    with pytest.raises(LookupError, match="listing failed"):
        list(transport.run_many(source(), window))

    assert ["cleaned"] * (window > 1) == cleaned


def test_leaving_early_cancels_what_runs_waits_for_it_and_lets_it_clean_up(transport: Transport) -> None:
    held, done = Held(TransferCancelled()), []

    def careful() -> Exchange[None]:
        try:
            yield Call(held, cancel=held.cancel)
        except GeneratorExit:
            done.append(held.ended)
            yield Call(done.append, "cleaned")
            raise

    results = transport.run_many([careful(), call(len, "a")], 2)
    next(results)
    assert held.started.wait(PATIENCE_S)

    results.close()  # type: ignore[attr-defined]

    assert (1, [True, "cleaned"]) == (held.cancelled, done)


def test_leaving_early_ends_waits_and_nested_groups_from_the_inside(transport: Transport) -> None:
    done: list[str] = []

    def inner() -> Exchange[None]:
        try:
            yield Wait(3600)
        finally:
            yield Call(done.append, "inner")

    def outer() -> Exchange[None]:
        try:
            yield Many([inner(), inner()], 2)
        finally:
            yield Call(done.append, "outer")

    results = transport.run_many([outer(), call(len, "a")], 2)
    next(results)

    results.close()  # type: ignore[attr-defined]

    assert ["inner", "inner", "outer"] == done


def test_a_cleanup_that_fails_does_not_hide_the_reason_nor_stop_the_others(transport: Transport) -> None:
    done: list[str] = []

    def clumsy(name: str) -> Exchange[None]:
        try:
            yield Wait(3600)
        finally:
            done.append(name)
            yield Call(fail, OSError("cleanup failed"))

    def source() -> Iterator[Exchange[None]]:
        yield from (clumsy(name) for name in "abc")
        yield from (call(len, "a") for _ in range(7))
        raise LookupError("the reason")

    with pytest.raises(LookupError, match="the reason"):
        list(transport.run_many(source(), 10))

    assert ["a", "b", "c"] == sorted(done)


def test_queued_calls_never_start_once_the_run_is_left() -> None:
    """The thread that a cancelled call sets free must find nothing to do."""
    transport, held, ran = Transport(1), Held(), threading.Event()

    def cancel() -> None:
        held.cancel()
        ran.wait(0.2)  # ends at once when the fault is there; nothing can be waited for when it is not

    def source() -> Iterator[Exchange[object]]:
        yield call(held, cancel=cancel)
        yield from (call(ran.set) for _ in range(40))
        yield at_once()
        assert held.started.wait(PATIENCE_S)
        raise LookupError("stop")

    def at_once() -> Exchange[None]:
        return
        yield

    with pytest.raises(LookupError):
        list(transport.run_many(source(), 42))
    transport.close()

    assert (1, False) == (held.cancelled, ran.is_set())


def test_exchanges_that_never_ran_are_closed_without_running(transport: Transport) -> None:
    ran: list[str] = []

    def exchange() -> Exchange[None]:
        ran.append("ran")
        yield Call(len, "a")

    def source() -> Iterator[Exchange[None]]:
        yield exchange()
        raise LookupError("stop")

    with pytest.raises(LookupError):
        list(transport.run_many(source(), 5))

    assert [] == ran


def test_an_interrupt_cleans_up_and_reaches_the_caller(transport: Transport) -> None:
    done: list[str] = []
    held = Held()
    caller = threading.main_thread().ident
    assert caller is not None

    def interrupt() -> None:
        assert held.started.wait(PATIENCE_S)
        signal.pthread_kill(caller, signal.SIGINT)
        assert held.release.wait(PATIENCE_S)

    def careful(command: Call) -> Exchange[None]:
        try:
            yield command
        except KeyboardInterrupt:
            yield Call(done.append, "cleaned")
            raise

    with pytest.raises(KeyboardInterrupt):
        list(transport.run_many([careful(Call(held, cancel=held.cancel)), careful(Call(interrupt))], 2))

    assert (["cleaned"] * 2, 1) == (done, held.cancelled)


def test_an_interrupt_in_a_window_of_one_cleans_up_and_reaches_the_caller(transport: Transport) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Call(signal.raise_signal, signal.SIGINT)
            yield Wait(3600)
        finally:
            yield Call(done.append, "cleaned")

    with pytest.raises(KeyboardInterrupt):
        list(transport.run_many([careful(), careful()], 1))

    assert ["cleaned"] == done


INTERRUPTED = """
import signal, threading
from kazinex_storage.transport import Call, Transport, Wait

signal.alarm(30)
transport, caller, interrupted = Transport(2), threading.main_thread().ident, 0

def interrupting():
    yield Call(signal.pthread_kill, caller, signal.SIGINT)

def waiting():
    yield Wait(3600)

def meeting():
    yield Call(together.wait)

# Both threads exist before the first interrupt: one that strikes while a thread is started is Python's own affair.
together = threading.Barrier(2)
list(transport.run_many([meeting(), meeting()], 2))
for _ in range(5000):
    try:
        list(transport.run_many([interrupting(), waiting()], 2))
    except KeyboardInterrupt:
        interrupted += 1
print(interrupted)
"""


def test_an_interrupt_at_the_moment_a_call_ends_does_not_hang() -> None:
    """The interrupt may strike when the end of the call was taken from the queue but not noted yet.

    A child process tries it often; an alarm ends it when it hangs.
    """
    child = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)

    assert (0, "5000\n") == (child.returncode, child.stdout)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, TransferCancelled])
def test_what_is_no_exception_ends_the_run(kind: type[BaseException], transport: Transport) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Wait(3600)
        finally:
            yield Call(done.append, "cleaned")

    with pytest.raises(kind):
        list(transport.run_many([careful(), call(fail, kind("stop"))], 2))

    assert ["cleaned"] == done

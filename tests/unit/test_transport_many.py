"""Many exchanges from one thread: the window, laziness, order, and whose error is whose."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kazinex_storage.transport import Call, Exchange, Many, Outcome, Transport, Wait

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


class Gauge:
    """Counts how many calls run at once, and at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 0
        self.most = 0

    def __call__(self, barrier: threading.Barrier | None = None) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        if barrier is not None:
            barrier.wait(PATIENCE_S)
        with self._lock:
            self.now -= 1


@WINDOWS
def test_every_outcome_comes_once_with_its_index(window: int, transport: Transport) -> None:
    outcomes = dict(transport.run_many((call(int, text) for text in ["0", "x", "2", "y", "4"]), window))

    assert [0, None, 2, None, 4] == [outcomes[index].value for index in range(5)]
    assert [False, True, False, True, False] == [isinstance(outcomes[index].error, ValueError) for index in range(5)]


@WINDOWS
def test_no_exchanges_have_no_outcomes(window: int, transport: Transport) -> None:
    assert [] == list(transport.run_many((), window))


@pytest.mark.parametrize("window", [1, 2, 3])
def test_the_window_is_never_exceeded(window: int, transport: Transport) -> None:
    gauge = Gauge()

    list(transport.run_many((call(gauge) for _ in range(60)), window))

    assert gauge.most <= window


def test_the_window_is_used_in_full(transport: Transport) -> None:
    gauge, barrier = Gauge(), threading.Barrier(3)

    list(transport.run_many((call(gauge, barrier) for _ in range(9)), 3))

    assert 3 == gauge.most


def test_the_threads_bound_the_calls_whatever_the_windows() -> None:
    transport, gauge = Transport(2), Gauge()

    def parent() -> Exchange[None]:
        yield Many((call(gauge) for _ in range(10)), 10)

    list(transport.run_many((parent() for _ in range(5)), 5))
    transport.close()

    assert gauge.most <= 2


@WINDOWS
def test_the_iterable_is_read_only_as_places_get_free(window: int, transport: Transport) -> None:
    """At most a window is under way and a window has ended unseen, however long the iterable."""
    read = 0

    def endless() -> Iterator[Exchange[int]]:
        nonlocal read
        while True:
            read += 1
            yield call(abs, -read)

    results = transport.run_many(endless(), window)
    for seen in range(1, 20):
        next(results)
        assert read <= seen + 2 * window
    results.close()  # type: ignore[attr-defined]


def test_the_iterable_is_read_on_the_thread_of_the_caller(transport: Transport) -> None:
    def source() -> Iterator[Exchange[int]]:
        for _ in range(10):
            yield call(lambda here: threading.get_ident() == here, threading.get_ident())

    outcomes = [outcome for _, outcome in transport.run_many(source(), 3)]

    assert 10 == len(outcomes)
    assert not any(outcome.value for outcome in outcomes)


def test_a_wait_does_not_hold_up_the_others(transport: Transport) -> None:
    order: list[str] = []

    def waiting() -> Exchange[str]:
        yield Wait(1)
        return "waited"

    def working() -> Exchange[str]:
        for number in range(5):
            yield Call(order.append, str(number))
        return "worked"

    results = [outcome.value for _, outcome in transport.run_many([waiting(), working()], 2)]

    assert ["worked", "waited"] == results
    assert list("01234") == order


def test_waits_end_in_the_order_of_their_length(transport: Transport) -> None:
    def waiting(seconds: float) -> Exchange[float]:
        yield Wait(seconds)
        return seconds

    results = [outcome.value for _, outcome in transport.run_many(map(waiting, [0.6, 0.0, 0.3]), 3)]

    assert [0.0, 0.3, 0.6] == results


@WINDOWS
def test_groups_nest_to_any_depth(window: int, transport: Transport) -> None:
    def tree(depth: int) -> Exchange[int]:
        if depth == 0:
            return (yield Call(abs, -1))  # type: ignore[no-any-return]
        outcomes: list[Outcome[int]] = yield Many((tree(depth - 1) for _ in range(3)), window)
        return sum(outcome.result() for outcome in outcomes)

    assert [81] * 3 == [outcome.value for _, outcome in transport.run_many((tree(4) for _ in range(3)), window)]


@WINDOWS
def test_an_error_is_raised_at_the_yield_of_its_exchange_alone(window: int, transport: Transport) -> None:
    def tolerant() -> Exchange[str]:
        try:
            yield Call(fail, KeyError("gone"))
        except KeyError:
            yield Call(len, "still able to work")
            return "handled"
        return "not raised"

    outcomes = dict(transport.run_many([tolerant(), call(fail, OSError("disk")), tolerant()], window))

    assert ["handled", None, "handled"] == [outcomes[index].value for index in range(3)]
    assert isinstance(outcomes[1].error, OSError)


@WINDOWS
def test_an_error_in_a_nested_iterable_belongs_to_the_exchange_that_gave_it(window: int, transport: Transport) -> None:
    def listing() -> Iterator[Exchange[int]]:
        yield call(len, "a")
        raise LookupError("listing failed")

    def parent() -> Exchange[None]:
        yield Many(listing(), 2)

    outcomes = dict(transport.run_many([parent(), call(len, "ab"), parent()], window))

    assert [LookupError, type(None), LookupError] == [type(outcomes[index].error) for index in range(3)]
    assert 2 == outcomes[1].value


@WINDOWS
@pytest.mark.parametrize("command", [None, "text", Many(7, 2)], ids=["none", "text", "many of a number"])  # type: ignore[arg-type]
def test_a_command_that_is_none_fails_its_exchange_alone(command: Any, window: int, transport: Transport) -> None:
    def wrong() -> Exchange[None]:
        yield command

    outcomes = dict(transport.run_many([call(len, "ab"), wrong(), call(len, "abc")], window))

    assert [2, None, 3] == [outcomes[index].value for index in range(3)]
    assert outcomes[1].error is not None


@WINDOWS
def test_a_call_that_raises_stop_iteration_fails_its_exchange(window: int, transport: Transport) -> None:
    outcomes = dict(transport.run_many([call(next, iter(())), call(len, "a")], window))

    assert isinstance(outcomes[0].error, RuntimeError)
    assert 1 == outcomes[1].value


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@WINDOWS
def test_calls_see_the_context_variables_of_the_caller(window: int, transport: Transport) -> None:
    token = variable.set("set by the caller")
    try:
        outcomes = [outcome.value for _, outcome in transport.run_many((call(variable.get) for _ in range(5)), window)]
    finally:
        variable.reset(token)

    assert ["set by the caller"] * 5 == outcomes


def test_a_call_cannot_change_the_context_of_the_caller(transport: Transport) -> None:
    list(transport.run_many([call(variable.set, "changed"), call(variable.set, "changed")], 2))

    assert "unset" == variable.get()

"""Exchanges on the caller's thread: outcomes, errors at the yield, cleaning up, and what a driver may never do."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kazinex_storage.transport import Call, Exchange, Many, Outcome, TransferCancelled, Transport, Wait


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(4)
    yield transport
    transport.close()


def call(function: object, *arguments: object) -> Exchange[object]:
    return (yield Call(function, *arguments))  # type: ignore[arg-type]


def fail(error: BaseException) -> None:
    raise error


def test_an_exchange_without_commands_returns_its_result(transport: Transport) -> None:
    def nothing() -> Exchange[int]:
        return 7
        yield

    assert 7 == transport.run(nothing())


def test_outcomes_are_sent_to_the_yield_in_order(transport: Transport) -> None:
    def three() -> Exchange[list[object]]:
        return [(yield Call(len, "ab")), (yield Wait(0)), (yield Call(max, 1, 2))]

    assert [2, None, 2] == transport.run(three())


def test_calls_run_on_the_thread_of_the_caller(transport: Transport) -> None:
    assert threading.get_ident() == transport.run(call(threading.get_ident))


def test_running_one_exchange_starts_no_thread(transport: Transport) -> None:
    before = threading.active_count()

    transport.run(call(len, "a"))

    assert before == threading.active_count()


def test_an_error_is_raised_at_the_yield_and_can_be_handled_there(transport: Transport) -> None:
    def tolerant() -> Exchange[str]:
        try:
            yield Call(fail, KeyError("gone"))
        except KeyError:
            return "handled"
        return "not raised"

    assert "handled" == transport.run(tolerant())


@pytest.mark.parametrize("kind", [KeyError, KeyboardInterrupt, SystemExit, TransferCancelled])
def test_whatever_a_call_raises_lets_the_exchange_clean_up_and_then_reaches_the_caller(
    kind: type[BaseException], transport: Transport
) -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Call(fail, kind("stop"))
        finally:
            yield Call(done.append, "cleaned")
            yield Call(done.append, "twice")

    with pytest.raises(kind):
        transport.run(careful())

    assert ["cleaned", "twice"] == done


def test_an_error_keeps_its_cause(transport: Transport) -> None:
    def translating() -> Exchange[None]:
        try:
            yield Call(fail, KeyError("low"))
        except KeyError as error:
            raise ValueError("high") from error

    with pytest.raises(ValueError, match="high") as caught:
        transport.run(translating())

    assert isinstance(caught.value.__cause__, KeyError)


def test_a_call_that_raises_stop_iteration_does_not_end_the_exchange_silently(transport: Transport) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        transport.run(call(next, iter(())))


@pytest.mark.parametrize("window", [0, 1, 3, 100])
def test_many_gives_its_outcomes_in_the_order_of_the_exchanges(window: int, transport: Transport) -> None:
    def parent() -> Exchange[list[Outcome[object]]]:
        return (yield Many([call(int, "1"), call(int, "x"), call(int, "3"), call(abs, -4)], window))  # type: ignore[no-any-return]

    outcomes = transport.run(parent())

    assert [1, None, 3, 4] == [outcome.value for outcome in outcomes]
    assert [None, ValueError, None, None] == [outcome.error and type(outcome.error) for outcome in outcomes]
    assert 1 == outcomes[0].result()
    with pytest.raises(ValueError, match="invalid literal"):
        outcomes[1].result()


@pytest.mark.parametrize("window", [1, 3])
def test_many_nest_and_an_empty_one_has_no_outcomes(window: int, transport: Transport) -> None:
    def inner(number: int) -> Exchange[int]:
        outcomes: list[Outcome[int]] = yield Many((call(abs, -each) for each in range(number)), window)
        return sum(outcome.result() for outcome in outcomes)

    def outer() -> Exchange[list[int]]:
        outcomes: list[Outcome[int]] = yield Many((inner(number) for number in range(5)), window)
        return [outcome.result() for outcome in outcomes]

    assert [0, 0, 1, 3, 6] == transport.run(outer())


@pytest.mark.parametrize("window", [1, 3])
def test_an_error_in_the_iterable_of_many_is_raised_at_the_yield(window: int, transport: Transport) -> None:
    def source() -> Iterator[Exchange[object]]:
        yield call(len, "a")
        raise LookupError("listing failed")

    def parent() -> Exchange[str]:
        try:
            yield Many(source(), window)
        except LookupError as error:
            return str(error)
        return "not raised"

    assert "listing failed" == transport.run(parent())


@pytest.mark.parametrize("window", [1, 3])
def test_what_is_no_iterable_is_raised_at_the_yield_of_many(window: int, transport: Transport) -> None:
    def parent() -> Exchange[str]:
        try:
            yield Many(7, window)  # type: ignore[arg-type]
        except TypeError:
            return "refused"
        return "not raised"

    assert "refused" == transport.run(parent())


def test_an_abandoned_exchange_runs_its_finally_blocks() -> None:
    done: list[str] = []

    def careful() -> Exchange[None]:
        try:
            yield Call(len, "a")
        finally:
            done.append("closed")

    exchange = careful()
    next(exchange)

    exchange.close()

    assert ["closed"] == done

"""The threads of a transport: bounded, closed without a trace, and safe to fork."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kazinex_storage.transport import Call, Exchange, Many, Outcome, Transport

PATIENCE_S = 30
"""How long a test waits for what must happen before it calls it a hang."""


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(4)
    yield transport
    transport.close()


def call(function: Callable[..., Any], *arguments: object, cancel: Callable[[], object] | None = None) -> Exchange[Any]:
    return (yield Call(function, *arguments, cancel=cancel))


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


def in_time(work: Callable[[], Any]) -> Any:
    """Run *work* on a thread that cannot hold up the run of tests, and return what it returns."""
    box: list[Any] = []
    thread = threading.Thread(target=lambda: box.append(work()), daemon=True)
    thread.start()
    thread.join(PATIENCE_S / 3)
    assert not thread.is_alive(), "it hangs"
    return box[0]


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("kazinex-storage")}


def test_no_thread_is_left_after_closing() -> None:
    before, transport = threads(), Transport(4)
    list(transport.run_many((call(len, "a") for _ in range(20)), 4))
    assert threads() - before

    transport.close()
    transport.close()

    assert before == threads()


def test_there_are_never_more_threads_than_allowed() -> None:
    before, transport = threads(), Transport(3)

    list(transport.run_many((call(len, "a") for _ in range(100)), 100))
    started = threads() - before
    transport.close()

    assert len(started) <= 3


def test_a_transport_works_again_after_closing() -> None:
    transport = Transport(2)
    for _ in range(3):
        assert [1, 1] == [outcome.value for _, outcome in transport.run_many([call(len, "a"), call(len, "b")], 2)]
        transport.close()


def test_closing_while_a_run_is_under_way_does_not_leave_it_hanging() -> None:
    transport, held = Transport(1), Held()

    def run() -> list[tuple[int, Outcome[Any]]]:
        return list(transport.run_many([call(held), call(len, "a"), call(len, "ab")], 3))

    def close() -> None:
        held.started.wait(PATIENCE_S)
        closer = threading.Thread(target=transport.close, daemon=True)
        closer.start()
        held.release.set()
        closer.join(PATIENCE_S)

    ended: list[Any] = []
    runner = threading.Thread(target=lambda: ended.append(run()), daemon=True)
    runner.start()

    in_time(close)
    runner.join(PATIENCE_S / 3)

    assert not runner.is_alive()
    assert {0, 1, 2} == {index for index, _ in ended[0]}


def test_one_transport_serves_many_threads_at_once(transport: Transport) -> None:
    def work(number: int) -> list[Any]:
        return sorted(outcome.value for _, outcome in transport.run_many((call(abs, -number) for _ in range(50)), 8))

    results: dict[int, list[Any]] = {}
    workers = [threading.Thread(target=lambda each=each: results.update({each: work(each)})) for each in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert {each: [each] * 50 for each in range(6)} == results


def in_a_fork(work: Callable[[], bool]) -> int:
    """Run *work* in a forked child, which a signal ends when it hangs, and return its exit code."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE_S)
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")  # the very thing that is tested
def test_a_forked_child_has_threads_of_its_own(transport: Transport) -> None:
    list(transport.run_many((call(len, "a") for _ in range(10)), 4))

    def work() -> bool:
        good = [1] * 10 == [outcome.value for _, outcome in transport.run_many((call(len, "a") for _ in range(10)), 4)]
        transport.close()
        return good

    assert 0 == in_a_fork(work)
    assert [(0, Outcome(value=1))] == list(transport.run_many([call(len, "a")], 2))


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_child_forked_while_calls_run_neither_hangs_nor_waits_for_them(transport: Transport) -> None:
    held = Held()
    results = transport.run_many([call(held), call(len, "a")], 2)
    next(results)
    held.started.wait(PATIENCE_S)

    def work() -> bool:
        transport.close()
        return [1] == [outcome.value for _, outcome in transport.run_many([call(len, "a")], 2)]

    assert 0 == in_a_fork(work)
    held.release.set()
    assert [(0, Outcome(value="released"))] == list(results)


def idents(transport: Transport, count: int) -> list[int]:
    many = Many([call(threading.get_ident) for _ in range(count)], count)

    def ask() -> Exchange[list[Outcome[int]]]:
        return (yield many)  # type: ignore[no-any-return]

    return [outcome.result() for outcome in transport.run(ask())]


def test_quick_calls_share_a_thread(transport: Transport) -> None:
    assert any(1 == len(set(idents(transport, 64))) for _ in range(10))  # a busy machine makes calls slow, not all


def test_a_slow_call_holds_up_no_other(transport: Transport) -> None:
    held, ended = Held(), threading.Semaphore(0)

    def ask() -> Exchange[list[Outcome[Any]]]:
        return (yield Many([call(held), *(call(ended.release) for _ in range(20))], 21))  # type: ignore[no-any-return]

    def release() -> None:
        for _ in range(20):
            assert ended.acquire(timeout=PATIENCE_S)
        held.release.set()

    threading.Thread(target=release, daemon=True).start()

    outcomes = in_time(lambda: transport.run(ask()))

    assert [None] * 20 == [outcome.result() for outcome in outcomes[1:]]
    assert "released" == outcomes[0].result()


def test_calls_that_wait_for_each_other_all_begin(transport: Transport) -> None:
    together = threading.Barrier(4)

    def ask() -> Exchange[list[Outcome[int]]]:
        return (yield Many([call(together.wait, PATIENCE_S) for _ in range(4)], 4))  # type: ignore[no-any-return]

    outcomes = in_time(lambda: transport.run(ask()))

    assert [0, 1, 2, 3] == sorted(outcome.result() for outcome in outcomes)


def test_slow_calls_run_at_the_same_time(transport: Transport) -> None:
    """Once some were slow, each has a thread of its own at once: none waits for a call before it."""
    met = threading.Barrier(4)

    def ask() -> Exchange[list[Outcome[int]]]:
        return (yield Many([call(met.wait, PATIENCE_S) for _ in range(80)], 8))  # type: ignore[no-any-return]

    assert 80 == len([outcome.result() for outcome in in_time(lambda: transport.run(ask()))])


def test_quick_calls_share_a_thread_again_after_slow_ones(transport: Transport) -> None:
    def slow() -> Exchange[Any]:
        return (yield Many([call(time.sleep, 0.01) for _ in range(8)], 8))

    transport.run(slow())

    assert any(1 == len(set(idents(transport, 64))) for _ in range(30))


def test_what_a_call_raises_is_raised_where_it_was_asked_for(transport: Transport) -> None:
    def failing() -> Exchange[Any]:
        outcomes = yield Many([call(int, "x"), call(int, "1")], 2)
        return [type(outcome.error).__name__ for outcome in outcomes]

    assert ["ValueError", "NoneType"] == transport.run(failing())

"""The gate that requests of one app pass: closed by a refusal, slowed down when little is left."""

from __future__ import annotations

from kazinex_storage.transport import Gate
from kazinex_storage.transport.gate import LONGEST_S


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_gate_is_open_at_first() -> None:
    gate = Gate(Clock())

    assert (0.0, 0.0) == (gate.closed_s(), gate.place_s())


def test_a_refusal_closes_it_for_as_long_as_it_says() -> None:
    clock = Clock()
    gate = Gate(clock)

    gate.note(429, 7.0, {})
    clock.now += 2

    assert 5.0 == gate.closed_s()
    clock.now += 5
    assert 0.0 == gate.closed_s()


def test_a_shorter_wait_does_not_open_it_earlier() -> None:
    gate = Gate(Clock())

    gate.note(503, 30.0, {})
    gate.note(429, 1.0, {})

    assert 30.0 == gate.closed_s()


def test_failures_that_ask_for_no_wait_leave_it_open() -> None:
    gate = Gate(Clock())

    gate.note(503, None, {})
    gate.note(500, 9.0, {})

    assert 0.0 == gate.closed_s()


def test_what_is_left_is_spread_over_the_time_until_there_is_more() -> None:
    clock = Clock()
    gate = Gate(clock)

    gate.note(200, None, {"ratelimit-limit": "100", "ratelimit-remaining": "10", "ratelimit-reset": "20"})

    assert [0.0, 2.0, 4.0] == [gate.place_s() for _ in range(3)]
    clock.now += 20
    assert 0.0 == gate.place_s()


def test_an_ample_quota_slows_no_request() -> None:
    gate = Gate(Clock())

    gate.note(200, None, {"ratelimit-limit": "100", "ratelimit-remaining": "60", "ratelimit-reset": "20"})

    assert [0.0] * 3 == [gate.place_s() for _ in range(3)]


def test_headers_that_mean_nothing_are_ignored() -> None:
    gate = Gate(Clock())

    gate.note(200, None, {"ratelimit-limit": "many", "ratelimit-remaining": "few", "ratelimit-reset": "soon"})

    assert [0.0] * 3 == [gate.place_s() for _ in range(3)]


def test_no_answer_closes_it_for_longer_than_an_hour() -> None:
    gate = Gate(Clock())

    gate.note(503, 31_536_000.0, {})

    assert LONGEST_S == gate.closed_s()

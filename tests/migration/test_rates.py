"""Limits of runs: how they are written, divided and kept, by a clock that the test moves."""

from __future__ import annotations

import pytest

from kazinex_storage.errors import SettingsError
from kazinex_storage.migration.rates import Pace, RateLimits, parse_bandwidth
from kazinex_storage.transport import Wait


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50MB/s", 50_000_000),
        (" 50 MB/s ", 50_000_000),
        ("1.5kB/s", 1500),
        ("2MiB/s", 2 * 1024 * 1024),
        ("1GiB/s", 1024**3),
        ("400Mbit/s", 50_000_000),
        ("7B/s", 7),
    ],
)
def test_a_bandwidth_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert expected == parse_bandwidth(text)


@pytest.mark.parametrize("text", ["50", "50MB", "50Mb/s", "-1MB/s", "1e3MB/s", "5iB/s", "0.1B/s", "0MB/s", "", "٣MB/s"])
def test_a_bandwidth_that_could_mean_two_things_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_bandwidth(text)


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan")])
def test_a_limit_at_which_nothing_would_move_is_refused(limit: float) -> None:
    with pytest.raises(SettingsError, match="source_requests"):
        RateLimits(source_requests=limit)


def test_limits_come_back_from_what_a_run_keeps_of_them() -> None:
    limits = RateLimits(bandwidth=50_000_000, target_requests=2.5)

    assert {"bandwidth": 50_000_000, "target_requests": 2.5} == limits.to_dict()
    assert limits == RateLimits.from_dict(limits.to_dict())
    with pytest.raises(SettingsError, match="bandwidth"):
        RateLimits.from_dict({"bandwidth": "much"})


def test_workers_together_have_what_one_has_alone() -> None:
    part = RateLimits(bandwidth=90, source_requests=10).divided(4)

    assert RateLimits(bandwidth=22, source_requests=2.5) == part


def test_without_limits_nothing_waits() -> None:
    pace = Pace()

    assert not pace.limited
    assert 0.0 == pace.take(10**12, source=1000, target=1000)


def test_bytes_pass_at_the_bandwidth_however_they_are_cut() -> None:
    clock = Clock()
    pace = Pace(RateLimits(bandwidth=1000), clock)
    begun, taken = clock.now, 0

    for size in [100, 5000, 1, 1, 1, 900] * 20:
        clock.now += pace.take(size)
        taken += size
    clock.now += pace.take(1)

    assert taken / 1000 - 0.25 == pytest.approx(clock.now - begun)


def test_those_who_ask_together_get_their_moments_one_after_another() -> None:
    pace = Pace(RateLimits(source_requests=10), Clock())

    waits = [pace.take(source=1) for _ in range(6)]

    # What a quarter of a second would have brought, two and a half requests, has not been used.
    assert pytest.approx([0.0, 0.0, 0.0, 0.05, 0.15, 0.25]) == waits


def test_what_was_not_used_for_a_long_time_is_not_kept() -> None:
    clock = Clock()
    pace = Pace(RateLimits(target_requests=4), clock)
    pace.take(target=1)
    clock.now += 3600

    waits = [pace.take(target=1) for _ in range(3)]

    assert pytest.approx([0.0, 0.0, 0.25]) == waits


def test_the_slowest_of_the_limits_counts() -> None:
    pace = Pace(RateLimits(bandwidth=10, source_requests=1, target_requests=100), Clock())
    pace.take(50, source=1, target=1)

    assert pytest.approx(4.75) == pace.take(1, source=1, target=1)


def test_a_limit_that_changes_holds_from_then_on() -> None:
    clock = Clock()
    pace = Pace(RateLimits(source_requests=1), clock)
    pace.take(source=1)
    pace.change(RateLimits(source_requests=100))

    waits = [pace.take(source=1) for _ in range(3)]

    assert pytest.approx([0.75, 0.76, 0.77]) == waits
    pace.change(RateLimits())
    assert 0.0 == pace.take(source=1)


def test_an_exchange_waits_for_its_moment() -> None:
    pace = Pace(RateLimits(bandwidth=10), Clock())

    commands = [*pace.taking(100), *pace.taking(1)]

    assert [9.75] == [pytest.approx(command.seconds) for command in commands if isinstance(command, Wait)]

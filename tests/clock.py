"""A clock that tests are given, so that no test sits through the waits between two attempts."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from kazinex_storage.transport import Gate, RetryPolicy, one


class Clock:
    """Moves with time, and at once by every wait."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        """Seconds of each wait."""

    def __call__(self) -> float:
        return time.monotonic() + sum(self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the clock to the blocking driver, and to every retry policy and gate that is made while the test runs."""
    clock = Clock()
    monkeypatch.setattr(one, "time", SimpleNamespace(sleep=clock.sleep))
    defaults = RetryPolicy.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", clock)
    monkeypatch.setattr(Gate.__init__, "__defaults__", (clock,))
    return clock

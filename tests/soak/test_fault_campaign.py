"""The fault campaign: `make soak` runs it whole, the ordinary suite a piece, so that it cannot rot."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import pytest

from kazinex_storage.providers.s3 import orphans

from .campaign import run_campaign
from .services import services

TRIALS = int(os.environ.get("FAULT_TRIALS", "2000"))
FIRST = int(os.environ.get("FAULT_FIRST", "0"))


@pytest.fixture(autouse=True)
def straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the campaign is the only one, for 127.0.0.1 too; what is remembered is swept at once."""
    monkeypatch.setattr(orphans, "_QUIET", timedelta(minutes=-1))
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_piece_of_the_campaign() -> None:
    """27 trials: every fault on every service."""
    with services(("s3", "azure", "sharepoint")) as found:
        tally = run_campaign(range(27), found)

    assert [] == tally.wrong
    assert 27 == len(tally.rows)


@pytest.mark.soak
def test_the_fault_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    with services(("s3", "azure", "sharepoint")) as found:
        tally = run_campaign(range(FIRST, FIRST + TRIALS), found)

    with capsys.disabled():
        sys.stdout.write(f"\n{tally.table()}\n")
    assert [] == tally.wrong

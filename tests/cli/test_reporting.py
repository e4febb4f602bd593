"""Reports of verifications as people read them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from kazinex_storage.cli.output import Output
from kazinex_storage.cli.reporting import report_lines
from kazinex_storage.verification.reports import Check, CheckStatus, VerificationReport


def refused(name: str, fix: str = "make one with Object Read & Write") -> Check:
    return Check(
        name=name,
        status=CheckStatus.FAILED,
        seconds=0.05,
        diagnosis="the token may only read",
        fix=fix,
        error="AccessDenied on write",
    )


def report(*checks: Check) -> VerificationReport:
    return VerificationReport(
        kind="r2", location="r2://plans", checks=checks, started_at=datetime(2026, 11, 1, tzinfo=UTC), seconds=1.0
    )


def lines(*checks: Check) -> Sequence[str]:
    return [line.text for line in report_lines(report(*checks), "Our R2 (r2://plans) is FAILED")]


def test_headline_cause_and_fix_come_before_the_steps_and_nothing_comes_twice() -> None:
    shown = lines(
        Check(name="list", status=CheckStatus.PASSED, seconds=0.1234),
        refused("write"),
        Check(name="read", status=CheckStatus.SKIPPED, diagnosis="write did not pass"),
        refused("delete"),
    )

    assert [
        "Our R2 (r2://plans) is FAILED",
        "  cause  the token may only read",
        "  fix    make one with Object Read & Write",
        "  said   AccessDenied on write",
        "list    passed   0.12 s",
        "write   failed   0.05 s",
        "read    skipped  write did not pass",
        "delete  failed   0.05 s",
    ] == shown


def test_a_warning_is_explained_below_its_step() -> None:
    shown = lines(
        Check(name="list", status=CheckStatus.PASSED, seconds=0.1),
        Check(name="cors", status=CheckStatus.WARNING, seconds=0.1, diagnosis="no rule", fix="add a rule"),
    )

    assert ["cors  warning  0.10 s", "  cause  no rule", "  fix    add a rule"] == shown[2:]


@pytest.mark.parametrize("columns", [40, 72, None], ids=["narrow", "wide", "no terminal"])
def test_lines_are_as_wide_as_the_terminal_and_whole_without_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int | None
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns or 40))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: columns is not None)
    found = report(refused("write", fix="grant it " * 20))

    Output().wrapped({}, report_lines(found, "Our R2 (r2://plans) is FAILED"))

    shown = capsys.readouterr().out.splitlines()
    assert (5 if columns is None else columns) >= (len(shown) if columns is None else max(map(len, shown)))
    assert ("grant it " * 20).strip() in " ".join(" ".join(shown).split())


@pytest.mark.parametrize("columns", [40, 100], ids=["narrow", "wide"])
def test_a_table_that_a_narrow_terminal_does_not_hold_is_shown_row_by_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    rows = [["Our R2", "r2", "VERIFIED", "r2-0123456789abcdef"], ["Disk", "local", "PENDING", "local-0123456789abcdef"]]

    Output().table({}, ["LABEL", "KIND", "STATUS", "ID"], rows, "none")

    shown = capsys.readouterr().out.splitlines()
    if columns == 40:
        assert max(map(len, shown)) <= columns
        assert ["LABEL   Our R2", "KIND    r2", "STATUS  VERIFIED", "ID      r2-0123456789abcdef", ""] == shown[:5]
    else:
        assert 3 == len(shown)

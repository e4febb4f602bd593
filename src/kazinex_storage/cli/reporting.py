"""What a verification found, for a person: headline, cause and fix of what failed first, then each step once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..secrecy.masking import redact
from ..values import value
from ..verification.reports import Check, CheckStatus

if TYPE_CHECKING:
    from ..verification.reports import KeptBy, VerificationReport

_KEPT_BY: Final[Mapping[KeptBy, str]] = {
    "service": "kept by the place itself, from everyone",
    "ours": "kept by this library alone, from those who come through it",
    "register": "documents alone, kept by the register",
}
"""What a verification says of retention and holds, in words."""


@value
class Line:
    """One line of a report: text that may be wrapped below its own beginning."""

    text: str
    hanging: int = 0
    """How far the lines below the first one are indented."""


def step_line(check: Check, width: int = 12) -> str:
    """Return one line for a check: name, status and seconds.

    Example:
        >>> step_line(Check(name="list", status=CheckStatus.PASSED, seconds=0.1234))
        'list          passed   0.12 s'
    """
    if check.status is CheckStatus.SKIPPED:
        return f"{check.name:<{width}}  skipped  {check.diagnosis or ''}".rstrip()
    return f"{check.name:<{width}}  {check.status.value:<7}  {check.seconds:.2f} s"


def report_lines(report: VerificationReport, headline: str) -> Iterator[Line]:
    """Yield the lines of *report*: nothing is in it twice."""
    yield Line(text=headline)
    failed = [check for check in report.checks if check.status is CheckStatus.FAILED]
    told: set[tuple[str | None, str | None]] = set()
    if failed:
        told.add((failed[0].diagnosis, failed[0].fix))
        yield from explained(failed[0])
    width = max((len(check.name) for check in report.checks), default=0)
    for check in report.checks:
        yield Line(text=step_line(check, width), hanging=2)
        found = (check.diagnosis, check.fix)
        if check.status in (CheckStatus.FAILED, CheckStatus.WARNING) and found not in told:
            told.add(found)
            yield from explained(check)
    for what, who in report.kept_by.items():
        yield Line(text=f"{what}: {_KEPT_BY[who]}", hanging=2)


def failure_lines(report: VerificationReport) -> Iterator[Line]:
    """Yield cause and fix of each check that failed, a diagnosis once, without the steps."""
    told: set[tuple[str | None, str | None]] = set()
    for check in report.checks:
        if check.status is CheckStatus.FAILED and (check.diagnosis, check.fix) not in told:
            told.add((check.diagnosis, check.fix))
            yield from explained(check)


def explained(check: Check) -> Iterator[Line]:
    """Yield what a check that did not pass means, what to do, and what the service said."""
    for what, text in (("cause", check.diagnosis), ("fix", check.fix), ("said", check.error)):
        if text:
            yield Line(text=f"  {what:<5}  {text}", hanging=9)


def without_secrets(report: VerificationReport, secrets: Iterable[str]) -> VerificationReport:
    """Return *report* without what a provider may have quoted in an error of its own."""
    known = tuple(secrets)
    return replace(report, checks=tuple(without_secrets_in(check, known) for check in report.checks))


def without_secrets_in(check: Check, secrets: Iterable[str]) -> Check:
    """Return *check* without what a provider may have quoted in an error of its own."""
    return replace(check, error=None if check.error is None else redact(check.error, secrets))

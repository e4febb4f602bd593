"""Writes what a run found: verdicts as text, the table of ``docs/benchmarks.md``, the figures of the README.

    python -m benchmarks --write-docs build/benchmarks.json

keeps that run as ``docs/benchmarks.json`` and makes table, plot and figures of it. A test compares them with the
generator, so none of them is changed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from .goals import ALONE, BYTES, Goal, Quantity
from .judge import Verdict, judge, value
from .plot import plot
from .results import Measure, Run

ROOT = Path(__file__).parents[1]
STORED = "docs/benchmarks.json"
PLOT = "docs/benchmarks.svg"

README_ROWS = (
    ("s3-small", "get", Quantity.CPU),
    ("s3-bulk", "async_get", Quantity.SPEED),
    ("s3-large", "upload, TLS", Quantity.SPEED),
)
"""Section, work and quantity of the three figures in the README."""

UNITS = {
    Quantity.CPU: "x cpu",
    Quantity.ITS_CPU: "x cpu",
    Quantity.TIME: "x time",
    Quantity.SPEED: "x speed",
    Quantity.GROWTH: " MiB of growth",
    Quantity.ADDED: "",
    Quantity.RESIDENT: " MiB",
    Quantity.SENT: " KiB",
}


def generated(run: Run, root: Path) -> dict[str, str]:
    """Return the text of each file that is made of a run, by its path below *root*, where the pages are."""
    verdicts = judge(run)
    pages = {
        "docs/benchmarks.md": {"facts": _facts(run), "table": _table(verdicts, run)},
        "README.md": {"figures": _figures(verdicts, run)},
    }
    found = {STORED: run.to_json(), PLOT: plot(verdicts, run)}
    for page, parts in pages.items():
        text = (root / page).read_text(encoding="utf-8")
        for name, part in parts.items():
            text = _between(text, name, part)
        found[page] = text
    return found


def write_docs(result: Path, root: Path = ROOT) -> None:
    """Keep the run in *result*, and write everything that is made of it.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a page has lost the marks between which its figures stand.
    """
    for path, text in generated(Run.load(result), root).items():
        (root / path).write_text(text, encoding="utf-8")


def tell(verdict: Verdict, run: Run) -> str:
    """Return one goal and what was found, as a line for people who watch a run."""
    goal = verdict.goal
    if verdict.found is None:
        return f"{_row(goal, run)}: goal {_bound(goal)}: {verdict.missing}"
    sign, against = "met" if verdict.met else "MISSED", f" of {verdict.best.contender}" if verdict.best else ""
    noise = f", A/A {verdict.noise:.2f}x" if verdict.noise is not None else ""
    return f"{_row(goal, run)}: {_ratio(verdict)}{against} (goal {_bound(goal)}: {sign}{noise})"


def _between(text: str, name: str, part: str) -> str:
    pattern = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the marks of {name} are missing")
    return pattern.sub(lambda found: f"{found[1]}{part}{found[2]}", text, count=1)


def _facts(run: Run) -> str:
    minutes = sum(run.elapsed_s.values()) / 60
    lines = [f"- {name}: {fact}" for name, fact in run.facts.items()]
    return "\n".join([*lines, f"- took: {minutes:.0f} minutes", ""])


def _table(verdicts: Iterable[Verdict], run: Run) -> str:
    lines = [
        '| work | ours | best peer | ratio | A/A | floor | goal | met | `make bench BENCH="--only ..."` |',
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for group, found in groupby(verdicts, key=lambda verdict: verdict.goal.group):
        lines.append(f"| **{group}** | | | | | | | | |")
        lines += [_line(verdict, run) for verdict in found]
    return "\n".join([*lines, ""])


def _line(verdict: Verdict, run: Run) -> str:
    goal = verdict.goal
    cells = [
        _row(goal, run),
        _cell(goal, verdict.ours),
        _cell(goal, verdict.best, named=True) if verdict.best else verdict.missing,
        _ratio(verdict),
        f"{verdict.noise:.2f}x" if verdict.noise is not None else "",
        _cell(goal, verdict.floor),
        _bound(goal),
        {True: "met", False: "**missed**", None: ""}[verdict.met],
        f"`{goal.section}`",
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _row(goal: Goal, run: Run) -> str:
    return goal.row.format(**run.sizes)


def _cell(goal: Goal, measure: Measure | None, *, named: bool = False) -> str:
    if measure is None:
        return ""
    found = value(goal, measure)
    shown = _amount(goal, found)
    if goal.rate and found:
        shown = f"{1 / found:,.0f}/s"
    elif goal.quantity in (Quantity.CPU, Quantity.ITS_CPU, Quantity.OWN_CPU):
        shown += " cpu"
    return f"{measure.contender.removesuffix(' (floor)')}, {shown}" if named else shown


def _ratio(verdict: Verdict) -> str:
    if verdict.found is None:
        return ""
    if verdict.goal.quantity in ALONE:
        return _amount(verdict.goal, verdict.found)
    return f"+ {_time(verdict.found)}" if verdict.goal.quantity is Quantity.ADDED else f"{verdict.found:.2f}x"


def _amount(goal: Goal, found: float) -> str:
    if goal.quantity in BYTES:
        return f"{found:.1f} {'KiB' if goal.quantity is Quantity.SENT else 'MiB'}"
    return _time(found)


def _bound(goal: Goal) -> str:
    if goal.quantity in (Quantity.OWN_CPU, Quantity.OWN_TIME):
        return f"at most {_time(goal.bound)}"
    if goal.quantity is Quantity.ADDED:
        return f"at most + {_time(goal.bound)}"
    sign = "at least" if goal.quantity is Quantity.SPEED else "at most"
    return f"{sign} {goal.bound:g}{UNITS[goal.quantity]}"


def _time(seconds: float) -> str:
    for least, scale, unit in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "us")):
        if seconds >= least:
            return f"{seconds * scale:.3g} {unit}" if seconds * scale < 1000 else f"{seconds * scale:,.0f} {unit}"
    raise AssertionError("no time is negative")


def _figures(verdicts: list[Verdict], run: Run) -> str:
    judged = [verdict for verdict in verdicts if verdict.met is not None]
    met = sum(verdict.met is True for verdict in judged)
    lines = [
        f"![Each goal and how far it is met or missed]({PLOT})",
        "",
        f"{met} of {len(judged)} goals are met ({run.facts['run']}, {run.facts['date']}). Three of them:",
        "",
    ]
    for wanted in README_ROWS:
        verdict = next(each for each in verdicts if (each.goal.section, each.goal.what, each.goal.quantity) == wanted)
        peer = f", {_ratio(verdict)}{_words(verdict.goal)} {_cell(verdict.goal, verdict.best, named=True)}"
        told = f"{_cell(verdict.goal, verdict.ours)}{peer}" if verdict.best else verdict.missing
        lines.append(f'- {_row(verdict.goal, run)}: {told} (`make bench BENCH="--only {verdict.goal.section}"`)')
    return "\n".join([*lines, ""])


def _words(goal: Goal) -> str:
    return " the speed of" if goal.quantity is Quantity.SPEED else " that of"

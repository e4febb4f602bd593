"""The rows at a glance, as an SVG that is written as text: how far each goal is met or missed, on a log scale.

Met and missed differ by shape and side as well as by colour, and the colours follow the light or dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import escape

from .goals import ALONE, BYTES, Quantity
from .judge import Verdict
from .results import Run

WIDTH = 910
LEFT, RIGHT = 370, 660
"""Where the axis begins and ends."""
TOP, ROW, HEADING = 78, 16, 26
"""Heights: of title and axis, of a row, of a heading of a group."""
LOW, HIGH = 0.1, 10.0
"""The ends of the axis; what lies outside is drawn as an arrow at the end."""
TICKS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

LIGHT = {
    "text": "#1f2328",
    "quiet": "#59636e",
    "back": "#ffffff",
    "grid": "#d1d9e0",
    "met": "#0969da",
    "missed": "#bc4c00",
}
DARK = {
    "text": "#e6edf3",
    "quiet": "#9198a1",
    "back": "#0d1117",
    "grid": "#3d444d",
    "met": "#58a6ff",
    "missed": "#f0883e",
}

STYLE = """
  text { font: 11px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .title { font-size: 15px; font-weight: 600; }
  .group { font-weight: 600; }
  .right { text-anchor: end; }
  .middle { text-anchor: middle; }
  .grid { stroke-width: 1; }
  .goal { stroke-width: 1.5; }
  .met, .missed { stroke-width: 2; }
"""

# Written out for each scheme: not every program that draws SVG knows variables.
COLOURS = """
  text {{ fill: {text}; }}
  .quiet {{ fill: {quiet}; }}
  .back {{ fill: {back}; }}
  .grid {{ stroke: {grid}; }}
  .goal {{ stroke: {text}; }}
  .met {{ fill: {met}; stroke: {met}; }}
  .missed {{ fill: {back}; stroke: {missed}; }}
"""

SHORT = {
    Quantity.CPU: "cpu",
    Quantity.ITS_CPU: "cpu",
    Quantity.TIME: "time",
    Quantity.SPEED: "speed",
    Quantity.GROWTH: "memory",
    Quantity.ADDED: "added",
    Quantity.RESIDENT: "memory",
    Quantity.OWN_CPU: "cpu",
    Quantity.OWN_TIME: "time",
    Quantity.SENT: "size",
}


def plot(verdicts: Sequence[Verdict], run: Run) -> str:
    """Return the picture."""
    groups = [(name, list(found)) for name, found in groupby(verdicts, key=lambda verdict: verdict.goal.group)]
    bottom = TOP + len(groups) * HEADING + len(verdicts) * ROW + 12
    height = bottom + 14
    judged = [verdict for verdict in verdicts if verdict.met is not None]
    met = sum(verdict.met is True for verdict in judged)
    when = f"{run.facts['run']} of {run.facts['date']}".replace("`", "")
    told = f"{met} of {len(judged)} goals are met; {when}, {run.facts['machine']}"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-labelledby="title desc">',
        '<title id="title">kazinex-storage: each goal, and how far it is met or missed</title>',
        f'<desc id="desc">{escape(told)}. {escape(_description(verdicts, run))}</desc>',
        f"<style>{STYLE}{COLOURS.format(**LIGHT)}"
        f"@media (prefers-color-scheme: dark) {{{COLOURS.format(**DARK)}}}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        '<text class="title" x="16" y="24">Each goal, and how far it is met or missed</text>',
        f'<text class="quiet" x="16" y="42">{escape(told)}</text>',
        *_axis(bottom),
    ]
    at = TOP
    for name, found in groups:
        at += HEADING
        drawn.append(f'<text class="group" x="16" y="{at - 6}">{escape(name)}</text>')
        for verdict in found:
            drawn += _row(verdict, run, at)
            at += ROW
    return "\n".join([*drawn, "</svg>", ""])


def _axis(bottom: int) -> list[str]:
    drawn = [
        f'<text class="quiet middle" x="{(LEFT + RIGHT) // 2}" y="58">found, as a multiple of the goal (log scale):'
        " right of 1x, filled: met; left, hollow: missed</text>"
    ]
    for tick in TICKS:
        kind = "goal" if tick == 1.0 else "grid"
        drawn.append(f'<line class="{kind}" x1="{_x(tick):.1f}" x2="{_x(tick):.1f}" y1="{TOP}" y2="{bottom}"/>')
        drawn.append(f'<text class="quiet middle" x="{_x(tick):.1f}" y="{TOP - 5}">{tick:g}x</text>')
    return drawn


def _row(verdict: Verdict, run: Run, top: int) -> list[str]:
    middle = top + ROW / 2
    label = f"{verdict.goal.row.format(**run.sizes)}: {SHORT[verdict.goal.quantity]}".replace("`", "")
    drawn = [f'<text class="right" x="{LEFT - 12}" y="{middle + 4:g}">{escape(label)}</text>']
    margin = verdict.margin
    if margin is None:
        return [*drawn, f'<text class="quiet" x="{RIGHT + 12}" y="{middle + 4:g}">{_reason(verdict)}</text>']
    kind, x, zero = "met" if verdict.met else "missed", _x(margin), _x(1.0)
    drawn.append(f'<line class="{kind}" x1="{zero:.1f}" x2="{x:.1f}" y1="{middle:g}" y2="{middle:g}"/>')
    drawn.append(_mark(kind, x, middle, margin))
    drawn.append(f'<text x="{RIGHT + 12}" y="{middle + 4:g}">{escape(_told(verdict))}</text>')
    return drawn


def _mark(kind: str, x: float, y: float, margin: float) -> str:
    if margin > HIGH:
        points = f"{x:.1f},{y - 4:g} {x + 7:.1f},{y:g} {x:.1f},{y + 4:g}"
    elif margin < LOW:
        points = f"{x:.1f},{y - 4:g} {x - 7:.1f},{y:g} {x:.1f},{y + 4:g}"
    elif kind == "met":
        return f'<circle class="met" cx="{x:.1f}" cy="{y:g}" r="3.5"/>'
    else:
        points = f"{x - 4.5:.1f},{y:g} {x:.1f},{y - 4.5:g} {x + 4.5:.1f},{y:g} {x:.1f},{y + 4.5:g}"
    return f'<polygon class="{kind}" points="{points}"/>'


def _told(verdict: Verdict) -> str:
    goal = verdict.goal
    if goal.quantity in BYTES:
        unit = "KiB" if goal.quantity is Quantity.SENT else "MiB"
        return f"{verdict.found:.1f} {unit}, goal {goal.bound:g} {unit}"
    if goal.quantity in ALONE:
        return f"{(verdict.found or 0) * 1e3:,.1f} ms, goal {goal.bound * 1e3:,.0f} ms"
    name = verdict.best.contender.removesuffix(" (floor)") if verdict.best else ""
    if goal.quantity is Quantity.ADDED:
        return f"{(verdict.found or 0) * 1e6:,.0f} us more, goal {goal.bound * 1e6:,.0f} us"
    return f"{verdict.found:.2f}x of {name}, goal {goal.bound:g}x"


def _reason(verdict: Verdict) -> str:
    return escape(verdict.missing.partition(":")[0])


def _description(verdicts: Sequence[Verdict], run: Run) -> str:
    missed = [verdict for verdict in verdicts if verdict.met is False]
    rows = [f"{verdict.goal.row.format(**run.sizes)}, {SHORT[verdict.goal.quantity]}" for verdict in missed]
    return f"Missed: {'; '.join(rows)}." if rows else "None is missed."


def _x(ratio: float) -> float:
    share = math.log(min(HIGH, max(LOW, ratio)) / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (RIGHT - LEFT)

"""The throughput of a run as an SVG that is written as text; it needs the style of the page that it stands in.

Pauses between passes are cut out, and a dashed line says how long each was.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ..policy import format_bytes
from .throughput import Step, Throughput, moment_of

WIDTH: Final = 900
"""Of the picture, in its own units."""
HEIGHT: Final = 234
"""Likewise."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 884, 34, 204
_STEPS: Final = (1, 2, 5)
_MOST_LABELS: Final = 8


def plot(throughput: Throughput) -> str:
    """Return the picture; empty when nothing was done yet."""
    spans = [list(span) for span in throughput.spans()]
    if not spans:
        return ""
    picture = _Picture(spans, throughput.width_s)
    return "".join(
        (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="plot-title plot-text">',
            '<title id="plot-title">Throughput</title>',
            f'<desc id="plot-text">{html.escape(picture.described())}</desc>',
            picture.grid(),
            picture.areas(),
            picture.times(),
            "</svg>",
        )
    )


class _Picture:
    """One plot: bytes a second where bytes were moved, objects a second otherwise."""

    def __init__(self, spans: Sequence[Sequence[Step]], width_s: float) -> None:
        self._spans = spans
        self._width_s = width_s
        self._of_bytes = any(step.bytes for span in spans for step in span)
        self._most = max(self._rate(step) for span in spans for step in span) or 1.0
        self._top = _rounded_up(self._most)
        self._steps = sum(len(span) for span in spans)

    def described(self) -> str:
        """Return what the picture shows, in words."""
        objects = sum(step.objects for span in self._spans for step in span)
        size = sum(step.bytes for span in self._spans for step in span)
        seconds = self._steps * self._width_s
        mean = size / seconds if self._of_bytes else objects / seconds
        return (
            f"{objects:,} objects and {format_bytes(size)} in {duration(seconds)} of work; {self._written(mean)} "
            f"in the mean, at most {self._written(self._most)} over {duration(self._width_s)}"
        )

    def grid(self) -> str:
        """Return the lines of the scale with their rates."""
        drawn = []
        for part in range(5):
            y = _BOTTOM - (_BOTTOM - _TOP) * part / 4
            rate = self._written(self._top * part / 4)
            drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            drawn.append(f'<text class="right" x="{_LEFT - 8}" y="{y + 4:.1f}">{html.escape(rate)}</text>')
        return "".join(drawn)

    def areas(self) -> str:
        """Return one area for each span of work, and a dashed line where a pause was cut out."""
        drawn, done = [], 0
        for number, span in enumerate(self._spans):
            if number:
                drawn.append(self._pause(done, self._spans[number - 1][-1], span[0]))
            path = [f"M{self._x(done):.2f},{_BOTTOM}"]
            for place, step in enumerate(span, done):
                y = self._y(self._rate(step))
                path.append(f"L{self._x(place):.2f},{y:.2f}L{self._x(place + 1):.2f},{y:.2f}")
            done += len(span)
            path.append(f"L{self._x(done):.2f},{_BOTTOM}Z")
            drawn.append(f'<path class="area" d="{"".join(path)}"/>')
        return "".join(drawn)

    def times(self) -> str:
        """Return the moments at which spans began, and the last one ended; not so many that they overlap."""
        drawn, done = [], 0
        shown = self._spans[: _MOST_LABELS - 1] if len(self._spans) > _MOST_LABELS else self._spans
        free_from = 0.0
        for span in shown:
            x = self._x(done)
            if x >= free_from and x < _RIGHT - 230:
                drawn.append(f'<text x="{x:.1f}" y="{_BOTTOM + 18}">{_time(moment_of(span[0].begun_s))}</text>')
                free_from = x + 130
            done += len(span)
        end = moment_of(self._spans[-1][-1].begun_s + self._width_s)
        drawn.append(f'<text class="right" x="{_RIGHT}" y="{_BOTTOM + 18}">{_time(end)}</text>')
        drawn.append(f'<text x="{_LEFT}" y="{_TOP - 14}">{html.escape(self.described())}</text>')
        return "".join(drawn)

    def _pause(self, done: int, last: Step, following: Step) -> str:
        x = self._x(done)
        seconds = following.begun_s - last.begun_s - self._width_s
        return (
            f'<line class="pause" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}">'
            f"<title>a pause of {duration(seconds)}</title></line>"
        )

    def _rate(self, step: Step) -> float:
        return (step.bytes if self._of_bytes else step.objects) / self._width_s

    def _written(self, rate: float) -> str:
        return f"{short_bytes(rate)}/s" if self._of_bytes else f"{rate:,.3g} objects/s"

    def _x(self, step: int) -> float:
        return _LEFT + (_RIGHT - _LEFT) * step / self._steps

    def _y(self, rate: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * rate / self._top


def duration(seconds: float) -> str:
    """Write a span of time for a person.

    Example:
        >>> duration(7), duration(90), duration(7300), duration(200000)
        ('7 s', '1 min 30 s', '2 h 1 min', '2 d 7 h')
    """
    whole = math.ceil(max(0.0, seconds))
    for unit, name, smaller, of in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {name}" + (f" {rest} {of}" if rest else "")
    return f"{whole} s"


def short_bytes(size: float) -> str:
    """Write a size for a person, with three digits.

    Example:
        >>> short_bytes(512), short_bytes(1536), short_bytes(52428800)
        ('512 bytes', '1.5 KB', '50 MB')
    """
    for unit, name in ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}" if size < 999.5 * unit else f"{size / unit:,.0f} {name}"
    return f"{size:.3g} bytes"


def _rounded_up(rate: float) -> float:
    """Return the smallest of 1, 2, 5, 10 ... of the unit of *rate* that is not below it."""
    unit = 1.0
    while rate / unit >= 1024:
        unit *= 1024
    power = 10.0 ** math.floor(math.log10(rate / unit))
    return next(step * power * unit for step in (*_STEPS, 10) if step * power * unit >= rate * 0.999)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"

"""Tables of what the clients needed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..sizes import MIB
from .crew import AGAIN, OURS, Series

SCALES = {"s": 1.0, "ms": 1e3, "us": 1e6}

# Of the whole, so that what the kernel counts elsewhere does not hide who was busy all the time.
BUSY = 0.9
"""The share of a core, or of all, from which on a client counts as working without a pause."""


def show(title: str, row: Sequence[Series], *, unit: str = "us", amount: float = 0.0, memory: bool = False) -> None:
    """Print one table; ratios compare with ours: 2.00x is twice what ours needs.

    *amount* is the GiB that one operation moves; then rates and processor time are those of bytes.
    """
    print(f"\n  {title}")
    width = max(len(series.member.name) for series in row)
    rate, cost = ("GiB/s", "cpu s/GiB") if amount else ("per s", f"cpu {unit}")
    print(
        f"    {'':<{width}}  {'median':>11}  {'range':>19}  {rate:>8}  {cost:>9}  {'server':>9}"
        f"  {'time':>7}  {'cpu':>7}  quiet{'  memory' if memory else ''}  limited by"
    )
    ours = next((series for series in row if series.member.name == OURS.name and series.seconds), None)
    for series in row:
        print(f"    {series.member.name:<{width}}  {_line(series, ours, unit, amount, memory)}")
    noise(row)


def noise(row: Sequence[Series]) -> None:
    """Print how far ours and ours again lie apart."""
    first, again = _of(row, OURS.name), _of(row, AGAIN.name)
    if first is not None and again is not None:
        time, cpu = again.median_s / first.median_s, again.cpu_s / first.cpu_s
        print(f"    noise (A/A): {time:.2f}x time, {cpu:.2f}x cpu")


def _of(row: Sequence[Series], name: str) -> Series | None:
    return next((series for series in row if series.member.name == name and series.seconds), None)


def _line(series: Series, ours: Series | None, unit: str, amount: float, memory: bool) -> str:
    if not series.seconds:
        return f"failed: {series.error}"
    scale = SCALES[unit]
    spread = f"{min(series.seconds) * scale:,.1f}..{max(series.seconds) * scale:,.1f}"
    rate = f"{amount / series.median_s:>8.2f}" if amount else f"{1 / series.median_s:>8,.0f}"
    cost = f"{series.cpu_s / amount:>9.3f}" if amount else f"{series.cpu_s * scale:>9.1f}"
    server = f"{series.server_s / amount:>9.3f}" if amount else f"{series.server_s * scale:>9.1f}"
    time_ratio = f"{series.median_s / ours.median_s:>6.2f}x" if ours is not None else ""
    cpu_ratio = f"{series.cpu_s / ours.cpu_s:>6.2f}x" if ours is not None and ours.cpu_s else ""
    grown = f"  {max(series.growth) / MIB:>6.1f}" if memory else ""
    return (
        f"{series.median_s * scale:>8,.1f} {unit:<2}  {spread:>19}  {rate}  {cost}  {server}"
        f"  {time_ratio:>7}  {cpu_ratio:>7}  {sum(series.quiet):>2}/{len(series.quiet):<2}{grown}  {_limit(series)}"
    )


def _limit(series: Series) -> str:
    """Say who had no time to wait."""
    client, server = series.cpu_s / series.median_s, series.server_s / series.median_s
    shares = f"({client:.2f} + {server:.2f} cores)"
    if client + server >= BUSY * len(os.sched_getaffinity(0)):
        return f"machine {shares}"
    if client >= BUSY:
        return f"client {shares}"
    if server >= BUSY:
        return f"server {shares}"
    return f"round trip {shares}" if client + server >= BUSY else f"waiting {shares}"

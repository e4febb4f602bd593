"""Alternating rounds: every contender once a round, in an order that rotates, so that drift affects all equally.

What other programs do meanwhile is watched: a measurement during which they (or the neighbours of a virtual machine)
used the processors is left out of the medians, as long as three quiet ones remain; the tables say how many counted.
"""

from __future__ import annotations

import gc
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .results import AGAIN, Measure

DISTURBED_SHARE = 0.1
"""Processor time of others, as a share of the time measured, from which on a measurement does not count."""

# The kernel counts in hundredths of a second, so that short measurements cannot be assessed.
TICKS_S = 0.05
"""Seconds of processor time that may be a fault of counting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way of doing the work."""

    name: str
    work: Callable[[], object]
    operations: int = 1
    """Operations in one call of ``work``."""
    prepare: Callable[[], object] = field(default=lambda: None)
    """Called before each round; not measured."""
    floor: bool = False
    """Whether it is what the bare engine does, and no peer."""


@dataclass(slots=True, kw_only=True)
class Samples:
    """What was measured of one contender, for one operation."""

    name: str
    floor: bool = False
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    """Processor time of this process and of the children that it waited for."""

    quiet: list[bool] = field(default_factory=list)
    """Whether others left the processors alone."""

    @property
    def counted(self) -> list[float]:
        """The seconds that count: the quiet ones, or all where fewer than three were quiet."""
        found = [seconds for seconds, quiet in zip(self.seconds, self.quiet, strict=True) if quiet]
        return found if len(found) >= 3 else self.seconds

    @property
    def median_s(self) -> float:
        """The median in seconds."""
        return statistics.median(self.counted)

    def measure(self, section: str, what: str) -> Measure:
        """Sum it up."""
        return Measure(
            section=section,
            what=what,
            contender=self.name.removesuffix(AGAIN),
            again=self.name.endswith(AGAIN),
            floor=self.floor,
            median_s=self.median_s,
            low_s=min(self.seconds),
            high_s=max(self.seconds),
            cpu_s=statistics.median(self.cpu_seconds),
            rounds=len(self.seconds),
            quiet=sum(self.quiet),
        )


def alternate(contenders: Sequence[Contender], rounds: int) -> list[Samples]:
    """Measure every contender in each of *rounds* rounds; the results are in the order of the contenders."""
    samples = [Samples(name=contender.name, floor=contender.floor) for contender in contenders]
    for number in range(rounds):
        turn = number % len(contenders)
        order = [*range(turn, len(contenders)), *range(turn)]
        for index in order if number % 2 == 0 else reversed(order):
            contender = contenders[index]
            contender.prepare()
            gc.collect()
            others, cpu, start = _others(), _cpu(), time.perf_counter()
            contender.work()
            elapsed = time.perf_counter() - start
            samples[index].seconds.append(elapsed / contender.operations)
            samples[index].cpu_seconds.append((_cpu() - cpu) / contender.operations)
            samples[index].quiet.append(_others() - others <= DISTURBED_SHARE * elapsed + TICKS_S)
    return samples


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _others() -> float:
    """Return the seconds that the processors spent on other programs, or were lent to other machines, so far."""
    statistics_file = Path("/proc/stat")
    if not statistics_file.exists():
        return 0.0
    user, nice, _, _, _, _, _, steal, *_ = map(int, statistics_file.read_text(encoding="ascii").split()[1:11])
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return (user + nice + steal) / os.sysconf("SC_CLK_TCK") - own.ru_utime - children.ru_utime


def show(title: str, samples: Sequence[Samples], *, unit: str = "ms") -> None:
    """Print a table; every ratio compares with the first line: 2.00x is twice as fast as that."""
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit]
    width = max(len(sample.name) for sample in samples)
    print(f"\n  {title}")
    columns = f"{'median':>10}  {'range':>21}  {'cpu':>9}  {'per s':>9}  quiet  ratio (range of rounds)"
    print(f"    {'':<{width}}  {columns}")
    for sample in samples:
        pace = [one / other for one, other in zip(samples[0].seconds, sample.seconds, strict=True)]
        spread = f"{min(sample.seconds) * scale:.3f}..{max(sample.seconds) * scale:.3f}"
        print(
            f"    {sample.name:<{width}}  {sample.median_s * scale:>7.3f} {unit:<2}  {spread:>21}  "
            f"{statistics.median(sample.cpu_seconds) * scale:>9.3f}  {1 / sample.median_s:>9,.0f}  "
            f"{sum(sample.quiet):>2}/{len(sample.quiet):<2}  "
            f"{samples[0].median_s / sample.median_s:>5.2f}x ({min(pace):.2f}..{max(pace):.2f})"
        )


def heading(text: str) -> None:
    """Print the title of a section."""
    print(f"\n{text}\n{'-' * len(text)}")

"""Alternating rounds: every contender once a round, in an order that turns, so that drift hits all of them alike."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way of doing the work."""

    name: str
    work: Callable[[], object]
    operations: int = 1
    """Operations in one call of ``work``."""
    prepare: Callable[[], object] = field(default=lambda: None)
    """Called before each round; not measured."""


@dataclass(slots=True, kw_only=True)
class Samples:
    """What was measured of one contender, for one operation."""

    name: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    """Processor time of this process and of the children that it waited for."""

    @property
    def median_s(self) -> float:
        """The median in seconds."""
        return statistics.median(self.seconds)


def alternate(contenders: Sequence[Contender], rounds: int) -> list[Samples]:
    """Measure every contender in each of *rounds* rounds; the results stand in the order of the contenders."""
    samples = [Samples(name=contender.name) for contender in contenders]
    for number in range(rounds):
        turn = number % len(contenders)
        order = [*range(turn, len(contenders)), *range(turn)]
        for index in order if number % 2 == 0 else reversed(order):
            contender = contenders[index]
            contender.prepare()
            gc.collect()
            cpu, start = _cpu(), time.perf_counter()
            contender.work()
            elapsed = time.perf_counter() - start
            samples[index].seconds.append(elapsed / contender.operations)
            samples[index].cpu_seconds.append((_cpu() - cpu) / contender.operations)
    return samples


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def show(title: str, samples: Sequence[Samples], *, unit: str = "ms") -> None:
    """Print a table; every ratio compares with the first line: 2.00x is twice as fast as that."""
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit]
    width = max(len(sample.name) for sample in samples)
    print(f"\n  {title}")
    print(f"    {'':<{width}}  {'median':>10}  {'range':>21}  {'cpu':>9}  {'per s':>9}  ratio (range of rounds)")
    for sample in samples:
        pace = [one / other for one, other in zip(samples[0].seconds, sample.seconds, strict=True)]
        spread = f"{min(sample.seconds) * scale:.3f}..{max(sample.seconds) * scale:.3f}"
        print(
            f"    {sample.name:<{width}}  {sample.median_s * scale:>7.3f} {unit:<2}  {spread:>21}  "
            f"{statistics.median(sample.cpu_seconds) * scale:>9.3f}  {1 / sample.median_s:>9,.0f}  "
            f"{samples[0].median_s / sample.median_s:>5.2f}x ({min(pace):.2f}..{max(pace):.2f})"
        )


def heading(text: str) -> None:
    """Print the title of a section."""
    print(f"\n{text}\n{'-' * len(text)}")


def verdict(name: str, found: float, goal: float, *, unit: str, at_least: bool = False) -> None:
    """Print a figure beside its goal."""
    met = found >= goal if at_least else found < goal
    sign = ">=" if at_least else "<"
    print(f"  {name}: {found:.2f} {unit} (goal {sign} {goal:g} {unit}: {'met' if met else 'MISSED'})")

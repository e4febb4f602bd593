"""Compares what a run measured with the goals. It prints nothing and keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .goals import ALONE, BYTES, GOALS, Goal, Quantity
from .results import Measure, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One goal and what was found."""

    goal: Goal
    ours: Measure | None
    best: Measure | None
    """The peer that the goal names, or the best of them."""
    floor: Measure | None
    found: float | None
    """In the unit of the goal's bound; None: one side was not measured."""
    noise: float | None
    """How many times the second of an A/A pair needed what the first did."""
    missing: str = ""
    """Why nothing was found."""

    @property
    def margin(self) -> float | None:
        """How many times better than the goal it is; below 1 the goal is missed."""
        if self.found is None:
            return None
        at_least = self.goal.quantity is Quantity.SPEED
        # What did not grow, or cost nothing, is better than any bound.
        return self.found / self.goal.bound if at_least else self.goal.bound / max(self.found, self.goal.bound / 1e3)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None: nothing was found."""
        return None if self.margin is None else self.margin >= 1.0


def judge(run: Run, goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """Return a verdict for each of *goals*."""
    return [_verdict(goal, run.measures) for goal in goals]


def _verdict(goal: Goal, measures: Sequence[Measure]) -> Verdict:
    here = [measure for measure in measures if (measure.section, measure.what) == (goal.section, goal.what)]
    elsewhere = [measure for measure in measures if measure.section == goal.section and measure.what in goal.other_ways]
    ours = _ours(goal, here)
    named = [measure for measure in (*here, *elsewhere) if measure.contender in goal.peers and not measure.again]
    peers = [measure for measure in named if not measure.error]
    best = min(peers, key=lambda peer: _cost(peer, by_cpu=goal.quantity is Quantity.CPU)) if peers else None
    alone = goal.quantity in ALONE
    missing = ""
    if ours is None:
        missing = "not measured"
    elif best is None and not alone:
        missing = f"{named[0].contender} fails: {named[0].error}" if named else "no peer was measured"
    floors = [
        measure
        for measure in measures
        if measure.floor
        and not measure.error
        and measure.section == goal.section
        and measure.what == (goal.floor_of or goal.what)
    ]
    return Verdict(
        goal=goal,
        ours=ours,
        best=None if alone else best,
        floor=None if alone or not floors else min(floors, key=lambda found: value(goal, found)),
        found=_found(goal, ours, best),
        noise=_noise(goal, here),
        missing=missing,
    )


def value(goal: Goal, measure: Measure) -> float:
    """Return what of *measure* the goal is about: seconds, or its unit of bytes."""
    if goal.quantity in BYTES:
        return (measure.growth or 0) / BYTES[goal.quantity]
    return _cost(measure, by_cpu=goal.quantity in (Quantity.CPU, Quantity.ITS_CPU, Quantity.OWN_CPU))


def _cost(measure: Measure, *, by_cpu: bool) -> float:
    return measure.cpu_s if by_cpu else measure.median_s


def _ours(goal: Goal, here: Sequence[Measure]) -> Measure | None:
    found = [each for each in here if not each.again and not each.error and goal.ours in ("", each.contender)]
    return max(found, key=lambda measure: value(goal, measure)) if found else None


def _found(goal: Goal, ours: Measure | None, best: Measure | None) -> float | None:
    if ours is None or (best is None and goal.quantity not in ALONE):
        return None
    mine = value(goal, ours)
    if goal.quantity in ALONE or best is None:
        return mine
    theirs = value(goal, best)
    if goal.quantity is Quantity.ADDED:
        return max(0.0, mine - theirs)
    if goal.quantity is Quantity.SPEED:
        return theirs / mine if mine else None
    return mine / theirs if theirs else None


def _noise(goal: Goal, here: Sequence[Measure]) -> float | None:
    """Return the A/A ratio of ours where it was measured twice, else of whoever was."""
    pairs = [
        (first, second)
        for second in here
        if second.again and not second.error
        for first in here
        if first.contender == second.contender and not first.again and not first.error
    ]
    pairs.sort(key=lambda pair: pair[0].contender != goal.ours)
    if not pairs or goal.quantity in ALONE:
        return None
    first, second = (value(goal, measure) for measure in pairs[0])
    return second / first if first else None

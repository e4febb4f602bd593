"""The lane of runs: what moves fleets of documents in the background lets everybody else go first. ADR 0057.

``Transport.background`` gives a view whose requests take it. Where a service asks for fewer requests, others are held
back for a while; those of runs wait until none of them is, and then go one after another, more slowly than they were
refused at. Places on loops and threads are shared in ``shares.py``, connections of bulk work in ``wire.py``.

Requests that are not of runs pay for it only when they are held back anyway.
"""

from __future__ import annotations

from typing import Final

from .attempt import Attempt
from .exchange import Exchange, Wait
from .gate import PASSING, Gate
from .request import Request
from .retry import check_wait, first_attempt, host_of, passing
from .retry_policy import RetryPolicy, retry_after_s
from .shares import Behind

# Where people are throttled without end, a run still goes on: slowly, and visibly.
MOST_DEFERRED_S: Final = 30.0
"""Seconds that one attempt of a run lets others go first, at most."""

_LOOKS_S: Final = 0.05
"""Seconds after which it looks whether somebody still waits."""

_MOST_GATES: Final = 1024
"""Gates above which those that hold nothing back are forgotten."""


class Gates:
    """The gates of services whose providers have none, by owner and host: one's throttling is not another's."""

    def __init__(self) -> None:
        self._gates: dict[tuple[object, str], Gate] = {}

    def of(self, owner: object, request: Request) -> Gate:
        """Return the gate that *request* of *owner* passes."""
        if request.gate is not None:
            return request.gate
        key = (owner, host_of(request.url))
        gate = self._gates.get(key)
        if gate is None:
            if len(self._gates) >= _MOST_GATES:
                self._gates = {kept: each for kept, each in [*self._gates.items()] if each.busy}
            gate = self._gates.setdefault(key, Gate())
        return gate

    def lane(self, owner: object) -> OwnersLane:
        """Return how the requests of *owner* pass."""
        return OwnersLane(self, owner.owner, behind=True) if isinstance(owner, Behind) else OwnersLane(self, owner)


class OwnersLane:
    """How the requests of one owner pass gates: those of runs, or all others; a ``retry.Lane``."""

    __slots__ = ("_gates", "_owner", "behind")

    def __init__(self, gates: Gates, owner: object, *, behind: bool = False) -> None:
        """Use *gates*; *behind* says whether requests are those of runs, which let others go first."""
        self._gates = gates
        self._owner = owner
        self.behind = behind
        """Whether others go first."""

    def straight(self, policy: RetryPolicy, request: Request) -> Attempt | None:
        """Return the first attempt of a request of a run, unless it has something to wait for."""
        return None if self._gates.of(self._owner, request).busy else first_attempt(policy, request)

    def passing(self, request: Request, policy: RetryPolicy) -> Exchange[None]:
        """Wait until the request may be sent.

        Raises:
            RateLimitedError: that would take longer than the policy waits for a server.
        """
        if self.behind:
            yield from _passing_behind(self._gates.of(self._owner, request), request, policy)
        elif request.gate is not None:
            yield from passing(request.gate, request, policy)

    def note(self, attempt: Attempt, policy: RetryPolicy) -> None:
        """Learn from the response to *attempt*."""
        if self.behind:
            gate = self._gates.of(self._owner, attempt.request)
            gate.note_behind(attempt.status, _asked_s(attempt, policy), attempt.answer)
        elif attempt.request.gate is not None or attempt.status in PASSING:
            gate = self._gates.of(self._owner, attempt.request)
            gate.note(attempt.status, _asked_s(attempt, policy), attempt.answer)

    def waiting(self, attempt: Attempt, seconds: float) -> Exchange[None]:
        """Wait before the request of *attempt* is repeated; those of runs wait for it, if the service is busy."""
        if self.behind or attempt.code or attempt.status not in PASSING:
            yield Wait(seconds)
            return
        gate = self._gates.of(self._owner, attempt.request)
        gate.enter()
        try:
            yield Wait(seconds)
        finally:
            gate.leave()


def _passing_behind(gate: Gate, request: Request, policy: RetryPolicy) -> Exchange[None]:
    """Wait until *gate* lets the request pass and holds back no other, for a limited time.

    Raises:
        RateLimitedError: that would take longer than the policy waits for a server.
    """
    place = gate.place_behind_s()
    if place > 0:
        check_wait(place, request, policy)
        yield Wait(place)
    deferred_s = 0.0
    while True:
        wait = gate.closed_s()
        if wait > 0:
            check_wait(wait, request, policy)
        elif gate.waiting and deferred_s < MOST_DEFERRED_S:
            wait = _LOOKS_S
            deferred_s += wait
        else:
            return
        yield Wait(wait)


def _asked_s(attempt: Attempt, policy: RetryPolicy) -> float | None:
    return retry_after_s(attempt.answer.get("retry-after"), policy.now())

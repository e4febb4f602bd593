"""Faults that an emulator commits on request: refusals, cuts, corruption, silence."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum

from .http import Answer, Received


class Kind(Enum):
    """What goes wrong."""

    ANSWER = "answer"
    """Another answer than the service's; the request is not carried out."""
    CUT_BEFORE = "cut before"
    """The connection closes, and the request is not carried out."""
    CUT_AFTER = "cut after"
    """The request is carried out, and the connection closes without an answer."""
    CUT_INSIDE = "cut inside"
    """The answer breaks off after ``at`` bytes of its body."""
    CORRUPT = "corrupt"
    """The byte ``at`` of the body of the answer is another one."""
    STALL = "stall"
    """Nothing is answered until ``Faults.release``."""


@dataclass(slots=True, kw_only=True)
class RequestFault:
    """One thing that goes wrong, a number of times."""

    kind: Kind
    method: str = ""
    """Only requests with this method; empty: any."""
    contains: str = ""
    """Only requests whose path and query contain it."""
    times: int = 1
    skip: int = 0
    """How many matching requests pass before."""
    at: int = 0
    """Bytes."""
    answer: Answer = field(default_factory=lambda: Answer(status=500))


class Faults:
    """The faults that are to come. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[RequestFault] = []
        self._released = threading.Event()

    def add(self, fault: RequestFault) -> None:
        """Commit *fault* from now on."""
        with self._lock:
            self._waiting.append(fault)

    def release(self) -> None:
        """End every stall."""
        self._released.set()

    def stalled(self) -> None:
        """Wait until released, a minute at most."""
        self._released.wait(60)

    def take(self, received: Received) -> RequestFault | None:
        """Return the fault that this request meets."""
        target = f"{received.path}?{received.query}"
        with self._lock:
            for fault in self._waiting:
                if fault.method not in ("", received.method) or fault.contains not in target:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

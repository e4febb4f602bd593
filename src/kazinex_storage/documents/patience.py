"""Asking places that an upload can do without, for a limited time: a disk or service that hangs stops no upload.

Each is asked on a thread of its own, because neither can be interrupted; late answers are discarded. A place that did
not answer is not asked again for a while, so that a thousand uploads do not wait for it a thousand times.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import Final, Generic, TypeVar, cast

from ..errors import UnavailableError
from ..transport import Call, Exchange, Outcome, TransferCancelled, Transport

T = TypeVar("T")

PATIENCE_S: Final = 10.0
"""Seconds that an upload waits for places other than its target."""

REST_S: Final = 30.0
"""Seconds in which a place that did not answer is not asked again."""


class Patience:
    """How long to wait for places, and which of them are not asked for now. Thread-safe."""

    def __init__(self, seconds: float = PATIENCE_S, rest_s: float = REST_S) -> None:
        """Wait for *seconds*; do not ask a place that did not answer for *rest_s*."""
        self.seconds = seconds
        self._rest_s = rest_s
        self._resting: dict[str, float] = {}

    def rests(self, place: str) -> bool:
        """Say whether *place* did not answer a moment ago."""
        until = self._resting.get(place)
        if until is None:
            return False
        if until > time.monotonic():
            return True
        self._resting.pop(place, None)
        return False

    def let_rest(self, place: str) -> None:
        """Do not ask *place* for a while."""
        self._resting[place] = time.monotonic() + self._rest_s

    def ask(self, transport: Transport, exchanges: Sequence[Exchange[T]]) -> Exchange[list[Outcome[T]]]:
        """Run *exchanges* concurrently and return how each ended; those that did not end in time are unavailable."""
        waiting = _Waiting(transport, exchanges)
        call = Call(waiting.outcomes, self.seconds, cancel=waiting.give_up)
        return cast("list[Outcome[T]]", (yield call))


class _Waiting(Generic[T]):
    """Exchanges that run on threads, and the caller that waits for them."""

    def __init__(self, transport: Transport, exchanges: Sequence[Exchange[T]]) -> None:
        self._transport = transport
        self._exchanges = exchanges
        self._ended: queue.SimpleQueue[tuple[int, Outcome[T]] | None] = queue.SimpleQueue()

    def outcomes(self, patience_s: float) -> list[Outcome[T]]:
        """Run everything and return what ended within *patience_s*.

        Raises:
            TransferCancelled: the caller no longer waits.
        """
        for index in range(len(self._exchanges)):
            threading.Thread(target=self._run, args=(index,), name="kazinex-storage-look", daemon=True).start()
        late = UnavailableError(f"no answer within {patience_s:g} s")
        found: list[Outcome[T]] = [Outcome(error=late)] * len(self._exchanges)
        deadline = time.monotonic() + patience_s
        for _ in self._exchanges:
            try:
                ended = self._ended.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if ended is None:
                raise TransferCancelled
            found[ended[0]] = ended[1]
        return found

    def give_up(self) -> None:
        """End the wait; called from another thread."""
        self._ended.put(None)

    def _run(self, index: int) -> None:
        for _, outcome in self._transport.run_many([self._exchanges[index]], 1):
            self._ended.put((index, outcome))

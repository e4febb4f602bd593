"""How a stream goes out in parts: some are read while others are sent, whatever there is of either at a time.

``part_upload.py`` does the same for bodies of known size. What is read ahead is not taken from the memory budget,
since a slow producer would keep others out for as long as it takes; what is sent is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from ..errors import FileTooLargeError
from ..transport import Exchange, Many, Outcome, TransferCancelled
from ..types import MIB, PartInfo, PartRule
from .memory_budget import BUDGET, Budget
from .part_plan import WANTED_PART_BYTES
from .part_upload import Send
from .stream import Stream

SENT_AT_ONCE: Final = 3
"""Parts of one stream that are sent at once, while as many are read: six, 48 MiB, are in memory at most."""

# 10,000 parts of 8 MiB are 78 GiB; doubled after each thousand up to 64 MiB they are 490 GiB.
_GROWS_AFTER: Final = 1000
_LARGEST: Final = 64 * MIB


def part_sizes(rule: PartRule) -> Iterator[int]:
    """Yield the bytes of each part of a body whose length is not known; they grow where *rule* lets them.

    Raises:
        FileTooLargeError: the rule has no more parts.
    """
    size = max(rule.min_part_bytes, min(WANTED_PART_BYTES, rule.max_part_bytes))
    size = -(-size // rule.multiple_of) * rule.multiple_of
    total = 0
    for number in range(rule.max_parts):
        if number and number % _GROWS_AFTER == 0 and not rule.equal:
            size = max(size, min(2 * size, _LARGEST, rule.max_part_bytes))
        yield size
        total += size
    raise FileTooLargeError(
        f"a body of unknown length has at most {total:,} bytes here; put it as a file, or any body that has a length"
    )


def send_stream(
    stream: Stream, rule: PartRule, send: Send, owner: object, budget: Budget = BUDGET
) -> Exchange[list[PartInfo]]:
    """Read *stream* once and *send* it in parts to *owner*, a provider; return what was recorded, in order.

    Raises:
        Exception: what the stream or *send* raises first; parts under way end, no further ones begin.
    """
    pipe = _Pipe(stream, rule, send, owner, budget)
    parts = list[PartInfo]()
    ready = yield from pipe.read()
    while ready:
        pipe.busy = len(ready)
        works: list[Exchange[PartInfo] | Exchange[list[memoryview]]] = [
            pipe.sent(len(parts) + place, data) for place, data in enumerate(ready, 1)
        ]
        if stream.is_shared:
            works.append(pipe.read())
        outcomes = cast("list[Outcome[object]]", (yield Many(works, len(works))))
        parts += [cast(PartInfo, outcome.result()) for outcome in outcomes[: len(ready)]]
        ready = (yield from pipe.read()) if not stream.is_shared else cast("list[memoryview]", outcomes[-1].result())
    return parts


class _Pipe:
    """What is read and what is sent of one stream."""

    def __init__(self, stream: Stream, rule: PartRule, send: Send, owner: object, budget: Budget) -> None:
        self._stream = stream
        self._sizes = part_sizes(rule)
        self._send = send
        self._owner = owner
        self._budget = budget
        self._failed = False
        self.busy = 0
        """Parts that are being sent."""

    def read(self) -> Exchange[list[memoryview]]:
        """Read one part, and more as long as others are being sent, or if all are read between sends; none at the end.

        What belongs to the thread of the caller is only read there, while nothing is sent.
        """
        found, most = list[memoryview](), SENT_AT_ONCE
        try:
            while not self._stream.ended and (
                not found or (len(found) < most and (self.busy or not self._stream.is_shared))
            ):
                part = yield from self._stream.next_part(next(self._sizes))
                if part is None:
                    break
                yield from self._stream.claim()
                found.append(part)
        except TransferCancelled:
            if not self._failed:
                raise
        return found

    def sent(self, number: int, data: memoryview) -> Exchange[PartInfo]:
        """Send one part; if that fails, nothing more is read."""
        size = len(data)
        try:
            yield from self._budget.take(size, self._stream, self._owner)
            try:
                return (yield from self._send(number, data))
            finally:
                self._budget.give(size, self._owner)
        except BaseException:
            self._failed = True
            self._stream.cancel()
            raise
        finally:
            self.busy -= 1

"""What a ``Scheduler`` keeps of exchanges under way: the groups that they are started in, and each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .exchange import AnyOutcome, Call, Carrier, Exchange

if TYPE_CHECKING:
    from .attempt import Attempt
    from .pool import Calls, Running
    from .wire import Wire


class Group:
    """The exchanges of one ``Many`` or ``Through``: where they come from, what carries them, and what has ended."""

    __slots__ = (
        "active",
        "calls",
        "depth",
        "ended",
        "error",
        "exhausted",
        "first",
        "index",
        "iterator",
        "parent",
        "single",
        "window",
        "wire",
    )

    def __init__(
        self, exchanges: Iterable[Exchange[Any]], window: int, parent: Task | None, wire: Wire, calls: Calls
    ) -> None:
        self.iterator = iter(exchanges)
        self.window = window
        self.parent = parent
        self.depth: int = parent.group.depth + 1 if parent is not None else 0
        self.wire, self.calls = wire, calls
        self.first = wire.first
        self.single = False
        """Whether the parent waits for one outcome, not for a list."""
        self.active = 0
        self.index = 0
        self.exhausted = False
        self.error: Exception | None = None
        self.ended: deque[tuple[int, AnyOutcome]] = deque()

    @classmethod
    def carried(cls, carrier: Carrier, exchange: Exchange[Any], parent: Task) -> Group:
        """Return the group of one exchange that *carrier* carries."""
        group = cls((exchange,), 1, parent, carrier.wire, carrier.calls)
        group.single = True
        return group


class Task:
    """One exchange under way, and the command it waits for."""

    __slots__ = ("call", "first", "group", "index", "nested", "running")

    def __init__(self, exchange: Exchange[Any], group: Group, index: int) -> None:
        self.nested = [exchange]
        """The exchange, and what it waits for, each for the next: a request is an exchange of attempts."""
        self.group = group
        self.index = index
        self.call: Call | None = None
        self.first: Attempt | None = None
        """What was sent straight away, and may need ``attempts`` after all."""
        self.running: Running | None = None

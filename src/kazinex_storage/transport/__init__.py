"""One transport carries every exchange, in three ways: on the caller's thread, many at once, on an asyncio loop.

``exchange.py`` says what an exchange is; ``one.py``, ``many.py`` and ``loop.py`` are the three drivers. ``Transport``
ties them to one pool of threads.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import TypeVar

from .exchange import AnyOutcome, Call, Command, Exchange, Many, Outcome, TransferCancelled, Wait
from .one import drive
from .pool import DEFAULT_THREADS, CallPool

T = TypeVar("T")

__all__ = ["Call", "Command", "Exchange", "Many", "Outcome", "TransferCancelled", "Transport", "Wait"]


class Transport:
    """Runs exchanges. Thread-safe and fork-safe; share one among all the storages of a process."""

    __slots__ = ("_pool",)

    def __init__(self, threads: int = DEFAULT_THREADS) -> None:
        """Allow *threads* blocking calls at once in bulk and async use; none is started before it is needed."""
        self._pool = CallPool(threads)

    def run(self, exchange: Exchange[T]) -> T:
        """Run one exchange on the caller's thread and return its result.

        Raises:
            BaseException: what the exchange raises.
        """
        return drive(exchange, self._many)

    def run_many(self, exchanges: Iterable[Exchange[T]], window: int) -> Iterator[tuple[int, Outcome[T]]]:
        """Yield (index, outcome) as the exchanges end, at most *window* at once; see ``many.run_many``.

        Raises:
            BaseException: an interrupt, or what reading *exchanges* raises.
        """
        from .many import run_many  # most processes never run many at once

        return run_many(exchanges, window, self._pool)

    async def run_async(self, exchange: Exchange[T]) -> T:
        """Run one exchange on the running asyncio loop; ``loop.py`` says what cancelling means.

        Raises:
            BaseException: what the exchange raises.
        """
        from .loop import run_async  # asyncio costs 30 ms to import; only its users pay

        return await run_async(exchange, self._pool)

    def run_many_async(
        self, exchanges: Iterable[Exchange[T]], window: int
    ) -> AsyncGenerator[tuple[int, Outcome[T]], None]:
        """Yield (index, outcome) as the exchanges end, on the running asyncio loop.

        Raises:
            BaseException: a cancellation, or what reading *exchanges* raises.
        """
        from .loop import run_many_async

        return run_many_async(exchanges, window, self._pool)

    def close(self) -> None:
        """End the threads after the calls under way; using the transport again starts new ones."""
        self._pool.close()

    def _many(self, command: Many) -> list[AnyOutcome]:
        outcomes = dict(self.run_many(command.exchanges, command.window))
        return [outcomes[index] for index in range(len(outcomes))]

"""One transport carries every exchange, in three ways: on the caller's thread, many at once, on an asyncio loop.

``exchange.py`` says what an exchange is; ``one.py``, ``many.py`` and ``loop.py`` are the three drivers; ``request.py``
and ``retry.py`` say what a request is and becomes. ``Transport`` ties them to one pool of threads and one set of
connections.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from ..secrecy.pickling import not_pickled
from .auth import Auth, Authorisation, Fixed, SigV4
from .exchange import AnyOutcome, Call, Carrier, Command, Exchange, Many, Outcome, Through, TransferCancelled, Wait
from .gate import Gate
from .observe import Observation, Observer, opentelemetry_observer
from .one import drive
from .pool import DEFAULT_THREADS, CallPool, Calls
from .request import BodySlice, Request, Response
from .retry_policy import RetryPolicy
from .settings import TransportSettings
from .wire import Wire

if TYPE_CHECKING:
    from .addresses import PublicAddresses
    from .ahead import Ahead

T = TypeVar("T")

__all__ = [
    "Auth",
    "Authorisation",
    "BodySlice",
    "Call",
    "Carrier",
    "Command",
    "Exchange",
    "Fixed",
    "Gate",
    "Many",
    "Observation",
    "Observer",
    "Outcome",
    "Request",
    "Response",
    "RetryPolicy",
    "SigV4",
    "Through",
    "TransferCancelled",
    "Transport",
    "TransportSettings",
    "Wait",
    "opentelemetry_observer",
]


class Runner(Protocol):
    """Runs an exchange."""

    def __call__(self, exchange: Exchange[T], /) -> T:
        """Return its result, or raise what it raises."""
        ...


class _AsyncDriver(Protocol):
    def __call__(self, exchange: Exchange[T], pool: Calls, wire: Wire, /) -> Coroutine[object, None, T]: ...


@not_pickled("make one there")
class Transport:
    """Runs exchanges. Thread-safe and fork-safe; share one among all the storages of a process."""

    __slots__ = ("_ahead_wire", "_calls", "_own_wire", "_pool", "_run", "_run_async", "_wire")

    def __init__(
        self,
        threads: int = DEFAULT_THREADS,
        settings: TransportSettings | None = None,
        retry: RetryPolicy | None = None,
        observe: Observer | None = None,
    ) -> None:
        """Allow *threads* blocking calls at once in bulk and async use; none is started before it is needed.

        *observe* is called for every attempt of every request; ``opentelemetry_observer()`` makes spans.
        """
        pool = CallPool(threads)
        self._pool: CallPool | None = pool
        self._own_wire = True
        self._ahead_wire: Wire | None = None
        self._run_async: _AsyncDriver | None = None
        self._use(Wire(settings, retry, observe), pool)

    @property
    def settings(self) -> TransportSettings:
        """How it reaches servers."""
        return self._wire.settings

    def restricted(self, addresses: PublicAddresses | None = None, ca_file: str | None = None) -> Transport:
        """Return one like this, with separate connections; close it as well.

        They go to *addresses* only, and trust *ca_file*; None leaves either as it is here.
        """
        return self._like(self._wire.restricted(addresses, ca_file), self._calls, own_wire=True)

    def owned(self, owner: object) -> Transport:
        """Return one over the same connections and threads, for what *owner* does: it has a share, and no more.

        However many requests and calls of one owner wait for a service, those of the others go on. Closing it closes
        nothing; *owner* is hashable, and what was made for one owner shares its bounds.
        """
        wire = self._wire.owned(owner)
        return self._like(wire, self._calls.owned(wire.owner), own_wire=False)

    def background(self) -> Transport:
        """Return one over the same connections and threads, for what moves or compares whole fleets of documents.

        Its requests and calls let all others go first: at a service that throttles, and where places are short. They
        have at most half of the places that bulk work has. The owner stays; closing it closes nothing. ADR 0057.
        """
        wire = self._wire.background()
        return self._like(wire, self._calls.owned(wire.owner), own_wire=False)

    @property
    def wire(self) -> Wire:
        """What carries its requests; for drivers."""
        return self._wire

    @property
    def calls(self) -> Calls:
        """What runs its blocking calls; for drivers."""
        return self._calls

    @property
    def run(self) -> Runner:
        """Runs one exchange on the caller's thread and returns its result, or raises what the exchange raises.

        Keep it where single requests matter: it is the driver itself, without a frame in between.
        """
        return self._run

    def run_many(self, exchanges: Iterable[Exchange[T]], window: int) -> Iterator[tuple[int, Outcome[T]]]:
        """Yield (index, outcome) as the exchanges end, at most *window* at once; see ``many.run_many``.

        Raises:
            BaseException: an interrupt, or what reading *exchanges* raises.
        """
        from .many import run_many  # most processes never run many at once

        return run_many(exchanges, window, self._calls, self._wire)

    def ahead(self, make: Callable[[], Exchange[T]]) -> Ahead[T]:
        """Begin what *make* returns, to go on while the caller does something else; see ``ahead.py``.

        Should it fail because nobody looked after it, it is made again and run. It has connections of its own, so that
        one that waits for its caller takes none from bulk work.

        Raises:
            BaseException: an interrupt.
        """
        from .ahead import Ahead

        wire = self._ahead_wire = self._ahead_wire or self._wire.another()
        return Ahead(make, self._calls, wire, self._run)

    def run_async(self, exchange: Exchange[T]) -> Coroutine[object, None, T]:
        """Return a coroutine that runs one exchange on the running asyncio loop.

        ``loop.py`` says what cancelling means; what the exchange raises is raised where the coroutine is awaited.
        """
        run = self._run_async
        if run is None:
            from .loop import run_async  # asyncio costs 30 ms to import; only its users pay

            run = self._run_async = run_async
        return run(exchange, self._calls, self._wire)

    def run_many_async(
        self, exchanges: Iterable[Exchange[T]], window: int
    ) -> AsyncGenerator[tuple[int, Outcome[T]], None]:
        """Yield (index, outcome) as the exchanges end, on the running asyncio loop.

        Raises:
            BaseException: a cancellation, or what reading *exchanges* raises.
        """
        from .loop import run_many_async

        return run_many_async(exchanges, window, self._calls, self._wire)

    def close(self, *, wait: bool = True) -> None:
        """End the threads once their calls finish, and close idle connections; a later use opens new ones.

        Without *wait* it returns before the calls have ended.
        """
        if self._pool is not None:
            self._pool.close(wait=wait)
        if self._own_wire:
            self._wire.close()

    @staticmethod
    def _like(wire: Wire, calls: Calls, *, own_wire: bool) -> Transport:
        made = Transport.__new__(Transport)
        made._own_wire, made._pool, made._run_async = (
            own_wire,
            None,
            None,
        )  # the threads are those of the other one, to close as well
        made._use(wire, calls)
        return made

    def _use(self, wire: Wire, calls: Calls) -> None:
        self._wire, self._calls = wire, calls
        self._ahead_wire = None
        self._run = cast(Runner, partial(drive, partial(_run_all, calls, wire), wire))


def _run_all(pool: Calls, wire: Wire, command: Many) -> list[AnyOutcome]:
    from .many import run_all

    return run_all(command.exchanges, command.window, pool, wire)

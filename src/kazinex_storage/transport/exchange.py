"""Exchanges: operations written as generators that do no I/O themselves.

An exchange yields commands and is sent their outcomes; what it returns is the result of the operation. The same
exchange runs on the caller's thread (``one.py``), among many others (``many.py``) or on an asyncio loop (``loop.py``).
A command that fails raises inside the exchange, at its ``yield``, so ``try``/``finally`` work as in plain code; an
exchange that is abandoned gets its exception the same way and may still yield commands to clean up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from ..values import value
from .request import Request

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .attempt import Attempt

T = TypeVar("T")


class TransferCancelled(BaseException):
    """Ends a blocking transfer whose caller has given up; it never reaches the caller."""


class Call:
    """Run a blocking function: a disk read, a token refresh, the method of a provider without exchanges.

    The outcome is what the function returns. ``cancel`` is called, from another thread, when the outcome is
    no longer wanted; it should make the function end soon by raising. ``discard`` is given an outcome that came too
    late to be used, such as an open file. With an *owner* it runs in the share that this has of the threads.
    """

    __slots__ = ("arguments", "cancel", "discard", "function", "owner")

    def __init__(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        cancel: Callable[[], object] | None = None,
        discard: Callable[[Any], object] | None = None,
        owner: object = None,
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.cancel = cancel
        self.discard = discard
        self.owner = owner

    def run(self) -> Any:
        """Run the function on this thread.

        Raises:
            BaseException: what the function raises.
            RuntimeError: the function raised ``StopIteration``.
        """
        try:
            return self.function(*self.arguments)
        except StopIteration as error:
            # Between generators StopIteration means an end, not an error (PEP 479).
            raise RuntimeError("the function of a call raised StopIteration") from error


@value(kw_only=False)
class Wait:
    """Let time pass. The outcome is None."""

    seconds: float


@value(kw_only=False)
class Many:
    """Run exchanges concurrently.

    The outcome is a list of ``Outcome``, in the order of the exchanges. One that fails does not stop the others.
    """

    exchanges: Iterable[Exchange[Any]]
    """Read as slots become free."""
    window: int
    """The most exchanges that run at once."""


class Carrier(Protocol):
    """What carries an exchange: a transport. Its parts know exchanges, so they are named for drivers alone."""

    @property
    def wire(self) -> Any:
        """What carries its requests, a ``Wire``."""
        ...

    @property
    def calls(self) -> Any:
        """What runs its blocking calls, a ``Calls``."""
        ...

    @property
    def run(self) -> Callable[[Exchange[Any]], Any]:
        """Runs an exchange on this thread."""
        ...

    def run_async(self, exchange: Exchange[T]) -> Coroutine[object, None, T]:
        """Return a coroutine that runs an exchange on the running loop."""
        ...


class Through:
    """Run an exchange over another transport than the one that runs this one: with its connections, and in its share.

    The outcome is what the exchange returns. So whatever composes the operations of several storages, each goes only
    where its own transport may go.
    """

    __slots__ = ("carrier", "exchange")

    def __init__(self, carrier: Carrier, exchange: Exchange[Any]) -> None:
        self.carrier = carrier
        self.exchange = exchange


@value(kw_only=False)
class Outcome(Generic[T]):
    """How one exchange among many ended: with a value or with an error."""

    value: T | None = None
    error: Exception | None = None

    def result(self) -> T:
        """Return the value, or raise the error.

        Raises:
            Exception: whatever the exchange raised.
        """
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # a value of None is a T when T admits it


AnyOutcome: TypeAlias = Outcome[Any]
"""An outcome among others of other types."""

Command: TypeAlias = "Call | Wait | Many | Through | Request | Attempt"
"""What an exchange may yield. An ``Attempt`` is the transport's own: it is what a ``Request`` is made of."""

Exchange: TypeAlias = Generator[Command, Any, T]
"""An operation: yields commands, is sent outcomes, returns a T."""

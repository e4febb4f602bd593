"""A provider over another one that lets every operation pass through one method; recording and faults build on it.

It wraps the exchanges, so lifted and native providers are intercepted alike, in sync, bulk and async use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from ..contract import StateSecret
from ..lifting import Exchanges, Pages, Verbs
from ..transport import Exchange
from ..transport.addresses import PublicAddresses
from ..types import Folder, ObjectInfo, ProviderInfo, Sink, UploadState
from ..verbs import AnyProvider, exchanges_of

T = TypeVar("T")
_Item = TypeVar("_Item", bound=ObjectInfo | Folder)

Tap: TypeAlias = Callable[[Sink], Sink]
"""Puts something between the provider and the sink of a get."""

_VERBS: Final = frozenset(
    name for table in (Verbs, Exchanges) for name, verb in vars(table).items() if hasattr(verb, "__wrapped__")
) - {"diagnose"}
"""What is intercepted: each verb of ``lifting.py`` but the diagnosis. Nothing else of the inner provider is visible."""


class Through(Generic[T]):
    """Starts the real operation; the bytes that a get delivers go through the tap."""

    def __init__(self, start: Callable[[Tap], Exchange[T]]) -> None:
        self.start = start


class Hook(Protocol):
    """What comes between a storage and a provider."""

    def through(self, operation: str, key: str | None, real: Through[T]) -> Exchange[T]:
        """Run the real operation, or do something else; *key* is the prefix of a listing."""
        ...


class InterceptedProvider:
    """Exchanges that are passed through a hook; everything real is done by the provider inside."""

    offers_exchanges: Literal[True] = True
    addresses: PublicAddresses | None = None

    def __init__(self, provider: AnyProvider, hook: Hook) -> None:
        self._provider = provider
        self._inner = exchanges_of(provider)
        self._through = hook.through

    @property
    def info(self) -> ProviderInfo:
        """What the provider inside is and can do."""
        return self._provider.info

    def __getattr__(self, name: str) -> Any:
        """Return the verb *name*, which passes through the hook.

        Raises:
            AttributeError: it is none.
        """
        if name not in _VERBS:
            raise AttributeError(name)
        return partial(self._list if name in ("scan", "children") else self._pass, name)

    @property
    def refuses_kept(self) -> bool:
        """Whether the provider inside looks by itself at what keeps an object."""
        return getattr(self._provider, "refuses_kept", False)

    def state_secret(self) -> bytes | None:
        """Return that of the provider inside."""
        return self._provider.state_secret() if isinstance(self._provider, StateSecret) else None

    def close(self) -> None:
        """Close the provider inside."""
        self._provider.close()

    def _pass(self, verb: str, *arguments: Any) -> Exchange[Any]:
        def start(tap: Tap) -> Exchange[Any]:
            given = [
                tap(argument) if verb in ("get", "get_changed") and at == 2 else argument
                for at, argument in enumerate(arguments)
            ]
            started: Exchange[Any] = getattr(self._inner, verb)(*given)
            return started

        return self._through(verb, _key_of(arguments[0]), Through(start))

    def _list(self, verb: str, prefix: str) -> _InterceptedPages[Any]:
        return _InterceptedPages(self._through, verb, prefix, getattr(self._inner, verb)(prefix))


class _InterceptedPages(Generic[_Item]):
    def __init__(
        self,
        through: Callable[[str, str | None, Through[Any]], Exchange[Any]],
        verb: str,
        prefix: str,
        pages: Pages[_Item],
    ) -> None:
        self._through = through
        self._verb = verb
        self._prefix = prefix
        self._pages = pages

    def next(self) -> Exchange[Sequence[_Item] | None]:
        return self._through(self._verb, self._prefix, Through(lambda _: self._pages.next()))

    def close(self) -> None:
        self._pages.close()


def _key_of(subject: object) -> str | None:
    """Return the key of what a verb is about, which is its first argument; None for many keys."""
    if isinstance(subject, UploadState):
        return subject.key
    return subject if isinstance(subject, str) else None

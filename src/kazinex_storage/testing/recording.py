"""A provider that writes down which operations reach it, and does all of them for real."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from ..capabilities import Capability
from ..transport import Exchange
from ..types import ProviderInfo
from ..verbs import AnyProvider
from .intercept import InterceptedProvider, Through

T = TypeVar("T")


class RecordingProvider(InterceptedProvider):
    """Delegates everything; ``calls`` holds (operation, key) in the order in which they reached the provider."""

    def __init__(self, provider: AnyProvider, *, without: frozenset[Capability] = frozenset()) -> None:
        """Record what reaches *provider*, hiding that it declares the capabilities *without*."""
        notes = _Notes()
        super().__init__(provider, notes)
        self.calls = notes.calls
        """What was asked, as (operation, key or prefix)."""
        self._info = replace(provider.info, capabilities=provider.info.capabilities - without)

    @property
    def info(self) -> ProviderInfo:
        """What the provider inside is, and what of its abilities is not hidden."""
        return self._info

    def count(self, operation: str) -> int:
        """Return how often *operation* was asked for."""
        return sum(1 for name, _ in list(self.calls) if name == operation)


class _Notes:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None]] = []

    def through(self, operation: str, key: str | None, real: Through[T]) -> Exchange[T]:
        self.calls.append((operation, key))
        return (yield from real.start(lambda sink: sink))

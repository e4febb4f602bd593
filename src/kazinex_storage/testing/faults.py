"""FaultyProvider: a real provider with faults at the calls that a plan names. For tests of code over a storage.

Example:
    >>> from kazinex_storage.errors import UnavailableError
    >>> from kazinex_storage.providers.memory import MemoryProvider
    >>> from kazinex_storage.storage.sync import Storage
    >>> plan = [Fault(operation="head", nth=2, effect=Raise(UnavailableError("the service is away")))]
    >>> storage = Storage(FaultyProvider(MemoryProvider(), plan))
    >>> storage.exists("a"), storage.put("a", b"1").size
    (False, 1)
    >>> storage.exists("a")
    Traceback (most recent call last):
    ...
    kazinex_storage.errors.UnavailableError: head 'a' on memory: the service is away
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar, cast

from ..bodies.checksums import announce
from ..errors import StorageError, UnavailableError
from ..transport import Call, Exchange
from ..types import Buffer, Checksum, ObjectInfo, Sink
from ..verbs import AnyProvider
from .intercept import InterceptedProvider, Through

T = TypeVar("T")

# A test that forgets to release a stall shall fail, not hang.
STALL_LIMIT_S = 60.0
"""Seconds after which a stall ends by itself."""


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise a copy of *error*, before the real operation or after it (an answer that got lost)."""

    error: StorageError
    after: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Deliver only the first *size* bytes of a get, and say that all went well."""

    size: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Flip every bit of the byte at *offset* of what a get delivers."""

    offset: int = 0


@dataclass(frozen=True, slots=True)
class Misreport:
    """Answer a put, get, head or copy with another *size* than the real one."""

    size: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Hold the operation before it begins until ``release``; ``reached`` is set when it hangs there."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Let it go on."""
        self.released.set()

    def hold(self) -> None:
        """Wait for ``release``.

        Raises:
            UnavailableError: it was never released.
        """
        self.reached.set()
        if not self.released.wait(STALL_LIMIT_S):
            raise UnavailableError(f"stalled for {STALL_LIMIT_S:g} s; release the fault in the test")


Effect: TypeAlias = Raise | Truncate | Corrupt | Misreport | Stall
"""What goes wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One effect, at one call or several in a row."""

    operation: str
    """put, get, head, delete, scan, children (one call a page), copy, delete_many, presign, or a method of
    ``PartUploader``."""
    effect: Effect
    nth: int = 1
    """Which call of that operation; the first one is 1."""
    times: int = 1
    """How many calls from there on."""
    key: str | None = None
    """Count only calls of this full key; None counts all."""


class FaultyProvider(InterceptedProvider):
    """Delegates everything to a real provider and injects the faults of a plan. Thread-safe."""

    def __init__(self, provider: AnyProvider, plan: Iterable[Fault]) -> None:
        """Wrap *provider*; closing this one closes it."""
        super().__init__(provider, _Plan(tuple(plan)))


class _Plan:
    def __init__(self, plan: tuple[Fault, ...]) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._seen = [0] * len(plan)

    def through(self, operation: str, key: str | None, real: Through[T]) -> Exchange[T]:
        effects = self._due(operation, key)
        for effect in effects:
            if isinstance(effect, Stall):
                yield Call(effect.hold, cancel=effect.release)
            elif isinstance(effect, Raise) and not effect.after:
                raise copy.copy(effect.error)
        result = yield from real.start(lambda sink: _tapped(sink, effects))
        for effect in effects:
            if isinstance(effect, Raise) and effect.after:
                raise copy.copy(effect.error)
            if isinstance(effect, Misreport) and isinstance(result, ObjectInfo):
                result = cast(T, replace(result, size=effect.size))
        return result

    def _due(self, operation: str, key: str | None) -> list[Effect]:
        due: list[Effect] = []
        with self._lock:
            for index, fault in enumerate(self._plan):
                if fault.operation != operation or fault.key not in (None, key):
                    continue
                self._seen[index] += 1
                if fault.nth <= self._seen[index] < fault.nth + fault.times:
                    due.append(fault.effect)
        return due


def _tapped(sink: Sink, effects: list[Effect]) -> Sink:
    for effect in effects:
        if isinstance(effect, Truncate):
            sink = _Tapped(_truncating(sink, effect.size), sink)
        elif isinstance(effect, Corrupt):
            sink = _Tapped(_corrupting(sink, effect.offset), sink)
    return sink


class _Tapped:
    """A sink behind something that alters what it gets; what is announced to it is not altered."""

    def __init__(self, tap: Sink, sink: Sink) -> None:
        self._tap = tap
        self._sink = sink

    def __call__(self, buffer: Buffer) -> None:
        self._tap(buffer)

    def expect(self, checksum: Checksum | None) -> None:
        announce(self._sink, checksum)


def _truncating(sink: Sink, size: int) -> Sink:
    left = size

    def truncate(buffer: Buffer) -> None:
        nonlocal left
        part = memoryview(buffer)[:left]
        left -= len(part)
        if part:
            sink(part)

    return truncate


def _corrupting(sink: Sink, offset: int) -> Sink:
    position = 0

    def corrupt(buffer: Buffer) -> None:
        nonlocal position
        data = bytearray(buffer)
        if 0 <= offset - position < len(data):
            data[offset - position] ^= 0xFF
        position += len(data)
        sink(data)

    return corrupt

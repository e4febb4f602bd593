"""What every test of the kit is given: a storage over a fresh provider, its back door, and helpers to check it."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pytest

from ..bodies.checksums import checksum_of
from ..capabilities import Capability
from ..errors import NotSupportedError
from ..storage.rules import WriteOnce
from ..storage.sync import Storage
from ..transport import Exchange, Outcome, Wait
from ..types import Folder, ObjectInfo, PutMode, PutOptions
from ..verbs import AnyProvider
from .faults import Fault, FaultyProvider
from .harness import Harness
from .recording import RecordingProvider

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

CREATE = PutOptions(mode=PutMode.CREATE)
"""Refuse when the key exists."""

# Long enough for the slowest service, short enough that a child that hangs after fork fails the run.
CHILD_LIMIT_S = 60
"""Seconds that a forked child may take."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """One test's storage and everything around it. Keys are relative to the prefix under test."""

    harness: Harness
    provider: AnyProvider
    prefix: str
    """The folder that the storage is scoped to; empty or ends with a slash."""
    folder: Path
    """An empty folder of this test."""
    storage: Storage
    _views: list[Storage] = field(default_factory=list)

    @property
    def proving(self) -> Storage:
        """The storage as one sees it that wants a sha256 of everything."""
        return self.storage.with_digest("sha256")

    def can(self, capability: Capability) -> bool:
        """Say whether the provider declares *capability*."""
        return self.provider.info.can(capability)

    def proves(self, capability: Capability, action: Callable[[Storage], object]) -> bool:
        """Return True when the provider declares *capability*; else assert that *action* is refused, and return False.

        So a test of a capability says something of every provider.
        """
        if self.can(capability):
            return True
        self.refuses(capability, action)
        return False

    def refuses(self, capability: Capability, action: Callable[[Storage], object]) -> None:
        """Assert that without *capability* the storage refuses *action* before anything reaches the provider."""
        # Without parts an upload may still be resumed in order.
        hidden = {capability, Capability.RESUME} if capability is Capability.PARTS else {capability}
        recording, storage = self.recorded(without=frozenset(hidden))

        with pytest.raises(NotSupportedError, match=capability.value) as caught:
            action(storage)

        assert [] == recording.calls
        assert self.provider.info.kind == caught.value.provider

    def recorded(self, *, without: frozenset[Capability] = frozenset()) -> tuple[RecordingProvider, Storage]:
        """Return a storage over the same provider that records what reaches it."""
        recording = RecordingProvider(self.provider, without=without)
        return recording, self._view(recording)

    def once(self, rule: WriteOnce = True) -> Storage:
        """Return a storage over the same provider whose objects, or those of the *rule*, are written once."""
        storage = Storage(RecordingProvider(self.provider), prefix=self.prefix, write_once=rule)
        self._views.append(storage)
        return storage

    def faulty(self, *plan: Fault, over: AnyProvider | None = None) -> Storage:
        """Return a storage over the same provider, or a wrapper of it, with the faults of *plan*."""
        return self._view(FaultyProvider(over if over is not None else self.provider, plan))

    def full(self, key: str) -> str:
        """Return the key as the medium knows it."""
        return self.prefix + key

    def peek(self, key: str) -> bytes | None:
        """Return what the medium holds."""
        return self.harness.peek(self.full(key))

    def poke(self, key: str, data: bytes) -> None:
        """Write behind the provider's back and wait until it can be seen."""
        self.harness.poke(self.full(key), data)
        if self.harness.settle_s:
            self.storage.transport.run(_settle(self.harness.settle_s))

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys below *prefix*, sorted."""
        return sorted(info.key for info in self.storage.list(prefix))

    def close(self) -> None:
        """Close the storage and everything made along with it."""
        for view in self._views:
            view.transport.close()
        self.storage.close()

    def _view(self, provider: AnyProvider) -> Storage:
        storage = Storage(provider, prefix=self.prefix)
        self._views.append(storage)
        return storage


def needs(
    capability: Capability, action: Callable[[Storage], object]
) -> Callable[[Callable[Concatenate[S, Bench, P], None]], Callable[Concatenate[S, Bench, P], None]]:
    """Run a test where the provider declares *capability*, and elsewhere assert that *action* is refused."""

    def decorate(test: Callable[Concatenate[S, Bench, P], None]) -> Callable[Concatenate[S, Bench, P], None]:
        @wraps(test)
        def run(self: S, bench: Bench, *arguments: P.args, **options: P.kwargs) -> None:
            if bench.proves(capability, action):
                test(self, bench, *arguments, **options)

        return run  # type: ignore[return-value]  # pytest gives the bench by its name

    return decorate


def pattern(size: int, seed: int = 0) -> bytes:
    """Return *size* bytes that repeat nowhere, the same ones for each *seed*."""
    return (_kept if _KEPT_FROM <= size <= _KEPT_TO else _made)(size, seed)


def _made(size: int, seed: int) -> bytes:
    return hashlib.shake_128(seed.to_bytes(8, "big")).digest(size)


# It takes 2 ms for a MiB, more than a provider takes to store it, and most tests ask for the same few.
_KEPT_FROM, _KEPT_TO = 1 << 16, 1 << 25
_kept = lru_cache(maxsize=4)(_made)


def is_proved(info: ObjectInfo, data: bytes) -> bool:
    """Say whether the checksum of *info*, whichever algorithm it names, is there and is that of *data*."""
    return info.checksum is not None and info.checksum == checksum_of(info.checksum.algorithm, data)


def sha256(data: bytes) -> str:
    """Return the sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def names(entries: Iterable[ObjectInfo | Folder]) -> list[str]:
    """Return the keys and folder prefixes of a listing, sorted."""
    return sorted(entry.prefix if isinstance(entry, Folder) else entry.key for entry in entries)


@contextmanager
def naming(case: object) -> Iterator[None]:
    """Have a failure say which *case* of its test it was.

    Cases are one test where making a provider for each of them takes longer than the case.
    """
    try:
        yield
    except BaseException as error:  # pytest.fail raises one that is no Exception
        error.add_note(f"case: {case!a}")
        raise


def race(count: int, work: Callable[[int], T]) -> list[Outcome[T]]:
    """Run *work* of 0 to *count* - 1 on threads that start together; return how each ended."""
    barrier = threading.Barrier(count)

    def run(index: int) -> Outcome[T]:
        barrier.wait()
        try:
            return Outcome(value=work(index))
        except Exception as error:  # the caller compares every outcome, whatever it is
            return Outcome(error=error)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def in_child(work: Callable[[], object]) -> int:
    """Run *work* in a forked child and return its exit status: 0, or 1 when it raised, or minus a signal."""
    with warnings.catch_warnings():
        # Python 3.12 warns about forking a process with threads; that a provider survives it is what is being proven.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(CHILD_LIMIT_S)
        work()
        status = 0
    except BaseException:  # the child must not return into the test runner
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def _settle(seconds: float) -> Exchange[None]:
    yield Wait(seconds)

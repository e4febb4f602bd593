"""The blocking methods of a provider as exchanges, which is what ``Storage`` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Generic, TypeVar, cast

from .bodies.source import Source
from .errors import StorageError
from .keys import ObjectKey, Prefix
from .part_uploads import LiftedParts
from .provider import (
    BulkDeleter,
    Diagnoser,
    ExtraChecks,
    Pages,
    Presigner,
    ProviderExchanges,
    ServerCopier,
    ServerMover,
    StorageProvider,
)
from .transport import Call, Exchange, TransferCancelled
from .types import (
    Buffer,
    ByteRange,
    Diagnosis,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    PutMode,
    PutOptions,
    Sink,
)

# S3, R2 and Supabase list 1,000 keys a request; a page of a lifted provider is as long.
PAGE_ITEMS = 1000
"""Entries that one page of a lifted listing holds at most."""

_Item = TypeVar("_Item", bound="ObjectInfo | Folder")


def exchanges_of(provider: StorageProvider) -> ProviderExchanges:
    """Return the exchanges that *provider* offers itself, else its methods lifted into exchanges."""
    native: ProviderExchanges | None = getattr(provider, "exchanges", None)
    return native if native is not None else Lifted(provider)


class Lifted:
    """The blocking methods of a provider as exchanges of one ``Call`` each."""

    def __init__(self, provider: StorageProvider) -> None:
        self._provider = provider
        self.parts = LiftedParts(provider)
        """Uploads in parts."""

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; a cancelled put publishes nothing that was not published already."""
        return cast(ObjectInfo, (yield Call(self._provider.put, key, source, options, cancel=source.cancel)))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read; after a cancel the sink is not called again."""
        gate = _Gate(sink)
        return cast(ObjectInfo, (yield Call(self._provider.get, key, span, gate, if_match, cancel=gate.shut)))

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look."""
        return cast(ObjectInfo, (yield Call(self._provider.head, key)))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove."""
        yield Call(self._provider.delete, key)

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List everything below."""
        return _LiftedPages(lambda: self._provider.scan(prefix))

    def children(self, prefix: Prefix) -> Pages[ObjectInfo | Folder]:
        """List one level."""
        return _LiftedPages(lambda: self._provider.children(prefix))

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy."""
        return cast(ObjectInfo, (yield Call(cast(ServerCopier, self._provider).copy, source, target, mode)))

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Move."""
        return cast(ObjectInfo, (yield Call(cast(ServerMover, self._provider).move, source, target, mode)))

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove many."""
        call = Call(cast(BulkDeleter, self._provider).delete_many, keys)
        return cast("Sequence[StorageError | None]", (yield call))

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign."""
        return cast(PresignedUrl, (yield Call(cast(Presigner, self._provider).presign, key, options)))

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain, if the provider can."""
        if not isinstance(self._provider, Diagnoser):
            return None
        return cast("Diagnosis | None", (yield Call(self._provider.diagnose, error, check)))

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return the further checks of the provider, if it has any."""
        found = self._provider.checks() if isinstance(self._provider, ExtraChecks) else {}
        return {name: partial(_checked, check) for name, check in found.items()}


def _checked(check: Callable[[], Diagnosis | None]) -> Exchange[Diagnosis | None]:
    return cast("Diagnosis | None", (yield Call(check)))


class _Gate:
    """A sink that can be shut from another thread."""

    __slots__ = ("_open", "_sink")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._open = True

    def __call__(self, buffer: Buffer) -> None:
        if not self._open:
            raise TransferCancelled
        self._sink(buffer)

    def shut(self) -> None:
        self._open = False


class _LiftedPages(Generic[_Item]):
    def __init__(self, start: Callable[[], Iterator[_Item]]) -> None:
        self._start = start
        self._iterator: Iterator[_Item] | None = None
        self._closed = False

    def next(self) -> Exchange[Sequence[_Item] | None]:
        return cast("Sequence[_Item] | None", (yield Call(self._take)))

    def close(self) -> None:
        self._closed = True
        close = getattr(self._iterator, "close", None)
        if close is not None:
            with suppress(ValueError):  # a page is under way on another thread, which closes at its end
                close()

    def _take(self) -> Sequence[_Item] | None:
        if self._iterator is None:
            self._iterator = self._start()
        page = list(islice(self._iterator, PAGE_ITEMS))
        if self._closed:
            self.close()
        return page or None

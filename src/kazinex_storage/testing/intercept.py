"""A provider over another one that lets every operation pass through one method; what recording and faults stand on.

It wraps the exchanges, so lifted and native providers are intercepted alike, in sync, bulk and async use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from ..bodies.source import Source
from ..errors import StorageError
from ..keys import ObjectKey, Prefix
from ..lifting import exchanges_of
from ..network_provider import NetworkProvider
from ..part_uploads import PartExchanges, ResumeExchanges, StateSecret
from ..provider import MoveExchanges, Pages, StorageProvider
from ..transport import Exchange
from ..types import (
    Buffer,
    ByteRange,
    Diagnosis,
    Folder,
    ObjectInfo,
    PartInfo,
    PendingUpload,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
    UploadState,
)

T = TypeVar("T")
_Item = TypeVar("_Item", bound=ObjectInfo | Folder)

Tap: TypeAlias = Callable[[Sink], Sink]
"""Puts something between the provider and the sink of a get."""


class Through(Generic[T]):
    """Starts the real operation; the tap stands in the way of the bytes that a get delivers."""

    def __init__(self, start: Callable[[Tap], Exchange[T]]) -> None:
        self.start = start


class Hook(Protocol):
    """What stands between a storage and a provider."""

    def through(self, operation: str, key: str | None, real: Through[T]) -> Exchange[T]:
        """Run the real operation, or do something else; *key* is the prefix of a listing."""
        ...


class InterceptedExchanges:
    """Every exchange of a provider, each passed through a hook."""

    def __init__(self, provider: StorageProvider, hook: Hook) -> None:
        self._inner = exchanges_of(provider)
        self.through = hook.through
        self.parts = InterceptedParts(self._inner.parts, hook)
        """Uploads in parts."""

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write."""
        return self.through("put", key, Through(lambda _: self._inner.put(key, source, options)))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read."""
        return self.through("get", key, Through(lambda tap: self._inner.get(key, span, tap(sink), if_match)))

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look."""
        return self.through("head", key, Through(lambda _: self._inner.head(key)))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove."""
        return self.through("delete", key, Through(lambda _: self._inner.delete(key)))

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List everything below."""
        return _InterceptedPages(self, "scan", prefix, self._inner.scan(prefix))

    def children(self, prefix: Prefix) -> Pages[ObjectInfo | Folder]:
        """List one level."""
        return _InterceptedPages(self, "children", prefix, self._inner.children(prefix))

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy."""
        return self.through("copy", source, Through(lambda _: self._inner.copy(source, target, mode)))

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Move."""
        moving = Through(lambda _: cast(MoveExchanges, self._inner).move(source, target, mode))
        return self.through("move", source, moving)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove many."""
        return self.through("delete_many", None, Through(lambda _: self._inner.delete_many(keys)))

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign."""
        return self.through("presign", key, Through(lambda _: self._inner.presign(key, options)))

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain."""
        return self._inner.diagnose(error, check)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return the further checks."""
        return self._inner.checks()


class InterceptedParts:
    """Every exchange of uploads in parts, each passed through a hook."""

    def __init__(self, parts: PartExchanges | ResumeExchanges, hook: Hook) -> None:
        self._inner = cast(PartExchanges, parts)
        self._ordered = cast(ResumeExchanges, parts)
        self.through = hook.through

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin."""
        real = Through(lambda _: self._inner.begin_upload(key, size, options, sha256))
        return self.through("begin_upload", key, real)

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one part."""
        return self.through("put_part", state.key, Through(lambda _: self._inner.put_part(state, number, data)))

    def list_parts(self, state: UploadState) -> Exchange[Sequence[PartInfo]]:
        """List the parts."""
        return self.through("list_parts", state.key, Through(lambda _: self._inner.list_parts(state)))

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete."""
        real = Through(lambda _: self._inner.complete_upload(state, parts))
        return self.through("complete_upload", state.key, real)

    def resume_upload(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        """Go on."""
        return self.through("resume_upload", state.key, Through(lambda _: self._ordered.resume_upload(state, source)))

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look for the object."""
        return self.through("find_upload", state.key, Through(lambda _: self._inner.find_upload(state)))

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Abort."""
        return self.through("abort_upload", key, Through(lambda _: self._inner.abort_upload(key, upload_id)))

    def pending_uploads(self, prefix: Prefix) -> Exchange[Sequence[PendingUpload]]:
        """List the unfinished."""
        return self.through("pending_uploads", prefix, Through(lambda _: self._inner.pending_uploads(prefix)))


class InterceptedProvider(NetworkProvider[InterceptedExchanges]):
    """The blocking face of intercepted exchanges; everything real is done by the provider inside."""

    def __init__(self, provider: StorageProvider, hook: Hook) -> None:
        super().__init__(InterceptedExchanges(provider, hook), provider.info, None)
        self._provider = provider

    @property
    def info(self) -> ProviderInfo:
        """What the provider inside is and can do."""
        return self._provider.info

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Move; called only when the provider inside declares it."""
        return self._transport.run(self.exchanges.move(source, target, mode))

    def state_secret(self) -> bytes | None:
        """Return that of the provider inside."""
        return self._provider.state_secret() if isinstance(self._provider, StateSecret) else None

    def close(self) -> None:
        """Close the provider inside."""
        self._provider.close()
        super().close()


class _InterceptedPages(Generic[_Item]):
    def __init__(self, exchanges: InterceptedExchanges, operation: str, prefix: Prefix, pages: Pages[_Item]) -> None:
        self._exchanges = exchanges
        self._operation = operation
        self._prefix = prefix
        self._pages = pages

    def next(self) -> Exchange[Sequence[_Item] | None]:
        return self._exchanges.through(self._operation, self._prefix, Through(lambda _: self._pages.next()))

    def close(self) -> None:
        self._pages.close()

"""The verbs as exchanges, which is what ``Storage`` runs: a provider's own, or its blocking methods lifted.

``contract.py`` says what each verb does and takes. A provider that reaches its service by requests writes the same
verbs as exchanges and says so with ``offers_exchanges``; each verb of any other provider becomes one ``Call``, by the
table ``Exchanges``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial, wraps
from itertools import islice
from typing import (
    TYPE_CHECKING,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    runtime_checkable,
)

from .contract import (
    BulkDeleter,
    Diagnoser,
    ExtraChecks,
    PartUploader,
    Presigner,
    ServerCopier,
    ServerMover,
    SessionOpener,
    StorageProvider,
    Sweeper,
    UploadResumer,
)
from .contract_reading import ConditionalReader, PageLister
from .contract_retention import Holder, Protector, Retainer
from .contract_versions import Undeleter, VersionKeeper
from .contract_writing import ClassSetter, FormSigner, Publisher, StreamWriter, Tagger
from .keys import ObjectKey, Prefix
from .transport import Call, Exchange, TransferCancelled
from .types import Buffer, ByteRange, Checksum, Diagnosis, Folder, ObjectInfo, ProviderInfo, Sink, UploadState

if TYPE_CHECKING:
    from .bodies.source import Source
    from .bodies.stream import Stream
    from .transport.addresses import PublicAddresses

# S3, R2 and Supabase list 1,000 keys a request; a page of a lifted provider is as long.
PAGE_ITEMS = 1000
"""Entries that one page of a lifted listing holds at most."""

P = ParamSpec("P")
S = TypeVar("S")
F = TypeVar("F")
R = TypeVar("R")
_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)
_Listed = TypeVar("_Listed", bound=ObjectInfo | Folder, covariant=True)


class Pages(Protocol, Generic[_Listed]):
    """A listing that is fetched page by page."""

    def next(self) -> Exchange[Sequence[_Listed] | None]:
        """Return an exchange for the next page; its result is None after the last one."""
        ...

    def close(self) -> None:
        """Release what the listing holds open."""
        ...


@runtime_checkable
class ContinuedPages(Protocol):
    """What the pages of a listing add so that the next one is asked for while one is read.

    Their ``next`` must be repeatable: whatever raises in it, or if it is dropped, another call returns the same page.
    """

    @property
    def is_continued(self) -> bool:
        """Whether it is known that another page follows, and how to ask for it."""
        ...


@runtime_checkable
class RelativePages(Protocol):
    """What the pages of a listing add to make keys relative themselves, so that no entry is made twice."""

    cut: int
    """Characters to leave out at the start of each key and of each prefix; 0 to begin with."""


def _call_put(self: Exchanges, key: object, source: Source, options: object) -> Exchange[object]:
    return (yield Call(self.provider.put, key, source, options, cancel=source.cancel))


def _call_get(
    self: Exchanges, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None
) -> Exchange[ObjectInfo]:
    resident = self.resident
    if resident is not None:
        info = resident.get(key, span, sink, if_match)
        if info is not None:
            return info
    valve = _Valve(sink)
    return cast(ObjectInfo, (yield Call(self.provider.get, key, span, valve, if_match, cancel=valve.shut)))


def _call_get_changed(
    self: Exchanges, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str
) -> Exchange[ObjectInfo]:
    get_changed, valve = cast(ConditionalReader, self.provider).get_changed, _Valve(sink)
    return cast(ObjectInfo, (yield Call(get_changed, key, span, valve, if_none_match, cancel=valve.shut)))


def _call_head(self: Exchanges, key: ObjectKey) -> Exchange[ObjectInfo]:
    resident = self.resident
    info = resident.head(key) if resident is not None else None
    return info if info is not None else cast(ObjectInfo, (yield Call(self.provider.head, key)))


def _call_begin_upload(self: Exchanges, *arguments: object) -> Exchange[object]:
    provider = cast(PartUploader, self.provider)

    def abort(state: UploadState) -> None:
        provider.abort_upload(ObjectKey(state.key), state.upload_id)

    return (yield Call(provider.begin_upload, *arguments, discard=abort))


def _call_put_stream(self: Exchanges, key: object, stream: Stream, options: object) -> Exchange[object]:
    put = cast(StreamWriter, self.provider).put_stream
    return (yield Call(put, key, stream, options, cancel=stream.cancel))


def _call_resume_upload(self: Exchanges, state: object, source: Source) -> Exchange[object]:
    resume = cast(UploadResumer, self.provider).resume_upload
    return (yield Call(resume, state, source, cancel=source.cancel))


def _call_get_version(
    self: Exchanges, key: ObjectKey, version: str, span: ByteRange, sink: Sink
) -> Exchange[ObjectInfo]:
    valve, read = _Valve(sink), cast(VersionKeeper, self.provider).get_version
    return cast(ObjectInfo, (yield Call(read, key, version, span, valve, cancel=valve.shut)))


def lifted(
    method: Callable[Concatenate[S, P], R], exchange: Callable[..., Exchange[object]] | None = None
) -> Callable[Concatenate[Verbs, P], Exchange[R]]:
    """Return *method* of the contract as one that returns an exchange with the same arguments and result.

    *exchange* is its body where the call can be cancelled, or where a result that comes too late must be discarded.
    """
    name = method.__name__

    def call(self: Exchanges, /, *arguments: object) -> Exchange[object]:
        return (yield Call(getattr(self.provider, name), *arguments))

    return cast("Callable[Concatenate[Verbs, P], Exchange[R]]", wraps(method)(call if exchange is None else exchange))


def listed(method: Callable[[S, Prefix], Iterator[_Entry]]) -> Callable[[Verbs, Prefix], Pages[_Entry]]:
    """Return a listing of the contract as one that is fetched page by page."""

    @wraps(method)
    def pages(self: Exchanges, prefix: Prefix, /) -> Pages[_Entry]:
        return _LiftedPages(partial(getattr(self.provider, method.__name__), prefix))

    return cast("Callable[[Verbs, Prefix], Pages[_Entry]]", pages)


def by(function: F) -> Callable[[object], F]:
    """Replace what is decorated by *function*; only a protocol needs this: its members are defined, not assigned."""
    return lambda _: function


class Verbs(Protocol):
    """The verbs that every provider has, as exchanges."""

    @by(lifted(StorageProvider.put, _call_put))
    def put(self) -> None:
        """Once cancelled, it publishes nothing more."""

    @by(lifted(StorageProvider.get, _call_get))
    def get(self) -> None:
        """Once cancelled, it no longer calls the sink."""

    @by(lifted(StorageProvider.head, _call_head))
    def head(self) -> None:
        """See ``StorageProvider.head``."""

    @by(lifted(StorageProvider.delete))
    def delete(self) -> None:
        """See ``StorageProvider.delete``."""

    @by(listed(StorageProvider.scan))
    def scan(self) -> None:
        """See ``StorageProvider.scan``."""

    @by(listed(StorageProvider.children))
    def children(self) -> None:
        """See ``StorageProvider.children``."""


class ResidentReader(Protocol):
    """Reads what is in memory, without waiting for anything; an attribute ``resident`` of a blocking provider.

    Returning None means that nothing was done, and that the method of the provider is to be called.
    """

    def head(self, key: ObjectKey, /) -> ObjectInfo | None:
        """As ``StorageProvider.head``."""
        ...

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None, /) -> ObjectInfo | None:
        """As ``StorageProvider.get``; the sink was given nothing when None is returned."""
        ...


class ExchangeProvider(Verbs, Protocol):
    """A provider that writes its verbs as exchanges, including those of the optional protocols that it has.

    It owns no connections: the storages over it do.
    """

    offers_exchanges: Literal[True]
    """What distinguishes it from a provider of blocking methods."""
    addresses: PublicAddresses | None
    """Where its requests may go when someone other than the operator chose the host; None: everywhere."""

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do; constant for its life."""
        ...

    def close(self) -> None:
        """Release what it holds; calling it twice is harmless."""
        ...


class Exchanges(Verbs):
    """Every verb, as exchanges of one call each; what is optional is called only when its capability is declared."""

    def __init__(self, provider: StorageProvider) -> None:
        """Lift *provider*."""
        self.provider = provider
        """Whose methods are called."""
        self.resident: ResidentReader | None = getattr(provider, "resident", None)
        """Its way to read what is in memory, if it has one: on the spot, where a call would cost more than the read."""

    get_changed = lifted(ConditionalReader.get_changed, _call_get_changed)
    list_page = lifted(PageLister.list_page)
    copy = lifted(ServerCopier.copy)
    move = lifted(ServerMover.move)
    delete_many = lifted(BulkDeleter.delete_many)
    presign = lifted(Presigner.presign)
    begin_upload = lifted(PartUploader.begin_upload, _call_begin_upload)
    put_part = lifted(PartUploader.put_part)
    list_parts = lifted(PartUploader.list_parts)
    complete_upload = lifted(PartUploader.complete_upload)
    find_upload = lifted(PartUploader.find_upload)
    resume_upload = lifted(UploadResumer.resume_upload, _call_resume_upload)
    abort_upload = lifted(PartUploader.abort_upload)
    pending_uploads = lifted(PartUploader.pending_uploads)
    begin_session = lifted(SessionOpener.begin_session)
    is_session_open = lifted(SessionOpener.is_session_open)
    end_session = lifted(SessionOpener.end_session)
    diagnose = lifted(Diagnoser.diagnose)
    protection = lifted(Protector.protection)
    retain = lifted(Retainer.retain)
    hold = lifted(Holder.hold)
    put_stream = lifted(StreamWriter.put_stream, _call_put_stream)
    versions = lifted(VersionKeeper.versions)
    head_version = lifted(VersionKeeper.head_version)
    get_version = lifted(VersionKeeper.get_version, _call_get_version)
    restore = lifted(VersionKeeper.restore)
    deleted = lifted(Undeleter.deleted)
    undelete = lifted(Undeleter.undelete)
    purge = lifted(Undeleter.purge)
    tags = lifted(Tagger.tags)
    set_tags = lifted(Tagger.set_tags)
    set_storage_class = lifted(ClassSetter.set_storage_class)
    presign_post = lifted(FormSigner.presign_post)

    def public_url(self, key: ObjectKey) -> str:
        """See ``Publisher.public_url``; nothing is asked of the service, so it is no exchange."""
        return cast(Publisher, self.provider).public_url(key)

    def sweep(self, prefix: Prefix, *, dry_run: bool) -> Exchange[int]:
        """See ``Sweeper.sweep``."""
        return _call(partial(cast(Sweeper, self.provider).sweep, prefix, dry_run=dry_run))

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return the further checks of ``ExtraChecks``, each as an exchange."""
        return {name: partial(_call, check) for name, check in cast(ExtraChecks, self.provider).checks().items()}

    def checksum(self, key: ObjectKey, info: ObjectInfo) -> Exchange[Checksum | None]:  # noqa: ARG002
        """Return None: only a provider of exchanges is asked for the checksum of a version that was read in part."""
        return None
        yield  # makes an exchange of it


def _call(function: Callable[[], R]) -> Exchange[R]:
    return cast(R, (yield Call(function)))


class _Valve:
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


class _LiftedPages(Generic[_Entry]):
    def __init__(self, start: Callable[[], Iterator[_Entry]]) -> None:
        self._start = start
        self._iterator: Iterator[_Entry] | None = None
        self._closed = False

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        return _call(self._take)

    def close(self) -> None:
        self._closed = True
        close = getattr(self._iterator, "close", None)
        if close is not None:
            with suppress(ValueError):  # another thread is fetching a page, and closes when it is done
                close()

    def _take(self) -> Sequence[_Entry] | None:
        if self._iterator is None:
            self._iterator = self._start()
        page = list(islice(self._iterator, PAGE_ITEMS))
        if self._closed:
            self.close()
        return page or None

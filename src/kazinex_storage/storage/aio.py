"""The same storage for asyncio: each method is that of ``Storage``, with its exchange run on the running loop.

A provider with exchanges is driven on the loop's own sockets; for any other, blocking calls go to the transport's own
threads, with the context variables of the caller. Cancelling a task ends the operation as ``transport/loop.py`` says: a
cancelled put has published the whole object or nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar, overload

from ..bodies.source import Source
from ..keys import Prefix
from ..policy import UploadPolicy
from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..transport import Outcome, TransferCancelled, Transport
from ..types import (
    DEFAULTS,
    WHOLE,
    Buffer,
    ByteRange,
    DigestChoice,
    Folder,
    ObjectInfo,
    Progress,
    ProviderInfo,
    PutOptions,
)
from ..verbs import offers_exchanges
from .awaiting import awaited, collected
from .bulk import KeyedExchanges
from .reading import FIRST_SHARE, Listing
from .rules import Body, WriteOnce
from .sync import Storage

if TYPE_CHECKING:
    from ..bodies.feed import Feed
    from .disk_cache import DiskCache
    from .operations import Operations

# A producer that has given too much looks again so soon for room.
_FIRST_S: Final = 0.001
_MOST_S: Final = 0.05

T = TypeVar("T")
_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


@not_pickled(SEND_A_FILE_SYSTEM)
class AsyncStorage:
    """The objects of one storage, for asyncio. Bound to no loop; each method says what ``Storage`` says.

    Example:
        >>> import asyncio
        >>> from kazinex_storage.providers.memory import MemoryProvider
        >>> async def main() -> bytes:
        ...     async with AsyncStorage(Storage(MemoryProvider())) as storage:
        ...         await storage.put("a.pdf", b"%PDF")
        ...         return await storage.get_bytes("a.pdf")
        >>> asyncio.run(main())
        b'%PDF'
    """

    def __init__(self, storage: Storage) -> None:
        """Use *storage*; both may be used side by side."""
        self._storage = storage
        self._operations = storage.operations
        self._transport = storage.transport
        self._run = storage.transport.run_async

    @classmethod
    def from_url(
        cls,
        url: str,
        settings: Mapping[str, object] | None = None,
        *,
        policy: UploadPolicy | None = None,
        transport: Transport | None = None,
        write_once: WriteOnce = False,
        digest: DigestChoice = "service",
    ) -> Self:
        """Open the storage that *url* names; see ``Storage.from_url``. No request, and nothing is waited for.

        Raises:
            InvalidUrlError: it cannot be used; ``SettingsError``: settings are missing or wrong, or given twice.
        """
        from ..secrecy.masking import Masked, masked

        url, settings = Masked(url), masked(settings)
        return cls(
            Storage.from_url(url, settings, policy=policy, transport=transport, write_once=write_once, digest=digest)
        )

    @classmethod
    def from_environment(
        cls,
        name: str | None = None,
        *,
        policy: UploadPolicy | None = None,
        transport: Transport | None = None,
        write_once: WriteOnce = False,
        digest: DigestChoice = "service",
    ) -> Self:
        """Open the storage that the environment describes; see ``Storage.from_environment``.

        Raises:
            SettingsError: nothing is set, or settings are missing or wrong.
            InvalidUrlError: the variable holds no URL of a storage.
        """
        return cls(
            Storage.from_environment(name, policy=policy, transport=transport, write_once=write_once, digest=digest)
        )

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._storage.info

    @property
    def prefix(self) -> Prefix:
        """The folder that every key is below."""
        return self._storage.prefix

    @property
    def policy(self) -> UploadPolicy | None:
        """What may be put."""
        return self._storage.policy

    @property
    def storage(self) -> Storage:
        """The same storage for blocking code."""
        return self._storage

    put_many = awaited(Storage.put_many)
    get_bytes = awaited(Storage.get_bytes)
    download = awaited(Storage.download)
    read_ranges = awaited(Storage.read_ranges)
    head = awaited(Storage.head)
    list_page = awaited(Storage.list_page)
    exists = awaited(Storage.exists)
    delete = awaited(Storage.delete)
    delete_many = awaited(Storage.delete_many)
    copy = awaited(Storage.copy)
    move = awaited(Storage.move)
    presign = awaited(Storage.presign)
    confirm = awaited(Storage.confirm)
    begin_upload = awaited(Storage.begin_upload)
    resume_upload = awaited(Storage.resume_upload)
    presign_upload = awaited(Storage.presign_upload)
    complete_upload = awaited(Storage.complete_upload)
    abort_upload = awaited(Storage.abort_upload)
    pending_uploads = awaited(Storage.pending_uploads)
    tags = awaited(Storage.tags)
    set_tags = awaited(Storage.set_tags)
    set_storage_class = awaited(Storage.set_storage_class)
    presign_post = awaited(Storage.presign_post)
    sha256 = awaited(Storage.sha256)
    adopt = awaited(Storage.adopt)
    retain = awaited(Storage.retain)
    hold = awaited(Storage.hold)
    release = awaited(Storage.release)
    retention = awaited(Storage.retention)
    versions = awaited(Storage.versions)
    restore = awaited(Storage.restore)
    deleted = awaited(Storage.deleted)
    undelete = awaited(Storage.undelete)
    purge = awaited(Storage.purge)

    async def put(
        self,
        key: str,
        body: Body | AsyncIterable[Buffer],
        options: PutOptions = DEFAULTS,
        *,
        sha256: str | None = None,
        on_progress: Progress | None = None,
    ) -> ObjectInfo:
        """Write the whole of *body*, which may also be an async iterable of bytes; see ``Storage.put``.

        *on_progress* is called from the thread that moves the bytes.

        Raises:
            StorageError: as ``Storage.put``.
        """
        if not isinstance(body, AsyncIterable):
            return await self._run(self._operations.put(key, body, options, sha256=sha256, on_progress=on_progress))
        if feeds(self._operations):
            self._operations.spool(key).discard()  # refuses what may not be put before any of it is made
            put = partial(self._operations.put, key, options=options, sha256=sha256, on_progress=on_progress)
            return await fed(body, lambda feed: self._run(put(feed)))
        async with collected(body, self._operations.spool(key), self._transport) as found:
            with Source(found, sha256=sha256, progress=on_progress) as source:
                return await self._run(self._operations.put(key, source, options))

    async def get_many(self, keys: Iterable[str]) -> AsyncGenerator[tuple[str, Outcome[bytes]], None]:
        """Yield (key, outcome) as whole objects arrive; see ``Storage.get_many``."""
        exchanges = KeyedExchanges(keys, self._operations.get_bytes)
        async with aclosing(self._transport.run_many_async(exchanges, self.info.concurrency)) as ended:
            async for index, outcome in ended:
                yield exchanges.key_of(index), outcome

    async def stream(
        self, key: str, span: ByteRange = WHOLE, *, version: str | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of *span* in chunks; see ``Storage.stream``.

        Raises:
            NotFoundError: no such key, at the first chunk.
        """
        reader = self._operations.of_version(version).range_reader(key, span)
        while chunk := await self._run(reader.next()):
            yield chunk

    @overload
    def list(self, prefix: str = "", *, recursive: Literal[True] = True) -> AsyncIterator[ObjectInfo]: ...

    @overload
    def list(self, prefix: str = "", *, recursive: bool) -> AsyncIterator[ObjectInfo | Folder]: ...

    def list(
        self, prefix: str = "", *, recursive: bool = True
    ) -> AsyncIterator[ObjectInfo] | AsyncIterator[ObjectInfo | Folder]:
        """Yield what begins with *prefix*, lazily; see ``Storage.list``.

        Raises:
            InvalidKeyError: no key can begin with *prefix*.
        """
        if recursive:
            return self._pages(self._operations.scan(prefix))
        return self._pages(self._operations.children(prefix))

    def public_url(self, key: str) -> str:
        """Return where anyone reads the object; see ``Storage.public_url``.

        Raises:
            NotSupportedError: without ``Capability.PUBLIC_URL``.
        """
        return self._storage.public_url(key)

    def scoped(self, prefix: str) -> Self:
        """Return a view of the folder *prefix*; see ``Storage.scoped``.

        Raises:
            InvalidKeyError: the prefix is no folder.
        """
        return type(self)(self._storage.scoped(prefix))

    def with_digest(self, digest: DigestChoice) -> Self:
        """Return a view that proves what is put in another way; see ``Storage.with_digest``.

        Raises:
            ValueError: there is no such *digest*.
        """
        return type(self)(self._storage.with_digest(digest))

    def cached(self, cache: DiskCache, *, space: str = "") -> Self:
        """Return a view that reads through *cache*; see ``Storage.cached``."""
        return type(self)(self._storage.cached(cache, space=space))

    def limited(self, *, bandwidth: str | int | None = None, requests: float | None = None) -> Self:
        """Return a view that is held to a rate; see ``Storage.limited``.

        Raises:
            SettingsError: the text means no bandwidth.
            ValueError: a limit is not positive.
        """
        return type(self)(self._storage.limited(bandwidth=bandwidth, requests=requests))

    def read_only(self) -> Self:
        """Return a view that only reads; see ``Storage.read_only``."""
        return type(self)(self._storage.read_only())

    async def aclose(self) -> None:
        """Close the storage after the calls under way."""
        self._storage.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _pages(self, listing: Listing[_Entry]) -> AsyncIterator[_Entry]:
        """Yield the entries of all pages, as ``Listing.entries`` does."""
        from asyncio import Future, ensure_future, wait  # already there, since a loop is running

        ahead: Future[builtins.list[_Entry] | None] | None = None
        share = FIRST_SHARE
        try:
            page = await self._run(listing.next())
            while page is not None:
                begin, share = int(len(page) * share), 0.0
                for place, entry in enumerate(page):
                    if place == begin and listing.is_continued:
                        ahead = ensure_future(self._run(listing.next()))
                    yield entry
                page = await (self._run(listing.next()) if ahead is None or listing.is_closed else ahead)
                ahead = None
        finally:
            if ahead is not None:
                ahead.cancel()
                await wait({ahead})
                _ = ahead.cancelled() or ahead.exception()  # nobody wants it any more, and asyncio would report it
            listing.close()


def feeds(operations: Operations) -> bool:
    """Say whether an async iterable can be sent as it comes; a blocking provider would hold a thread meanwhile."""
    context = operations.context
    return context.rules.streams and offers_exchanges(context.provider)


async def fed(body: AsyncIterable[Buffer], put: Callable[[Feed], Coroutine[object, None, T]]) -> T:
    """Return what *put* of a feed returns, which is given *body* meanwhile.

    Raises:
        Exception: what *body* raises, or what the put fails of; nothing is published then.
    """
    from asyncio import CancelledError, ensure_future, sleep, wait  # already there, since a loop is running

    from ..bodies.feed import Feed

    feed = Feed()
    task = ensure_future(put(feed))
    task.add_done_callback(lambda _: feed.stop())
    try:
        async for chunk in body:
            pause = _FIRST_S
            while not feed.has_room:
                await sleep(pause)
                pause = min(2 * pause, _MOST_S)
            if feed.is_stopped:
                break
            feed.give(chunk)
        feed.end()
    except BaseException as error:
        feed.fail(TransferCancelled() if isinstance(error, CancelledError) else error)
        task.cancel()
        await wait({task})
        _ = task.cancelled() or task.exception()  # asyncio would report it
        raise
    return await task

"""The same storage for asyncio: every method runs the same exchange on the running loop.

A provider with exchanges is driven on the loop's own sockets; for any other, blocking calls go to the transport's own
threads, with the context variables of the caller. Cancelling a task ends the operation as ``transport/loop.py`` says: a
cancelled put has published the whole object or nothing.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

from ._internal.admission import Body
from ._internal.bodies import FileBody, Spool
from .documents import DocumentOperations, DocumentStore, check_receipt
from .keys import DocumentKey, Prefix
from .operations import DEFAULTS
from .policy import UploadPolicy
from .pulls import Listing
from .receipts import DocumentRevision, StoredDocument
from .source import Source
from .storage import DEFAULT_EXPIRY, Storage
from .transport import Call, Exchange, Outcome, Transport
from .types import (
    WHOLE,
    Buffer,
    ByteRange,
    Folder,
    ObjectInfo,
    PresignedUrl,
    Progress,
    ProviderInfo,
    PutMode,
    PutOptions,
)
from .verification import DEFAULT_TIMEOUT_S, VerificationReport, verify

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


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

        *on_progress* is called from whatever thread moves the bytes.

        Raises:
            StorageError: as ``Storage.put``.
        """
        if not isinstance(body, AsyncIterable):
            exchange = self._operations.put(key, body, options, sha256=sha256, on_progress=on_progress)
            return await self._transport.run_async(exchange)
        async with _collected(body, self._operations.spool(key), self._transport) as collected:
            with Source(collected, sha256=sha256, progress=on_progress) as source:
                return await self._transport.run_async(self._operations.put(key, source, options))

    async def put_many(
        self, items: Iterable[tuple[str, Body]], options: PutOptions = DEFAULTS
    ) -> builtins.list[ObjectInfo]:
        """Write many (key, body) pairs; see ``Storage.put_many``.

        Raises:
            BulkError: some failed; it lists their errors.
        """
        return await self._transport.run_async(self._operations.put_many(items, options))

    async def get_bytes(self, key: str, span: ByteRange = WHOLE, *, if_match: str | None = None) -> bytes:
        """Return the bytes of *span*; see ``Storage.get_bytes``.

        Raises:
            NotFoundError: no such key.
        """
        return await self._transport.run_async(self._operations.get_bytes(key, span, if_match))

    async def get_many(self, keys: Iterable[str]) -> AsyncGenerator[tuple[str, Outcome[bytes]], None]:
        """Yield (key, outcome) as whole objects arrive; see ``Storage.get_many``."""
        asked: dict[int, str] = {}

        def exchanges() -> Iterable[Exchange[bytes]]:
            for index, key in enumerate(keys):
                asked[index] = key
                yield self._operations.get_bytes(key)

        async with aclosing(self._transport.run_many_async(exchanges(), self.info.concurrency)) as ended:
            async for index, outcome in ended:
                yield asked.pop(index), outcome

    async def download(
        self, key: str, path: str | os.PathLike[str], *, on_progress: Progress | None = None
    ) -> ObjectInfo:
        """Write the object into the file *path*; see ``Storage.download``.

        Raises:
            NotFoundError: no such key.
            IntegrityError: the bytes are not those that were stored.
        """
        return await self._transport.run_async(self._operations.download(key, Path(path), on_progress))

    async def stream(self, key: str, span: ByteRange = WHOLE) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of *span* in chunks; see ``Storage.stream``.

        Raises:
            NotFoundError: no such key, at the first chunk.
        """
        reading = self._operations.reading(key, span)
        while chunk := await self._transport.run_async(reading.next()):
            yield chunk

    async def read_ranges(self, key: str, spans: Sequence[ByteRange]) -> builtins.list[bytes]:
        """Return the bytes of every span; see ``Storage.read_ranges``.

        Raises:
            NotFoundError: no such key.
        """
        return await self._transport.run_async(self._operations.read_ranges(key, spans))

    async def head(self, key: str) -> ObjectInfo:
        """Return what is known of the object.

        Raises:
            NotFoundError: no such key.
        """
        return await self._transport.run_async(self._operations.head(key))

    async def exists(self, key: str) -> bool:
        """Say whether an object has that key.

        Raises:
            StorageError: the service did not say.
        """
        return await self._transport.run_async(self._operations.exists(key))

    async def delete(self, key: str) -> None:
        """Remove the object; silent when there is none.

        Raises:
            AccessDeniedError: it may not be removed.
        """
        await self._transport.run_async(self._operations.delete(key))

    async def delete_many(self, keys: Iterable[str]) -> None:
        """Remove many objects; see ``Storage.delete_many``.

        Raises:
            BulkError: some could not be removed; it lists their errors.
        """
        await self._transport.run_async(self._operations.delete_many(keys))

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

    async def copy(self, source: str, target: str, *, mode: PutMode = PutMode.REPLACE) -> ObjectInfo:
        """Copy bytes, content type and metadata; see ``Storage.copy``.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        """
        return await self._transport.run_async(self._operations.copy(source, target, mode))

    async def move(self, source: str, target: str, *, mode: PutMode = PutMode.REPLACE) -> ObjectInfo:
        """Copy, then delete *source*; see ``Storage.move``.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        """
        return await self._transport.run_async(self._operations.move(source, target, mode))

    async def presign(
        self,
        key: str,
        method: str = "GET",
        *,
        expires_in: timedelta = DEFAULT_EXPIRY,
        content_type: str | None = None,
        size: int | None = None,
    ) -> PresignedUrl:
        """Sign a request; see ``Storage.presign``.

        Raises:
            NotSupportedError: the provider does not sign.
        """
        return await self._transport.run_async(self._operations.presign(key, method, expires_in, content_type, size))

    async def verify(self, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> VerificationReport:
        """Find out whether the storage works; see ``verification.verify``. Never raises for a failed check."""
        return await self._transport.run_async(_call(Call(lambda: verify(self._storage, timeout_s=timeout_s))))

    def scoped(self, prefix: str) -> AsyncStorage:
        """Return a view of the folder *prefix*; see ``Storage.scoped``.

        Raises:
            InvalidKeyError: the prefix is no folder.
        """
        return AsyncStorage(self._storage.scoped(prefix))

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
        try:
            while (page := await self._transport.run_async(listing.next())) is not None:
                for entry in page:
                    yield entry
        finally:
            listing.close()


class AsyncDocumentStore:
    """The documents of organisations, for asyncio; each method says what ``DocumentStore`` says."""

    def __init__(self, documents: DocumentStore) -> None:
        """Use *documents*; both may be used side by side."""
        self._operations: DocumentOperations = documents.operations
        self._transport = documents.transport

    async def upload(
        self,
        document: DocumentKey,
        file: Body | AsyncIterable[Buffer],
        *,
        content_type: str | None = None,
        sha256: str | None = None,
        on_progress: Progress | None = None,
    ) -> StoredDocument:
        """Store the file of a revision, once; *file* may also be an async iterable; see ``DocumentStore.upload``.

        Raises:
            AlreadyExistsError: the revision has a file already.
            PolicyError: the organisation does not allow the file.
        """
        if isinstance(file, AsyncIterable):
            spool = await self._transport.run_async(self._operations.spool(document))
            async with _collected(file, spool, self._transport) as collected:
                with Source(collected, sha256=sha256, progress=on_progress) as source:
                    return await self.upload(document, source, content_type=content_type)
        return await self._transport.run_async(
            self._operations.upload(document, file, content_type, sha256, on_progress)
        )

    async def find(self, document: DocumentKey) -> StoredDocument:
        """Return the receipt of a stored document; see ``DocumentStore.find``.

        Raises:
            NotFoundError: no provider of the organisation holds it.
        """
        return await self._transport.run_async(self._operations.find(document))

    async def stream(self, document: StoredDocument | DocumentKey) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a document in chunks.

        Raises:
            NotFoundError: it is not stored, at the first chunk.
            IntegrityError: the service says that it is not what the receipt says.
        """
        storage, key = await self._transport.run_async(self._operations.locate(document))
        reading = storage.operations.reading(key)
        while chunk := await self._transport.run_async(reading.next()):
            if reading.info is not None:
                check_receipt(document, reading.info)
            yield chunk

    async def download(
        self,
        document: StoredDocument | DocumentKey,
        path: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
    ) -> ObjectInfo:
        """Write a document into the file *path*, proved against its receipt; see ``DocumentStore.download``.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is not what the receipt says.
        """
        return await self._transport.run_async(self._operations.download(document, Path(path), on_progress))

    async def revisions(self, document: DocumentKey) -> list[DocumentRevision]:
        """Return the stored revisions of a document; see ``DocumentStore.revisions``.

        Raises:
            StorageError: a provider did not answer.
        """
        return await self._transport.run_async(self._operations.revisions(document))

    async def remove(self, document: StoredDocument | DocumentKey) -> None:
        """Remove a document; see ``DocumentStore.remove``.

        Raises:
            StorageError: a provider did not answer.
        """
        await self._transport.run_async(self._operations.remove(document))


@asynccontextmanager
async def _collected(body: AsyncIterable[Buffer], spool: Spool, transport: Transport) -> AsyncIterator[FileBody]:
    """Collect *body* in *spool*, which is thrown away at the end."""
    try:
        async for chunk in body:
            await transport.run_async(_call(Call(spool.write, chunk)))
        yield spool.body()
    finally:
        spool.discard()


def _call(call: Call) -> Exchange[Any]:
    return (yield call)

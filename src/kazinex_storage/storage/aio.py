"""The same storage for asyncio: every method runs the same exchange on the running loop.

A provider with exchanges is driven on the loop's own sockets; for any other, blocking calls go to the transport's own
threads, with the context variables of the caller. Cancelling a task ends the operation as ``transport/loop.py`` says: a
cancelled put has published the whole object or nothing.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar, overload

from ..bodies.source import Source
from ..keys import Prefix
from ..policy import UploadPolicy
from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..transport import Call, Outcome
from ..types import (
    WHOLE,
    Buffer,
    ByteRange,
    Folder,
    ObjectInfo,
    PendingUpload,
    PresignedUrl,
    PresignOptions,
    Progress,
    ProviderInfo,
    PutMode,
    PutOptions,
    UploadState,
)
from ..verification.verify import DEFAULT_TIMEOUT_S, VerificationReport, verify
from .admission import Body
from .collecting import called, collected
from .operations import DEFAULTS, LINK
from .reading import Asked, Listing
from .sync import Storage
from .tickets import UploadTicket
from .uploads import Uploads

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
        self._uploads = Uploads(storage.operations)
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
        async with collected(body, self._operations.spool(key), self._transport) as found:
            with Source(found, sha256=sha256, progress=on_progress) as source:
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
        asked = Asked(keys, self._operations.get_bytes)
        async with aclosing(self._transport.run_many_async(asked, self.info.concurrency)) as ended:
            async for index, outcome in ended:
                yield asked.key_of(index), outcome

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
        """Give an object another key; see ``Storage.move``.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        """
        return await self._transport.run_async(self._operations.move(source, target, mode))

    async def presign(self, key: str, options: PresignOptions = LINK) -> PresignedUrl:
        """Sign a request; see ``Storage.presign``.

        Raises:
            NotSupportedError: the provider does not sign, or cannot bind a PUT to an absent key.
            SettingsError: the credentials at hand cannot sign, or not for that long.
        """
        return await self._transport.run_async(self._operations.presign(key, options))

    async def confirm(self, key: str, options: PresignOptions, *, write_token: str | None = None) -> ObjectInfo:
        """Check what a signed PUT brought; see ``Storage.confirm``.

        Raises:
            StorageError: as ``Storage.confirm``.
        """
        return await self._transport.run_async(self._operations.confirm(key, options, write_token))

    async def begin_upload(
        self, key: str, size: int, options: PutOptions = DEFAULTS, *, sha256: str | None = None
    ) -> UploadState:
        """Begin an upload in parts that any process can resume; see ``Storage.begin_upload``.

        Raises:
            NotSupportedError: the provider takes no such uploads.
        """
        return await self._transport.run_async(self._uploads.begin(key, size, options, sha256))

    async def resume_upload(self, state: UploadState, body: Body, *, on_progress: Progress | None = None) -> ObjectInfo:
        """Send the parts that are missing or differ, make the object; see ``Storage.resume_upload``.

        Raises:
            StorageError: as ``Storage.resume_upload``; also when the task is cancelled the upload stays.
        """
        return await self._transport.run_async(self._uploads.resume(state, body, on_progress))

    async def presign_upload(self, state: UploadState, expires_in: timedelta) -> UploadTicket:
        """Sign every request of an upload that was begun; see ``Storage.presign_upload``.

        Raises:
            NotSupportedError: the provider takes no uploads in parts, or does not sign.
        """
        return await self._transport.run_async(self._uploads.ticket(state, expires_in))

    async def complete_upload(self, state: UploadState) -> ObjectInfo:
        """Make the parts that a client sent the object; see ``Storage.complete_upload``.

        Raises:
            IntegrityError: a part is missing or has another size; nothing was stored.
            AlreadyExistsError: it was begun with ``PutMode.CREATE``, and the key exists by now.
        """
        return await self._transport.run_async(self._uploads.complete(state))

    async def abort_upload(self, upload: UploadState | PendingUpload) -> None:
        """Throw an upload and its parts away; see ``Storage.abort_upload``.

        Raises:
            InvalidKeyError: it is outside this storage.
        """
        await self._transport.run_async(self._uploads.abort(upload))

    async def pending_uploads(
        self, prefix: str = "", *, older_than: timedelta | None = None
    ) -> builtins.list[PendingUpload]:
        """Return the unfinished uploads below *prefix*; see ``Storage.pending_uploads``.

        Raises:
            NotSupportedError: the provider takes no uploads in parts.
        """
        return await self._transport.run_async(self._uploads.pending(prefix, older_than))

    async def verify(self, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> VerificationReport:
        """Find out whether the storage works; see ``verification.verify``. Never raises for a failed check."""
        return await self._transport.run_async(called(Call(lambda: verify(self._storage, timeout_s=timeout_s))))

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

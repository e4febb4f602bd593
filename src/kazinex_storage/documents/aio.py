"""The documents of organisations for asyncio; ``aio.py`` says how its methods run and what cancelling means."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

from ..bodies.source import Source
from ..keys import DocumentKey
from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..storage.admission import Body
from ..storage.collecting import collected
from ..types import WHOLE, Buffer, ByteRange, ObjectInfo, Progress
from .integrity import Evidence, IntegrityState
from .operations import DocumentOperations
from .receipts import Revisions, StoredDocument
from .store import DocumentStore


@not_pickled(SEND_A_FILE_SYSTEM)
class AsyncDocumentStore:
    """The documents of organisations, for asyncio; each method says what ``DocumentStore`` says."""

    def __init__(self, documents: DocumentStore) -> None:
        """Use *documents*, with the organisation that it is bound to, if any; both may be used side by side."""
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
            async with collected(file, spool, self._transport) as found:
                with Source(found, sha256=sha256, progress=on_progress) as source:
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

    async def stream(
        self, document: StoredDocument | DocumentKey, *, accept_rewritten: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a document in chunks, the last only if all are proved; see ``DocumentStore.stream``.

        Raises:
            NotFoundError: it is not stored, at the first chunk.
            IntegrityError: it is another version than the receipt recorded, or the whole has another sha256.
        """
        exchange = self._operations.opening(document, accept_rewritten=accept_rewritten)
        reading = (await self._transport.run_async(exchange)).reading()
        while chunk := await self._transport.run_async(reading.next()):
            yield chunk

    async def get_bytes(
        self, document: StoredDocument | DocumentKey, span: ByteRange = WHOLE, *, accept_rewritten: bool = False
    ) -> bytes:
        """Return the bytes of a document, the whole proved; see ``DocumentStore.get_bytes``.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is another version than the receipt recorded, or the whole has another sha256.
        """
        return await self._transport.run_async(
            self._operations.get_bytes(document, span, accept_rewritten=accept_rewritten)
        )

    async def download(
        self,
        document: StoredDocument | DocumentKey,
        path: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
        accept_rewritten: bool = False,
    ) -> ObjectInfo:
        """Write a document into the file *path*, proved against its receipt; see ``DocumentStore.download``.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is not what the receipt says.
        """
        return await self._transport.run_async(
            self._operations.download(document, Path(path), on_progress, accept_rewritten=accept_rewritten)
        )

    async def revisions(self, document: DocumentKey) -> Revisions:
        """Return the stored revisions of a document; see ``DocumentStore.revisions``.

        Raises:
            StorageError: no provider answered.
        """
        return await self._transport.run_async(self._operations.revisions(document))

    async def check(self, receipt: StoredDocument, *, by: Evidence = "bytes") -> IntegrityState:
        """Say whether a document is what its receipt says; see ``DocumentStore.check``.

        Raises:
            NotFoundError: it is not stored any more.
            StorageError: the provider did not answer.
        """
        return await self._transport.run_async(self._operations.check(receipt, by))

    async def remove(
        self, document: StoredDocument | DocumentKey, *, by: str | None = None, reason: str | None = None
    ) -> None:
        """Remove a document; the revision stays taken; see ``DocumentStore.remove``.

        Raises:
            StorageError: a provider did not answer, or refused.
            ValueError: *by* or *reason* is too long.
        """
        await self._transport.run_async(self._operations.remove(document, by, reason))

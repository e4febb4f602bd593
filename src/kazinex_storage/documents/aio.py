"""The documents of organisations for asyncio; ``storage/aio.py`` says how its methods run and what cancelling means."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

from ..bodies.source import Source
from ..keys import DocumentKey
from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..storage.aio import fed, feeds
from ..storage.awaiting import awaited, collected
from ..storage.rules import Body
from ..types import WHOLE, Buffer, ByteRange, Progress
from .async_file import AsyncDocumentFile
from .receipts import StoredDocument
from .sized import spool_of
from .store import DocumentStore


@not_pickled(SEND_A_FILE_SYSTEM)
class AsyncDocumentStore:
    """The documents of organisations, for asyncio; each method says what ``DocumentStore`` says."""

    def __init__(self, documents: DocumentStore, *, by: str | None = None) -> None:
        """Use *documents*, with the organisation that it is bound to, if any; both may be used side by side.

        Args:
            documents: What does the work.
            by: In whose name; by default, in that of *documents*.

        Raises:
            ValueError: *by* is empty, or longer than 2,000 characters.
        """
        self.operations = documents.operations if by is None else documents.operations.acting(by)
        """The operations as exchanges."""
        self.transport = documents.transport
        """What runs the exchanges."""
        self._run = self.transport.run_async

    def acting(self, by: str | None) -> AsyncDocumentStore:
        """Return this store for calls in the name of *by*; see ``DocumentStore.acting``.

        Raises:
            ValueError: *by* is empty, or longer than 2,000 characters.
        """
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.operations = self.operations.acting(by)
        return view

    def read_only(self) -> AsyncDocumentStore:
        """Return this store for those who shall only read; see ``DocumentStore.read_only``."""
        from .read_only import reading_only

        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.operations = reading_only(self.operations)
        return view

    find = awaited(DocumentStore.find)
    get_bytes = awaited(DocumentStore.get_bytes)
    read_ranges = awaited(DocumentStore.read_ranges)
    download = awaited(DocumentStore.download)
    revisions = awaited(DocumentStore.revisions)
    check = awaited(DocumentStore.check)
    proof = awaited(DocumentStore.proof)
    adopt = awaited(DocumentStore.adopt)
    remove = awaited(DocumentStore.remove)
    removed = awaited(DocumentStore.removed)
    undelete = awaited(DocumentStore.undelete)
    purge = awaited(DocumentStore.purge)
    retain = awaited(DocumentStore.retain)
    lift_retention = awaited(DocumentStore.lift_retention)
    hold = awaited(DocumentStore.hold)
    release = awaited(DocumentStore.release)
    retention = awaited(DocumentStore.retention)
    tags = awaited(DocumentStore.tags)
    set_tags = awaited(DocumentStore.set_tags)
    storage_class = awaited(DocumentStore.storage_class)
    set_storage_class = awaited(DocumentStore.set_storage_class)
    begin_direct_upload = awaited(DocumentStore.begin_direct_upload)
    confirm_direct_upload = awaited(DocumentStore.confirm_direct_upload)
    abort_direct_upload = awaited(DocumentStore.abort_direct_upload)
    find_direct_upload = awaited(DocumentStore.find_direct_upload)
    sweep_direct_uploads = awaited(DocumentStore.sweep_direct_uploads)

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
        if not isinstance(file, AsyncIterable):
            return await self._run(self.operations.upload(document, file, content_type, sha256, on_progress))
        if feeds(await self._run(self.operations.target(document))):
            return await fed(
                file,
                lambda feed: self._run(self.operations.upload(document, feed, content_type, sha256, on_progress)),
            )
        spool = await self._run(self.operations.spool(document))
        async with collected(file, spool, self.transport) as found:
            with Source(found, sha256=sha256, progress=on_progress) as source:
                return await self._run(self.operations.upload(document, source, content_type, None, None))

    async def open(
        self, document: StoredDocument | DocumentKey, *, accept_rewritten: bool = False
    ) -> AsyncDocumentFile:
        """Return a document as a file with awaited ``read`` and ``seek``, pinned to one version.

        Read in order to its end it is proved as ``DocumentStore.open`` says; what comes after a seek is not.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is another version than the receipt recorded.
        """
        opened = await self._run(self.operations.opening(document, accept_rewritten=accept_rewritten))
        return AsyncDocumentFile(opened, self.transport)

    async def stream(
        self, document: StoredDocument | DocumentKey, span: ByteRange = WHOLE, *, accept_rewritten: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of *span* in chunks, of the whole the last only if all are proved.

        See ``DocumentStore.stream``.

        Raises:
            NotFoundError: it is not stored, at the first chunk.
            IntegrityError: it is another version than the receipt recorded, or the whole has another sha256.
        """
        opened = await self._run(self.operations.opening(document, accept_rewritten=accept_rewritten, how="stream"))
        reader = opened.range_reader(span)
        while chunk := await self._run(reader.next()):
            yield chunk

    async def receive_direct_upload(
        self, token: str, body: Body | AsyncIterable[Buffer], size: int | None = None
    ) -> None:
        """Store what a client sends to the route of the host; *body* may also be an async iterable.

        See ``DocumentStore.receive_direct_upload``.

        Raises:
            AccessDeniedError: the token is not one of ours, or of another organisation.
            NotFoundError: the ticket was aborted or has expired.
            AlreadyExistsError: the file was sent already.
            IntegrityError: it has another size, or another sha256 than was declared.
        """
        direct = self.operations.direct
        if not isinstance(body, AsyncIterable):
            return await self._run(direct.receive(token, body, size))
        record = await self._run(direct.admit(token, size))
        async with collected(body, spool_of(record.size), self.transport) as found:
            return await self._run(direct.receive(token, Source(found, sha256=record.sha256), size))

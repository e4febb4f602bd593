"""The operations on documents, as exchanges: one body for each method of ``DocumentStore`` and its awaited twin.

An upload goes to the provider that the organisation has chosen; a read goes to the provider that the receipt names,
whatever is chosen now, and to where the register has the document when a run has moved it (``moved.py``). Without a
receipt the organisation's providers are asked in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..bodies.body import Spool
from ..bodies.small_download import Destination
from ..capabilities import Capability
from ..errors import IntegrityError, InvalidKeyError, PreconditionFailedError, RetentionError
from ..keys import DocumentKey
from ..storage.guards import guarded
from ..storage.operations import Operations
from ..storage.rules import Body
from ..storage.sync import Storage
from ..transport import Exchange
from ..types import ByteRange, ObjectInfo, Progress, PutMode, PutOptions
from .direct import DirectUploads
from .integrity import Evidence, IntegrityState, is_by_service, is_rewritten
from .moved import Located, checked_where_it_is, is_proven_copy, read_where_it_is, refuse_accepted
from .patience import Patience
from .proofs import ReceiptProof
from .reading import Opening, check_version, other_version, rewritten
from .receipts import DocumentRevision, ProviderResolver, ResolvedProvider, Revisions, StoredDocument, receipt_of
from .removing import removal_now, remove_by_key, remove_by_receipt
from .searching import Search, relative_key
from .telling import HowOpened, announced_if_refused, opened, removal_refused
from .writing import RevisionWrite

if TYPE_CHECKING:
    from ..retention import RetentionMode
    from .labels import Labels
    from .recovering import RemovedDocument
    from .retaining import Keeper, RetentionState


class DocumentOperations:
    """The operations on documents, as exchanges."""

    def __init__(
        self,
        resolver: ProviderResolver,
        organisation: str | None = None,
        patience: Patience | None = None,
        upload_route: str | None = None,
    ) -> None:
        """Work on the documents of *organisation*, or of all; see ``DocumentStore``."""
        self._resolver = resolver
        self._organisation = organisation
        self._search = Search(resolver, organisation)
        self._patience = patience if patience is not None else Patience()
        self.direct = DirectUploads(resolver, organisation, self._patience, upload_route)
        """Direct uploads."""
        self._upload_route = upload_route

    def acting(self, by: str | None) -> DocumentOperations:
        """Return these operations in the name of *by*.

        Raises:
            ValueError: *by* is empty, or too long.
        """
        return DocumentOperations(self._resolver.acting(by), self._organisation, self._patience, self._upload_route)

    def upload(
        self,
        document: DocumentKey,
        file: Body,
        content_type: str | None,
        sha256: str | None,
        on_progress: Progress | None,
    ) -> Exchange[StoredDocument]:
        """Store the file of a revision, once; see ``DocumentStore.upload``."""
        chosen = yield from self._search.chosen(document)
        upload = self._upload(document, chosen, file, content_type, sha256, on_progress)
        return (yield from announced_if_refused(self._search, document, chosen, upload))

    def _upload(
        self,
        document: DocumentKey,
        chosen: ResolvedProvider,
        file: Body,
        content_type: str | None,
        sha256: str | None,
        on_progress: Progress | None,
    ) -> Exchange[StoredDocument]:
        write = RevisionWrite(self._search, document, chosen, self._patience)
        options = PutOptions(mode=PutMode.CREATE, content_type=content_type)
        operations, key = _proving(chosen.storage), relative_key(document)
        operations.context.rules.taken = None  # decided here, and a removed revision may have its own bytes again
        answered_at: datetime | None = None

        def create(demanded: str | None) -> Exchange[ObjectInfo]:
            nonlocal answered_at
            info = yield from operations.put(key, file, options, sha256=demanded, on_progress=on_progress, write=write)
            answered_at = datetime.now(UTC)
            return info

        info = yield from guarded(write, file, sha256, create, lambda: operations.delete(key))
        if chosen.storage.info.can(Capability.RETENTION):
            from .retaining import tell_default

            yield from tell_default(self._search, chosen, document)
        return receipt_of(document, chosen, info, answered_at, write.unasked)

    def target(self, document: DocumentKey) -> Exchange[Operations]:
        """Return the operations of the storage that the file of *document* would go to."""
        return (yield from self._search.chosen(document)).storage.operations

    def spool(self, document: DocumentKey) -> Exchange[Spool]:
        """Return a spool that collects the file of *document* and refuses what its provider would."""
        chosen = yield from self._search.chosen(document)
        return chosen.storage.operations.spool(relative_key(document))

    def find(self, document: DocumentKey) -> Exchange[StoredDocument]:
        """Return the receipt of a stored document; see ``DocumentStore.find``."""
        found, info = yield from self._search.find(document)
        if info.sha256 is None:
            from .adopting import with_recorded_sha256

            info = yield from with_recorded_sha256(self._search, document, found, info)
        return receipt_of(document, found, info)

    def opening(
        self,
        document: StoredDocument | DocumentKey,
        *,
        accept_rewritten: bool = False,
        how: HowOpened = "open",
    ) -> Exchange[Opening]:
        """Return what a document is read from, and what its bytes are compared with; see ``DocumentStore.open``."""
        if isinstance(document, DocumentKey):
            found, info = yield from self._search.find(document)
            yield from self._opened(document, found, how)
            return Opening(storage=found.storage, key=relative_key(document), info=info, sha256=None)
        read = partial(self._open, accept_rewritten=accept_rewritten, how=how)
        return (yield from read_where_it_is(self._search, document, read))

    def _open(self, located: Located, *, accept_rewritten: bool, how: HowOpened) -> Exchange[Opening]:
        storage, key, receipt = located.provider.storage, located.key, located.receipt
        refuse_accepted(located, accept_rewritten=accept_rewritten)
        info = yield from storage.operations.head(key)
        yield from self._opened(receipt, located.provider, how)
        if accept_rewritten and is_by_service(receipt, info, storage.info.rewrites):
            return Opening(storage=storage, key=key, info=info, sha256=None)
        try:
            check_version(receipt, info, storage.info.rewrites)
        except IntegrityError:
            if not (yield from is_proven_copy(self._search, located, info)):
                raise
        return Opening(storage=storage, key=key, info=info, sha256=receipt.sha256)

    def download(
        self,
        document: StoredDocument | DocumentKey,
        path: Path,
        on_progress: Progress | None,
        *,
        accept_rewritten: bool = False,
    ) -> Exchange[ObjectInfo]:
        """Write a document into a file; see ``DocumentStore.download``."""
        if isinstance(document, DocumentKey):
            found, _ = yield from self._search.find(document)
            yield from self._opened(document, found, "download")
            return (yield from _proving(found.storage).download(relative_key(document), path, on_progress))
        read = partial(self._download, path=path, on_progress=on_progress, accept_rewritten=accept_rewritten)
        return (yield from read_where_it_is(self._search, document, read))

    def _download(
        self, located: Located, *, path: Path, on_progress: Progress | None, accept_rewritten: bool
    ) -> Exchange[ObjectInfo]:
        receipt, key, rewrites = located.receipt, located.key, located.provider.storage.info.rewrites
        refuse_accepted(located, accept_rewritten=accept_rewritten)
        yield from self._opened(receipt, located.provider, "download")
        operations = _proving(located.provider.storage)
        rewritable = is_rewritten(receipt, rewrites)
        # Where the bytes prove themselves, it does not matter which version they are of.
        if_match = receipt.etag if receipt.sha256 is None and not rewritable else None
        into = path if rewritable else Destination(path=path, size=receipt.size)
        try:
            return (yield from operations.download(key, into, on_progress, sha256=receipt.sha256, if_match=if_match))
        except PreconditionFailedError as error:
            if if_match is None:  # it was replaced meanwhile
                raise
            raise other_version(receipt) from error
        except IntegrityError as error:
            if not rewritable or receipt.sha256 is None:
                raise
            info = yield from operations.head(key)
            if not is_by_service(receipt, info, rewrites):
                raise
            if not accept_rewritten:
                raise rewritten(receipt) from error
        # Pinned to the version that was compared: the next change may be another person's.
        return (yield from operations.download(key, path, on_progress, if_match=info.etag))

    def get_bytes(
        self, document: StoredDocument | DocumentKey, span: ByteRange, *, accept_rewritten: bool = False
    ) -> Exchange[bytes]:
        """Return the bytes of a document; see ``DocumentStore.get_bytes``."""
        if isinstance(document, DocumentKey):
            opened = yield from self.opening(document, how="get_bytes")
            return (yield from opened.get_bytes(span))
        read = partial(self._get_bytes, span=span, accept_rewritten=accept_rewritten)
        return (yield from read_where_it_is(self._search, document, read))

    def _get_bytes(self, located: Located, *, span: ByteRange, accept_rewritten: bool) -> Exchange[bytes]:
        opened = yield from self._open(located, accept_rewritten=accept_rewritten, how="get_bytes")
        return (yield from opened.get_bytes(span))

    def read_ranges(
        self, document: StoredDocument | DocumentKey, spans: Sequence[ByteRange], gap: int, *, accept_rewritten: bool
    ) -> Exchange[list[bytes]]:
        """Return the bytes of every span of a document; see ``DocumentStore.read_ranges``."""
        opened = yield from self.opening(document, accept_rewritten=accept_rewritten, how="get_bytes")
        return (yield from opened.read_ranges(spans, gap))

    def check(self, receipt: StoredDocument, by: Evidence = "bytes") -> Exchange[IntegrityState]:
        """Compare what is stored with its receipt; see ``DocumentStore.check``."""
        return (yield from read_where_it_is(self._search, receipt, partial(checked_where_it_is, by=by)))

    def proof(self, receipt: StoredDocument) -> Exchange[ReceiptProof]:
        """Return what the evidence says of a receipt; see ``DocumentStore.proof``."""
        return (yield from self._search.proof(receipt))

    def adopt(self, document: DocumentKey) -> Exchange[StoredDocument]:
        """Read a file and record it; see ``DocumentStore.adopt``."""
        from .adopting import adopt_document

        return adopt_document(self._search, document, self._patience)

    def revisions(self, document: DocumentKey) -> Exchange[Revisions]:
        """Return the stored revisions of a document; see ``DocumentStore.revisions``."""
        found: dict[str, DocumentRevision] = {}
        listed = yield from self._search.listings(document)
        for provider, files in listed.files:
            for info in files:
                try:
                    key = DocumentKey.parse(f"{document.organisation}/{info.key}")
                except InvalidKeyError:
                    continue  # another object, which is no document
                found.setdefault(
                    info.key,
                    DocumentRevision(
                        document=key,
                        provider=provider.provider,
                        size=info.size,
                        etag=info.etag,
                        stored_at=info.last_modified,
                    ),
                )
        return Revisions([found[key] for key in sorted(found)], missing=listed.missing)

    def remove(
        self,
        document: StoredDocument | DocumentKey,
        by: str | None = None,
        reason: str | None = None,
        *,
        purge: bool = False,
    ) -> Exchange[None]:
        """Remove a document; see ``DocumentStore.remove``."""
        search, removal = self._search, removal_now(by if by is not None else self._search.by, reason)
        try:
            if isinstance(document, StoredDocument):
                yield from remove_by_receipt(search, document, removal, keep=not purge)
            else:
                yield from remove_by_key(search, document, removal, keep=not purge)
        except RetentionError as error:
            yield from search.emit(removal_refused(_key_of(document), error, removal.by))
            raise
        if purge:
            yield from self.purge(document, by, reason)

    def removed(self, organisation: str | None, project: str | None) -> Exchange[list[RemovedDocument]]:
        """Return what can be brought back; see ``DocumentStore.removed``.

        Raises:
            ValueError: no organisation is named.
        """
        from .recovering import removed_documents

        owner = organisation if organisation is not None else self._organisation
        if owner is None:
            raise ValueError("this store is bound to no organisation; name one")
        return removed_documents(self._resolver, self._organisation, owner, project)

    def undelete(self, document: StoredDocument | DocumentKey, by: str | None = None) -> Exchange[StoredDocument]:
        """Bring a removed document back; see ``DocumentStore.undelete``."""
        from .recovering import undelete_document

        return undelete_document(self._asked_by(by), _key_of(document))

    def purge(
        self, document: StoredDocument | DocumentKey, by: str | None = None, reason: str | None = None
    ) -> Exchange[None]:
        """Remove what is kept of a removed document; see ``DocumentStore.purge``."""
        from .recovering import purge_document

        return purge_document(self._asked_by(by), _key_of(document), reason)

    def _asked_by(self, by: str | None) -> Search:
        return self._search if by is None else Search(self._resolver.acting(by), self._organisation)

    def retain(
        self,
        document: StoredDocument | DocumentKey,
        until: datetime,
        mode: RetentionMode,
        by: str | None = None,
        reason: str | None = None,
    ) -> Exchange[RetentionState]:
        """Keep a document until then; see ``DocumentStore.retain``."""
        return self._keeper(document).retain(until, mode, by or self._search.by, reason)

    def lift_retention(self, document: StoredDocument | DocumentKey, by: str, reason: str) -> Exchange[RetentionState]:
        """End a retention early; see ``DocumentStore.lift_retention``."""
        return self._keeper(document).lift(by, reason)

    def hold(
        self, document: StoredDocument | DocumentKey, reason: str, by: str | None = None
    ) -> Exchange[RetentionState]:
        """Keep a document until its release; see ``DocumentStore.hold``."""
        return self._keeper(document).hold(reason, by or self._search.by)

    def release(
        self, document: StoredDocument | DocumentKey, by: str | None = None, reason: str | None = None
    ) -> Exchange[RetentionState]:
        """End a hold; see ``DocumentStore.release``."""
        return self._keeper(document).release(by or self._search.by, reason)

    def retention(self, document: StoredDocument | DocumentKey) -> Exchange[RetentionState]:
        """Return what keeps a document; see ``DocumentStore.retention``."""
        return self._keeper(document).state()

    def _keeper(self, document: StoredDocument | DocumentKey) -> Keeper:
        from .retaining import Keeper

        return Keeper(self._search, document)

    def tags(self, document: StoredDocument | DocumentKey) -> Exchange[dict[str, str]]:
        """Return the tags of a document; see ``DocumentStore.tags``."""
        return self._labels(document).tags()

    def set_tags(self, document: StoredDocument | DocumentKey, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags of a document; see ``DocumentStore.set_tags``."""
        return self._labels(document).set_tags(tags)

    def storage_class(self, document: StoredDocument | DocumentKey) -> Exchange[str | None]:
        """Return the storage class of a document; see ``DocumentStore.storage_class``."""
        return self._labels(document).storage_class()

    def set_storage_class(self, document: StoredDocument | DocumentKey, storage_class: str) -> Exchange[str | None]:
        """Give a document another storage class; see ``DocumentStore.set_storage_class``."""
        return self._labels(document).set_storage_class(storage_class)

    def _labels(self, document: StoredDocument | DocumentKey) -> Labels:
        from .labels import Labels

        return Labels(self._search, document)

    def _opened(
        self, document: StoredDocument | DocumentKey, found: ResolvedProvider, how: HowOpened
    ) -> Exchange[None]:
        if self._search.listens:
            yield from self._search.emit(opened(document, found, how))


def _key_of(document: StoredDocument | DocumentKey) -> DocumentKey:
    return document.document if isinstance(document, StoredDocument) else document


def _proving(storage: Storage) -> Operations:
    """Return operations that compute the sha256, which receipts and the register keep, whatever *storage* does."""
    return storage.with_digest("sha256").operations

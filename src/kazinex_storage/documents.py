"""Documents of organisations: stored once, found again, proved when read.

An upload goes to the provider that the organisation has chosen; a read goes to the provider that the receipt names,
whatever is chosen now. Without a receipt the organisation's providers are asked in turn. Operations are exchanges;
``DocumentStore`` and ``aio_documents.AsyncDocumentStore`` run them.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import cast

from ._internal.admission import Body
from ._internal.bodies import Spool
from .errors import (
    AlreadyExistsError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from .files import READ_AHEAD, ObjectReader
from .integrity import IntegrityState, checked, is_by_service
from .keys import DocumentKey
from .receipts import DocumentRevision, ProviderResolver, ResolvedProvider, StoredDocument
from .storage import Storage
from .transport import Call, Exchange, Many, Outcome
from .types import ObjectInfo, Progress, PutMode, PutOptions

_log = logging.getLogger(__name__)


class DocumentOperations:
    """The operations on documents, as exchanges."""

    def __init__(self, resolver: ProviderResolver) -> None:
        self._resolver = resolver

    def upload(
        self,
        document: DocumentKey,
        file: Body,
        content_type: str | None,
        sha256: str | None,
        on_progress: Progress | None,
    ) -> Exchange[StoredDocument]:
        """Store the file of a revision, once; see ``DocumentStore.upload``."""
        chosen = cast(ResolvedProvider, (yield Call(self._resolver.chosen, document.organisation, document.project)))
        yield from self._refuse_second_file(document)
        options = PutOptions(mode=PutMode.CREATE, content_type=content_type)
        operations, key = chosen.storage.operations, _relative(document)
        info = yield from operations.put(key, file, options, sha256=sha256, on_progress=on_progress)
        # Two uploads of one revision can both have passed the look above: under different file names, or to different
        # providers. Whoever now sees another file takes its own away again: at most one stays, however they interleave.
        try:
            yield from self._refuse_second_file(document, own=(chosen.provider, key))
        except BaseException:
            yield from operations.delete(key)
            raise
        return _receipt(document, chosen, info)

    def spool(self, document: DocumentKey) -> Exchange[Spool]:
        """Return a spool that collects the file of *document* and refuses what its provider would."""
        call = Call(self._resolver.chosen, document.organisation, document.project)
        return cast(ResolvedProvider, (yield call)).storage.operations.spool(_relative(document))

    def find(self, document: DocumentKey) -> Exchange[StoredDocument]:
        """Return the receipt of a stored document; see ``DocumentStore.find``."""
        found, info = yield from self._search(document)
        return _receipt(document, found, info)

    def locate(self, document: StoredDocument | DocumentKey) -> Exchange[tuple[Storage, str]]:
        """Return the storage that holds a document, and its key there."""
        if isinstance(document, DocumentKey):
            found, _ = yield from self._search(document)
            return found.storage, _relative(document)
        recorded = yield from self._recorded(document)
        return recorded.storage, _relative(document.document)

    def download(
        self, document: StoredDocument | DocumentKey, path: Path, on_progress: Progress | None
    ) -> Exchange[ObjectInfo]:
        """Write a document into a file; see ``DocumentStore.download``."""
        storage, key = yield from self.locate(document)
        if not isinstance(document, StoredDocument):
            return (yield from storage.operations.download(key, path, on_progress))
        try:
            return (yield from storage.operations.download(key, path, on_progress, sha256=document.sha256))
        except IntegrityError:
            info = yield from storage.operations.head(key)
            # The digest of the service is then what proves the bytes, so there has to be one.
            if info.service_checksum is None or not is_by_service(document, info, storage.info.rewrites):
                raise
        return (yield from storage.operations.download(key, path, on_progress, sha256=None))

    def check(self, receipt: StoredDocument) -> Exchange[IntegrityState]:
        """Compare what is stored with its receipt; see ``DocumentStore.check``."""
        storage, key = yield from self.locate(receipt)
        return (yield from checked(storage, key, receipt))

    def revisions(self, document: DocumentKey) -> Exchange[list[DocumentRevision]]:
        """Return the stored revisions of a document; see ``DocumentStore.revisions``."""
        found: dict[str, DocumentRevision] = {}
        for provider, files in (yield from self._listings(document, revision=False)):
            for info in files:
                try:
                    key = DocumentKey.parse(f"{document.organisation}/{info.key}")
                except InvalidKeyError:
                    continue  # something else stands there, put by another door
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
        return [found[key] for key in sorted(found)]

    def remove(self, document: StoredDocument | DocumentKey) -> Exchange[None]:
        """Remove a document; see ``DocumentStore.remove``."""
        if isinstance(document, StoredDocument):
            recorded = yield from self._recorded(document)
            yield from recorded.storage.operations.delete(_relative(document.document))
            return
        for provider in (yield from self._providers(document, strict=True)):
            yield from provider.storage.operations.delete(_relative(document))

    def _providers(self, document: DocumentKey, *, strict: bool = False) -> Exchange[Sequence[ResolvedProvider]]:
        call = Call(partial(self._resolver.in_order, document.organisation, document.project, strict=strict))
        return cast("Sequence[ResolvedProvider]", (yield call))

    def _recorded(self, receipt: StoredDocument) -> Exchange[ResolvedProvider]:
        if receipt.key != receipt.document.build():
            raise SettingsError(
                f"the receipt names the document {receipt.document.build()!r} but the key {receipt.key!r}; "
                "it was altered, find the document again",
                operation="open",
            )
        return cast(
            ResolvedProvider,
            (yield Call(self._resolver.by_id, receipt.document.organisation, receipt.provider)),
        )

    def _search(self, document: DocumentKey) -> Exchange[tuple[ResolvedProvider, ObjectInfo]]:
        passed_over: StorageError | None = None
        for rank, provider in enumerate((yield from self._providers(document))):
            try:
                return provider, (yield from provider.storage.operations.head(_relative(document)))
            except NotFoundError:
                continue
            except StorageError as error:
                _tolerate(rank, provider, error)
                passed_over = error
        if passed_over is not None:
            raise UnavailableError(
                "the providers that answered do not hold this document, but not all of them could be asked; "
                "verify the others",
                operation="find",
                key=document.build(),
            ) from passed_over
        raise NotFoundError(
            "no provider of the organisation holds this document", operation="find", key=document.build()
        )

    def _listings(
        self, document: DocumentKey, *, revision: bool
    ) -> Exchange[list[tuple[ResolvedProvider, list[ObjectInfo]]]]:
        providers = yield from self._providers(document)
        prefix = _relative_prefix(document, revision=revision)
        outcomes = cast(
            "list[Outcome[list[ObjectInfo]]]",
            (yield Many((_all(provider.storage, prefix) for provider in providers), max(1, len(providers)))),
        )
        listings = []
        for rank, (provider, outcome) in enumerate(zip(providers, outcomes, strict=True)):
            if outcome.error is None:
                listings.append((provider, outcome.result()))
            else:
                _tolerate(rank, provider, outcome.error)
        return listings

    def _refuse_second_file(self, document: DocumentKey, own: tuple[str, str] | None = None) -> Exchange[None]:
        """Refuse when the revision has a file other than *own*, which is given as (provider, key)."""
        for provider, files in (yield from self._listings(document, revision=True)):
            for file in files:
                if (provider.provider, file.key) != own:
                    raise _second_file(document, file.key)


class DocumentStore:
    """The documents of all organisations that a resolver knows. Thread-safe and fork-safe."""

    def __init__(self, resolver: ProviderResolver) -> None:
        """Resolve providers with *resolver*, which stays the caller's to close."""
        self.operations = DocumentOperations(resolver)
        """The operations as exchanges."""
        self.transport = resolver.transport
        """What runs the exchanges."""

    def upload(
        self,
        document: DocumentKey,
        file: Body,
        *,
        content_type: str | None = None,
        sha256: str | None = None,
        on_progress: Progress | None = None,
    ) -> StoredDocument:
        """Store the file of a revision and return the receipt. Write-once: a revision has one file, for good.

        Atomic: the whole file or nothing. Requests: one listing of the revision on each provider of the organisation,
        one create-only put, the listings once more. Verified providers must answer; others are passed over with a
        warning. When something fails after the put, the file is taken away again.

        Args:
            sha256: What the file must have, in hexadecimal.

        Raises:
            AlreadyExistsError: the revision has a file already, on any provider of the organisation.
            FileTooLargeError: over the limit of the provider, judged while it is read when its length is unknown.
            FileTypeRefusedError: the extension is not on the organisation's allowlist.
            UnresolvedOrganisationError: no provider is chosen.
            IntegrityError: the file changed while it was read, or has another sha256.
        """
        return self.transport.run(self.operations.upload(document, file, content_type, sha256, on_progress))

    def find(self, document: DocumentKey) -> StoredDocument:
        """Return the receipt of a stored document: override, default, then the other providers are asked.

        Raises:
            NotFoundError: none of them holds it.
            UnavailableError: those that answered do not, and some did not answer.
        """
        return self.transport.run(self.operations.find(document))

    def open(self, document: StoredDocument | DocumentKey) -> io.BufferedReader:
        """Return a document as a seekable binary file, pinned to one version.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: the service says that it is not what the receipt says; ``download`` compares the bytes.
        """
        storage, key = self.transport.run(self.operations.locate(document))
        reader = ObjectReader(storage, key)
        check_receipt(document, reader.info, storage.info.rewrites)
        return io.BufferedReader(reader, READ_AHEAD)

    def stream(self, document: StoredDocument | DocumentKey) -> Iterator[bytes]:
        """Yield the bytes of a document in chunks; the first is fetched now.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: the service says that it is not what the receipt says; ``download`` compares the bytes.
        """
        storage, key = self.transport.run(self.operations.locate(document))
        stream = storage.stream(key)
        check_receipt(document, stream.info, storage.info.rewrites)
        return stream

    def download(
        self,
        document: StoredDocument | DocumentKey,
        path: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
    ) -> ObjectInfo:
        """Write a document into the file *path*, whole or not at all, proved by the sha256 of its receipt.

        A file that the service wrote anew (``IntegrityState.PROVIDER_MUTATED``) is written as it is now.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: the bytes are not those of the receipt; *path* is untouched.
        """
        return self.transport.run(self.operations.download(document, Path(path), on_progress))

    def revisions(self, document: DocumentKey) -> list[DocumentRevision]:
        """Return the stored revisions of a document in the order of their keys; its revision and file do not matter.

        One listing on each provider of the organisation. What stands on several is listed once.

        Raises:
            StorageError: a verified provider did not answer.
        """
        return self.transport.run(self.operations.revisions(document))

    def check(self, receipt: StoredDocument) -> IntegrityState:
        """Say whether a document is what its receipt says; nothing is changed or deleted, whatever the answer.

        One look, and one read of the whole where version and sha256 that the service keeps do not tell.

        Raises:
            NotFoundError: it is not stored any more.
            PreconditionFailedError: it was replaced during the check; check again.
            StorageError: the provider did not answer.
        """
        return self.transport.run(self.operations.check(receipt))

    def remove(self, document: StoredDocument | DocumentKey) -> None:
        """Remove a document: by receipt from the provider that it names, else from every provider. Silent when absent.

        Raises:
            StorageError: a provider, verified or not, did not answer; call again.
        """
        self.transport.run(self.operations.remove(document))


def check_receipt(
    document: StoredDocument | DocumentKey, info: ObjectInfo, rewrites: AbstractSet[str] = frozenset()
) -> None:
    """Compare what a service says of an object with the receipt of the document, as far as both say something.

    What the service itself wrote anew, as it may with files of the extensions *rewrites*, passes.

    Raises:
        IntegrityError: the size or the sha256 differs.
    """
    if isinstance(document, DocumentKey):
        return
    altered = None not in (document.sha256, info.sha256) and document.sha256 != info.sha256
    if (altered or document.size != info.size) and not is_by_service(document, info, rewrites):
        raise IntegrityError(
            f"the receipt says {document.size} bytes with sha256 {document.sha256}, the service "
            f"{info.size} with {info.sha256}: it was altered after the upload",
            operation="open",
            key=document.key,
        )


def _relative(document: DocumentKey) -> str:
    return document.build().removeprefix(f"{document.organisation}/")


def _relative_prefix(document: DocumentKey, *, revision: bool) -> str:
    prefix = document.revision_prefix if revision else document.document_prefix
    return prefix.removeprefix(f"{document.organisation}/")


def _all(storage: Storage, prefix: str) -> Exchange[list[ObjectInfo]]:
    listing, found = storage.operations.scan(prefix), list[ObjectInfo]()
    try:
        while (page := (yield from listing.next())) is not None:
            found.extend(page)
    finally:
        listing.close()
    return found


def _receipt(document: DocumentKey, provider: ResolvedProvider, info: ObjectInfo) -> StoredDocument:
    return StoredDocument(
        document=document,
        provider=provider.provider,
        kind=provider.kind,
        key=document.build(),
        size=info.size,
        sha256=info.sha256,
        etag=info.etag,
        content_type=info.content_type,
        stored_at=info.last_modified,
        service_checksum=info.service_checksum,
        stored_by=info.modified_by,
    )


def _second_file(document: DocumentKey, found: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"revision {document.revision!r} has the file {found.rpartition('/')[2]!r} already and is never overwritten; "
        "upload under a new revision",
        operation="upload",
        key=document.build(),
    )


def _tolerate(rank: int, provider: ResolvedProvider, error: Exception) -> None:
    """Pass over a provider that is known not to work; the first one, and verified ones, must answer."""
    if rank == 0 or provider.verified:
        raise error
    _log.warning("provider %s (%s) is not verified and was passed over: %s", provider.label, provider.kind, error)

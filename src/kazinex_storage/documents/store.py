"""Documents of organisations, for blocking callers; ``operations.py`` has the bodies, ``aio.py`` awaits them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

from .._internal.admission import Body
from .._internal.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..files import READ_AHEAD, ObjectReader
from ..keys import DocumentKey
from ..types import ObjectInfo, Progress
from .integrity import IntegrityState
from .operations import DocumentOperations
from .reading import check_receipt
from .receipts import DocumentRevision, ProviderResolver, StoredDocument


@not_pickled(SEND_A_FILE_SYSTEM)
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

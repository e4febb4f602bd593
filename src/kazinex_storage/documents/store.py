"""Documents of organisations, for blocking callers; ``operations.py`` has the bodies, ``aio.py`` awaits them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from ..keys import DocumentKey
from ..secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ..storage.files import READ_AHEAD
from ..storage.ranges import GAP_BYTES
from ..storage.reading import ByteStream
from ..storage.rules import Body
from ..types import WHOLE, ByteRange, ObjectInfo, Progress
from .direct_ends import DirectSweep
from .integrity import Evidence, IntegrityState
from .keeping import KeepingVerbs
from .labelling import LabelVerbs
from .operations import DocumentOperations
from .proofs import ReceiptProof
from .receipts import ProviderResolver, Revisions, StoredDocument
from .recovery import Recovery
from .tickets import DirectUpload, UploadTicket, token_of

HOUR: Final = timedelta(hours=1)
"""How long a ticket is valid by default: enough for a large file on a slow line, too short to block a revision."""


@not_pickled(SEND_A_FILE_SYSTEM)
class DocumentStore(Recovery, KeepingVerbs, LabelVerbs):
    """The documents of the organisations that a resolver knows, or of one of them. Thread-safe and fork-safe."""

    def __init__(
        self,
        resolver: ProviderResolver,
        *,
        organisation: str | None = None,
        upload_route: str | None = None,
        by: str | None = None,
    ) -> None:
        """Resolve providers with *resolver*, which stays the caller's to close.

        Args:
            resolver: What knows the providers.
            organisation: The only one whose receipts and documents are taken; those of any other are refused with
                ``AccessDeniedError`` before any request. Give it wherever receipts or keys come from clients.
            upload_route: The URL, for clients, below which the host answers ``PUT {upload_route}/{token}`` by
                ``receive_direct_upload``; for providers that clients cannot send to themselves.
            by: In whose name it works, unless a call says otherwise, for events and removals; else as *resolver*.

        Raises:
            InvalidKeyError: no organisation can have that id.
            ValueError: *by* is empty, or longer than 2,000 characters.
        """
        resolver = resolver if by is None else resolver.acting(by)
        self.operations = DocumentOperations(resolver, organisation, upload_route=upload_route)
        """The operations as exchanges."""
        self.transport = resolver.transport if organisation is None else resolver.transport.owned(organisation)
        """What runs the exchanges."""
        self._run = self.transport.run  # all that AsyncDocumentStore does otherwise; see ``storage.awaiting.awaited``

    def acting(self, by: str | None) -> DocumentStore:
        """Return this store for calls in the name of *by*; it costs nothing, so a service makes one for each request.

        Raises:
            ValueError: *by* is empty, or longer than 2,000 characters.
        """
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.operations = self.operations.acting(by)
        return view

    def read_only(self) -> DocumentStore:
        """Return this store for those who shall only read: all else raises ``ReadOnlyError`` before any request.

        It is no fence between tenants: that is *organisation*, which stays as it is.
        """
        from .read_only import reading_only

        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.operations = reading_only(self.operations)
        return view

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

        Atomic: the whole file or nothing. When uploads race, exactly one wins. Cost: one listing of the revision in
        each place of the organisation, one create-only put, then one row in the register. The other providers get ten
        seconds to answer, then they are passed over with a warning, an event and an entry in the receipt
        (``unasked``); those neither chosen nor verified are not asked. If a step after the put fails, the file is
        removed again. A removed revision accepts the same bytes under the same name again, and nothing else.

        Args:
            sha256: What the file must have, in hexadecimal.

        Raises:
            AlreadyExistsError: the revision has, or had, another file, or another upload of it was faster.
            FileTooLargeError: over the limit of the provider, checked while it is read when its length is unknown.
            FileTypeRefusedError: the extension is not on the organisation's allowlist.
            UnresolvedOrganisationError: no provider is chosen.
            IntegrityError: the file changed while it was read, or has another sha256.
        """
        return self._run(self.operations.upload(document, file, content_type, sha256, on_progress))

    def find(self, document: DocumentKey) -> StoredDocument:
        """Return the receipt of a stored document: override, default, then the other providers are asked.

        Raises:
            NotFoundError: none of them holds it.
            UnavailableError: those that answered do not, and some did not answer.
        """
        return self._run(self.operations.find(document))

    def open(self, document: StoredDocument | DocumentKey, *, accept_rewritten: bool = False) -> io.BufferedReader:
        """Return a document as a seekable binary file, pinned to one version: by receipt, the recorded one.

        When it is read from its first byte to its last, it is compared with the sha256 of the receipt, and the read of
        the last byte raises if they differ. Parts that are read after a seek come from the recorded version as the
        service reports it, and an ETag proves nothing; on a local disk it is time and size. Hash the whole for a proof.

        When the provider of a receipt has it no more, or cannot be reached, and a run has moved it, it is read where
        the register has it now. That costs one query more, and the requests there; so do all methods that read by
        receipt, and ``check``.

        Args:
            document: A receipt, or a document to look for.
            accept_rewritten: Take what the service has rewritten (``IntegrityState.PROVIDER_MUTATED``) as it is now.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is another version than the receipt recorded, or the whole has another sha256.
        """
        opened = self._run(self.operations.opening(document, accept_rewritten=accept_rewritten))
        return io.BufferedReader(opened.reader(), READ_AHEAD)

    def stream(
        self, document: StoredDocument | DocumentKey, span: ByteRange = WHOLE, *, accept_rewritten: bool = False
    ) -> Iterator[bytes]:
        """Yield the bytes of *span* in chunks; the first is fetched now, of the whole the last only if all are proved.

        Pinned and compared as by ``open``. The chunks before the last, and those of a part, are not proved.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is another version than the receipt recorded, or the whole has another sha256.
        """
        opened = self._run(self.operations.opening(document, accept_rewritten=accept_rewritten, how="stream"))
        return ByteStream(opened.range_reader(span), self.transport)

    def get_bytes(
        self, document: StoredDocument | DocumentKey, span: ByteRange = WHOLE, *, accept_rewritten: bool = False
    ) -> bytes:
        """Return the bytes of a document, the whole proved by the sha256 of its receipt.

        The bytes of a *span* come from the recorded version, and nothing proves them; see ``open``.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: it is another version than the receipt recorded, or the whole has another sha256.
        """
        return self._run(self.operations.get_bytes(document, span, accept_rewritten=accept_rewritten))

    def read_ranges(
        self,
        document: StoredDocument | DocumentKey,
        spans: Sequence[ByteRange],
        *,
        gap: int = GAP_BYTES,
        accept_rewritten: bool = False,
    ) -> list[bytes]:
        """Return the bytes of every span of one version of a document, in order; see ``Storage.read_ranges``.

        They come from the recorded version, and nothing proves them; see ``open``. One request more than there.

        Raises:
            NotFoundError: it is not stored; ``IntegrityError``: it is another version than the receipt recorded.
            PreconditionFailedError: it was replaced meanwhile.
            ValueError: *gap* is negative.
        """
        return self._run(self.operations.read_ranges(document, spans, gap, accept_rewritten=accept_rewritten))

    def download(
        self,
        document: StoredDocument | DocumentKey,
        path: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
        accept_rewritten: bool = False,
    ) -> ObjectInfo:
        """Write a document into the file *path*, whole or not at all, proved by the sha256 of its receipt.

        Args:
            document: A receipt, or a document to look for.
            path: Of the file; its folder exists.
            on_progress: Called with (bytes done, bytes in all).
            accept_rewritten: Take what the service has rewritten (``IntegrityState.PROVIDER_MUTATED``) as it is now.

        Raises:
            NotFoundError: it is not stored.
            IntegrityError: the bytes are not those of the receipt; *path* is untouched.
        """
        return self._run(self.operations.download(document, Path(path), on_progress, accept_rewritten=accept_rewritten))

    def revisions(self, document: DocumentKey) -> Revisions:
        """Return the stored revisions of a document in the order of their keys.

        The revision and the file name in *document* do not matter. One listing in each place of the organisation; what
        several hold is listed once. Providers that do not answer are passed over with a warning and an event, and named
        in ``missing`` of the result.

        Raises:
            StorageError: no provider answered.
        """
        return self._run(self.operations.revisions(document))

    def check(self, receipt: StoredDocument, *, by: Evidence = "bytes") -> IntegrityState:
        """Say whether a document is what its receipt says; nothing is ever changed or deleted.

        It reads and hashes the whole document; only that can return ``INTACT``.

        Args:
            receipt: What ``upload`` returned. Without a sha256 (from ``find``, where none is kept) all that can be said
                is whether the size differs.
            by: ``"version"`` compares what the service reports, in one request, and returns ``SAME_VERSION`` at best.

        Raises:
            NotFoundError: it is not stored any more.
            PreconditionFailedError: it was replaced during the check; check again.
            IntegrityError: not all of it arrived, or two reads differed; check again.
            StorageError: the provider did not answer.
        """
        return self._run(self.operations.check(receipt, by))

    def proof(self, receipt: StoredDocument) -> ReceiptProof:
        """Return what was recorded of *receipt*, signed by its organisation: a file that is checked anywhere.

        Nothing is asked of a provider: it proves what was stored, ``check`` what is there now. ``kazinex-storage
        evidence verify`` checks the file, and a copy of the document with it. Two or three queries.

        Raises:
            NotFoundError: the evidence has no line of it.
            IntegrityError: the evidence says that another file was stored.
            SettingsError: the catalogue keeps no evidence (one in memory), or its keys cannot be read.
            AccessDeniedError: this is bound to another organisation.
            StorageError: the catalogue does not answer.
        """
        return self._run(self.operations.proof(receipt))

    def adopt(self, document: DocumentKey) -> StoredDocument:
        """Read a stored file once, record its sha256 as that of the revision, and return the receipt.

        For files that another program put under the key of a revision, and those that are recorded without a sha256.
        One that is recorded with it is not read again. Cost: as ``find``, and a read of the whole.

        Raises:
            NotFoundError: no provider has it.
            AlreadyExistsError: the revision has, or had, another file.
        """
        return self._run(self.operations.adopt(document))

    def remove(
        self,
        document: StoredDocument | DocumentKey,
        *,
        by: str | None = None,
        reason: str | None = None,
        purge: bool = False,
    ) -> None:
        """Remove a document: by receipt where it names and where runs have left it, else from every provider.

        Silent when absent. The revision stays taken for good: the register remembers when, and *by* whom and for what
        *reason* if said, before anything is deleted. The host gets an event. What runs have copied, wherever the
        journal of the catalogue knows it to be, is deleted as well, so that nothing of it stays readable.

        ``undelete`` brings it back while it is kept: where the place keeps what is deleted, as long as that does, else
        30 days below ``.trash`` of the organisation (``Resolver.keep_removed``).

        Args:
            by: By default, in whose name this store works.
            purge: Keep nothing of it.

        Raises:
            RetentionError: a retention or a hold keeps the revision; nothing was removed.
            StorageError: a provider did not answer, or refused; call again.
            ValueError: *by* or *reason* is longer than 2,000 characters.
        """
        return self._run(self.operations.remove(document, by, reason, purge=purge))

    def begin_direct_upload(
        self,
        document: DocumentKey,
        size: int,
        content_type: str | None = None,
        *,
        sha256: str | None = None,
        expires_in: timedelta = HOUR,
    ) -> UploadTicket:
        """Return what a client without credentials needs to send the file of a revision by itself, on any provider.

        Nothing is visible before it is confirmed. Cost: what ``upload`` asks before its put, none to two requests to
        begin, one row in the register of tickets. Where objects say nothing of the ticket that brought them
        (``sharepoint``), a revision has one open ticket, and a later one ends it.

        Args:
            document: The file that it will be.
            size: Bytes; nothing else is accepted.
            content_type: None is that of the extension.
            sha256: What the file must have, in hexadecimal; confirming it then costs a read of the whole.
            expires_in: From 1 second to 7 days. What is not confirmed by then is swept.

        Raises:
            AlreadyExistsError: the revision has, or had, another file.
            PolicyError: the organisation does not allow the name or the size.
            NotSupportedError: the provider needs *upload_route*, or has no create-only writes.
            UnresolvedOrganisationError: no provider is chosen.
        """
        return self._run(self.operations.direct.begin(document, size, content_type, sha256, expires_in))

    def confirm_direct_upload(self, ticket: UploadTicket | str) -> StoredDocument:
        """Check what a client has sent, make it the file of the revision, and return the receipt.

        Size, first bytes, the declared type and sha256, and the policy of now are checked; what does not fit is
        removed. Repeating it gives the same receipt, until a day after the ticket expired. Cost: one or two requests, a
        read of the first kilobyte, or of the whole where a sha256 was declared, and one transaction.

        Args:
            ticket: What ``begin_direct_upload`` returned, or its token.

        Raises:
            AccessDeniedError: the token is not one of ours, or of another organisation.
            NotFoundError: the ticket was aborted or has expired; or nothing, or not all, has arrived.
            AlreadyExistsError: the revision has another file by now; what the client sent is removed.
            PolicyError: the policy of now does not allow it, or it does not begin as its type does; it was removed.
            IntegrityError: it is not what was declared, and was removed; or a part is missing, send it and repeat.
        """
        return self._run(self.operations.direct.confirm(token_of(ticket)))

    def abort_direct_upload(self, ticket: UploadTicket | str) -> None:
        """End a ticket and remove what it brought; silent when it has ended already. Requests as in confirming.

        Raises:
            AccessDeniedError: the token is not one of ours, or of another organisation.
            AlreadyExistsError: it is confirmed, and the file is a document.
            StorageError: the provider did not answer; the ticket has ended, and a sweep removes the rest.
        """
        return self._run(self.operations.direct.abort(token_of(ticket)))

    def find_direct_upload(self, ticket: UploadTicket | str) -> DirectUpload:
        """Return what a ticket is for and how far it has come, such as the project to authorise. One query.

        Raises:
            AccessDeniedError: the token is not one of ours, or of another organisation.
        """
        return self._run(self.operations.direct.look(token_of(ticket)))

    def receive_direct_upload(self, token: str, body: Body, size: int | None = None) -> None:
        """Store what a client sends to ``{upload_route}/{token}``, create-only; confirming makes it a document.

        Never whole in memory; more or fewer bytes than the ticket says end it at once, and nothing is stored.

        Args:
            token: The last segment of the path.
            body: What is sent.
            size: What the client announces (``Content-Length``), where it does.

        Raises:
            AccessDeniedError: the token is not one of ours, or of another organisation.
            NotFoundError: the ticket was aborted or has expired.
            AlreadyExistsError: the file was sent already.
            IntegrityError: it has another size, or another sha256 than was declared.
        """
        return self._run(self.operations.direct.receive(token, body, size))

    def sweep_direct_uploads(self, organisation: str | None = None, *, dry_run: bool = False) -> DirectSweep:
        """Remove what clients sent and nobody confirmed in time: parts, sessions, and objects that no receipt names.

        Safe while others upload, and in several processes at once.

        Args:
            organisation: The only one to look at; None is that of the store, or all.
            dry_run: Change nothing.

        Raises:
            AccessDeniedError: the store is bound to another organisation.
            StorageError: the register does not answer; what providers refuse is in the result.
        """
        return self._run(self.operations.direct.sweep(organisation, dry_run=dry_run))

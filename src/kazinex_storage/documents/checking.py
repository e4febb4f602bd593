"""Checking documents against the register instead of their receipts: all that an organisation has, or part of it.

The register keeps provider, size and sha256 of a revision and no version of the service, so a check of the bytes is as
good as one by receipt, and one by version goes by the sha256 that the service keeps with the object.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..keys import DocumentKey
from ..transport import Exchange
from ..types import ObjectInfo
from .integrity import Evidence, IntegrityState, is_first_version, is_rewritten
from .listing import RevisionListing
from .operations import DocumentOperations
from .receipts import ProviderResolver, StoredDocument
from .register import RevisionRecord
from .searching import Search, relative_key


def records_below(
    listing: RevisionListing, organisation: str, project: str | None = None, below: str = ""
) -> Iterator[RevisionRecord]:
    """Yield what is recorded and not removed, and whose key begins with *below*; a query for each 1,000.

    Raises:
        StorageError: the catalogue does not answer.
    """
    after: DocumentKey | None = None
    while page := listing.records(organisation, project=project, after=after):
        for record in page:
            if record.removal is None and relative_key(record.document).startswith(below):
                yield record
        after = page[-1].document


class RecordChecks:
    """Compares what is stored with what the register has of it; nothing is changed."""

    def __init__(self, resolver: ProviderResolver) -> None:
        """Open providers with *resolver*."""
        self._operations = DocumentOperations(resolver)
        self._search = Search(resolver)

    def check(self, record: RevisionRecord, by: Evidence) -> Exchange[IntegrityState]:
        """Return the state of one document: by a look at it, and by bytes a read of the whole.

        A file that its service rewrites, and of which it has made no later version, is ``PROVIDER_MUTATED``.

        Raises:
            NotFoundError: it is not stored any more.
            RecordNotFoundError: the catalogue has its provider no more.
            StorageError: as in ``DocumentStore.check``.
        """
        storage = (yield from self._search.by_id(record.document.organisation, record.provider)).storage
        info = yield from storage.operations.head(relative_key(record.document))
        receipt = receipt_of_record(record, info.size)
        rewritable = is_rewritten(receipt, storage.info.rewrites)
        if by == "version":
            return _by_version(receipt, info, rewritable=rewritable)
        state = yield from self._operations.check(receipt, by)
        if state is IntegrityState.TAMPERED and rewritable and is_first_version(info):
            return IntegrityState.PROVIDER_MUTATED
        return state


def receipt_of_record(record: RevisionRecord, size: int) -> StoredDocument:
    """Return what the register knows, as a receipt; *size* is that of now, for records that have none."""
    return StoredDocument(
        document=record.document,
        provider=record.provider,
        kind="",
        key=record.document.build(),
        size=record.size if record.size is not None else size,
        sha256=record.sha256,
        etag=None,
        content_type=None,
        stored_at=record.recorded_at,
        stored_at_by="client",
    )


def _by_version(receipt: StoredDocument, info: ObjectInfo, *, rewritable: bool) -> IntegrityState:
    """Return what the size, and the sha256 that the service keeps with the object, say."""
    if receipt.size == info.size and receipt.sha256 is not None and receipt.sha256 == info.sha256:
        return IntegrityState.SAME_VERSION
    other = receipt.size != info.size or None not in (receipt.sha256, info.sha256)
    return IntegrityState.TAMPERED if other and not rewritable else IntegrityState.UNKNOWN

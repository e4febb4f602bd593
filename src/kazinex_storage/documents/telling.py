"""What is done with a document, told as events; ``operations.py`` and ``writing.py`` emit them."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

from ..errors import AlreadyExistsError, IntegrityError, PolicyError, QuotaExceededError, RetentionError, StorageError
from ..keys import DocumentKey
from ..transport import Exchange
from ..types import ObjectInfo
from .events import DocumentConfirmed, DocumentOpened, DocumentPresigned, DocumentRefused, DocumentUploaded
from .receipts import ResolvedProvider, StoredDocument
from .searching import Search
from .ticket_register import TicketRecord

T = TypeVar("T")

HowOpened: TypeAlias = Literal["open", "stream", "get_bytes", "download"]
"""Which method was called."""

REFUSALS: tuple[type[StorageError], ...] = (PolicyError, AlreadyExistsError, QuotaExceededError, IntegrityError)
"""What a document is refused with: by a policy, a revision that has a file, a quota, or bytes that do not fit."""


def uploaded(document: DocumentKey, target: ResolvedProvider, info: ObjectInfo) -> DocumentUploaded:
    """Return the event of a file that is the one of its revision now."""
    return DocumentUploaded(
        document=document,
        provider=target.provider,
        kind=target.kind,
        label=target.label,
        size=info.size,
        sha256=info.sha256,
    )


def opened(document: StoredDocument | DocumentKey, found: ResolvedProvider, how: HowOpened) -> DocumentOpened:
    """Return the event of a document whose bytes are about to be handed out."""
    by_receipt = isinstance(document, StoredDocument)
    return DocumentOpened(
        document=document.document if isinstance(document, StoredDocument) else document,
        provider=found.provider,
        kind=found.kind,
        label=found.label,
        how=how,
        by_receipt=by_receipt,
    )


def presigned(record: TicketRecord) -> DocumentPresigned:
    """Return the event of a direct upload that was begun."""
    return DocumentPresigned(
        document=record.document,
        provider=record.provider,
        ticket=record.id,
        size=record.size,
        plan=record.plan,
        expires_at=record.expires_at,
    )


def confirmed(record: TicketRecord, receipt: StoredDocument) -> DocumentConfirmed:
    """Return the event of a direct upload whose file is that of its revision now."""
    return DocumentConfirmed(
        document=record.document,
        provider=record.provider,
        ticket=record.id,
        size=receipt.size,
        sha256=receipt.sha256,
    )


def removal_refused(document: DocumentKey, error: RetentionError, by: str | None) -> DocumentRefused:
    """Return the event of a removal that *error*, a retention or a hold, has refused."""
    return DocumentRefused(
        document=document, operation="remove", code=type(error).__name__, error=str(error), provider=None, by=by
    )


def announced_if_refused(
    search: Search,
    document: DocumentKey,
    target: ResolvedProvider,
    exchange: Exchange[T],
    operation: str = "upload",
) -> Exchange[T]:
    """Do *exchange*, and emit an event when *document* is refused in it.

    Raises:
        StorageError: what *exchange* raised.
    """
    try:
        return (yield from exchange)
    except REFUSALS as error:
        yield from search.emit(
            DocumentRefused(
                document=document,
                operation=operation,
                code=type(error).__name__,
                error=str(error),
                provider=target.provider,
            )
        )
        raise

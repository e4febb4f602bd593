"""Documents that lie elsewhere than their receipts say: a run has moved them, and the register knows where they are.

The register is asked only after the provider of the receipt did not give the document, so a read that finds it there
costs what it always did. ``operations.py`` reads through here; ``removing.py`` asks where else copies are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from ..errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    NotFoundError,
    RateLimitedError,
    ReconnectRequiredError,
    RecordNotFoundError,
    SettingsError,
    UnavailableError,
)
from ..transport import Exchange
from ..types import ObjectInfo
from ..values import value
from .integrity import Evidence, IntegrityState, checked, is_altered
from .receipts import ResolvedProvider, StoredDocument
from .register import RevisionRecord
from .searching import Search, relative_key

T = TypeVar("T")

# After a cut-over the old service is often switched off before its record is removed.
ELSEWHERE: Final = (
    NotFoundError,
    RecordNotFoundError,
    SettingsError,
    UnavailableError,
    RateLimitedError,
    AuthenticationError,
    AccessDeniedError,
    ReconnectRequiredError,
)
"""What a provider says that does not have a document, is not known any more, or cannot be reached."""


@value
class Located:
    """The provider that a document is read from, and the receipt as it reads there."""

    provider: ResolvedProvider
    receipt: StoredDocument
    """Of the version there, as far as it is known; by another provider than the receipt of the upload if it moved."""
    accepted: bool = False
    """Whether the bytes there are others than those of the upload: the service had rewritten them, and whoever moved
    them accepted that."""

    @property
    def key(self) -> str:
        """The key of the document, below the organisation."""
        return relative_key(self.receipt.document)


def read_where_it_is(search: Search, receipt: StoredDocument, read: Callable[[Located], Exchange[T]]) -> Exchange[T]:
    """Return what *read* makes of the document: at the provider of its receipt, else where the register has it now.

    Raises:
        AccessDeniedError: the document is of another organisation than *search* is bound to.
        SettingsError: the receipt was altered.
        StorageError: what *read* raised; that of the first provider when the document has not moved.
    """
    search.admit_receipt(receipt)
    try:
        named = yield from search.by_id(receipt.document.organisation, receipt.provider)
        return (yield from read(Located(provider=named, receipt=receipt)))
    except ELSEWHERE:
        located = yield from _moved(search, receipt)
        if located is None:
            raise
    return (yield from read(located))


def refuse_accepted(located: Located, *, accept_rewritten: bool) -> None:
    """Refuse bytes that are not those of the upload, unless that is accepted here as well.

    Raises:
        IntegrityError: they are not.
    """
    if located.accepted and not accept_rewritten:
        raise IntegrityError(
            "it was moved to another provider after the service had rewritten it, so these are not the bytes that were "
            "uploaded; compare it with the original, or take it as it is now with accept_rewritten=True",
            operation="open",
            key=located.receipt.key,
        )


def is_proven_copy(search: Search, located: Located, info: ObjectInfo) -> Exchange[bool]:
    """Say whether the other version *info* of a document is one that a run has put there, with the same bytes.

    A document that was moved away, pruned and moved back lies where its first receipt says, as another version.
    """
    receipt, rewrites = located.receipt, located.provider.storage.info.rewrites
    if receipt.sha256 is None or info.etag is None or is_altered(receipt, info, rewrites):
        return False
    record = yield from search.revision(receipt.document)
    if record is None or record.document != receipt.document or record.removal is not None:
        return False
    if record.sha256 != receipt.sha256:
        return False
    copies = yield from search.copies(receipt.document)
    version = (receipt.provider, receipt.sha256, info.etag)
    return any((copy.provider, copy.sha256, copy.etag) == version for copy in copies)


def checked_where_it_is(located: Located, *, by: Evidence) -> Exchange[IntegrityState]:
    """Return the state of a document; of accepted bytes it cannot be known who made them.

    Raises:
        StorageError: as in ``DocumentStore.check``.
    """
    state = yield from checked(located.provider.storage, located.key, located.receipt, by)
    return IntegrityState.UNKNOWN if located.accepted and state is not IntegrityState.TAMPERED else state


def _moved(search: Search, receipt: StoredDocument) -> Exchange[Located | None]:
    """Return where the register has the document of *receipt* if that is another provider; None if it is not.

    A removed revision, and one that has another file, is nowhere.
    """
    record = yield from search.revision(receipt.document)
    if record is None or record.document != receipt.document or record.removal is not None:
        return None
    if record.provider == receipt.provider:
        return None
    try:
        provider = yield from search.by_id(receipt.document.organisation, record.provider)
    except RecordNotFoundError:
        return None
    proven = [
        copy
        for copy in (yield from search.copies(receipt.document))
        if copy.provider == record.provider and copy.sha256 is not None and copy.sha256 == record.sha256
    ]
    other, rewritten = _has_other_bytes(record, receipt), bool(proven) and proven[0].rewritten
    sha256, size = receipt.sha256 or record.sha256, receipt.size
    if other:
        sha256, size = record.sha256, record.size if record.size is not None else receipt.size
    elif rewritten:  # by the service of the target: what that holds was never known here
        sha256 = None
    there = replace(
        receipt,
        provider=provider.provider,
        kind=provider.kind,
        sha256=sha256,
        size=size,
        etag=proven[0].etag if proven and not rewritten else None,
        service_checksum=None,
        stored_by=None,
    )
    return Located(provider=provider, receipt=there, accepted=other or rewritten)


def _has_other_bytes(record: RevisionRecord, receipt: StoredDocument) -> bool:
    if None not in (record.sha256, receipt.sha256):
        return record.sha256 != receipt.sha256
    return record.size is not None and record.size != receipt.size

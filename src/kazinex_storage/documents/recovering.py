"""Removed documents: listed, brought back, and removed for good. ``removing.py`` removes them.

The register decides what is removed; the places, or this library in their place, keep the files for a while
(``storage/history.py``). A document is brought back in the order: room in the quota, the file, the register; whatever
stops it between, repeating the call finishes it, and ``remove`` undoes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, cast

from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    RecordConflictError,
    StorageError,
)
from ..keys import DocumentKey, check_identifier
from ..storage.claiming import give_back
from ..storage.quota import Claim, lifetime_of
from ..transport import Call, Exchange
from ..types import ObjectInfo
from ..values import value
from ..versions import DeletedObject
from .events import DocumentPurged, DocumentUndeleted
from .receipts import ProviderResolver, ResolvedProvider, StoredDocument, check_bound, receipt_of
from .register import Removal, RevisionRecord, new_token
from .searching import Place, Search, places_of, relative_key

_STORED: Final = "the document is stored; there is nothing to bring back"
_NOT_KEPT: Final = (
    "nothing is kept of this document any more: it was purged, its time is over, or its place keeps nothing; upload "
    "the same file under the same name"
)


@value
class RemovedDocument:
    """A removed document that can be brought back."""

    document: DocumentKey
    provider: str
    """The id of the record of the provider that keeps it."""
    size: int
    """Bytes."""
    removal: Removal
    """Who removed it, when and why."""
    expires_at: datetime | None = None
    """When it is gone for good, aware UTC; None where the rules of its place decide that."""


def removed_documents(
    resolver: ProviderResolver, bound: str | None, organisation: str, project: str | None
) -> Exchange[list[RemovedDocument]]:
    """Return what can be brought back of the organisation, or of one project; see ``DocumentStore.removed``."""
    check_bound(bound, organisation)
    for what, identifier in (("organisation", organisation), ("project", project)):
        if identifier is not None:
            check_identifier(identifier, what)
    search, found = Search(resolver, bound), dict[DocumentKey, RemovedDocument]()
    call = Call(partial(resolver.in_order, organisation, project), owner=organisation)
    for place in places_of(cast("Sequence[ResolvedProvider]", (yield call))):
        provider = place[0]
        if not provider.storage.info.can(Capability.UNDELETE):
            continue
        for kept in (yield from _kept_in(search, place, f"{project}/" if project is not None else "")):
            document = _document_of(organisation, kept)
            if document is None or document in found:
                continue
            seen = yield from search.revision(document)
            if seen is not None and seen.removal is not None and seen.document == document:
                found[document] = RemovedDocument(
                    document=document,
                    provider=provider.provider,
                    size=kept.size,
                    removal=seen.removal,
                    expires_at=kept.expires_at,
                )
    return sorted(found.values(), key=lambda one: one.removal.at, reverse=True)


def undelete_document(search: Search, document: DocumentKey) -> Exchange[StoredDocument]:
    """Bring *document* back and return its receipt; see ``DocumentStore.undelete``.

    Raises:
        NotFoundError: no such document was removed.
        AlreadyExistsError: it is stored.
        RecordConflictError: the revision was changed meanwhile.
    """
    search.admit(document)
    seen = yield from search.revision(document)
    if seen is None or seen.document != document:
        raise NotFoundError("no such document was removed", operation="undelete", key=document.build())
    if seen.removal is None:
        raise AlreadyExistsError(_STORED, operation="undelete", key=document.build())
    claim: Claim | None = None
    try:
        provider, info, claim = yield from _brought_back(search, document, seen)
        after = replace(seen, removal=None, provider=provider.provider, size=info.size, token=new_token())
        change = partial(search.register.swap_revision, seen, after)
        if claim is not None:
            change = partial(search.register.swap_revision, seen, after, claim=claim.id)
        event = partial(DocumentUndeleted, document=document, provider=provider.provider, by=search.by)
        if not (yield from search.announced(change, event)):
            raise RecordConflictError(f"the revision {document.build()!r} was changed meanwhile; look at it again")
    except BaseException:
        yield from give_back(claim)
        raise
    return receipt_of(document, provider, info)


def purge_document(search: Search, document: DocumentKey, reason: str | None) -> Exchange[None]:
    """Remove what is kept of a removed document from every place; see ``DocumentStore.purge``.

    Raises:
        AlreadyExistsError: it is stored.
        StorageError: a provider did not answer, or refused.
    """
    search.admit(document)
    seen = yield from search.revision(document)
    if seen is not None and seen.document == document and seen.removal is None:
        raise AlreadyExistsError("the document is stored; remove it first", operation="purge", key=document.build())
    for place in places_of((yield from search.providers(document))):
        if (error := (yield from _purged(place, relative_key(document)))) is not None:
            raise error
    yield from search.noted(document, "purged", reason)
    yield from search.emit(DocumentPurged(document=document, reason=reason, by=search.by))


def _brought_back(
    search: Search, document: DocumentKey, seen: RevisionRecord
) -> Exchange[tuple[ResolvedProvider, ObjectInfo, Claim | None]]:
    """Bring the file back, in the place that the register names if it can; room in the quota comes first."""
    providers = yield from search.providers(document)
    order = sorted(providers, key=lambda provider: provider.provider != seen.provider)
    first: StorageError | None = None
    for place in places_of(order):
        provider = place[0]
        claim = yield from _claimed(provider, document, seen.size)
        try:
            info = yield from _file_of(provider, document, seen)
        except (NotFoundError, InvalidKeyError):
            yield from give_back(claim)
        except StorageError as error:
            yield from give_back(claim)
            first = first or (error if provider.used else None)
        else:
            return provider, info, claim
    raise first or NotFoundError(_NOT_KEPT, operation="undelete", key=document.build())


def _file_of(provider: ResolvedProvider, document: DocumentKey, seen: RevisionRecord) -> Exchange[ObjectInfo]:
    """Return the file under its key, brought back unless an earlier call has done that."""
    storage, key = provider.storage, relative_key(document)
    operations = storage.operations
    if storage.info.can(Capability.UNDELETE):
        with suppress(AlreadyExistsError, NotFoundError):  # it may be there, and then it is compared as well
            yield from operations.history.bring_back(key, None)
    known = yield from operations.head(key)
    if None not in (known.sha256, seen.sha256) and known.sha256 != seen.sha256:
        yield from operations.delete(key, keep=True)
        raise IntegrityError("what is kept under the key of this document has another sha256 than the register says")
    return known


def _claimed(provider: ResolvedProvider, document: DocumentKey, size: int | None) -> Exchange[Claim | None]:
    """Reserve the room that the document takes, where there are quotas.

    Raises:
        QuotaExceededError: there is none.
    """
    quota = provider.storage.operations.context.rules.quota
    if quota is None:
        return None
    claim = quota.claim(document.build())
    yield from claim.reserve(size or 0, lifetime_of(size or 0))
    return claim


def _kept_in(search: Search, place: Place, prefix: str) -> Exchange[list[DeletedObject]]:
    """Return what a place keeps below *prefix*; one that does not answer is passed over with a warning."""
    for provider in place:
        try:
            return (yield from provider.storage.operations.history.deleted(prefix))
        except StorageError as error:
            organisation = provider.storage.prefix
            yield from search.pass_over(provider, error, "removed", f"{organisation}{prefix}")
    return []


def _document_of(organisation: str, kept: DeletedObject) -> DocumentKey | None:
    try:
        return DocumentKey.parse(f"{organisation}/{kept.key}")
    except InvalidKeyError:
        return None  # another object, which is no document


def _purged(place: Place, key: str) -> Exchange[StorageError | None]:
    first: StorageError | None = None
    for provider in place:
        operations = provider.storage.operations
        purges = provider.storage.info.can(Capability.UNDELETE)
        try:
            yield from operations.history.purge(key) if purges else operations.delete(key)
        except InvalidKeyError:
            return None  # a place that cannot hold the key does not
        except StorageError as error:
            first = first or (error if provider.used else None)
        else:
            return None
    return first

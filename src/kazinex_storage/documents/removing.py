"""Removing documents: the register first, then the files, so that no crash frees a revision for other bytes.

What runs have copied is removed as well, wherever the journal knows it to be: nothing of a removed document stays
readable. ``recovering.py`` brings it back for as long as it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from ..errors import (
    AccessDeniedError,
    LockedError,
    NotFoundError,
    ReadOnlyError,
    RecordConflictError,
    RecordNotFoundError,
    StorageError,
)
from ..keys import DocumentKey
from ..transport import Call, Exchange
from .events import DocumentRemoved
from .receipts import ResolvedProvider, StoredDocument
from .register import Removal, RevisionRecord, new_token
from .searching import Place, Search, place_of, places_of, relative_key

# Each try fails only when another upload or removal of the same revision succeeded in between.
_TRIES: Final = 5


def removal_now(by: str | None = None, reason: str | None = None) -> Removal:
    """Return a removal of this moment.

    Raises:
        ValueError: a text is too long, or no text.
    """
    return Removal(at=datetime.now(UTC), by=by, reason=reason)


def stored_sha256(provider: ResolvedProvider, document: DocumentKey) -> Exchange[str | None]:
    """Return the sha256 that the service keeps; with that of a receipt, a client could let other bytes in later."""
    try:
        return (yield from provider.storage.operations.head(relative_key(document))).sha256
    except NotFoundError:
        return None


def remove_by_receipt(
    search: Search, receipt: StoredDocument, removal: Removal, *, keep: bool = True
) -> Exchange[None]:
    """Remove what a receipt names: from its provider, from the one that the register names, and what runs left.

    Raises:
        RecordNotFoundError: the provider of the receipt is not known any more, and the document has not moved.
        StorageError: a provider did not answer, or refused.
    """
    search.admit_receipt(receipt)
    document = receipt.document
    known = yield from search.revision(document)
    try:
        named = yield from search.recorded(receipt)
    except RecordNotFoundError:
        if known is None or known.document != document or known.provider == receipt.provider:
            raise
        named = yield from search.by_id(document.organisation, known.provider)
    sha256 = None if known is not None else (yield from stored_sha256(named, document))
    entry = RecordedRemoval(search, document, named.provider, sha256)
    yield from remove_everywhere(entry, removal, entry.places([named]), keep=keep)


def remove_by_key(search: Search, document: DocumentKey, removal: Removal, *, keep: bool = True) -> Exchange[None]:
    """Remove *document* from every provider of the organisation.

    Raises:
        StorageError: a provider did not answer, or refused.
    """
    search.admit(document)
    provider, sha256 = "", None
    if (yield from search.revision(document)) is None:
        try:
            found, info = yield from search.find(document)
        except NotFoundError:
            return  # never stored: the revision stays free
        provider, sha256 = found.provider, info.sha256
    entry = RecordedRemoval(search, document, provider, sha256)
    yield from remove_everywhere(entry, removal, _all_places(search, document), keep=keep)


def remove_everywhere(
    entry: RecordedRemoval, removal: Removal, places: Exchange[list[Place]], *, keep: bool = True
) -> Exchange[None]:
    """Record *removal*, then delete the document from each of *places*, which are found out after that.

    So a run that copies the document meanwhile either has its copy among them, or finds the revision removed. To *keep*
    it is to have it brought back where its place, or this library, keeps what is deleted.

    Raises:
        StorageError: a provider did not answer, or refused.
    """
    yield from entry.record(removal)
    errors, removed = list[StorageError](), False
    for place in (yield from places):
        error = yield from _delete(place, relative_key(entry.document), counted=not entry.is_known, keep=keep)
        removed = removed or error is None
        if error is not None:
            errors.append(error)
    if errors:
        if not removed and all(isinstance(error, LockedError | AccessDeniedError) for error in errors):
            yield from entry.take_back()  # the services refused: the document is where it was
        raise errors[0]
    if entry.removal is not None:
        yield from entry.search.mark_removed(entry.document)
        yield from entry.search.emit(DocumentRemoved(document=entry.document, removal=entry.removal, by=removal.by))


def remove_copies(search: Search, document: DocumentKey, besides: ResolvedProvider) -> Exchange[None]:
    """Delete what runs left of a removed *document*, but for the place of *besides*.

    Raises:
        StorageError: a provider did not answer, or refused.
    """
    copies = yield from _with_copies(search, document, [besides])
    for place in places_of(copies):
        if place_of(place[0]) != place_of(besides):
            error = yield from _delete(place, relative_key(document), counted=False, keep=False)
            if error is not None:
                raise error
    yield from search.mark_removed(document)


def _all_places(search: Search, document: DocumentKey) -> Exchange[list[Place]]:
    return places_of((yield from search.providers(document)))


def _with_copies(search: Search, document: DocumentKey, named: Sequence[ResolvedProvider]) -> Exchange[Place]:
    """Return *named*, and those providers on which runs have left *document* whose records are still there."""
    found = {provider.provider: provider for provider in named}
    for copy in (yield from search.copies(document)):
        yield from _add(search, document, copy.provider, found)
    return list(found.values())


def _add(search: Search, document: DocumentKey, provider: str, found: dict[str, ResolvedProvider]) -> Exchange[None]:
    if provider not in found:
        try:
            found[provider] = yield from search.by_id(document.organisation, provider)
        except RecordNotFoundError:
            return  # nothing there can be reached any more


def _delete(place: Place, key: str, *, counted: bool, keep: bool) -> Exchange[StorageError | None]:
    """Delete through the first provider of *place* that can; one that was never verified need not answer.

    What no register knew may be *counted* among other objects, and is then counted no longer.
    """
    first: StorageError | None = None
    for provider in place:
        storage = provider.storage
        if not counted:
            storage = storage.with_policy(storage.policy)
            storage.operations.context.rules.quota = None
        try:
            yield from storage.operations.delete(key, keep=keep)
        except ReadOnlyError as error:  # of a retired provider, which need not hold it
            if (yield from storage.operations.exists(key)):
                first = first or error
        except StorageError as error:
            first = first or (error if provider.used else None)
        else:
            return None
    return first


class RecordedRemoval:
    """The removal of one revision as the register holds it."""

    def __init__(self, search: Search, document: DocumentKey, provider: str, sha256: str | None) -> None:
        """Remember *provider* and *sha256* where the register knows nothing yet."""
        self.search = search
        self.document = document
        self._provider = provider
        self._sha256 = sha256
        self._before: RevisionRecord | None = None
        self._after: RevisionRecord | None = None
        self.is_known = False
        """Whether the register knew the revision before."""
        self.removal: Removal | None = None
        """The one in force: that of the first removal. None when the revision has another file."""

    def record(self, removal: Removal) -> Exchange[None]:
        """Remember *removal*, unless the revision is removed already or has another file.

        Raises:
            RecordConflictError: other processes keep changing the same revision.
        """
        register = self.search.register
        for _ in range(_TRIES):
            before = yield from self.search.revision(self.document)
            self.is_known = before is not None
            if before is not None and (before.document != self.document or before.removal is not None):
                self.removal = before.removal if before.document == self.document else None
                return
            after = (
                RevisionRecord(
                    document=self.document,
                    provider=self._provider,
                    sha256=self._sha256,
                    recorded_at=removal.at,
                    removal=removal,
                )
                if before is None
                else replace(before, removal=removal, token=new_token())
            )
            if (yield Call(register.swap_revision, before, after)):
                self._before, self._after, self.removal = before, after, removal
                return
        raise RecordConflictError(
            f"the revision {self.document.build()!r} is being changed by other processes; try again"
        )

    def places(self, named: Sequence[ResolvedProvider]) -> Exchange[list[Place]]:
        """Return the places of the providers *named*, of the one that the register names, and of what runs left."""
        found = {provider.provider: provider for provider in named}
        record = self._after if self._after is not None else (yield from self.search.revision(self.document))
        if record is not None and record.document == self.document:
            yield from _add(self.search, self.document, record.provider, found)
        return places_of((yield from _with_copies(self.search, self.document, list(found.values()))))

    def take_back(self) -> Exchange[None]:
        """Forget the removal that ``put`` remembered."""
        if self._after is not None:
            yield Call(self.search.register.swap_revision, self._after, self._before)

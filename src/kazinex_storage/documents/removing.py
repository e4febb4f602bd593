"""Removing documents: the register first, then the files, so that no crash frees a revision for other bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from ..errors import AccessDeniedError, LockedError, NotFoundError, RecordConflictError, StorageError
from ..keys import DocumentKey
from ..transport import Call, Exchange
from .events import DocumentRemoved
from .receipts import ResolvedProvider
from .register import Removal, RevisionRecord, new_token
from .searching import Search, relative_key

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


def remove_everywhere(
    entry: RecordedRemoval, removal: Removal, places: Sequence[Sequence[ResolvedProvider]]
) -> Exchange[None]:
    """Record *removal*, then delete the document from each of *places*.

    Raises:
        StorageError: a provider did not answer, or refused.
    """
    yield from entry.record(removal)
    errors, removed = list[StorageError](), False
    for place in places:
        error = yield from _delete(place, relative_key(entry.document))
        removed = removed or error is None
        if error is not None:
            errors.append(error)
    if errors:
        if not removed and all(isinstance(error, LockedError | AccessDeniedError) for error in errors):
            yield from entry.take_back()  # the services refused: the document is where it was
        raise errors[0]
    if entry.removal is not None:
        yield from entry.search.emit(DocumentRemoved(document=entry.document, removal=entry.removal, by=removal.by))


def _delete(place: Sequence[ResolvedProvider], key: str) -> Exchange[StorageError | None]:
    """Delete through the first provider of *place* that can; one that was never verified need not answer."""
    first: StorageError | None = None
    for provider in place:
        try:
            yield from provider.storage.operations.delete(key)
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

    def take_back(self) -> Exchange[None]:
        """Forget the removal that ``put`` remembered."""
        if self._after is not None:
            yield Call(self.search.register.swap_revision, self._after, self._before)

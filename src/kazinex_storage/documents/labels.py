"""Tags and storage classes of documents: where the register has the document now, through the verbs of its storage.

Both can be changed without writing the file again, so a receipt holds as it did. They are asked for at one place, by
receipt and by key alike: what is set by the one is seen by the other, also after a run has moved the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ..errors import NotFoundError, RecordNotFoundError
from ..keys import DocumentKey
from ..transport import Exchange
from .events import DocumentReclassed, DocumentTagged
from .receipts import ResolvedProvider, StoredDocument
from .searching import Search, relative_key


class Labels:
    """What one call does about the tags or the storage class of one document."""

    def __init__(self, search: Search, document: StoredDocument | DocumentKey) -> None:
        """Work on *document*.

        Raises:
            AccessDeniedError: it is of another organisation than the search is bound to.
            SettingsError: the receipt was altered.
        """
        if isinstance(document, StoredDocument):
            search.admit_receipt(document)
            document = document.document
        search.admit(document)
        self._search = search
        self._document = document
        self._key = relative_key(document)

    def tags(self) -> Exchange[dict[str, str]]:
        """Return the tags; see ``DocumentStore.tags``."""
        found = yield from self._provider()
        return (yield from found.storage.operations.labels.tags(self._key))

    def set_tags(self, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags; see ``DocumentStore.set_tags``."""
        found = yield from self._provider()
        yield from found.storage.operations.labels.set_tags(self._key, tags)
        event = DocumentTagged(document=self._document, provider=found.provider, tags=dict(tags))
        yield from self._search.emit(event)

    def storage_class(self) -> Exchange[str | None]:
        """Return the storage class; see ``DocumentStore.storage_class``."""
        found = yield from self._provider()
        return (yield from found.storage.operations.head(self._key)).storage_class

    def set_storage_class(self, storage_class: str) -> Exchange[str | None]:
        """Give it another storage class; see ``DocumentStore.set_storage_class``."""
        found = yield from self._provider()
        info = yield from found.storage.operations.labels.set_storage_class(self._key, storage_class)
        event = DocumentReclassed(document=self._document, provider=found.provider, storage_class=storage_class)
        yield from self._search.emit(event)
        return info.storage_class

    def _provider(self) -> Exchange[ResolvedProvider]:
        """Return the provider that the register names; the first one that holds the file where it names none.

        Raises:
            NotFoundError: the document is not stored.
        """
        known = yield from self._search.revision(self._document)
        if known is not None:
            if known.removal is not None or known.document != self._document:
                raise NotFoundError("the document is not stored (any more)", key=self._document.build())
            with suppress(RecordNotFoundError):  # a record that was removed: another one may name the same place
                return (yield from self._search.by_id(self._document.organisation, known.provider))
        found, _ = yield from self._search.find(self._document)
        return found

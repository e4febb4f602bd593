"""The methods of ``DocumentStore`` for tags and storage classes; ``labels.py`` has the bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..keys import DocumentKey
from .receipts import StoredDocument

if TYPE_CHECKING:
    from ..transport import Runner
    from .operations import DocumentOperations


class LabelVerbs:
    """What can be changed about a stored document without writing it again."""

    operations: DocumentOperations
    _run: Runner

    def tags(self, document: StoredDocument | DocumentKey) -> dict[str, str]:
        """Return the tags that its service keeps with a document. One query, one request.

        They are asked for where the register has the document now, whatever a receipt says.

        Raises:
            NotSupportedError: its provider has no tags.
            NotFoundError: it is not stored.
            AccessDeniedError: it is of another organisation.
        """
        return self._run(self.operations.tags(document))

    def set_tags(self, document: StoredDocument | DocumentKey, tags: Mapping[str, str]) -> None:
        """Replace all tags of a document, at most 10; the file and its receipt stay as they are.

        The host gets an event. Lifecycle rules of the service may go by tags, and remove what has one: whoever may set
        tags may do what those rules do. One query, one request.

        Raises:
            NotSupportedError: its provider has no tags.
            NotFoundError: it is not stored.
            ValueError: there are too many, or one has a character that not every service takes.
            AccessDeniedError: it is of another organisation.
        """
        return self._run(self.operations.set_tags(document, tags))

    def storage_class(self, document: StoredDocument | DocumentKey) -> str | None:
        """Return the storage class or access tier of a document. One query, one request.

        None where the service names none: that of an ordinary write.

        Raises:
            NotFoundError: it is not stored.
            AccessDeniedError: it is of another organisation.
        """
        return self._run(self.operations.storage_class(document))

    def set_storage_class(self, document: StoredDocument | DocumentKey, storage_class: str) -> str | None:
        """Give a document another storage class, where its service does that in place, and return what it is now.

        Azure does (``info.classes_in_place``). S3 and R2 would write the object again, which a document never is: have
        a lifecycle rule of the bucket change it there. The host gets an event. One query, two or three requests.

        Raises:
            NotSupportedError: its provider has no such class, or would write the document again.
            NotFoundError: it is not stored.
            RetentionError: its service keeps it from change.
            AccessDeniedError: it is of another organisation.
        """
        return self._run(self.operations.set_storage_class(document, storage_class))

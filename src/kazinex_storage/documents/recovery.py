"""The methods of ``DocumentStore`` for removed documents; each is one exchange of its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..keys import DocumentKey
from .receipts import StoredDocument

if TYPE_CHECKING:
    from ..transport import Runner
    from .operations import DocumentOperations
    from .recovering import RemovedDocument


class Recovery:
    """What can be done with documents that were removed."""

    operations: DocumentOperations
    _run: Runner

    def removed(self, organisation: str | None = None, project: str | None = None) -> list[RemovedDocument]:
        """Return the removed documents that can be brought back, those removed last first.

        One listing of what each place keeps, and one query for each document. Places that do not answer are passed over
        with a warning and an event.

        Args:
            organisation: By default, the one that this store is bound to.
            project: None: of all projects.

        Raises:
            AccessDeniedError: the store is bound to another organisation.
            ValueError: the store is bound to none, and none is named.
        """
        return self._run(self.operations.removed(organisation, project))

    def undelete(self, document: StoredDocument | DocumentKey, *, by: str | None = None) -> StoredDocument:
        """Bring a removed document back, the same bytes under the same revision, and return its receipt.

        It takes room in the quotas again. Repeat it after any error. The host gets an event.

        Args:
            by: By default, in whose name this store works.

        Raises:
            NotFoundError: it was never removed, or nothing is kept of it any more.
            AlreadyExistsError: it is stored.
            QuotaExceededError: there is no room for it.
            IntegrityError: what is kept has another sha256 than the register says.
        """
        return self._run(self.operations.undelete(document, by))

    def purge(
        self, document: StoredDocument | DocumentKey, *, by: str | None = None, reason: str | None = None
    ) -> None:
        """Remove all that is kept of a removed document, for good, from every place; silent when there is nothing.

        The revision stays taken, and what the register remembers of it stays as well. The host gets an event.

        Raises:
            AlreadyExistsError: the document is stored; ``remove(..., purge=True)`` does both.
            StorageError: a provider did not answer, or refused; call again.
        """
        return self._run(self.operations.purge(document, by, reason))

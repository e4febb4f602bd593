"""The methods of ``DocumentStore`` that keep documents from change and removal; ``retaining.py`` has the bodies."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ..keys import DocumentKey
from ..retention import RetentionMode
from .receipts import StoredDocument

if TYPE_CHECKING:
    from ..transport import Runner
    from .operations import DocumentOperations
    from .retaining import RetentionState


class KeepingVerbs:
    """What a record keeper does with documents."""

    operations: DocumentOperations
    _run: Runner

    def retain(
        self,
        document: StoredDocument | DocumentKey,
        until: datetime,
        mode: RetentionMode = RetentionMode.GOVERNANCE,
        *,
        by: str | None = None,
        reason: str | None = None,
    ) -> RetentionState:
        """Keep a document from change and removal until then, on every way through this library.

        The register keeps it from now on, in one transaction with the event, and then its service is told where that
        can keep objects by itself (``enforced_by`` of the result). When the service does not answer the call raises and
        the register keeps the document all the same: repeat it. It may be made longer by anyone, shorter by nobody; a
        GOVERNANCE retention is ended by ``lift_retention``. Two to four queries, and up to two requests.

        Args:
            document: A receipt, or a document that is stored.
            until: Aware; S3 and Azure keep whole seconds.
            mode: COMPLIANCE is ended early by nobody.
            by: By default, in whose name this store works.
            reason: For the audit.

        Raises:
            NotFoundError: it is not stored.
            RetentionError: it is kept for longer, or more strictly, already.
            PolicyError: *until* has passed or has no zone, or a text is too long; a ``ValueError``.
            StorageError: the register or the service does not answer.
        """
        return self._run(self.operations.retain(document, until, mode, by, reason))

    def lift_retention(self, document: StoredDocument | DocumentKey, *, by: str, reason: str) -> RetentionState:
        """End the GOVERNANCE retention of a document before its time, at its service first; the audit keeps why.

        Who may call it is the host's to decide. A hold goes on.

        Raises:
            NotFoundError: it is not stored.
            RetentionError: it is COMPLIANCE, or the credentials of the provider may not end it.
            PolicyError: *by* or *reason* is empty or too long.
            StorageError: the register or the service does not answer.
        """
        return self._run(self.operations.lift_retention(document, by, reason))

    def hold(self, document: StoredDocument | DocumentKey, reason: str, *, by: str | None = None) -> RetentionState:
        """Keep a document from change and removal until ``release``; the first hold, with its reason, stays.

        The register first, then the service, as in ``retain``.

        Raises:
            NotFoundError: it is not stored.
            PolicyError: *reason* is empty or too long.
            StorageError: the register or the service does not answer.
        """
        return self._run(self.operations.hold(document, reason, by))

    def release(
        self, document: StoredDocument | DocumentKey, *, by: str | None = None, reason: str | None = None
    ) -> RetentionState:
        """End the hold of a document, at its service first; silent when there is none. A retention goes on.

        Raises:
            NotFoundError: it is not stored.
            StorageError: the register or the service does not answer.
        """
        return self._run(self.operations.release(document, by, reason))

    def retention(self, document: StoredDocument | DocumentKey) -> RetentionState:
        """Return what keeps a document, by the register. One or two queries, no request.

        Raises:
            AccessDeniedError: it is of another organisation.
        """
        return self._run(self.operations.retention(document))

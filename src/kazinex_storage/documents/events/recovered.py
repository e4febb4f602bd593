"""What happens to removed documents: they are brought back, or removed for good."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ...keys import DocumentKey
from ...values import value
from .base import Event, EventOutcome, utc_now


@value
class DocumentUndeleted(Event):
    """A removed document was brought back: its revision has its file again."""

    name = "document.undeleted"

    document: DocumentKey
    provider: str
    """The id of the record of the provider that holds it."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def organisation(self) -> str:
        """That of the document."""
        return self.document.organisation

    @property
    def project(self) -> str:
        """That of the document."""
        return self.document.project


@value
class DocumentPurged(Event):
    """All that was kept of a removed document was removed for good; the revision stays taken."""

    name = "document.purged"

    document: DocumentKey
    reason: str | None = None
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def organisation(self) -> str:
        """That of the document."""
        return self.document.organisation

    @property
    def project(self) -> str:
        """That of the document."""
        return self.document.project

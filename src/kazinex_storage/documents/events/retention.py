"""What keeps documents, as it changes; and how long new ones are kept."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ...keys import DocumentKey
from ...values import value
from .base import Event, EventOutcome, utc_now


@value
class DocumentRetained(Event):
    """A document may be neither changed nor removed until a date."""

    name = "document.retained"

    document: DocumentKey
    until: datetime
    """Aware UTC."""
    mode: str
    """``governance`` or ``compliance``."""
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


@value
class DocumentUnretained(Event):
    """The GOVERNANCE retention of a document was ended before its time."""

    name = "document.unretained"

    document: DocumentKey
    reason: str
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
class DocumentHeld(Event):
    """A document may be neither changed nor removed before its release."""

    name = "document.held"

    document: DocumentKey
    reason: str
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
class DocumentReleased(Event):
    """The hold of a document ended; a retention goes on."""

    name = "document.released"

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


@value
class RetentionChanged(Event):
    """How long new documents of the organisation, or of one project, are kept was set."""

    name = "retention.changed"

    organisation: str
    project: str | None
    """None for the organisation as a whole."""
    period_s: int | None
    """Seconds from the upload on; None keeps nothing."""
    mode: str
    """``governance`` or ``compliance``."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

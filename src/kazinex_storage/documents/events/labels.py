"""What is changed about a stored document without writing it again: its tags, its storage class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from ...keys import DocumentKey
from ...values import value
from .base import Event, EventOutcome, utc_now


@value
class DocumentTagged(Event):
    """The tags of a document were replaced."""

    name = "document.tagged"

    document: DocumentKey
    provider: str
    """The id of the record of the provider that holds it."""
    tags: Mapping[str, str]
    """All that it has now."""
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
class DocumentReclassed(Event):
    """A document was given another storage class or access tier."""

    name = "document.reclassed"

    document: DocumentKey
    provider: str
    """The id of the record of the provider that holds it."""
    storage_class: str
    """What was asked for, in the words of the service."""
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

"""What happens to documents: each has the key, and the provider that holds or was to hold it."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ...keys import DocumentKey
from ...values import value
from ..register import Removal
from .base import Event, EventOutcome, utc_now


@value
class DocumentUploaded(Event):
    """The file of a revision was stored and recorded, whichever way it came in."""

    name = "document.uploaded"

    document: DocumentKey
    provider: str
    kind: str
    label: str
    size: int
    """Bytes."""
    sha256: str | None
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
class DocumentOpened(Event):
    """A document was found and its bytes are about to be handed out."""

    name = "document.opened"

    document: DocumentKey
    provider: str
    kind: str
    label: str
    how: str
    """The method that was called: ``open``, ``stream``, ``get_bytes`` or ``download``."""
    by_receipt: bool
    """Whether a receipt named it."""
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
class DocumentRemoved(Event):
    """A document was removed, or what an earlier removal left of it; the revision stays taken."""

    name = "document.removed"

    document: DocumentKey
    removal: Removal
    """Who removed it first, when and why."""
    provider: str | None = None
    """The id of the record of the provider that it was on, as far as that is known."""
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
class DocumentRefused(Event):
    """A document was not taken: a policy, a quota, a revision that has a file, bytes that do not fit; or
    not removed, because a retention or a hold keeps it.
    """

    name = "document.refused"

    document: DocumentKey
    operation: str
    """``upload``, ``presign``, ``confirm`` or ``remove``."""
    code: str
    """The class of the error, such as ``FileTypeRefusedError``."""
    error: str
    provider: str | None = None
    outcome: EventOutcome = "refused"
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
class DocumentPresigned(Event):
    """A direct upload was begun: who has the ticket may upload one file until it expires."""

    name = "document.presigned"

    document: DocumentKey
    provider: str
    """The id of the record of the provider."""
    ticket: str
    """The id of the ticket; nothing can be done with it alone."""
    size: int
    """Bytes that were declared."""
    plan: str
    """``put``, ``parts``, ``session`` or ``route``."""
    expires_at: datetime
    """Aware UTC."""
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
class DocumentConfirmed(Event):
    """A direct upload was confirmed: its file is that of the revision."""

    name = "document.confirmed"

    document: DocumentKey
    provider: str
    """The id of the record of the provider."""
    ticket: str
    """The id of the ticket; nothing can be done with it alone."""
    size: int
    sha256: str | None
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
class DocumentAborted(Event):
    """A direct upload was given up, and what had arrived was removed."""

    name = "document.aborted"

    document: DocumentKey
    provider: str
    """The id of the record of the provider."""
    ticket: str
    """The id of the ticket; nothing can be done with it alone."""
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
class DocumentExpired(Event):
    """A direct upload was not confirmed in time, and what had arrived was removed."""

    name = "document.expired"

    document: DocumentKey
    provider: str
    """The id of the record of the provider."""
    ticket: str
    """The id of the ticket; nothing can be done with it alone."""
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

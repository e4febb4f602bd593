"""What happens to the providers of an organisation. ``provider`` is the id of the record."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal, TypeAlias

from ...values import value
from .base import Event, EventOutcome, utc_now

FoundBy: TypeAlias = Literal["verification", "use"]
"""What found the state of a provider: a verification, or a call on it."""


@value
class ProviderAdded(Event):
    """A provider was added; it is PENDING."""

    name = "provider.added"

    organisation: str
    provider: str
    kind: str
    label: str
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderUpdated(Event):
    """The label, settings or secrets of a provider were changed."""

    name = "provider.updated"

    organisation: str
    provider: str
    kind: str
    label: str
    changed: tuple[str, ...]
    """The names of what has another value now: ``label``, and fields of the settings, secrets included."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderRemoved(Event):
    """A provider was forgotten, with its secrets; its objects stay where they are."""

    name = "provider.removed"

    organisation: str
    provider: str
    kind: str
    label: str
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderVerified(Event):
    """A verification passed."""

    name = "provider.verified"

    organisation: str
    provider: str
    kind: str
    label: str
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderFailed(Event):
    """A verification failed, or a call found the credentials refused; the provider is FAILED from now on."""

    name = "provider.failed"

    organisation: str
    provider: str
    kind: str
    label: str
    error: str
    found_by: FoundBy = "use"
    outcome: EventOutcome = "failed"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderRecovered(Event):
    """A call succeeded on a provider that was FAILED because of refused credentials; it is VERIFIED again."""

    name = "provider.recovered"

    organisation: str
    provider: str
    kind: str
    label: str
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class StatusChanged(Event):
    """A provider has another status now, whatever found that; once for each change."""

    name = "status.changed"

    organisation: str
    provider: str
    kind: str
    label: str
    before: str
    """``PENDING``, ``VERIFIED`` or ``FAILED``."""
    after: str
    error: str | None = None
    """What is wrong, when it is FAILED now."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderPassedOver(Event):
    """A provider did not answer, and the call went on without it."""

    name = "provider.passed_over"

    organisation: str
    provider: str
    kind: str
    label: str
    operation: str
    """``upload``, ``find``, ``revisions``, or ``fs`` for what came through ``kazinex://``."""
    key: str
    """The document, or the prefix that was listed."""
    error: str
    """What the provider answered, or that it did not answer."""
    outcome: EventOutcome = "failed"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class ProviderResolved(Event):
    """A storage of a provider was handed out."""

    name = "provider.resolved"

    organisation: str
    provider: str
    kind: str
    label: str
    project: str | None
    reason: str
    """``override``, ``default``, ``receipt`` or ``search``."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class LimitChanged(Event):
    """The largest file that a provider takes was set."""

    name = "limit.changed"

    organisation: str
    provider: str
    kind: str
    label: str
    before: int | None
    """Bytes; None is the default of the kind."""
    after: int | None
    """Bytes."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

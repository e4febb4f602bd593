"""What happens to the choices of an organisation, to its quotas, its keys and its audit."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ...values import value
from .base import Event, EventOutcome, utc_now


@value
class DefaultChanged(Event):
    """The organisation has another default provider, or none."""

    name = "default.changed"

    organisation: str
    before: str | None
    """The id of a provider."""
    after: str | None
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The one that is the default now."""
        return self.after


@value
class OverrideChanged(Event):
    """A project has another provider than it had; None is the default of the organisation."""

    name = "override.changed"

    organisation: str
    project: str
    before: str | None
    """The id of a provider."""
    after: str | None
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The one that is the override now."""
        return self.after


@value
class AllowlistChanged(Event):
    """The organisation takes other types of files than it did; none listed means that it takes all."""

    name = "allowlist.changed"

    organisation: str
    before: tuple[str, ...]
    """Extensions, sorted."""
    after: tuple[str, ...]
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class FileRulesChanged(Event):
    """The organisation refuses other files than it did, beside sizes and the allowlist."""

    name = "file-rules.changed"

    organisation: str
    before: str
    """The rules as JSON."""
    after: str
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class QuotaChanged(Event):
    """What the organisation, or one project, may store was set; None is without a limit."""

    name = "quota.changed"

    organisation: str
    project: str | None
    """None for the organisation as a whole."""
    max_bytes: int | None
    """Bytes, from now on."""
    max_objects: int | None
    """Files of revisions."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class KeyRotated(Event):
    """Secrets were sealed under a new key, in all organisations; ``organisation`` is empty."""

    name = "key.rotated"

    resealed: int
    """How many providers have secrets that were sealed again."""
    organisation: str = ""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class AuditDropped(Event):
    """The oldest entries of the audit were dropped."""

    name = "audit.dropped"

    organisation: str
    older_than: datetime
    """What was kept is from this time on, but for what was written out of order."""
    first: int
    """The number of the first entry that was dropped."""
    last: int
    """The number of the last one."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

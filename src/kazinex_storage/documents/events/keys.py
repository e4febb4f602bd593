"""What happens to the data keys of an organisation and to the credentials of its providers; never a key or a secret."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ...values import value
from .base import Event, EventOutcome, utc_now


@value
class DataKeyRenewed(Event):
    """Another data key seals for the organisation from now on."""

    name = "data_key.renewed"

    organisation: str
    key: str
    """The id of the data key."""
    wrapped_by: str
    """The name of the key in the key service."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class DataKeysDestroyed(Event):
    """Data keys of the organisation are gone, and what was sealed under them cannot be read any more."""

    name = "data_key.destroyed"

    organisation: str
    keys: tuple[str, ...]
    """The ids of the data keys."""
    reason: str
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class SecretsResealed(Event):
    """Secrets of the organisation were sealed under its newest key."""

    name = "secrets.resealed"

    organisation: str
    records: int
    """How many records changed."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""


@value
class CredentialsChanged(Event):
    """A version of the credentials of a provider was proposed, proven, refused, activated, or dropped."""

    name = "credentials.changed"

    organisation: str
    provider: str
    """The id of the provider."""
    kind: str
    label: str
    version: int
    """Of the credentials."""
    status: str
    """What it is now: PROPOSED, PROVEN, FAILED, ACTIVE, RETIRED or DROPPED."""
    changed: tuple[str, ...] = ()
    """The names of the fields that differ from those in use; no values."""
    error: str | None = None
    """Why it FAILED."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

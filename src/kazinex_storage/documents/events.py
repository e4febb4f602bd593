"""What a host may want to know besides results: providers passed over, failing or working again, documents removed.

``Resolver(on_event=...)`` gets them, whichever way the call came in. Values only.
"""

from __future__ import annotations

from typing import TypeAlias

from ..keys import DocumentKey
from ..values import value
from .register import Removal


@value
class ProviderPassedOver:
    """A provider did not answer, and the call went on without it."""

    organisation: str
    provider: str
    """The id of its record."""
    kind: str
    label: str
    operation: str
    """``upload``, ``find``, ``revisions``, or ``fs`` for what came through ``kazinex://``."""
    key: str
    """The document, or the prefix that was listed."""
    error: str
    """What the provider answered, or that it did not answer."""


@value
class ProviderFailed:
    """The credentials were refused in a call, and the provider is FAILED from now on."""

    organisation: str
    provider: str
    kind: str
    label: str
    error: str


@value
class ProviderRecovered:
    """A call succeeded on a provider that was FAILED because of refused credentials; it is VERIFIED again."""

    organisation: str
    provider: str
    kind: str
    label: str


@value
class DocumentRemoved:
    """A document was removed, or what an earlier removal left of it; the revision stays taken."""

    document: DocumentKey
    removal: Removal
    """Who removed it first, when and why."""


Event: TypeAlias = ProviderPassedOver | ProviderFailed | ProviderRecovered | DocumentRemoved
"""Every event that a listener may get."""

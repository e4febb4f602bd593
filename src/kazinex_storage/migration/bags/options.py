"""What exports and imports are asked to do."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from ...types import MIB
from ...values import value
from ..rates import RateLimits

# Leased in memory as a whole, as many at once as ``concurrency`` says.
SMALL_BYTES: Final = 4 * MIB
"""What is larger is streamed by a thread of its own."""


@value
class ExportOptions:
    """How an organisation is exported."""

    max_bag_bytes: int | None = None
    """Payload of a bag, at most, but for one object that is larger by itself; None: one bag for each project."""
    accept_rewritten: bool = False
    """Pack what the service has rewritten as it is now, not as it was uploaded."""
    leave_out_failed: bool = False
    """Finish bags without what could not be read, and say in them what is left out; likewise for providers."""
    concurrency: int = 16
    """Small objects that are on their way at once."""
    limits: RateLimits = field(default_factory=RateLimits)
    """How fast this process may read and write."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        names = ("max_bag_bytes", "accept_rewritten", "leave_out_failed", "concurrency")
        return {**{name: getattr(self, name) for name in names}, "limits": self.limits.to_dict()}


@value
class ImportOptions:
    """How bags are imported."""

    renamed_from: str | None = None
    """The organisation that the bags are of, when it is another one than they are imported for."""
    restore_removed: bool = False
    """Store documents again that were removed since; without it they are refused."""
    dry_run: bool = False
    """Validate all bags, and store nothing."""
    concurrency: int = 16
    """Small objects that are on their way at once."""
    limits: RateLimits = field(default_factory=RateLimits)
    """How fast this process may read and write."""

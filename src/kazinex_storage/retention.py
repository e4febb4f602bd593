"""How long an object may be neither changed nor removed, as values."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

from .values import value


class RetentionMode(Enum):
    """Who may end a retention early."""

    GOVERNANCE = "governance"
    """Those who have a right of their own for it may shorten or lift it."""
    COMPLIANCE = "compliance"
    """Nobody may; it can only be made longer."""


@value
class Retention:
    """Until when an object may be neither changed nor removed."""

    until: datetime
    """Aware UTC."""
    mode: RetentionMode = RetentionMode.GOVERNANCE

    def __post_init__(self) -> None:
        """Turn the time into UTC.

        Raises:
            ValueError: it has no zone.
        """
        if self.until.tzinfo is None:
            raise ValueError("until has no zone; use datetime.now(UTC)")
        if self.until.tzinfo is not UTC:
            object.__setattr__(self, "until", self.until.astimezone(UTC))

    def is_over(self, now: datetime) -> bool:
        """Say whether it has ended by *now*."""
        return self.until <= now

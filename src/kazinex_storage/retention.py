"""How long an object may be neither changed nor removed, as values, and what refuses when someone tries."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

from .errors import PolicyError, RetentionError
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


@value
class Protection:
    """What keeps one object from change and removal, as its provider says."""

    retention: Retention | None = None
    """The last one that was set; it may be over."""
    held: bool = False
    """Whether a legal hold lasts."""

    def keeps(self, now: datetime) -> bool:
        """Say whether the object may be neither changed nor removed at *now*."""
        return self.held or (self.retention is not None and not self.retention.is_over(now))

    def refusal(self, key: str | None = None) -> RetentionError:
        """Return the error for a change of what this keeps."""
        if self.held or self.retention is None:
            return kept_error(None, None, key)
        return kept_error(self.retention, None, key)


UNPROTECTED = Protection()
"""Nothing keeps the object."""


def kept_error(retention: Retention | None, reason: str | None, key: str | None = None) -> RetentionError:
    """Return the error for a change of an object under *retention*; None is a hold, for *reason* if that is known."""
    if retention is None:
        why = f": {reason}" if reason else ""
        error = RetentionError(
            f"a legal hold keeps the object{why}; it is changed or removed after its release", key=key
        )
    else:
        word = retention.mode.value
        error = RetentionError(
            f"it is kept until {retention.until:%Y-%m-%d %H:%M:%S} UTC ({word}); change or remove it after that",
            key=key,
        )
    error.until = retention.until if retention is not None else None
    error.reason = reason
    return error


def check_change(
    before: Retention | None, after: Retention | None, now: datetime, *, bypass: bool, key: str | None = None
) -> None:
    """Refuse *after* in place of *before* where that ends or weakens it and may not.

    Raises:
        RetentionError: COMPLIANCE would end earlier or be weaker; or GOVERNANCE, and *bypass* is not said.
        PolicyError: *after* has ended by *now*.
    """
    if after is not None and after.is_over(now):
        raise PolicyError(f"until is {after.until.isoformat()}, which has passed; give a time to come")
    if before is None or before.is_over(now):
        return
    strict = before.mode is RetentionMode.COMPLIANCE
    longer = after is not None and after.until >= before.until
    weaker = strict and (after is None or after.mode is not RetentionMode.COMPLIANCE)
    if longer and not weaker:
        return
    if strict or not bypass:
        raise kept_error(before, None, key)

"""What keeps a prune from deleting an object of the source: rules that the host gives, and refusals of the service.

A prune asks the register and the rules before it deletes, and the service decides in the end: what it locks is
RETAINED, and the reason is kept in the journal. Nothing here lifts a lock or shortens a period.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from ..documents.quotas import utc_now
from ..documents.retentions import KeptRevision
from ..errors import ArchivedError, LockedError, StorageError
from ..types import ObjectInfo
from .journal import Entry, Run


class RetentionRule(Protocol):
    """Decides whether the source may lose an object now. Called from any thread; thread-safe, and quick."""

    def __call__(self, run: Run, entry: Entry, info: ObjectInfo) -> str | None:
        """Return why the source keeps the object of *entry*, in one line; None lets it go.

        Args:
            run: The run that copied it.
            entry: Proven on the target.
            info: What the source says of it now.
        """
        ...


class KeptFor:
    """A rule that keeps each object on the source for a time after it was copied: to roll back, or to look again."""

    def __init__(self, period: timedelta, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Keep objects for *period*.

        Raises:
            ValueError: the period is negative.
        """
        if period < timedelta(0):
            raise ValueError(f"objects are kept for a time, not for {period}")
        self._period = period
        self._clock = clock

    def __call__(self, run: Run, entry: Entry, info: ObjectInfo) -> str | None:  # noqa: ARG002  # of the protocol
        """Return until when the object is kept; one whose time of copying is not known is kept."""
        if not self._period:
            return None
        if entry.changed_at is None:
            return "kept: the journal does not say when it was copied"
        until = entry.changed_at + self._period
        return f"kept until {until:%Y-%m-%d %H:%M} UTC" if self._clock() < until else None


def kept_by(rules: Iterable[RetentionRule], run: Run, entry: Entry, info: ObjectInfo) -> str | None:
    """Return the reason of the first of *rules* that keeps the object; None when none does."""
    for rule in rules:
        reason = rule(run, entry, info)
        if reason is not None:
            return reason
    return None


def kept_until(kept: KeptRevision) -> str | None:
    """Return the reason when the register keeps the revision of an object; None when it does not."""
    if not kept.keeps(utc_now()):
        return None
    if kept.hold is not None:
        return f"kept by a legal hold: {kept.hold.reason}"
    return f"kept until {kept.retention.until:%Y-%m-%d %H:%M} UTC" if kept.retention is not None else None


def refused_by_service(error: StorageError) -> str | None:
    """Return the reason when *error* says that the service keeps the object; None when it says something else.

    A retention policy, a legal hold, a lease, a file that is checked out: all of them are ``LockedError``.
    """
    if isinstance(error, LockedError) and not isinstance(error, ArchivedError):
        return f"kept by the service: {error.message}"
    return None

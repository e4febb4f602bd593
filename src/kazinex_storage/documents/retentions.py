"""What keeps revisions: until when, by which hold, and how long new ones of a project are kept.

It is kept with the register of revisions, which refuses to record a removal of what is kept, in the same transaction:
so every way that removes a document honours it, whatever the provider can do by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ..errors import PolicyError, RecordConflictError, RetentionError
from ..keys import DocumentKey
from ..retention import Retention, RetentionMode, kept_error
from ..values import value

# A period that ends before the last year that datetimes have.
MAX_PERIOD = timedelta(days=365 * 200)
"""The longest period of a default."""


@value
class Hold:
    """Why a revision may be neither changed nor removed before its release."""

    reason: str
    at: datetime
    """Since when; aware UTC."""
    by: str | None = None
    """Who said so, as the caller named them."""


@value
class KeptRevision:
    """What keeps one revision."""

    document: DocumentKey
    """The revision; the file name in it does not matter."""
    retention: Retention | None = None
    """The last one that was set; it may be over."""
    hold: Hold | None = None
    by_default: bool = False
    """Whether the retention is that of the project or the organisation, from the upload."""
    by_service: bool = False
    """Whether the service of its provider was told, and keeps it by itself."""
    version: int = 0
    """0 when nothing was ever set."""

    def keeps(self, now: datetime) -> bool:
        """Say whether the revision may be neither changed nor removed at *now*."""
        return self.hold is not None or (self.retention is not None and not self.retention.is_over(now))

    def refusal(self) -> RetentionError:
        """Return the error for a removal of what this keeps."""
        key = self.document.build()
        if self.hold is not None or self.retention is None:
            return kept_error(None, self.hold.reason if self.hold is not None else None, key)
        return kept_error(self.retention, None, key)


@value
class DefaultRetention:
    """How long new revisions of an organisation, or of one project, are kept from their upload on."""

    organisation: str
    project: str | None = None
    """None for the organisation as a whole; a project that has one of its own follows that."""
    period: timedelta | None = None
    """From the upload on; None keeps nothing."""
    mode: RetentionMode = RetentionMode.GOVERNANCE
    version: int = 0
    """0 when nothing was ever set."""

    def retention(self, stored_at: datetime) -> Retention | None:
        """Return the retention of a revision that was stored at that time."""
        return Retention(until=stored_at + self.period, mode=self.mode) if self.period is not None else None


def check_default(rule: DefaultRetention) -> None:
    """Refuse a period that is none.

    Raises:
        PolicyError: it is not positive, or longer than ``MAX_PERIOD``.
    """
    if rule.period is not None and not timedelta(0) < rule.period <= MAX_PERIOD:
        raise PolicyError(f"documents are kept for a time of up to 200 years, not for {rule.period}")


class RetentionTable(Protocol):
    """Remembers what keeps revisions, where the register is. Thread-safe, shared by the same processes."""

    def find(self, document: DocumentKey) -> KeptRevision:
        """Return what keeps the revision of *document*; version 0 when nothing ever did."""
        ...

    def set_kept(self, kept: KeptRevision, *, by: str | None = None, reason: str | None = None) -> bool:
        """Put *kept* in the place of the one that it was made from; say whether that was done.

        Nothing is changed when that has another version by now, or the revision is not stored. Where there is evidence,
        it says *by* whom and for what *reason*.
        """
        ...

    def default(self, organisation: str, project: str | None) -> DefaultRetention:
        """Return what is set for the organisation, or for one project; version 0 when nothing ever was."""
        ...

    def defaults(self, organisation: str) -> tuple[DefaultRetention, ...]:
        """Return all that are in force, that of the organisation first, then by project."""
        ...

    def set_default(self, rule: DefaultRetention) -> DefaultRetention:
        """Put *rule* in the place of the one that it was made from, and return it at the next version.

        Raises:
            RecordConflictError: that has another version by now.
        """
        ...


def conflict(rule: DefaultRetention) -> RecordConflictError:
    """Return the error for a rule that was changed meanwhile."""
    whose = f"the project {rule.project!r}" if rule.project is not None else f"the organisation {rule.organisation!r}"
    return RecordConflictError(
        f"the default retention of {whose} was changed after version {rule.version} was read; read it again"
    )


@value
class Kinds:
    """What a swap of the register means for what keeps the revision."""

    stores: bool
    """It has a file from now on."""
    removes: bool
    """Its file goes for good."""
    withdraws: bool
    """A file that was recorded a moment ago was not to be, and is forgotten."""
    moves: bool = False
    """Its file is on another provider from now on, whose service was told nothing yet."""


class MemoryRetentions:
    """Retentions of a register in memory, under its lock."""

    def __init__(self, lock: AbstractContextManager[bool], stored: Callable[[str], bool]) -> None:
        """Change things under *lock*; *stored* says whether the revision with that prefix is stored."""
        self._lock = lock
        self._stored = stored
        self._kept: dict[str, KeptRevision] = {}
        self._defaults: dict[tuple[str, str], DefaultRetention] = {}

    def find(self, document: DocumentKey) -> KeptRevision:
        """Return what keeps the revision."""
        with self._lock:
            return self._kept.get(document.revision_prefix) or KeptRevision(document=document)

    def set_kept(self, kept: KeptRevision, *, by: str | None = None, reason: str | None = None) -> bool:  # noqa: ARG002
        """Put *kept* in the place of the one that it was made from; there is no evidence here."""
        prefix = kept.document.revision_prefix
        with self._lock:
            before = self._kept.get(prefix)
            if (before.version if before is not None else 0) != kept.version or not self._stored(prefix):
                return False
            self._kept[prefix] = replace(kept, version=kept.version + 1)
            return True

    def default(self, organisation: str, project: str | None) -> DefaultRetention:
        """Return what is set."""
        with self._lock:
            found = self._defaults.get((organisation, project or ""))
            return found or DefaultRetention(organisation=organisation, project=project)

    def defaults(self, organisation: str) -> tuple[DefaultRetention, ...]:
        """Return all that are in force."""
        with self._lock:
            found = [self._defaults[place] for place in sorted(self._defaults) if place[0] == organisation]
            return tuple(rule for rule in found if rule.period is not None)

    def set_default(self, rule: DefaultRetention) -> DefaultRetention:
        """Put *rule* in the place of the one that it was made from."""
        with self._lock:
            if self.default(rule.organisation, rule.project).version != rule.version:
                raise conflict(rule)
            after = replace(rule, version=rule.version + 1)
            self._defaults[rule.organisation, rule.project or ""] = after
            return after

    def swapped(self, document: DocumentKey, kinds: Kinds, stored_at: datetime) -> None:
        """Refuse a swap that removes what is kept, or keep what is stored from now on; the lock is held.

        Raises:
            RetentionError: something keeps it.
        """
        before = self.find(document)
        if refusal := refused(before, kinds):
            raise refusal
        if kinds.withdraws:
            self._kept.pop(document.revision_prefix, None)
        elif kinds.moves and before.by_service:
            self._kept[document.revision_prefix] = replace(before, by_service=False, version=before.version + 1)
        elif kinds.stores:
            rules = [self.default(document.organisation, project) for project in (document.project, None)]
            after = kept_from(before, rules, document, stored_at)
            if after is not None:
                self._kept[document.revision_prefix] = after


def refused(before: KeptRevision, kinds: Kinds) -> RetentionError | None:
    """Return the error for a swap of what *before* keeps; what a default keeps can still be withdrawn."""
    withdrawn = kinds.withdraws and before.by_default and before.hold is None
    if (kinds.removes or kinds.withdraws) and not withdrawn and before.keeps(datetime.now(UTC)):
        return before.refusal()
    return None


def kept_from(
    before: KeptRevision, rules: list[DefaultRetention], document: DocumentKey, stored_at: datetime
) -> KeptRevision | None:
    """Return what keeps a revision that was stored now, by the first of *rules* that is set; None when none is."""
    rule = next((rule for rule in rules if rule.version), None)
    retention = rule.retention(stored_at) if rule is not None else None
    if retention is None or retention.is_over(datetime.now(UTC)) or before.keeps(datetime.now(UTC)):
        return None
    return KeptRevision(document=document, retention=retention, by_default=True, version=before.version + 1)

"""What came of a synchronisation, as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Final, TypeAlias

from ..errors import StorageError
from ..values import value
from .plan import Step, StepKind

MOST_ITEMS: Final = 10_000
"""Items that a report lists; the counts are of all."""

OnStep: TypeAlias = Callable[["SyncItem"], object]
"""Called with each item when it is done; what is the same on both ends is none."""


@value(kw_only=False)
class SyncItem:
    """What was done about one key, or why it was not."""

    action: str
    """``copy``, ``replace``, ``delete``, ``refuse``, ``leave out`` or ``fail``."""
    key: str
    size: int = 0
    """Bytes."""
    reason: str = ""
    """Of what was not done."""
    error: Exception | None = field(default=None, compare=False, repr=False)
    """What went wrong."""
    wrong: bool = False
    """Whether somebody has to look at it."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        found: dict[str, object] = {"action": self.action, "key": self.key, "size": self.size}
        if self.reason:
            found["reason"] = self.reason
        if self.error is not None:
            found["error"] = type(self.error).__name__
        return found


@value(frozen=False)
class SyncReport:
    """What a synchronisation did, or in a dry run would do."""

    dry_run: bool = False
    same: int = 0
    """Objects that were the same on both ends."""
    copied: int = 0
    """Objects that the target had not."""
    replaced: int = 0
    """Objects of which the target had others."""
    deleted: int = 0
    """Objects that only the target had."""
    extra: int = 0
    """Objects that only the target has, and that were left there."""
    refused: int = 0
    """Objects that the target cannot take, or never replaces."""
    left_out: int = 0
    """Links, special files and illegal names."""
    wrong: int = 0
    """Of those that were left out, the ones that somebody has to look at."""
    failed: int = 0
    """Objects that were not copied or deleted; run it again."""
    undeleted: int = 0
    """Objects that were to be deleted, and were not because something had failed before."""
    bytes: int = 0
    """Bytes of what was copied and replaced."""
    items: list[SyncItem] = field(default_factory=list)
    """The first 10,000 of those that were not the same."""

    @property
    def is_complete(self) -> bool:
        """Whether the target now has all that the source has."""
        return not (self.failed or self.refused or self.wrong)

    def add(self, item: SyncItem, count: str) -> None:
        """Count *item* under *count*, the name of a field."""
        setattr(self, count, getattr(self, count) + 1)
        if len(self.items) < MOST_ITEMS:
            self.items.append(item)

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        counts: dict[str, object] = {name: getattr(self, name) for name in _COUNTS}
        return {"dry_run": self.dry_run, **counts, "items": [item.to_dict() for item in self.items]}


_COUNTS: Final = (
    "same",
    "copied",
    "replaced",
    "deleted",
    "extra",
    "refused",
    "left_out",
    "wrong",
    "failed",
    "undeleted",
    "bytes",
)
_COUNTED_AS: Final = {
    StepKind.COPY: "copied",
    StepKind.REPLACE: "replaced",
    StepKind.DELETE: "deleted",
    StepKind.REFUSE: "refused",
    StepKind.LEFT_OUT: "left_out",
}


def done(report: SyncReport, step: Step) -> SyncItem:
    """Count *step* as done, and return what is to be told of it."""
    entry = step.source if step.source is not None else step.target
    left_out = entry.left_out if entry is not None else None
    wrong = step.kind is StepKind.REFUSE or (left_out is not None and left_out.is_wrong)
    size = entry.size if entry is not None else 0
    item = SyncItem(step.kind.value, step.key, size, step.reason, None, wrong)
    report.add(item, _COUNTED_AS[step.kind])
    if step.kind in (StepKind.COPY, StepKind.REPLACE):
        report.bytes += size
    if step.kind is StepKind.LEFT_OUT and wrong:
        report.wrong += 1
    return item


def failed(report: SyncReport, step: Step, error: Exception) -> SyncItem:
    """Count *step* as failed with *error*, and return what is to be told of it."""
    entry = step.source if step.source is not None else step.target
    if isinstance(error, StorageError):
        reason = error.message
    else:
        reason = (getattr(error, "strerror", None) or type(error).__name__).lower()
    item = SyncItem("fail", step.key, entry.size if entry is not None else 0, reason, error, wrong=True)
    report.add(item, "failed")
    return item

"""Sweeping: find what killed writers left behind and, unless it is a dry run, remove it.

Unfinished uploads in parts cost money on most services and are in no listing; a local disk keeps side files. A sweep
keeps to the folder of its storage and spares what is young, because another process may still resume it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..capabilities import Capability
from ..errors import StorageError
from ..types import PendingUpload
from ..values import value

if TYPE_CHECKING:
    from .sync import Storage


# A day is longer than any upload that is still alive, and far shorter than the week after which R2 aborts it.
DEFAULT_AGE = timedelta(hours=24)
"""The age from which an unfinished upload is swept."""


@value
class SweepReport:
    """What a sweep found, and what became of it."""

    uploads: tuple[PendingUpload, ...] = ()
    """The unfinished uploads that are old enough."""
    leftovers: int = 0
    """Files of dead writers that the provider keeps next to objects; it knows which writers are alive."""
    expired: int = 0
    """Deleted objects that this library has kept for long enough; see ``Storage.deleted``."""
    younger: int = 0
    """Unfinished uploads that are too young, or whose age the service does not report: they stay."""
    failures: tuple[StorageError, ...] = ()
    """Why some of them are still there."""
    dry_run: bool = True
    """Whether nothing was removed."""

    @property
    def removed(self) -> int:
        """How many uploads and files were removed."""
        if self.dry_run:
            return 0
        return len(self.uploads) + self.leftovers + self.expired - len(self.failures)

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "dry_run": self.dry_run,
            "uploads": [
                {
                    "key": upload.key,
                    "upload_id": upload.upload_id,
                    "begun_at": upload.begun_at.isoformat() if upload.begun_at is not None else None,
                }
                for upload in self.uploads
            ],
            "leftovers": self.leftovers,
            "expired": self.expired,
            "younger": self.younger,
            "removed": self.removed,
            "failures": [str(error) for error in self.failures],
        }


def sweep(storage: Storage, *, older_than: timedelta = DEFAULT_AGE, dry_run: bool = True) -> SweepReport:
    """Find what killed writers left below the prefix of *storage*; unless it is a *dry_run*, remove it.

    So is what was deleted and has been kept for long enough. One request per 1,000 unfinished uploads and per 1,000
    deleted objects, and one for each that is aborted or removed. An upload that is resumed at the same
    moment may be lost; choose *older_than* so that none is.

    Raises:
        StorageError: the service does not list what there is; what could not be aborted is in the report.
        ValueError: *older_than* is negative.
    """
    if older_than < timedelta(0):
        raise ValueError("older_than is not a time in the future")
    uploads = storage.operations.uploads
    leftovers = storage.transport.run(uploads.leftovers(dry_run=dry_run)) or 0
    expired, kept = storage.transport.run(storage.operations.history.sweep(dry_run=dry_run))
    report = SweepReport(leftovers=leftovers, expired=expired, failures=kept, dry_run=dry_run)
    if not storage.info.can(Capability.PARTS):
        return report
    found, latest = storage.pending_uploads(), datetime.now(UTC) - older_than
    old = tuple(upload for upload in found if upload.was_begun_by(latest))
    report = replace(report, uploads=old, younger=len(found) - len(old))
    if dry_run:
        return report
    outcomes = storage.transport.run_many(map(uploads.abort, old), storage.info.concurrency)
    errors = [outcome.error for _, outcome in outcomes if outcome.error is not None]
    for error in errors:
        if not isinstance(error, StorageError):
            raise error
    return replace(report, failures=(*kept, *(error for error in errors if isinstance(error, StorageError))))

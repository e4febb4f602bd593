"""What errors become in a report: findings, with what they mean and what to do. ``verify.py`` makes reports."""

from __future__ import annotations

from datetime import UTC, datetime

from ..errors import LockedError, StorageError
from ..lazy import logger
from ..types import Diagnosis
from .advice import advise
from .reports import Check, CheckStatus, VerificationReport

_log = logger(__name__)


def unusable(kind: str, error: StorageError) -> VerificationReport:
    """Report settings that could not even be opened."""
    check = unpassed("settings", error, 0.0, advise(error))
    return VerificationReport(kind=kind, location="", checks=(check,), started_at=datetime.now(UTC), seconds=0.0)


def unpassed(name: str, error: Exception, seconds: float, advice: Diagnosis) -> Check:
    """Return the check *name* that ended in *error*."""
    # A retention rule that keeps the probe lets documents be stored, and is often wanted.
    kept = isinstance(error, LockedError) and name in ("create-only", "delete")
    return Check(
        name=name,
        status=CheckStatus.WARNING if kept else CheckStatus.FAILED,
        seconds=seconds,
        error=str(error) if isinstance(error, StorageError) else _foreign(name, error),
        diagnosis=advice.meaning,
        fix=advice.fix,
        passing=isinstance(error, StorageError) and error.retryable,
    )


def _foreign(name: str, error: Exception) -> str:
    # Our own errors contain no secrets; the text of any other one might.
    _log.debug("the check %s failed with an error that is not a StorageError", name, exc_info=error)
    return f"{type(error).__name__}, which is not a storage error; its text is in the debug log"

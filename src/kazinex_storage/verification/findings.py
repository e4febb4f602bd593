"""What errors become in a report: findings, with what they mean and what to do. ``verify.py`` makes reports."""

from __future__ import annotations

from datetime import UTC, datetime

from ..capabilities import Capability
from ..errors import LockedError, StorageError
from ..lazy import logger
from ..types import Diagnosis
from .advice import advise
from .reports import Check, CheckStatus, VerificationReport

HANGS = Diagnosis(
    meaning="the service or the disk hangs, or is very slow",
    fix="check the network path or the mount, then verify again",
)
"""What it means when the time is over."""

_IN_BETWEEN = "look at what is in between: a proxy, a gateway, a rule that rewrites headers"

METADATA_ALTERED = Diagnosis(meaning="the metadata came back altered", fix=_IN_BETWEEN)
"""A warning: documents do not depend on it."""

_log = logger(__name__)


def unusable(kind: str, error: StorageError) -> VerificationReport:
    """Report settings that could not even be opened."""
    check = unpassed("settings", error, 0.0, advise(error))
    return VerificationReport(kind=kind, location="", checks=(check,), started_at=datetime.now(UTC), seconds=0.0)


def content_type_altered(found: str | None) -> Diagnosis:
    """Warn that the probe came back with another content type, *found*."""
    return Diagnosis(meaning=f"the content type came back as {found}", fix=_IN_BETWEEN)


def no_create_only(missing: str | None) -> Diagnosis:
    """Explain a provider without create-only writes; *missing* is why it has none."""
    return Diagnosis(
        meaning="documents cannot be stored here: the file of a revision is written once, which needs the capability "
        f"{Capability.CREATE_ONLY.value!r}",
        fix=missing or "choose a kind of provider that has it",
    )


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

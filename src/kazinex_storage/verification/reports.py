"""What a verification found: its checks, each with status, diagnosis and fix. ``verify.py`` makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import Enum
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from ..capabilities import KEEPS
from ..lazy import regex
from ..types import Diagnosis, ProviderInfo
from ..values import value

KeptBy: TypeAlias = Literal["service", "ours", "register"]
"""Who keeps what is retained and held; see ``kept_by_of``."""

_FAILURE = regex(r"[a-z-]{1,40}: (?P<meaning>.*?) \(.*\); (?P<fix>.*)", re.DOTALL)


class CheckStatus(Enum):
    """How one check ended."""

    PASSED = "passed"
    WARNING = "warning"
    """Documents can be stored; something else needs attention."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not tried: a check that it depends on failed, or the provider does not declare what it would test."""


@value
class Check:
    """One thing that was tried."""

    name: str
    """``settings``, ``list``, ``write``, ``read``, ``compare``, ``create-only``, ``private``, ``delete``, or one that a
    provider adds."""
    status: CheckStatus
    seconds: float = 0.0
    error: str | None = None
    """What the service or the provider said."""
    diagnosis: str | None = None
    """What that means."""
    fix: str | None = None
    """What to do about it."""
    passing: bool = False
    """Whether it may pass by itself: the service could not be reached, was busy, or failed on its side."""


@value
class VerificationReport:
    """Every check in the order it was tried."""

    kind: str
    location: str
    checks: tuple[Check, ...]
    started_at: datetime
    """Aware UTC."""
    seconds: float
    kept_by: Mapping[str, KeptBy] = field(default_factory=dict)
    """Who keeps objects that may not be changed or removed, by ``retention`` and ``legal-hold``; see ``kept_by_of``."""

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.status is not CheckStatus.FAILED for check in self.checks)

    @property
    def failure(self) -> str | None:
        """The first failure in one line: diagnosis, error and fix; None when there is none."""
        for check in self.checks:
            if check.status is CheckStatus.FAILED:
                return f"{check.name}: {check.diagnosis} ({check.error}); {check.fix}"
        return None

    @property
    def passing(self) -> bool:
        """Whether something failed, and all of that may pass by itself: the settings may well be right."""
        failed = [check for check in self.checks if check.status is CheckStatus.FAILED]
        return bool(failed) and all(check.passing for check in failed)

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "kind": self.kind,
            "location": self.location,
            "ok": self.ok,
            "started_at": self.started_at.isoformat(),
            "seconds": round(self.seconds, 3),
            "kept_by": dict(self.kept_by),
            "checks": [
                {
                    "name": check.name,
                    "status": check.status.value,
                    "seconds": round(check.seconds, 3),
                    "error": check.error,
                    "diagnosis": check.diagnosis,
                    "fix": check.fix,
                }
                for check in self.checks
            ],
        }


def kept_by_of(info: ProviderInfo) -> dict[str, KeptBy]:
    """Return who keeps what is retained and held in a place.

    ``service``: the place by itself, from everyone. ``ours``: this library, from those who come through it.
    ``register``: documents of organisations alone are kept, by the register, likewise.
    """
    return {
        capability.value: "register" if not info.can(capability) else "ours" if capability in info.ours else "service"
        for capability in sorted(KEEPS, key=lambda each: each.value)
    }


def diagnosis_in(failure: str) -> Diagnosis | None:
    """Return the diagnosis and the fix in what ``VerificationReport.failure`` returned; None in other text.

    Example:
        >>> diagnosis_in("write: the key may only read (code AccessDenied); grant Object Read & Write").fix
        'grant Object Read & Write'
    """
    found = _FAILURE.fullmatch(failure)
    return Diagnosis(meaning=found["meaning"], fix=found["fix"]) if found is not None else None


@runtime_checkable
class Explained(Protocol):
    """An error that carries its own diagnosis and fix."""

    diagnosis: Diagnosis

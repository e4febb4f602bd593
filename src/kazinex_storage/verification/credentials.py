"""Proving credentials that are not in use; ``organisations/rotating.py`` says what becomes of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from . import DEFAULT_TIMEOUT_S
from .reports import VerificationReport
from .verify import OnCheck, try_provider

if TYPE_CHECKING:
    from ..organisations import Organisations


def verify_credentials(
    organisations: Organisations,
    organisation: str,
    provider: str,
    *,
    version: int | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_check: OnCheck | None = None,
) -> VerificationReport:
    """Verify the provider with a version of its credentials that is not in use, by default the proposal.

    The outcome is recorded with that version; the provider goes on with those in use, and does not change. About nine
    requests.

    Raises:
        RecordNotFoundError: there is no such provider or version.
        RecordConflictError: the version was replaced in the meantime; nothing was recorded.
        SettingsError: the platform manages the provider, or the version is the one in use.
    """
    record, found = organisations.credentials_to_verify(organisation, provider, version)
    opener = partial(organisations.open_credentials, found)
    report, _ = try_provider(organisations, record, timeout_s=timeout_s, on_check=on_check, opener=opener)
    organisations.record_credentials_check(found, ok=report.ok, error=report.failure, at=report.started_at)
    return report

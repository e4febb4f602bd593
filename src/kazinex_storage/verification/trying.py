"""Settings that are verified before they replace those in use; ``organisations/trials.py`` says what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from ..errors import RecordConflictError, SettingsError
from ..organisations.records import KEEP, Keep
from ..values import value
from . import DEFAULT_TIMEOUT_S
from .reports import VerificationReport
from .verify import OnCheck, try_provider

if TYPE_CHECKING:
    from ..organisations import Organisations, ProviderRecord
    from ..organisations.trials import Trial


@value
class Tried:
    """How a trial ended."""

    report: VerificationReport
    discovered: Mapping[str, object] | None
    """The ids that the provider looked up, for ``keep_trial``."""


def try_settings(
    organisations: Organisations,
    trial: Trial,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_check: OnCheck | None = None,
) -> Tried:
    """Verify a provider with the settings of a *trial*, and record nothing. About nine requests.

    A place that nobody owns stays so.

    Args:
        on_check: Called with each check as it ends, on the thread that verifies.
    """
    opener = partial(organisations.open_trial, trial)
    report, discovered = try_provider(
        organisations, trial.record, timeout_s=timeout_s, on_check=on_check, opener=opener
    )
    return Tried(report=report, discovered=discovered)


def keep_trial(
    organisations: Organisations,
    trial: Trial,
    tried: Tried,
    *,
    label: str | None = None,
    max_file_bytes: int | Keep | None = KEEP,
) -> ProviderRecord:
    """Store the settings of a *trial* that has passed, and with them that they are VERIFIED; one transaction.

    Nobody meets the provider PENDING. *label* and *max_file_bytes* as in ``Organisations.update_provider``.

    Raises:
        RecordNotFoundError: the provider was removed meanwhile.
        RecordConflictError: its settings were changed meanwhile.
        SettingsError: the label is illegal or in use, or the trial did not pass.
        PolicyError: *max_file_bytes* is not positive or above the ceiling.
    """
    before = trial.before
    if not tried.report.ok:
        raise SettingsError("these settings did not pass their verification; correct them and try again")
    with organisations.catalogue.together():
        kept = organisations.find(before.organisation, before.id)  # its version grows by secrets that were replaced
        if kept.settings_version != before.settings_version:
            raise RecordConflictError(
                f"the settings of the provider {kept.label!r} were changed while others were tried; try again"
            )
        made = organisations.update_provider(
            before.organisation,
            before.id,
            settings=trial.changes,
            label=label,
            max_file_bytes=max_file_bytes,
            version=kept.version,
        )
        return organisations.record_verification(made, ok=True, at=tried.report.started_at, discovered=tried.discovered)

"""The status of a provider as calls find it: refused credentials turn it FAILED, a call that works turns it back.

Only a change of state is written, so a provider in use costs the catalogue nothing. What a verification found is left
to the next verification. ``resolver.py`` watches the calls.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, TypedDict

from ..errors import StorageError
from .catalogue import Catalogue
from .records import ProviderRecord, ProviderStatus
from .wording import clean_error


class _NoFailure(TypedDict):
    last_error: None
    failed_at: None
    failed_in_use: bool


NO_FAILURE: Final[_NoFailure] = {"last_error": None, "failed_at": None, "failed_in_use": False}
"""The fields of a record that nothing is wrong with."""


def failed(record: ProviderRecord, error: str, at: datetime, *, in_use: bool) -> ProviderRecord:
    """Return *record* as FAILED since *at*, with *error* as it may be kept and shown."""
    return replace(
        record,
        status=ProviderStatus.FAILED,
        last_error=clean_error(error, record.secrets),
        failed_at=at,
        failed_in_use=in_use,
    )


def record_use(catalogue: Catalogue, used: ProviderRecord, error: StorageError | None, at: datetime) -> bool:
    """Record how a call with the settings of *used* ended, and say whether that changed the status.

    Refused credentials (*error*) turn a VERIFIED provider FAILED; no error turns one back that a call turned FAILED.

    Raises:
        RecordNotFoundError: the provider was removed meanwhile.
        RecordConflictError: it was changed at this moment.
        StorageError: the catalogue does not answer.
    """
    now = catalogue.provider(used.organisation, used.id)
    if now.settings_version != used.settings_version:
        return False  # other settings than those that were used
    if error is not None and now.status is ProviderStatus.VERIFIED:
        catalogue.replace_provider(failed(now, str(error), at, in_use=True))
        return True
    if error is None and now.status is ProviderStatus.FAILED and now.failed_in_use:
        catalogue.replace_provider(replace(now, status=ProviderStatus.VERIFIED, **NO_FAILURE))
        return True
    return False

"""The status of a provider as calls find it: refused credentials turn it FAILED, a call that works turns it back.

Only a change of state is written, so a provider in use costs the catalogue nothing. What a verification found is left
to the next verification. ``resolver.py`` watches the calls.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..documents.events import Event
from ..errors import AuthenticationError, ReconnectRequiredError, StorageError
from ..lazy import logger
from ..secrecy.masking import redact
from ..transport import Call, Exchange
from .catalogue import Catalogue
from .managed import keep
from .records import ProviderRecord, ProviderStatus, SecretValues
from .telling import used

_log = logger(__name__)

MAX_ERROR_CHARACTERS = 2000
"""Characters that are kept of the error of a failed verification."""

# Signing needs no service, and bulk calls report in their outcomes: neither shows that the service accepts the
# credentials.
_PROOFS: Final = frozenset({"put", "get", "head", "delete", "list", "download", "copy", "move"})


def without_failure(record: ProviderRecord, status: ProviderStatus) -> ProviderRecord:
    """Return *record* with *status*, as one that nothing is wrong with."""
    return replace(record, status=status, last_error=None, failed_at=None, failed_in_use=False)


def clean_error(text: str, secrets: SecretValues) -> str:
    """Return *text* as it may be kept and shown: without the *secrets*, printable, not too long."""
    with suppress(StorageError):  # what cannot be opened, or not now, cannot have been quoted
        text = redact(text, secrets.reveal().values())
    text = "".join(character if character in "\n\t" or character.isprintable() else "?" for character in text)
    return text[:MAX_ERROR_CHARACTERS]


def error_of(record: ProviderRecord, error: str) -> str:
    """Return *error* as it may be shown to the organisation of *record*: nothing of what the platform is made of."""
    if record.managed:
        return "the platform's own credentials were refused; contact support"
    return clean_error(error, record.secrets)


def failed(record: ProviderRecord, error: str, at: datetime, *, in_use: bool) -> ProviderRecord:
    """Return *record* as FAILED since *at*, with *error* as it may be kept and shown."""
    return replace(
        record,
        status=ProviderStatus.FAILED,
        last_error=error_of(record, error),
        failed_at=at,
        failed_in_use=in_use,
    )


def record_use(
    catalogue: Catalogue, record: ProviderRecord, error: StorageError | None, at: datetime
) -> tuple[Event, ...]:
    """Record how a call with the settings of *record* ended, and return the events if that changed the status.

    Refused credentials (*error*) turn a VERIFIED provider FAILED; no error turns one back that a call turned FAILED.

    Raises:
        RecordNotFoundError: the provider was removed meanwhile.
        RecordConflictError: it was changed at this moment.
        StorageError: the catalogue does not answer.
    """
    if record.managed:
        keep(catalogue, record)
    now = catalogue.provider(record.organisation, record.id)
    if now.settings_version != record.settings_version:
        return ()  # other settings than those that were used
    if error is not None and now.status is ProviderStatus.VERIFIED:
        return tuple(used(now, catalogue.replace_provider(failed(now, str(error), at, in_use=True))))
    if error is None and now.status is ProviderStatus.FAILED and now.failed_in_use:
        return tuple(used(now, catalogue.replace_provider(without_failure(now, ProviderStatus.VERIFIED))))
    return ()


class UseWatch:
    """Watches the calls on one provider, with the settings of one record; a ``guards.Watch``."""

    __slots__ = ("_catalogue", "_clock", "_emit", "_failed", "_record")

    def __init__(
        self,
        catalogue: Catalogue,
        record: ProviderRecord,
        emit: Callable[[Event], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Watch what is done with *record*, and *emit* what changes."""
        self._catalogue = catalogue
        self._record = record
        self._emit = emit
        self._clock = clock
        self._failed = record.status is ProviderStatus.FAILED and record.failed_in_use

    def failed(self, error: StorageError) -> Exchange[None]:
        """Turn a VERIFIED provider FAILED when its credentials were refused."""
        refused = isinstance(error, AuthenticationError | ReconnectRequiredError)
        if refused and not self._failed and self._record.status is ProviderStatus.VERIFIED:
            self._failed = True
            yield Call(self._note, error)

    def passed(self, operation: str) -> Exchange[None]:
        """Turn a provider VERIFIED again that refused credentials had turned FAILED."""
        if self._failed and operation in _PROOFS:
            self._failed = False
            yield Call(self._note, None)

    def _note(self, error: StorageError | None) -> None:
        record = self._record
        try:
            with self._catalogue.together():
                events = record_use(self._catalogue, record, error, self._clock())
                for event in events:
                    self._emit(event)
        except StorageError as trouble:
            # The call keeps its own outcome, and the next one tries again.
            _log.warning("the status of the provider %s was not recorded: %s", record.id, trouble)
            return
        if events and error is None:
            _log.warning("provider %s (%s) takes its credentials again", record.label, record.kind)
        elif events:
            _log.warning("provider %s (%s) refused its credentials and is FAILED: %s", record.label, record.kind, error)

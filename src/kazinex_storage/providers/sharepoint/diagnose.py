"""What an error that ``verify`` met means to the person who has to fix it; ``causes.py`` has the texts."""

from __future__ import annotations

from ...errors import AccessDeniedError, LockedError, QuotaExceededError, RateLimitedError, SettingsError, StorageError
from ...transport import Exchange
from ...types import Diagnosis
from ..settings.aadsts import diagnosis_of
from . import causes
from .errors import GRAPH
from .library import Library


class Diagnostics:
    """Explains errors of one library."""

    def __init__(self, library: Library) -> None:
        """Explain errors of *library*."""
        self._library = library

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Return what *error*, met by *check*, means; None leaves it to the general advice. Two requests at most."""
        del check
        known = diagnosis_of(error.code)
        if known is not None:
            return known
        if isinstance(error, AccessDeniedError):
            return (yield from self._denied())
        if isinstance(error, QuotaExceededError):
            return causes.QUOTA
        if isinstance(error, LockedError):
            return causes.LOCKED
        if isinstance(error, RateLimitedError):
            return causes.THROTTLED
        if isinstance(error, SettingsError) and error.code in ("site", "library"):
            meaning, _, fix = error.message.partition("; ")
            return Diagnosis(meaning=meaning, fix=fix)
        return None

    def _denied(self) -> Exchange[Diagnosis | None]:
        library = self._library
        try:
            response = yield from GRAPH.send(library.requests.site(), ok=(200, 400, 401, 403, 404))
        except StorageError:
            return None
        return causes.READ_ONLY if response.status == 200 else causes.not_granted(library.target)

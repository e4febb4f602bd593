"""Finds out why a container cannot be used, for ``verify``: from the error, and from listing one blob.

Nothing is written, and nothing is asked that a signature for one container may not ask. ``causes.py`` has the texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from ...errors import AccessDeniedError, AuthenticationError, LockedError, SettingsError, StorageError, UnavailableError
from ...transport import Exchange, Response
from ...types import Diagnosis
from ..objectstore.clocks import minutes_behind
from ..objectstore.header_text import date_of
from ..settings import network_causes
from ..settings.aadsts import diagnosis_of
from . import causes
from .errors import code_of, is_azure
from .objects import Objects
from .requests import Requests
from .target import SasToken

_SIGNATURES: Final = ("AuthenticationFailed", "InvalidAuthenticationInfo", "AuthorizationFailure")


class Diagnostics:
    """Explains the errors of one container."""

    def __init__(self, objects: Objects, *, now: Callable[[], float] = time.time) -> None:
        """Explain errors of *objects*; *now* is the clock that signatures are made with."""
        self._objects = objects
        self._target = objects.requests.target
        self._now = now

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Return what *error* means; None when the general advice is as good. One request at most."""
        del check
        target, code = self._target, error.code or ""
        if isinstance(error, LockedError):
            return causes.protected(target) if code.startswith("BlobImmutable") else None
        if code in network_causes.CODES:
            return network_causes.unreachable(
                target.endpoint_url, code, error.message, mistyped="the name of the account, or the endpoint"
            )
        known = diagnosis_of(code)
        if known is not None:
            return known
        if code == "FeatureNotSupported" and target.body_checksum == "crc64":
            return causes.NO_CRC64
        if not isinstance(error, SettingsError | AuthenticationError | AccessDeniedError | UnavailableError):
            return None
        response = yield from self._ask()
        if response is None:
            return None if isinstance(error, UnavailableError) else self._answered(code, None)
        if not is_azure(response.headers) and response.status < 500 and response.status != 429:
            return network_causes.unexpected_response(target.endpoint_url, response)
        return None if isinstance(error, UnavailableError) else self._answered(code_of(response) or code, response)

    def _answered(self, code: str, response: Response | None) -> Diagnosis | None:
        target = self._target
        if code in _SIGNATURES and response is not None:
            minutes = minutes_behind(date_of(response.headers.get("date")), self._now())
            if minutes is not None:
                return network_causes.wrong_clock(minutes)
        if isinstance(target.credential, SasToken):
            flaw = causes.of_token(target.credential.token, datetime.fromtimestamp(self._now(), UTC))
            if flaw is not None:
                return flaw
        return causes.of_code(code, target)

    def _ask(self) -> Exchange[Response | None]:
        """List one blob; None when there is no response, or nothing to authorise the request with."""
        try:
            requests = self._objects.requests
            request = Requests(replace(self._target, page_blobs=1), requests.auth).list(self._target.prefix, None)
            response: Response = yield replace(request, idempotent=False, operation="verify")
        except StorageError:
            return None
        return response

"""Finds out why a container cannot be used, for ``verify``: from the error, and from listing one blob.

Nothing is written, and nothing is asked that a signature for one container may not ask. ``causes.py`` has the texts.
"""

from __future__ import annotations

import time
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
from .target import SasToken, Target

_SIGNATURES: Final = ("AuthenticationFailed", "InvalidAuthenticationInfo", "AuthorizationFailure")


def diagnose(objects: Objects, error: StorageError) -> Exchange[Diagnosis | None]:
    """Return what *error* means; None when the general advice is as good. One request at most."""
    target, code = objects.requests.target, error.code or ""
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
    response = yield from _ask(objects.requests)
    if response is None:
        return None if isinstance(error, UnavailableError) else _answered(target, code, None)
    if not is_azure(response.headers) and response.status < 500 and response.status != 429:
        return network_causes.unexpected_response(target.endpoint_url, response)
    return None if isinstance(error, UnavailableError) else _answered(target, code_of(response) or code, response)


def _answered(target: Target, code: str, response: Response | None) -> Diagnosis | None:
    if code in _SIGNATURES and response is not None:
        minutes = minutes_behind(date_of(response.headers.get("date")), time.time())
        if minutes is not None:
            return network_causes.wrong_clock(minutes)
    if isinstance(target.credential, SasToken):
        flaw = causes.of_token(target.credential.token, datetime.fromtimestamp(time.time(), UTC))
        if flaw is not None:
            return flaw
    return causes.of_code(code, target)


def _ask(requests: Requests) -> Exchange[Response | None]:
    """List one blob; None when there is no response, or nothing to authorise the request with."""
    try:
        request = Requests(replace(requests.target, page_blobs=1), requests.auth).list(requests.target.prefix, None)
        response: Response = yield replace(request, idempotent=False, operation="verify")
    except StorageError:
        return None
    return response

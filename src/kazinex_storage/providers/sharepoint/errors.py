"""From the answers of Graph to our errors: the only translator. Pure.

Codes are those of learn.microsoft.com/graph/errors and of the OneDrive API's page on errors (read 2026-08); the most
specific known code counts; where none is known, the status does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ...errors import (
    AccessDeniedError,
    AuthenticationError,
    FileTooLargeError,
    IntegrityError,
    InvalidKeyError,
    LockedError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from ...json_text import parse_json
from ...transport import Response
from ..objectstore.error_table import EXISTS, NOT_FOUND, OTHER_VERSION, Found, error_of, unexpected_response
from ..objectstore.sending import Service, is_page

_LOCKED: Final[Found] = (
    LockedError,
    "someone has the file locked or checked out; check it in or close it, then repeat",
)
_FULL: Final = (QuotaExceededError, "the site is full; empty its recycle bin or raise the quota")
_SLOW: Final = (RateLimitedError, "SharePoint asks this app to slow down; repeat it later")
_DENIED: Final = (
    AccessDeniedError,
    "the app may not do this here; check its consent, and with Sites.Selected its grant on this site",
)

_CODES: Final[Mapping[str, Found]] = {
    "itemNotFound": NOT_FOUND,
    "uploadSessionNotFound": (NotFoundError, "the upload is gone; begin a new one"),
    "nameAlreadyExists": EXISTS,
    "resourceModified": OTHER_VERSION,
    "entityTagDoesNotMatch": OTHER_VERSION,
    "quotaLimitReached": _FULL,
    "resourceLocked": _LOCKED,
    "lockMismatch": _LOCKED,
    "lockNotFoundOrAlreadyExpired": _LOCKED,
    "activityLimitReached": _SLOW,
    "throttledRequest": _SLOW,
    "tooManyRequests": _SLOW,
    "maxFileSizeExceeded": (FileTooLargeError, "SharePoint does not take a file of that size; split it"),
    "pathIsTooLong": (InvalidKeyError, "the path is longer than SharePoint holds; shorten the key"),
    "pathTooLong": (InvalidKeyError, "the path is longer than SharePoint holds; shorten the key"),
    "invalidPath": (InvalidKeyError, "SharePoint cannot hold that key"),
    "malwareDetected": (AccessDeniedError, "SharePoint found malware in the file; it cannot be read"),
    "virusSuspicious": (AccessDeniedError, "SharePoint suspects malware in the file; it cannot be read"),
    "InvalidAuthenticationToken": (AuthenticationError, "the access token is not accepted; connect again"),
    "unauthenticated": (AuthenticationError, "the access token is not accepted; connect again"),
    "accessDenied": _DENIED,
    "notAllowed": _DENIED,
    "fragmentLengthMismatch": (IntegrityError, "fewer bytes came than were announced; nothing was stored, repeat it"),
}

_STATUSES: Final[Mapping[int, Found]] = {
    400: (InvalidKeyError, "SharePoint does not understand the request; the key may be one that it cannot hold"),
    401: _CODES["unauthenticated"],
    403: _DENIED,
    404: _CODES["itemNotFound"],
    409: EXISTS,
    412: _CODES["resourceModified"],
    413: _CODES["maxFileSizeExceeded"],
    423: _LOCKED,
    429: _SLOW,
    507: _FULL,
    509: _SLOW,
}


def map_error(response: Response, key: str | None = None) -> StorageError:
    """Return the error that *response*, which is not a success, means."""
    codes = list(codes_of(response.body))
    if not codes and response.body and response.status not in _STATUSES:
        return unexpected_response(response, "Graph", key)
    if response.status == 423:  # its codes say notAllowed, which is no matter of permissions here
        found = _LOCKED
    else:
        known = (_CODES[code] for code in reversed(codes) if code in _CODES)
        unknown = (UnavailableError, f"the service answered {response.status}")
        found = next(known, None) or _STATUSES.get(response.status, unknown)
    return error_of(found, response, key, codes[-1] if codes else None, response.headers.get("request-id"))


def codes_of(body: bytes) -> Iterator[str]:
    """Yield the codes in the body of an error, the more specific ones later."""
    try:
        answer = parse_json(body)
    except ValueError:
        return
    found = answer.get("error") if isinstance(answer, dict) else None
    while isinstance(found, dict):
        code = found.get("code")
        if isinstance(code, str) and code:
            yield code[:100]
        found = found.get("innerError", found.get("innererror"))


# The hosts of uploads and monitors may answer a refusal in HTML, but a success never.
GRAPH: Final = Service(map_error, lambda response: response.status >= 300 or not is_page(response))
"""Judges the answers of Graph, except for those that bring the bytes of a file."""

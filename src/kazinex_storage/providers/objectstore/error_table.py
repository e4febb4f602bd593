"""From the response of a service to our error: what the tables of all providers have in common. Pure.

A provider lists its codes, and the few statuses that mean something else there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from ...errors import (
    AlreadyExistsError,
    FileTooLargeError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from ...transport import Response
from ...values import value

Found: TypeAlias = tuple[type[StorageError], str]
"""A kind of error, and what it says."""

NOT_FOUND: Final = (NotFoundError, "no object has that key")
EXISTS: Final = (AlreadyExistsError, "an object has that key already; nothing was changed")
OTHER_VERSION: Final = (PreconditionFailedError, "the object is another version; read it again")
OTHER_BYTES: Final = (
    IntegrityError,
    "the service received other bytes than were sent; nothing was stored, repeat it",
)
TOO_LARGE: Final = (FileTooLargeError, "the service does not take a body of that size; split it")
UNFIT_KEY: Final = (InvalidKeyError, "the service cannot hold that key")
NOT_DONE: Final = (NotSupportedError, "the service does not do this")
BUSY: Final = (RateLimitedError, "the service asks to slow down; repeat it later")
CONTENDED: Final = (UnavailableError, "others write to the same key at the moment; repeat it")

STATUSES: Final[Mapping[int, Found]] = {
    404: NOT_FOUND,
    409: CONTENDED,
    411: (UnavailableError, "the length of the body was lost on the way; look for a proxy that removes it"),
    412: OTHER_VERSION,
    413: TOO_LARGE,
    429: BUSY,
    501: NOT_DONE,
}
"""What statuses mean to S3 and Azure alike."""

# A 409 with a code of its own; without one it is a condition that another writer met.
_REFUSED: Final = (
    NotSupportedError,
    "the service refuses this in the current state of the object or of what holds it; see the code, repeating it will "
    "not help",
)


@value
class ErrorTable:
    """What codes and statuses of one service mean."""

    codes: Mapping[str, Found]
    statuses: Mapping[int, Found]
    """Where a code is missing or unknown."""

    def find(self, status: int, code: str | None, *, of_key: bool) -> Found:
        """Return what a response means; only one *of_key* can mean that an object is missing."""
        found = self.codes.get(code or "")
        if found is None or (found[0] is NotFoundError and not of_key):
            if status == 409 and code and code not in self.codes:
                return _REFUSED
            return self.statuses.get(status, (UnavailableError, f"the service answered {status}"))
        return found


def error_of(
    found: Found, response: Response, key: str | None, code: str | None, request_id: str | None
) -> StorageError:
    """Return the error that was *found* for *response*."""
    kind, message = found
    return kind(message, key=key, code=code, request_id=request_id, retry_after_s=retry_after_of(response))


def unexpected_response(
    response: Response, service: str, key: str | None, request_id: str | None = None
) -> StorageError:
    """Return the error for a response that *service* never sends."""
    message = (
        f"something other than {service} answered {response.status} "
        f"({response.headers.get('content-type', 'no content type')[:60]}); check the endpoint and any proxies"
    )
    return error_of((UnavailableError, message), response, key, None, request_id)


def retry_after_of(response: Response) -> float | None:
    """Return the seconds that the service asks to wait, when it gives a number."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

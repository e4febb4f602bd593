"""Errors as problem details (RFC 9457): status, code, what happened, and for those who can mend it what to do.

What a provider said goes to those who manage providers; others learn that it failed and whom to ask. Values only: a
framework sends ``document`` with ``status`` and ``headers``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from .. import errors
from ..errors import StorageError
from ..lazy import regex
from ..types import Diagnosis
from ..values import value
from ..verification.advice import advise
from ..verification.reports import Explained
from .headers import API_HEADERS

MEDIA_TYPE: Final = "application/problem+json"

# The first class that matches counts, so subclasses come before their bases.
_STATUS: Final[tuple[tuple[type[StorageError], int], ...]] = (
    (errors.FileTooLargeError, 413),
    (errors.FileTypeRefusedError, 415),
    (errors.SealError, 503),
    (errors.SettingsError, 422),
    (errors.PolicyError, 422),
    (errors.InvalidKeyError, 422),
    (errors.InvalidUrlError, 422),
    (errors.InvalidJsonError, 422),
    (errors.InvalidTokenError, 422),
    (errors.UnresolvedOrganisationError, 409),
    (errors.RecordConflictError, 409),
    (errors.RecordNotFoundError, 404),
    (errors.NotFoundError, 404),
    (errors.AlreadyExistsError, 409),
    (errors.PreconditionFailedError, 412),
    (errors.NotSupportedError, 422),
    (errors.LockedError, 423),
    (errors.QuotaExceededError, 507),
    (errors.IntegrityError, 422),
    (errors.RateLimitedError, 503),
    (errors.UnavailableError, 503),
    (errors.ClosedError, 503),
    (errors.AccessDeniedError, 403),
)
_FAILED: Final = 502
"""For what the provider refuses us, which the client cannot change."""

_ASK: Final = (
    "the storage provider did not do it; ask an administrator of the organisation to look at Settings > Storage"
)
_CAPITAL: Final = regex(r"(?<=[a-z])(?=[A-Z])")

TITLES: Final[Mapping[int, str]] = {
    400: "The request is malformed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Type not allowed",
    416: "Range not satisfiable",
    422: "Not acceptable as it is",
    423: "Locked",
    429: "Too many requests",
    500: "Internal error",
    502: "The storage provider refused",
    503: "Not available at the moment",
    507: "No space left",
}


@value
class Problem:
    """One answer that is an error."""

    status: int
    """That of HTTP."""
    code: str
    """For programs: ``file_too_large``."""
    detail: str
    """For people."""
    retry_after_s: float | None = None
    """Seconds."""
    further: Mapping[str, object] | None = None
    """More members; those that are None are left out."""

    @property
    def document(self) -> dict[str, object]:
        """What is sent as JSON, of the type ``MEDIA_TYPE``."""
        document: dict[str, object] = {
            "type": f"urn:kazinex:problem:{self.code.replace('_', '-')}",
            "title": TITLES.get(self.status, "The request failed"),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        document |= {name: found for name, found in (self.further or {}).items() if found is not None}
        if self.retry_after_s is not None:
            document["retry_after"] = math.ceil(self.retry_after_s)
        return document

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it."""
        wait = {} if self.retry_after_s is None else {"Retry-After": str(math.ceil(self.retry_after_s))}
        return {**API_HEADERS, **wait}


class ProblemError(Exception):
    """A refusal of the API itself."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after_s: float | None = None) -> None:
        """Answer *status*, with a *code* for programs and a *detail* for people."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def problem(self) -> Problem:
        """What is answered."""
        return Problem(status=self.status, code=self.code, detail=self.detail, retry_after_s=self.retry_after_s)


def denied() -> ProblemError:
    """Return the refusal of what a caller may not do, which says nothing of what there is."""
    return ProblemError(403, "not_allowed", "you may not do this here, or there is no such organisation")


def not_found(what: str) -> ProblemError:
    """Return the error for something that is not there."""
    return ProblemError(404, "not_found", what)


def problem_of(error: StorageError, *, manager: bool, conditional: bool = False, of_files: bool = False) -> Problem:
    """Return the problem that *error* is.

    Args:
        manager: Whether the caller manages providers, and may read what one of them said.
        conditional: Whether the request had ``If-Match``, so that a conflict is a condition that failed.
        of_files: Whether the request was about files, so that settings are not what the client sent.
    """
    status = _FAILED if of_files and isinstance(error, errors.SettingsError) else status_of(error)
    if conditional and isinstance(error, errors.RecordConflictError):
        status = 412
    if isinstance(error, errors.QuotaExceededError) and error.limit is not None:  # the organisation's own
        return Problem(status=status, code=code_of(error), detail=error.message)
    if status >= 500 and not manager:
        return Problem(status=status, code=code_of(error), detail=_ASK, retry_after_s=error.retry_after_s)
    found = diagnosis_of(error) if status >= 500 else None
    further: dict[str, object] = {"operation": error.operation, "provider": error.provider, "key": error.key}
    if isinstance(error, errors.RetentionError):
        until = error.until.isoformat().replace("+00:00", "Z") if error.until is not None else None
        further |= {"until": until, "reason": error.reason}
    if found is not None:
        further["diagnosis"] = {"meaning": found.meaning, "fix": found.fix}
    detail = str(error) if status >= 500 else error.message
    return Problem(
        status=status, code=code_of(error), detail=detail, retry_after_s=error.retry_after_s, further=further
    )


def status_of(error: StorageError) -> int:
    """Return the status that *error* is answered with."""
    if isinstance(error, errors.ReadOnlyError):
        return 403
    if isinstance(error, errors.AccessDeniedError) and error.provider is not None:
        return _FAILED  # the credentials of the provider may not, which says nothing of the caller
    if isinstance(error, errors.IntegrityError) and error.operation in ("get", "stream"):
        return _FAILED
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _FAILED)


def code_of(error: StorageError) -> str:
    """Return the class of *error* as a code: ``file_too_large``."""
    return _CAPITAL.sub("_", type(error).__name__.removesuffix("Error")).lower()


def diagnosis_of(error: StorageError) -> Diagnosis:
    """Return what *error* means to an administrator."""
    return error.diagnosis if isinstance(error, Explained) else advise(error)

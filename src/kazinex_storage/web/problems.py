"""Errors as problem details (RFC 9457): status, code, what happened, and for those who can mend it what to do.

What a provider said goes to those who manage providers; others learn that it failed and whom to ask.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from .. import errors
from ..errors import StorageError
from ..lazy import regex
from ..types import Diagnosis
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

_TITLES: Final[Mapping[int, str]] = {
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


class ProblemError(Exception):
    """A refusal of the API itself."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after_s: float | None = None) -> None:
        """Answer *status*, with a *code* for programs and a *detail* for people."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


def of_refusal(error: ProblemError) -> Response:
    """Return the response for *error*."""
    return problem(error.status, error.code, error.detail, retry_after_s=error.retry_after_s)


def of_http(error: HTTPException) -> Response:
    """Return the response for what a host or the framework raised; its headers are kept."""
    response = problem(error.status_code, f"http_{error.status_code}", str(error.detail))
    response.headers.update(error.headers or {})
    return response


def denied() -> ProblemError:
    """Return the refusal of what a caller may not do, which says nothing of what there is."""
    return ProblemError(403, "not_allowed", "you may not do this here, or there is no such organisation")


def not_found(what: str) -> ProblemError:
    """Return the error for something that is not there."""
    return ProblemError(404, "not_found", what)


def of_validation(error: RequestValidationError) -> Response:
    """Return the response for a request of another form; it names what is wrong and quotes nothing of it."""
    wrong = [
        {"field": ".".join(str(part) for part in found["loc"]), "message": _message(found)} for found in error.errors()
    ]
    detail = "; ".join(f"{part['field']}: {part['message']}" for part in wrong)
    return problem(422, "invalid_request", detail[:2_000], further={"errors": wrong})


def of_storage(error: StorageError, *, manager: bool, conditional: bool = False, of_files: bool = False) -> Response:
    """Return the response for *error*.

    Args:
        manager: Whether the caller manages providers, and may read what one of them said.
        conditional: Whether the request had ``If-Match``, so that a conflict is a condition that failed.
        of_files: Whether the request was about files, so that settings are not what the client sent.
    """
    status = _FAILED if of_files and isinstance(error, errors.SettingsError) else status_of(error)
    if conditional and isinstance(error, errors.RecordConflictError):
        status = 412
    if isinstance(error, errors.QuotaExceededError) and error.limit is not None:  # the organisation's own
        return problem(status, code_of(error), error.message)
    if status >= 500 and not manager:
        return problem(status, code_of(error), _ASK, retry_after_s=error.retry_after_s)
    found = diagnosis_of(error) if status >= 500 else None
    further: dict[str, object] = {"operation": error.operation, "provider": error.provider, "key": error.key}
    if isinstance(error, errors.RetentionError):
        until = error.until.isoformat().replace("+00:00", "Z") if error.until is not None else None
        further |= {"until": until, "reason": error.reason}
    if found is not None:
        further["diagnosis"] = {"meaning": found.meaning, "fix": found.fix}
    detail = str(error) if status >= 500 else error.message
    return problem(status, code_of(error), detail, retry_after_s=error.retry_after_s, further=further)


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


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    retry_after_s: float | None = None,
    further: Mapping[str, object] | None = None,
) -> Response:
    """Return a problem; *further* members that are None are left out."""
    document: dict[str, object] = {
        "type": f"urn:kazinex:problem:{code.replace('_', '-')}",
        "title": _TITLES.get(status, "The request failed"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    document |= {name: value for name, value in (further or {}).items() if value is not None}
    headers = dict(API_HEADERS)
    if retry_after_s is not None:
        document["retry_after"] = math.ceil(retry_after_s)
        headers["Retry-After"] = str(math.ceil(retry_after_s))
    return JSONResponse(document, status, headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Return what OpenAPI says of problems with *statuses*."""
    return {
        status: {
            "description": _TITLES[status],
            "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": {**_EXAMPLE, "status": status}}},
        }
        for status in statuses
    }


def _message(found: Mapping[str, object]) -> str:
    # A validator of ours may have raised what quotes its input; pydantic's own texts name what was expected.
    return "is not valid" if found["type"] in ("value_error", "assertion_error") else str(found["msg"]).lower()


_EXAMPLE: Final = {
    "type": "urn:kazinex:problem:file-type-refused",
    "title": "Type not allowed",
    "detail": "'run.exe' is of type .exe; allowed are .dwg .pdf; an Org Admin can change the list of allowed types",
    "code": "file_type_refused",
}
_TEXT: Final = {"type": "string"}
_REQUIRED: Final[Sequence[str]] = ("type", "title", "status", "detail", "code")
_SCHEMA: Final[Mapping[str, object]] = {
    "title": "Problem",
    "type": "object",
    "required": list(_REQUIRED),
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "code", "operation", "provider", "key"), _TEXT),
        "status": {"type": "integer"},
        "retry_after": {"type": "integer", "description": "Seconds."},
        "diagnosis": {
            "type": "object",
            "required": ["meaning", "fix"],
            "properties": {"meaning": _TEXT, "fix": _TEXT},
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _TEXT, "message": _TEXT},
            },
        },
    },
}
"""In words of OpenAPI; written out, because the media type is not that of a FastAPI model."""

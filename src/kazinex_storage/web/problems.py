"""Problem details (``serving/problems.py``) as responses of FastAPI, and what OpenAPI says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..errors import StorageError
from ..integrations.responses import problem_response
from ..serving.problems import MEDIA_TYPE, TITLES, Problem, problem_of
from ..serving.problems import ProblemError as ProblemError
from ..serving.problems import denied as denied
from ..serving.problems import diagnosis_of as diagnosis_of
from ..serving.problems import not_found as not_found
from ..serving.problems import status_of as status_of


def of_refusal(error: ProblemError) -> Response:
    """Return the response for *error*."""
    return problem_response(error.problem)


def of_http(error: HTTPException) -> Response:
    """Return the response for what a host or the framework raised; its headers are kept."""
    response = problem(error.status_code, f"http_{error.status_code}", str(error.detail))
    response.headers.update(error.headers or {})
    return response


def of_validation(error: RequestValidationError) -> Response:
    """Return the response for a request of another form; it names what is wrong and quotes nothing of it."""
    wrong = [
        {"field": ".".join(str(part) for part in found["loc"]), "message": _message(found)} for found in error.errors()
    ]
    detail = "; ".join(f"{part['field']}: {part['message']}" for part in wrong)
    return problem(422, "invalid_request", detail[:2_000], further={"errors": wrong})


def of_storage(error: StorageError, *, manager: bool, conditional: bool = False, of_files: bool = False) -> Response:
    """Return the response for *error*; see ``problem_of``."""
    return problem_response(problem_of(error, manager=manager, conditional=conditional, of_files=of_files))


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    retry_after_s: float | None = None,
    further: Mapping[str, object] | None = None,
) -> Response:
    """Return a problem; *further* members that are None are left out."""
    return problem_response(
        Problem(status=status, code=code, detail=detail, retry_after_s=retry_after_s, further=further)
    )


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Return what OpenAPI says of problems with *statuses*."""
    return {
        status: {
            "description": TITLES[status],
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

"""From the answer of a service to our error: what the tables of a provider have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ...errors import NotFoundError, StorageError, UnavailableError
from ...transport import Response

Found: TypeAlias = tuple[type[StorageError], str]
"""A kind of error, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorTable:
    """What codes and statuses of one service mean."""

    codes: Mapping[str, Found]
    statuses: Mapping[int, Found]
    """Where a code is missing or unknown."""
    refused: Found
    """What a 409 with a code of its own means; without one it is a condition that another writer met."""

    def find(self, status: int, code: str | None, *, of_key: bool) -> Found:
        """Return what an answer means; one that is not *of_key* does not say that an object is missing."""
        found = self.codes.get(code or "")
        if found is None or (found[0] is NotFoundError and not of_key):
            if status == 409 and code and code not in self.codes:
                return self.refused
            return self.statuses.get(status, (UnavailableError, f"the service answered {status}"))
        return found


def unexpected_response(
    response: Response, service: str, key: str | None, request_id: str | None = None
) -> UnavailableError:
    """Return the error for an answer that the *service* does not give."""
    return UnavailableError(
        f"somebody else than {service} answered {response.status} "
        f"({response.headers.get('content-type', 'no content type')[:60]}); look at the endpoint and at proxies",
        key=key,
        request_id=request_id,
        retry_after_s=retry_after_of(response),
    )


def retry_after_of(response: Response) -> float | None:
    """Return the seconds that the service asks to wait, when it says them as a number."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

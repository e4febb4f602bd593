"""Sending a request and judging its answer: the one place where a provider turns statuses into errors.

A provider binds one ``Service``: how its errors are mapped, and how an answer is recognised as the service's own. A
sign-in page of a captive portal that says 200 is not, whatever status was wanted. Pure, but for the one ``yield``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from ...errors import StorageError
from ...transport import Exchange, Request, Response

OK: Final = (200,)
"""What most requests are answered."""


@dataclass(frozen=True, slots=True)
class Service:
    """How the answers of one kind of service are judged."""

    map_error: Callable[[Response, str | None], StorageError]
    """Returns the error that an answer means; also for a success that the service cannot have given."""
    is_genuine: Callable[[Response], bool]
    """Whether the service can have given the answer."""

    def send(self, request: Request, ok: Collection[int] = OK, key: str | None = None) -> Exchange[Response]:
        """Send *request* and return its answer, whose status is one of *ok*.

        Raises:
            StorageError: the service refuses what was asked of *key*, cannot be reached, or did not answer this.
        """
        return self.judge((yield request), ok, key)

    def judge(self, response: Response, ok: Collection[int] = OK, key: str | None = None) -> Response:
        """Return *response* when it is genuine and its status is one of *ok*; what ``send`` does, without a frame.

        Raises:
            StorageError: what the response means for *key* otherwise.
        """
        if response.status in ok and self.is_genuine(response):
            return response
        raise self.map_error(response, key)


def is_page(response: Response) -> bool:
    """Say whether the answer is HTML, which no API says by itself: a sign-in page, a proxy. Not for objects.

    A 204 has no body and so is no page, whatever type it claims (moto does).
    """
    return response.status != 204 and (
        "html" in response.headers.get("content-type", "").lower() or b"<html" in response.body[:1000].lower()
    )

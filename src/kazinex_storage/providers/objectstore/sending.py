"""Sending a request and judging its response: the one place where a provider turns statuses into errors.

A provider binds one ``Service``: how its errors are mapped, and how a response is recognised as genuine. The sign-in
page of a captive portal with status 200 is not, whatever status was wanted. Pure, except for the one ``yield``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from ...errors import StorageError
from ...transport import Exchange, Request, Response
from ...values import value

OK: Final = (200,)
"""The status that most requests succeed with."""


@value(kw_only=False)
class Service:
    """How the responses of one kind of service are judged."""

    map_error: Callable[[Response, str | None], StorageError]
    """Returns the error that a response means, also for a success that the service cannot have sent."""
    is_genuine: Callable[[Response], bool]
    """Whether the service can have sent the response."""

    def send(self, request: Request, ok: Collection[int] = OK, key: str | None = None) -> Exchange[Response]:
        """Send *request* and return its response, whose status is one of *ok*.

        Raises:
            StorageError: the service refuses, cannot be reached, or did not send the response; *key* is in the error.
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
    """Say whether the response is HTML, which no API sends: a sign-in page or a proxy's. Not for objects.

    A 204 has no body and so is not a page, whatever type it claims (moto does).
    """
    return response.status != 204 and (
        "html" in response.headers.get("content-type", "").lower() or b"<html" in response.body[:1000].lower()
    )

"""What an observer receives: one observation for each attempt, with nothing secret in it.

It never contains a query, a header or a body. ``opentelemetry_observer`` turns observations into spans.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..errors import SettingsError
from ..values import value


@value
class Observation:
    """One attempt of one request."""

    operation: str
    method: str
    host: str
    """Host and port; neither path nor query."""
    status: int
    """0: no answer."""
    attempt: int
    """1 is the first."""
    started_at: float
    """Seconds since 1970."""
    seconds: float
    sent: int
    """Bytes of the body of the request."""
    received: int
    """Bytes of the body of the answer."""
    request_id: str | None
    error: str | None
    """``dns``, ``connect``, ``tls``, ``timeout``, ``cut``, or the name of an exception; None: a whole answer."""


Observer: TypeAlias = Callable[[Observation], object]
"""Called after each attempt, on the thread or the loop that runs the transfer. What it raises ends the exchange."""


def opentelemetry_observer() -> Observer:
    """Return an observer that makes a span of each attempt, below the span of the caller.

    Raises:
        SettingsError: ``opentelemetry-api`` is not installed.
    """
    try:
        import opentelemetry.trace as trace  # a namespace package: mypy finds no names in it
    except ImportError as error:
        raise SettingsError("spans need OpenTelemetry: pip install opentelemetry-api") from error
    tracer = trace.get_tracer("kazinex_storage")

    def observe(seen: Observation) -> None:
        # Names: OpenTelemetry semantic conventions for HTTP client spans, stable since 1.23 (read 2026-08).
        attributes: dict[str, str | int] = {
            "http.request.method": seen.method,
            "server.address": seen.host,
            "http.request.resend_count": seen.attempt - 1,
            "http.request.body.size": seen.sent,
            "http.response.body.size": seen.received,
        }
        if seen.status:
            attributes["http.response.status_code"] = seen.status
        if seen.error is not None:
            attributes["error.type"] = seen.error
        if seen.request_id is not None:
            attributes["kazinex.request_id"] = seen.request_id
        begun = int(seen.started_at * 1e9)
        span = tracer.start_span(
            seen.operation or seen.method, kind=trace.SpanKind.CLIENT, start_time=begun, attributes=attributes
        )
        if seen.error is not None or seen.status >= 400:
            span.set_status(trace.StatusCode.ERROR)
        span.end(end_time=begun + int(seen.seconds * 1e9))

    return observe

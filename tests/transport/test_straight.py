"""The straight path is no second path: whatever goes wrong ends as it does in the general machinery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kazinex_storage.errors import IntegrityError
from kazinex_storage.transport import Exchange, Observation, Request, Response, Transport
from kazinex_storage.transport.attempt import Attempt
from kazinex_storage.transport.auth import Authorisation, Fixed
from kazinex_storage.transport.retry import attempts
from kazinex_storage.transport.wire import Wire
from kazinex_storage.types import Buffer

from .conftest import (
    QUICK,
    SETTINGS,
    Driver,
    Line,
    Script,
    Seen,
    Server,
    cut,
    cut_body,
    half_a_head,
    no_http,
    ok,
    ranges,
    send,
    status,
)

BODY = bytes(range(256)) * 40
TAGGED = {"ETag": '"v1"'}
GET = Request(method="GET", url="", operation="get")
WHOLE = replace(GET, whole=True)
PUT = Request(method="PUT", url="", body=b"x" * 100, operation="put")


def continued(line: Line, seen: Seen) -> None:
    line.send(b'HTTP/1.1 103 Early Hints\r\nETag: "early"\r\n\r\n')
    line.answer(200, BODY, **TAGGED)


def another_part(line: Line, seen: Seen) -> None:
    line.answer(206, BODY[:10], Content_Range=f"bytes 0-99/{len(BODY)}", **TAGGED)


def refuse_version(headers: Mapping[str, str]) -> None:
    if headers.get("etag") != '"v2"':
        raise IntegrityError("another version")


@dataclass(frozen=True)
class Case:
    """A request, and what the server does with it."""

    scripts: tuple[Script, ...]
    request: Request = GET
    sinks: bool = True
    broken_sink: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=())


CASES = {
    "success": Case((ok(BODY, **TAGGED),)),
    "success without a sink": Case((ok(BODY),), sinks=False),
    "empty": Case((ok(b""),)),
    "no content": Case((status(204),)),
    "early hints": Case((continued,)),
    "put": Case((ok(b"", **TAGGED),), PUT, sinks=False),
    "head": Case((ok(b""),), replace(GET, method="HEAD"), sinks=False),
    "not found": Case((status(404, b"<Error/>"),)),
    "refused": Case((status(403, b"<Error/>"),), PUT, sinks=False),
    "not signed in, once": Case((status(401), ok(BODY)), replace(GET, auth=Fixed(Authorisation()))),
    "busy, then well": Case((status(503), status(500), ok(BODY, **TAGGED))),
    "always busy": Case((status(503),) * 9),
    "a conflict that passes": Case((status(409), ok()), replace(PUT, retry_statuses=frozenset({409})), sinks=False),
    "no answer, then one": Case((cut, ok(BODY, **TAGGED))),
    "never an answer": Case((cut,) * 9),
    "half a head": Case((half_a_head, ok(BODY))),
    "no HTTP": Case((no_http,) * 9),
    "cut and resumed": Case((cut_body(BODY, 1000, **TAGGED), ranges(BODY, **TAGGED))),
    "cut and another version": Case((cut_body(BODY, 1000, **TAGGED), ranges(BODY, ETag='"v2"'))),
    "cut without a version": Case((cut_body(BODY, 1000), ok(BODY))),
    "cut without a sink": Case((cut_body(BODY, 1000), ok(BODY)), sinks=False),
    "a part": Case((ranges(BODY, **TAGGED),), replace(GET, headers=(("Range", "bytes=5-104"),))),
    "less than the part says": Case((another_part,), replace(GET, headers=(("Range", "bytes=0-99"),))),
    "the whole for a part": Case((ok(BODY),), replace(GET, headers=(("Range", "bytes=5-104"),))),
    "more than the part": Case((status(206, BODY),), replace(GET, headers=(("Range", "bytes=0-9"),))),
    "a write that is never repeated": Case((cut, ok()), replace(PUT, idempotent=False), sinks=False),
    "an error inside a success": Case(
        (ok(b"busy"), ok(b"well")),
        replace(GET, status_of_body=lambda body: 503 if body == b"busy" else 200),
        sinks=False,
    ),
    "whole": Case((ok(BODY, **TAGGED),), WHOLE, sinks=False),
    "whole and large": Case((ok(BODY * 100, **TAGGED),), WHOLE, sinks=False),
    "whole and longer than other bodies may be": Case((ok(BODY * 1700, **TAGGED),), WHOLE, sinks=False),
    "whole, busy, then well": Case((status(503), ok(BODY, **TAGGED)), WHOLE, sinks=False),
    "whole, no answer, then one": Case((cut, ok(BODY, **TAGGED)), WHOLE, sinks=False),
    "whole, not found": Case((status(404, b"<Error/>"),), WHOLE, sinks=False),
    "whole, cut and resumed": Case((cut_body(BODY, 1000, **TAGGED), ranges(BODY, **TAGGED)), WHOLE, sinks=False),
    "whole, large, cut and resumed": Case(
        (cut_body(BODY * 100, 900_000, **TAGGED), ranges(BODY * 100, **TAGGED)), WHOLE, sinks=False
    ),
    "whole, cut and another version": Case(
        (cut_body(BODY, 1000, **TAGGED), ranges(BODY, ETag='"v2"')), WHOLE, sinks=False
    ),
    "whole, cut without a version": Case((cut_body(BODY, 1000), ok(BODY)), WHOLE, sinks=False),
    "whole, a part that is not all": Case((another_part,), WHOLE, sinks=False),
    "headers that are refused": Case((ok(BODY, **TAGGED),), replace(GET, on_headers=refuse_version)),
    "a sink that fails": Case((ok(BODY),), broken_sink=True),
    "a line break in a header": Case((ok(BODY),), replace(GET, headers=(("X-Name", "a\nb"),))),
}


@dataclass
class Sight:
    """All that a caller, an observer and the server can see of a request."""

    outcome: object
    bytes_taken: bytes
    requests: list[tuple[str, str, dict[str, str], bytes]]
    observations: list[tuple[Any, ...]]


def observed(case: Case, way: Callable[[Request, Transport], Exchange[Response]], drive: Driver) -> Sight:
    server = Server()
    notes: list[Observation] = []
    transport = Transport(4, settings=SETTINGS, retry=QUICK, observe=notes.append)
    taken = bytearray()

    def sink(buffer: Buffer) -> None:
        if case.broken_sink:
            raise OSError("the disk is full")
        taken.extend(buffer)

    try:
        server.script(*case.scripts)
        request = replace(case.request, url=server.url(), sink=sink if case.sinks else None)
        outcome: object
        try:
            (response,) = drive(transport, way(request, transport))
            outcome = (response.status, dict(response.headers), response.body, response.attempts)
        except Exception as error:
            outcome = (type(error), str(error).replace(str(server.port), "PORT"))
    finally:
        transport.close()
        server.close()
    return Sight(
        outcome,
        bytes(taken),
        [(seen.method, seen.target, _without_host(seen.headers), seen.body) for seen in server.seen],
        [
            (note.operation, note.method, note.status, note.attempt, note.sent, note.received, note.error)
            for note in notes
        ],
    )


def _without_host(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "host"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault_ends_as_in_the_general_machinery(case: Case, drive: Driver) -> None:
    def straight(request: Request, transport: Transport) -> Exchange[Response]:
        return send(request)

    def general(request: Request, transport: Transport) -> Exchange[Response]:
        return attempts(request, QUICK, transport._wire._observer)

    expected = observed(case, general, drive)

    assert expected == observed(case, straight, drive)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.request is WHOLE])
def test_a_whole_body_is_what_a_sink_would_have_taken(case: Case, drive: Driver) -> None:
    def straight(request: Request, transport: Transport) -> Exchange[Response]:
        return send(request)

    kept = observed(case, straight, drive)
    taken = observed(replace(case, request=GET, sinks=True), straight, drive)

    assert (kept.requests, kept.observations) == (taken.requests, taken.observations)
    match taken.outcome:
        case (status, headers, bytes() as body, tried):
            assert kept.outcome == (status, headers, taken.bytes_taken + body, tried)
        case error:
            assert kept.outcome == error


def test_one_that_succeeds_never_meets_the_machinery(
    drive: Driver, transport: Transport, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is saved is the point of it; were it lost, nothing else would fail."""
    begun: list[Request] = []
    original = Wire.exchange

    def exchange(wire: Wire, request: Request, first: Attempt | None = None) -> Exchange[Response]:
        begun.append(request)
        return original(wire, request, first)

    monkeypatch.setattr(Wire, "exchange", exchange)
    server.script(ok(BODY), status(204), ok())

    drive(transport, *[send(Request(method=method, url=server.url())) for method in ("GET", "DELETE", "PUT")])

    assert [] == begun

"""Repeats: when, how long they wait, and what they never repeat. The same with every driver; time is not waited for."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from typing import Any

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import RateLimitedError, SettingsError, UnavailableError
from kazinex_storage.transport import (
    Authorisation,
    BodySlice,
    Exchange,
    Fixed,
    Gate,
    Observation,
    Request,
    RetryPolicy,
    SigV4,
    Transport,
    Wait,
)
from kazinex_storage.transport.attempt import Attempt
from kazinex_storage.transport.retry import attempts
from kazinex_storage.transport.retry_policy import retry_after_s

from .conftest import (
    QUICK,
    SETTINGS,
    Driver,
    Line,
    Script,
    Seen,
    Server,
    cut,
    half_a_head,
    many,
    no_http,
    ok,
    send,
    stall,
    status,
)

STATUSES = (408, 425, 429, 500, 502, 503, 504)


@pytest.mark.parametrize("number", STATUSES)
def test_a_passing_status_is_repeated(number: int, drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(number, b"<html>busy</html>"), status(number), ok(b"good"))

    (response,) = drive(transport, send(Request(method="GET", url=server.url())))

    assert (200, b"good", 3, 3) == (response.status, response.body, response.attempts, len(server.seen))


@pytest.mark.parametrize("number", STATUSES)
def test_the_last_answer_comes_back_when_it_never_passes(
    number: int, drive: Driver, transport: Transport, server: Server
) -> None:
    server.script(*[status(number, b"busy")] * 9)

    (response,) = drive(transport, send(Request(method="PUT", url=server.url(), body=b"x")))

    assert (number, b"busy", 4, 4) == (response.status, response.body, response.attempts, len(server.seen))


def test_an_answer_that_trickles_has_stalled(transport: Transport, server: Server) -> None:
    def trickle(line: Line, seen: Seen) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                line.send(b"x")
                time.sleep(0.1)

    quick = Transport(settings=dataclasses.replace(SETTINGS, first_byte_timeout_s=1, idle_timeout_s=1), retry=QUICK)
    server.script(trickle, ok(b"good"))
    with contextlib.closing(quick):
        (response,) = many(quick, send(Request(method="GET", url=server.url())))

    assert (b"good", 2) == (response.body, response.attempts)


def test_an_answer_that_trickles_faster_ends_where_a_bound_is_set(drive: Driver, server: Server) -> None:
    """150 bytes a second are no stall by default: an upper bound is for those who would rather not wait."""

    def trickle(line: Line, seen: Seen) -> None:
        first = int(seen.headers.get("range", "bytes=0-")[6:].partition("-")[0])
        line.send(
            b'HTTP/1.1 %d x\r\nETag: "a"\r\nContent-Range: bytes %d-99999/100000\r\nContent-Length: %d\r\n\r\n'
            % (206 if first else 200, first, 100_000 - first)
        )
        with contextlib.suppress(OSError):
            while True:
                line.send(b"x" * 15)
                time.sleep(0.1)

    settings = dataclasses.replace(SETTINGS, attempt_timeout_s=0.5)
    taken = bytearray()
    server.script(trickle, trickle, trickle, trickle)
    with contextlib.closing(Transport(settings=settings, retry=QUICK)) as quick, pytest.raises(UnavailableError):
        drive(quick, send(Request(method="GET", url=server.url(), sink=taken.extend)))

    assert QUICK.attempts == len(server.seen)
    assert 0 < len(taken) < 5_000
    assert "bytes=" in server.seen[1].headers["range"]  # each attempt goes on where the one before ended


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("kept", [1, 2], ids=["on a new connection", "on another kept one"])
def test_a_write_that_libcurl_repeats_by_itself_is_counted(
    kept: int, signed: bool, transport: Transport, server: Server
) -> None:
    """A provider must know of every attempt: what the first one did may stand in the way of the second."""
    many(transport, *(send(Request(method="GET", url=server.url())) for _ in range(kept)))
    assert kept == len({seen.connection for seen in server.seen})
    server.script(cut, ok(b"good"))

    key = SigV4(access_key_id="AKIDEXAMPLE", secret_access_key="not-a-secret", region="auto")  # noqa: S106
    auth = Fixed(Authorisation(signing=key)) if signed else None
    (response,) = many(transport, send(Request(method="PUT", url=server.url(), body=b"x" * 500, auth=auth)))

    assert (b"good", 2) == (response.body, response.attempts)
    assert ["PUT", "PUT"] == [seen.method for seen in server.seen[kept:]]


@pytest.mark.parametrize(("number", "sent"), [(429, 2), (503, 2), (500, 1)])
def test_what_may_not_be_repeated_is_sent_again_when_nothing_was_begun(
    number: int, sent: int, drive: Driver, transport: Transport, server: Server
) -> None:
    server.script(status(number))
    request = Request(method="POST", url=server.url(), body=b"x", idempotent=False, refusals=frozenset({429, 503}))

    (response,) = drive(transport, send(request))

    assert (200 if sent == 2 else number, sent) == (response.status, len(server.seen))


@pytest.mark.parametrize("fault", [cut, status(503)], ids=["cut", "503"])
@pytest.mark.parametrize("kept", [0, 2], ids=["on a new connection", "on a kept one"])
def test_what_is_asked_about_first_is_sent_once_by_libcurl_too(
    kept: int, fault: Script, drive: Driver, transport: Transport, server: Server
) -> None:
    for _ in range(kept):
        drive(transport, send(Request(method="GET", url=server.url())))
    server.script(fault)
    body = BodySlice(source=Source.of(b"x" * 900_000), offset=0, size=900_000)
    request = Request(method="PUT", url=server.url(), body=body, once=True)

    if fault is cut:
        with pytest.raises(UnavailableError):
            drive(transport, send(request))
    else:
        assert 503 == drive(transport, send(request))[0].status

    assert 1 == len([seen for seen in server.seen if seen.method == "PUT"])


@pytest.mark.parametrize("fault", [cut, half_a_head, no_http], ids=["no answer", "half a head", "no HTTP"])
@pytest.mark.parametrize("kind", ["bytes", "slice"])
def test_a_broken_connection_is_repeated_with_the_whole_body(
    fault: Script, kind: str, drive: Driver, transport: Transport, server: Server
) -> None:
    data = b"0123456789" * 100_000
    body = data if kind == "bytes" else BodySlice(source=Source.of(data), offset=7, size=900_000)
    server.script(ok(), fault, fault, ok(b"stored"))

    (response,) = drive(transport, _after_a_get(server.url(), body))

    sent = [seen.body for seen in server.seen if seen.method == "PUT"]
    assert (200, b"stored", True) == (response.status, response.body, len(sent) >= 3)
    assert {data if kind == "bytes" else data[7:900_007]} == set(sent)


def _after_a_get(url: str, body: bytes | BodySlice) -> Exchange[Any]:
    yield Request(method="GET", url=url)
    return (yield Request(method="PUT", url=url, body=body))


def test_a_connection_that_breaks_while_the_body_is_sent_is_repeated(
    drive: Driver, transport: Transport, server: Server
) -> None:
    """The server reads the head alone and closes, so that sending fails."""
    server.refuse_bodies = True
    data = b"x" * 20_000_000

    def accept_again(line: Line, seen: Seen) -> None:
        server.refuse_bodies = False
        line.cut()

    server.script(accept_again, ok(b"stored"))

    (response,) = drive(transport, send(Request(method="PUT", url=server.url(), body=data)))

    assert (b"stored", len(data)) == (response.body, len(server.seen[-1].body))


def test_a_refusal_while_the_body_is_sent_is_the_answer(drive: Driver, transport: Transport, server: Server) -> None:
    server.refuse_bodies = True

    def refuse(line: Line, seen: Seen) -> None:
        line.answer(403, b"<Error/>", Connection="close")
        while line.receive():
            line.buffer.clear()

    server.script(refuse)

    (response,) = drive(transport, send(Request(method="PUT", url=server.url(), body=b"x" * 5_000_000)))

    assert (403, b"<Error/>") == (response.status, response.body)


@pytest.mark.parametrize("fault", [cut, half_a_head, status(503)], ids=["no answer", "half a head", "503"])
def test_what_may_not_be_repeated_is_sent_once(
    fault: Script, drive: Driver, transport: Transport, server: Server
) -> None:
    """A kept connection comes first: libcurl itself repeats what is lost on one."""
    server.script(ok(), fault, ok())

    def exchange() -> Exchange[Any]:
        yield Request(method="GET", url=server.url())
        try:
            response = yield Request(method="POST", url=server.url(), body=b"x", idempotent=False)
        except UnavailableError:
            return "unavailable"
        return response.status

    (result,) = drive(transport, exchange())

    assert (503 if fault not in (cut, half_a_head) else "unavailable") == result
    assert 2 == len(server.seen)


def test_a_stalled_server_is_left_and_asked_again(drive: Driver, server: Server) -> None:
    transport = Transport(settings=SETTINGS, retry=dataclasses.replace(QUICK, attempts=2))
    server.script(stall, ok(b"good"))

    (response,) = drive(transport, send(Request(method="GET", url=server.url())))

    assert (b"good", 2) == (response.body, response.attempts)


def test_a_server_that_stays_stalled_is_unavailable(drive: Driver, server: Server) -> None:
    transport = Transport(settings=SETTINGS, retry=dataclasses.replace(QUICK, attempts=1))
    server.script(stall)

    with pytest.raises(UnavailableError) as caught:
        drive(transport, send(Request(method="GET", url=server.url())))

    assert ("timeout", True) == (caught.value.code, caught.value.retryable)


class Clock:
    """A clock that only moves when it is told."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def waits(policy: RetryPolicy, answers: list[tuple[int, dict[str, str]]], clock: Clock | None = None) -> list[float]:
    """Feed *answers* to the attempts of a request by hand and return the waits that they yield."""
    exchange, found = attempts(Request(method="GET", url="http://host/k"), policy, None), list[float]()
    command = next(exchange)
    feed = iter(answers)
    try:
        while True:
            if isinstance(command, Wait):
                found.append(command.seconds)
                if clock is not None:
                    clock.time += command.seconds
            else:
                assert isinstance(command, Attempt)
                number, headers = next(feed)
                lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
                command.head[:] = [f"HTTP/1.1 {number} Reason\r\n".encode(), *lines, b"\r\n"]
                command.end(0, "")
            command = exchange.send(None)
    except StopIteration:
        return found


def policy(**changes: Any) -> RetryPolicy:
    fixed: dict[str, Any] = {"random": lambda: 1.0, "clock": Clock(), "now": lambda: 1_000_000_000.0}
    return RetryPolicy(**(fixed | changes))


def test_waits_double_up_to_their_bound() -> None:
    found = waits(policy(attempts=6, base_s=1, max_wait_s=5, budget_s=1000), [(503, {})] * 6)

    assert [1, 2, 4, 5, 5] == found


def test_jitter_is_full() -> None:
    assert [0.0, 0.0] == waits(policy(attempts=3, random=lambda: 0.0), [(503, {})] * 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", [7.0]),
        ("Sun, 09 Sep 2001 01:46:50 GMT", [10.0]),
        ("soon", [0.1]),
        ("60", [60.0]),
        ("61", []),
        ("-5", [0.1]),
    ],
    ids=["seconds", "date", "no_http", "as long as allowed", "too long", "negative"],
)
def test_retry_after_is_honoured_up_to_a_bound(value: str, expected: list[float]) -> None:
    assert expected == waits(policy(attempts=2), [(503, {"Retry-After": value})] * 2)


def test_a_gate_is_waited_for_up_to_the_same_bound() -> None:
    gate = Gate(Clock())
    gate.note(429, 60.0, {})
    request = Request(method="GET", url="http://host/k", gate=gate)

    assert Wait(60.0) == next(attempts(request, policy(), None))

    gate.note(429, 60.5, {})
    with pytest.raises(RateLimitedError) as caught:
        next(attempts(request, policy(), None))
    assert 60.5 == caught.value.retry_after_s


def test_the_first_wait_after_429_outlasts_the_second_of_a_key() -> None:
    found = waits(policy(attempts=3, random=lambda: 0.0), [(429, {}), (429, {}), (200, {})])

    assert [1.1, 0.0] == found


def test_no_wait_begins_that_would_outlast_the_budget() -> None:
    clock = Clock()

    found = waits(policy(attempts=99, base_s=4, max_wait_s=4, budget_s=10, clock=clock), [(503, {})] * 99, clock)

    assert [4, 4] == found


@pytest.mark.parametrize("changes", [{"attempts": 0}, {"budget_s": -1}, {"base_s": -0.1}])
def test_a_policy_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        RetryPolicy(**changes)


@pytest.mark.parametrize("value", ["", "Sun, 99 Sep 2001 01:46:50 GMT", "\u0661", "1.5", "1e3"])
def test_what_is_no_retry_after_says_nothing(value: str) -> None:
    assert None is retry_after_s(value, 0)


def test_an_observer_sees_every_attempt_and_no_secret(drive: Driver, server: Server) -> None:
    seen: list[Observation] = []
    transport = Transport(settings=SETTINGS, retry=QUICK, observe=seen.append)
    server.script(status(503), half_a_head, ok(b"good", x_amz_request_id="R1"))
    url = server.url("/bucket/key?X-Amz-Signature=secret")

    drive(transport, send(Request(method="PUT", url=url, body=b"abc", headers=(("X-Key", "secret"),), operation="put")))

    assert [(1, 503, None), (2, 200, "cut"), (3, 200, None)] == [(e.attempt, e.status, e.error) for e in seen]
    assert {("put", "PUT", f"127.0.0.1:{server.port}", 3)} == {(e.operation, e.method, e.host, e.sent) for e in seen}
    assert (4, "R1", True) == (seen[2].received, seen[2].request_id, seen[2].seconds > 0)
    assert "secret" not in repr(seen)


def test_repeats_are_warnings_and_requests_are_debug_lines_without_secrets(
    drive: Driver, transport: Transport, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(status(503), ok(b"body"))
    request = Request(
        method="GET", url=server.url("/b/k?sig=secret"), headers=(("Authorization", "secret"),), operation="get"
    )

    with caplog.at_level(logging.DEBUG, logger="kazinex_storage"):
        drive(transport, send(request))

    levels = [record.levelno for record in caplog.records if record.name == "kazinex_storage.transport.retry"]
    assert [logging.DEBUG, logging.WARNING, logging.DEBUG] == levels
    assert "secret" not in caplog.text
    assert "secret" not in repr(request)


def test_what_an_observer_raises_ends_the_exchange(drive: Driver, server: Server) -> None:
    def refuse(seen: Observation) -> None:
        raise KeyError("observer")

    with pytest.raises(KeyError, match="observer"):
        drive(Transport(settings=SETTINGS, observe=refuse), send(Request(method="GET", url=server.url())))

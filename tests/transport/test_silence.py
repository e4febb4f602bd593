"""Servers that say nothing: what is waited for, for how long in all, and what the error says was tried."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import SettingsError, UnavailableError
from kazinex_storage.transport import BodySlice, Request, RetryPolicy, Transport, TransportSettings, Wait
from kazinex_storage.transport.attempt import Attempt
from kazinex_storage.transport.retry import attempts

from .conftest import PATIENCE_S, SETTINGS, Driver, Line, Seen, Server, ok, send, stall, status

REFUSED, TIMED_OUT = 7, 28
SILENT = TransportSettings(first_byte_timeout_s=1, idle_timeout_s=20, connect_timeout_s=5, proxy="")
IDLE = TransportSettings(first_byte_timeout_s=20, idle_timeout_s=1, connect_timeout_s=5, proxy="")
ONCE = RetryPolicy(attempts=1)

End = Callable[[Attempt], float]
"""Ends an attempt and returns the seconds that it took."""


class Replay:
    """Runs the attempts of one request by hand, on a clock that moves with them."""

    def __init__(self, request: Request, ends: Iterator[End], **changes: Any) -> None:
        self.time = 0.0
        self.waits: list[float] = []
        self.patience: list[float | None] = []
        changes = {"random": lambda: 0.0} | changes
        exchange = attempts(request, RetryPolicy(clock=lambda: self.time, **changes), None)
        command: Any = next(exchange)
        with pytest.raises(UnavailableError) as caught:
            while True:
                if isinstance(command, Wait):
                    self.waits.append(command.seconds)
                    self.time += command.seconds
                else:
                    self.patience.append(command.patience_s)
                    self.time += next(ends)(command)
                command = exchange.send(None)
        self.error = str(caught.value)


def silent(limit_s: float, code: int = TIMED_OUT, *, moved_s: float = 0.0, took_s: float | None = None) -> End:
    """An attempt that gets no answer for *limit_s*, or as long as it is given."""

    def end(attempt: Attempt) -> float:
        silence = limit_s if attempt.patience_s is None else min(limit_s, attempt.patience_s)
        attempt.moved_s = moved_s
        attempt.end(code, f"waited {silence:.0f} s for the first byte of the answer" if took_s is None else "refused")
        return moved_s + (silence if took_s is None else took_s)

    return end


def forever(end: End) -> Iterator[End]:
    while True:
        yield end


GET = Request(method="GET", url="http://127.0.0.1:1/bucket/key", operation="get")


@pytest.mark.parametrize("limit_s", [30.0, 10.0, 3.0], ids=str)
def test_an_unanswered_request_is_given_up_after_45_s(limit_s: float) -> None:
    replay = Replay(GET, forever(silent(limit_s)))

    assert replay.time <= 45.0
    assert len(replay.patience) == 2 + (limit_s < 30) + 2 * (limit_s < 20)
    assert f"({len(replay.patience)} attempts in {replay.time:.0f} s)" in replay.error
    assert "for the first byte of the answer" in replay.error


def test_the_waits_count_as_well() -> None:
    replay = Replay(GET, forever(silent(10.0)), base_s=20.0, random=lambda: 1.0)

    assert ([20.0], [None, 15.0], 40.0) == (replay.waits, replay.patience, replay.time)


def test_the_last_attempt_gets_what_is_left() -> None:
    replay = Replay(GET, forever(silent(30.0)))

    assert ([None, 15.0], 45.0) == (replay.patience, replay.time)


def test_the_time_in_which_a_body_moves_does_not_count() -> None:
    replay = Replay(GET, forever(silent(30.0, moved_s=40.0)))

    assert ([None, 15.0], 2 * 40.0 + 45.0) == (replay.patience, replay.time)


def test_what_cleans_up_has_less_patience() -> None:
    replay = Replay(dataclasses.replace(GET, patience_s=10.0), forever(silent(30.0)))

    assert ([10.0], 10.0) == (replay.patience, replay.time)


@pytest.mark.parametrize("jitter", [0.0, 0.999], ids=["shortest", "longest"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_refused_connections_are_waited_for_ten_seconds(jitter: float, idempotent: bool) -> None:
    request = dataclasses.replace(GET, idempotent=idempotent)

    replay = Replay(request, forever(silent(0, REFUSED, took_s=0.0)), random=lambda: jitter)

    assert 10.0 <= replay.time <= 45.0
    assert sorted(replay.waits) == replay.waits
    assert "7 attempts in" in replay.error


def test_one_attempt_is_one_attempt_when_connections_are_refused() -> None:
    assert [] == Replay(GET, forever(silent(0, REFUSED, took_s=0.0)), attempts=1).waits


@pytest.mark.parametrize("changes", [{"unanswered_s": -1.0}, {"refused_attempts": 0}], ids=str)
def test_a_policy_without_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        RetryPolicy(**changes)


def half_an_answer(line: Line, seen: Seen) -> None:
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf")
    line.until_closed()


BODY = b"x" * 20_000_000


def test_a_body_that_the_server_does_not_take_is_idle(drive: Driver, server: Server) -> None:
    ended = threading.Event()

    def unread(line: Line, seen: Seen) -> None:
        ended.wait(PATIENCE_S)  # a connection that is closed with unread bytes is reset
        line.cut()

    server.refuse_bodies = True
    server.script(unread)
    body = BodySlice(source=Source.of(BODY), offset=0, size=len(BODY))

    with (
        contextlib.closing(Transport(settings=IDLE, retry=ONCE)) as transport,
        pytest.raises(UnavailableError, match="for the server to take the body"),
    ):
        drive(transport, send(Request(method="PUT", url=server.url(), body=body)))

    ended.set()


def test_the_rest_of_an_answer_is_idle(drive: Driver, server: Server) -> None:
    server.script(half_an_answer)

    with (
        contextlib.closing(Transport(settings=IDLE, retry=ONCE)) as transport,
        pytest.raises(UnavailableError, match=r"waited . s for the rest of the answer"),
    ):
        drive(transport, send(Request(method="GET", url=server.url())))


@pytest.mark.parametrize("body", [None, b"x" * 200_000], ids=["no body", "a body"])
def test_the_first_byte_has_a_limit_of_its_own(body: bytes | None, drive: Driver, server: Server) -> None:
    server.script(stall)

    with (
        contextlib.closing(Transport(settings=SILENT, retry=ONCE)) as transport,
        pytest.raises(UnavailableError, match=r"waited . s for the first byte of the answer") as caught,
    ):
        drive(transport, send(Request(method="POST" if body else "GET", url=server.url(), body=body)))

    assert "timeout" == caught.value.code


def test_an_upload_that_moves_is_not_silent(drive: Driver, server: Server) -> None:
    """It takes longer than every limit; the server reads all the time, as far as a busy machine lets it."""

    def read_slowly(line: Line, seen: Seen) -> None:
        line.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        left = int(seen.headers["content-length"]) - len(line.buffer)
        begun, pace = time.monotonic(), left / 4.5
        while left > 0:
            left -= len(line.stream.recv(1 << 18))
            time.sleep(max(0.0, begun + 4.5 - left / pace - time.monotonic()))
        line.buffer.clear()
        line.answer(200, b"taken")

    server.refuse_bodies = True
    server.script(read_slowly)
    strict = dataclasses.replace(SILENT, first_byte_timeout_s=2, idle_timeout_s=2)

    with contextlib.closing(Transport(settings=strict, retry=ONCE)) as transport:
        (response,) = drive(transport, send(Request(method="PUT", url=server.url(), body=BODY)))

    assert b"taken" == response.body


def test_a_silent_server_is_left_when_the_patience_is_over(drive: Driver, server: Server) -> None:
    server.script(*[stall] * 9)
    policy = RetryPolicy(base_s=0.001, unanswered_s=4)

    with (
        contextlib.closing(Transport(settings=SILENT, retry=policy)) as transport,
        pytest.raises(UnavailableError, match=r"\([1-4] attempts? in \d+ s\)"),  # each waits a second or more
    ):
        drive(transport, send(Request(method="GET", url=server.url())))


def test_what_was_shortened_for_a_repeat_is_not_kept(drive: Driver, server: Server) -> None:
    """The same handle serves a request that may wait longer."""

    def late(line: Line, seen: Seen) -> None:
        time.sleep(3.5)
        line.answer(200, b"late")

    server.script(status(503), ok(b"soon"), late)
    settings = dataclasses.replace(SETTINGS, first_byte_timeout_s=20)

    with contextlib.closing(Transport(settings=settings, retry=RetryPolicy(base_s=0.001))) as transport:
        impatient = send(Request(method="GET", url=server.url(), patience_s=3.0))
        found = drive(
            transport,
            impatient,
        ) + drive(transport, send(Request(method="GET", url=server.url())))

    assert [b"soon", b"late"] == [response.body for response in found]

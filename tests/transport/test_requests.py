"""What arrives at the server and what comes back, the same with every driver."""

from __future__ import annotations

import contextlib
import re

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import IntegrityError, NotSupportedError, SettingsError, UnavailableError
from kazinex_storage.transport import (
    Authorisation,
    BodySlice,
    Exchange,
    Fixed,
    Request,
    Response,
    SigV4,
    Transport,
    TransportSettings,
)
from kazinex_storage.transport.attempt import MAX_ERROR_BYTES

from .conftest import QUICK, Driver, Line, Seen, Server, ok, send, status

KEY = Fixed(
    Authorisation(
        signing=SigV4(access_key_id="AKIDEXAMPLE", secret_access_key="not-a-secret", region="auto"),  # noqa: S106
        headers=(("x-amz-security-token", "a-token"),),
    )
)


def test_a_get_gives_its_body_to_the_sink_and_its_headers_in_lower_case(
    drive: Driver, transport: Transport, server: Server
) -> None:
    server.script(ok(b"hello", ETag='"1"', X_Twice="a"))
    taken: list[bytes] = []

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), sink=taken.append)))  # type: ignore[arg-type]

    assert (200, b"", b"hello") == (response.status, response.body, b"".join(taken))
    assert ('"1"', "5", 1) == (response.headers["etag"], response.headers["content-length"], response.attempts)


@pytest.mark.parametrize("number", [301, 400, 404, 412])
def test_every_final_status_comes_back_with_its_body_and_without_the_sink(
    number: int, drive: Driver, transport: Transport, server: Server
) -> None:
    server.script(status(number, b"<Error/>", Location="http://127.0.0.1:9/"))
    taken: list[object] = []

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), sink=taken.append)))

    assert (number, b"<Error/>", []) == (response.status, response.body, taken)
    assert 1 == len(server.seen)


def test_a_request_without_headers_carries_none_of_the_request_before(
    drive: Driver, transport: Transport, server: Server
) -> None:
    server.script(ok(), ok())
    for headers in ((("Authorization", "Bearer not-for-all"), ("Range", "bytes=0-1")), ()):
        drive(transport, send(Request(method="GET", url=server.url(), headers=headers)))

    first, second = server.seen
    assert "Bearer not-for-all" == first.headers["authorization"]
    assert {"authorization", "range"}.isdisjoint(second.headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "POST"])
def test_a_request_without_a_body_announces_none_or_an_empty_one(
    method: str, drive: Driver, transport: Transport, server: Server
) -> None:
    drive(transport, send(Request(method=method, url=server.url(), headers=(("X-Empty", ""), ("X-One", "1")))))

    (seen,) = server.seen
    assert (method, "/bucket/key", b"") == (seen.method, seen.target, seen.body)
    assert ("0" if method in ("PUT", "POST") else None) == seen.headers.get("content-length")
    assert ("", "1") == (seen.headers["x-empty"], seen.headers["x-one"])
    assert {"expect", "content-type"}.isdisjoint(seen.headers)


@pytest.mark.parametrize("path", ["/bucket/a/../../other/key", "/bucket/./key", "/bucket//a"])
def test_a_path_arrives_as_it_is(path: str, drive: Driver, transport: Transport, server: Server) -> None:
    """Resolved on the way, the name that another tool gave an object leads to another one (issue 18)."""
    drive(transport, send(Request(method="GET", url=server.url().removesuffix("/bucket/key") + path)))

    assert path == server.seen[0].target


def test_bytes_are_sent_as_they_are(drive: Driver, transport: Transport, server: Server) -> None:
    request = Request(method="PUT", url=server.url(), body=b"\0body", headers=(("Content-Type", "text/plain"),))

    drive(transport, send(request))

    (seen,) = server.seen
    assert (b"\0body", "text/plain") == (seen.body, seen.headers["content-type"])


@pytest.mark.parametrize(("offset", "size"), [(0, 3_000_000), (1_000_001, 1_500_000), (5, 0), (3_000_000, 0)])
def test_a_slice_of_a_source_is_sent(
    offset: int, size: int, drive: Driver, transport: Transport, server: Server
) -> None:
    data = bytes(range(256)) * 11719

    drive(
        transport,
        send(Request(method="PUT", url=server.url(), body=BodySlice(source=Source.of(data), offset=offset, size=size))),
    )

    (seen,) = server.seen
    assert ("PUT", data[offset : offset + size]) == (seen.method, seen.body)
    assert (str(size), False) == (seen.headers["content-length"], "expect" in seen.headers)


def test_a_source_that_fails_ends_the_request_with_its_error(
    drive: Driver, transport: Transport, server: Server
) -> None:
    source = Source.of(b"x" * 2_000_000, sha256="0" * 64)
    body = BodySlice(source=source, offset=0, size=source.size)

    with pytest.raises(IntegrityError, match="sha256"):
        drive(transport, send(Request(method="PUT", url=server.url(), body=body)))

    assert [] == server.seen


def test_a_request_is_signed_with_the_key_and_the_token(drive: Driver, transport: Transport, server: Server) -> None:
    headers = (("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),)

    drive(transport, send(Request(method="GET", url=server.url(), headers=headers, auth=KEY)))

    (seen,) = server.seen
    assert re.match(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/auto/s3/aws4_request", seen.headers["authorization"]
    )
    assert "x-amz-security-token" in seen.headers["authorization"]
    assert "a-token" == seen.headers["x-amz-security-token"]


def test_a_request_after_a_signed_one_carries_nothing_of_it(
    drive: Driver, transport: Transport, server: Server
) -> None:
    signed = Request(method="PUT", url=server.url(), auth=KEY, body=b"body", headers=(("X-Mark", "1"),))

    def exchange() -> Exchange[None]:
        yield signed
        yield Request(method="GET", url=server.url())

    drive(transport, exchange())

    assert {"authorization", "x-amz-security-token", "x-mark", "content-length"}.isdisjoint(server.seen[1].headers)


def test_what_the_sink_raises_reaches_the_caller_and_the_connection_is_closed(
    drive: Driver, transport: Transport, server: Server
) -> None:
    closed: list[bool] = []

    def endless(line: Line, seen: Seen) -> None:
        line.answer(200, b"x" * 100, Content_Length="1000000")
        closed.append(line.until_closed())
        line.cut()

    def refuse(data: object) -> None:
        raise KeyError("sink")

    server.script(endless)
    with pytest.raises(KeyError, match="sink"):
        drive(transport, send(Request(method="GET", url=server.url(), sink=refuse)))
    transport.close()

    assert 1 == len(server.seen)


def test_a_header_with_a_line_break_is_refused(drive: Driver, transport: Transport, server: Server) -> None:
    with pytest.raises(NotSupportedError, match="'X-A' would hold a line break"):
        drive(transport, send(Request(method="GET", url=server.url(), headers=(("X-A", "1\r\nX-B: 2"),))))

    assert [] == server.seen


def test_metadata_that_is_not_ascii_survives(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(lambda line, seen: line.answer(200, X_Name="größe"))

    (response,) = drive(transport, send(Request(method="GET", url=server.url(), headers=(("X-Name", "größe"),))))

    assert "größe" == server.seen[0].headers["x-name"].encode("iso-8859-1").decode()
    assert "größe" == response.headers["x-name"]


def test_an_interim_answer_is_not_the_answer(drive: Driver, transport: Transport, server: Server) -> None:
    def early(line: Line, seen: Seen) -> None:
        line.send(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
        line.answer(200, b"late")

    server.script(early)

    (response,) = drive(transport, send(Request(method="GET", url=server.url())))

    assert (200, b"late", None) == (response.status, response.body, response.headers.get("x-early"))


def test_chunks_are_joined(drive: Driver, transport: Transport, server: Server) -> None:
    def chunked(line: Line, seen: Seen) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    server.script(chunked)
    taken: list[bytes] = []

    drive(transport, send(Request(method="GET", url=server.url(), sink=taken.append)))  # type: ignore[arg-type]

    assert b"abcde" == b"".join(taken)


def test_an_answer_too_long_to_collect_is_refused(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(ok(b"x" * (17 << 20)))

    with pytest.raises(IntegrityError, match="longer than"):
        drive(transport, send(Request(method="GET", url=server.url())))


def test_of_an_endless_error_the_beginning_is_kept(drive: Driver, transport: Transport, server: Server) -> None:
    server.script(status(404, b"x" * (17 << 20)))

    (response,) = drive(transport, send(Request(method="GET", url=server.url())))

    assert 404 == response.status
    assert MAX_ERROR_BYTES <= len(response.body) < 2 * MAX_ERROR_BYTES


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
@pytest.mark.parametrize("answered", [200, 206])
def test_what_was_not_asked_for_is_cut_off_before_it_takes_memory(
    drive: Driver, transport: Transport, server: Server, answered: int, chunked: bool
) -> None:
    """A broken proxy, or a server that ignores ranges, sends 400 MB where four bytes were asked for."""
    sent = 0

    def endless(line: Line, seen: Seen) -> None:
        nonlocal sent
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 419430400"
        span = b"Content-Range: bytes 0-3/419430400\r\n" if answered == 206 else b""
        line.send(b'HTTP/1.1 %d x\r\nETag: "a"\r\n%b%b\r\n\r\n' % (answered, span, length))
        piece = bytes(1 << 20)
        with contextlib.suppress(OSError):
            for _ in range(400):
                line.send(b"100000\r\n" + piece + b"\r\n" if chunked else piece)
                sent += 1
        line.cut()

    server.script(endless)
    taken: list[bytes] = []
    headers = (("Range", "bytes=0-3"),)
    request = Request(method="GET", url=server.url(), headers=headers, sink=taken.append)  # type: ignore[arg-type]

    with pytest.raises(IntegrityError, match="ignores ranges"):
        drive(transport, send(request))

    assert b"" == b"".join(taken)
    assert sent < 64  # what the sockets hold
    assert 1 == len(server.seen)  # no repeat can help


def test_connections_are_used_again(drive: Driver, transport: Transport, server: Server) -> None:
    drive(transport, *(send(Request(method="GET", url=server.url())) for _ in range(30)))

    assert server.connections <= 8


def test_a_server_that_cannot_be_reached_is_unavailable(drive: Driver, server: Server) -> None:
    server.close()
    transport = Transport(settings=TransportSettings(proxy=""), retry=QUICK)

    with pytest.raises(UnavailableError, match="7 attempts") as caught:
        drive(transport, send(Request(method="GET", url=server.url("/k?signature=abc"), operation="get")))

    assert ("connect", True, "get") == (caught.value.code, caught.value.retryable, caught.value.operation)
    assert "signature" not in str(caught.value)


@pytest.mark.parametrize(
    "field",
    ["connect_timeout_s", "first_byte_timeout_s", "idle_timeout_s", "max_connections", "attempt_timeout_s"],
)
def test_limits_of_nothing_are_refused(field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        TransportSettings(**{field: 0})  # type: ignore[arg-type]


def test_a_request_goes_through_the_proxy_of_the_settings(drive: Driver, server: Server) -> None:
    transport = Transport(settings=TransportSettings(proxy=server.url("")), retry=QUICK)

    drive(transport, send(Request(method="GET", url="http://storage.invalid/bucket/key")))

    assert "http://storage.invalid/bucket/key" == server.seen[0].target


def test_a_proxy_that_is_no_url_is_a_matter_of_settings(drive: Driver, server: Server) -> None:
    transport = Transport(settings=TransportSettings(proxy="bad://\0"), retry=QUICK)

    with pytest.raises(SettingsError):
        drive(transport, send(Request(method="GET", url=server.url())))


def test_an_answer_shows_nothing_that_may_be_a_secret() -> None:
    answer = Response(status=200, headers={"location": "https://a.example/?sig=not-for-all"}, body=b"not-for-all")

    assert "not-for-all" not in repr(answer)

"""Downloads that break off: they go on at the byte reached, of the same version, and no byte comes twice."""

from __future__ import annotations

import pytest

from kazinex_storage.errors import IntegrityError, StorageError, UnavailableError
from kazinex_storage.transport import Request, Transport

from .conftest import Driver, Line, Script, Seen, Server, cut, cut_body, ok, ranges, send, status

DATA = bytes(range(256)) * 4000
TAG = '"version 1"'
OTHER = '"version 2"'


@pytest.fixture
def taken() -> list[bytes]:
    return []


def get(server: Server, taken: list[bytes], *headers: tuple[str, str]) -> Request:
    return Request(method="GET", url=server.url(), sink=lambda data: taken.append(bytes(data)), headers=headers)


@pytest.mark.parametrize("at", [1, 1000, len(DATA) - 1])
def test_a_download_goes_on_where_it_broke_off(
    at: int, drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(cut_body(DATA, at, ETag=TAG), ranges(DATA, ETag=TAG))

    (response,) = drive(transport, send(get(server, taken)))

    assert (DATA, 206, 2) == (b"".join(taken), response.status, response.attempts)
    assert (f"bytes={at}-{len(DATA) - 1}", TAG) == (server.seen[1].headers["range"], server.seen[1].headers["if-match"])


def test_it_goes_on_again_and_again_and_through_other_faults(
    drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    def again(line: Line, seen: Seen) -> None:
        first = int(seen.headers["range"].removeprefix("bytes=").partition("-")[0])
        span = f"bytes {first}-{len(DATA) - 1}/{len(DATA)}"
        length = str(len(DATA) - first)
        line.answer(206, DATA[first : first + 100_000], Content_Length=length, Content_Range=span, ETag=TAG)
        line.cut()

    server.script(cut_body(DATA, 5000, ETag=TAG), status(503, b"busy"), again, ranges(DATA, ETag=TAG))

    (response,) = drive(transport, send(get(server, taken)))

    assert (DATA, 4, b"") == (b"".join(taken), response.attempts, response.body)


def test_a_span_goes_on_inside_itself(drive: Driver, transport: Transport, server: Server, taken: list[bytes]) -> None:
    def half(line: Line, seen: Seen) -> None:
        span = f"bytes 1000-1999/{len(DATA)}"
        line.answer(206, DATA[1000:1400], Content_Length="1000", Content_Range=span, ETag=TAG)
        line.cut()

    server.script(half, ranges(DATA, ETag=TAG))

    drive(transport, send(get(server, taken, ("Range", "bytes=1000-1999"), ("If-Match", TAG))))

    assert DATA[1000:2000] == b"".join(taken)
    assert ("bytes=1400-1999", TAG) == (server.seen[1].headers["range"], server.seen[1].headers["if-match"])


def test_a_cut_before_the_first_byte_starts_again(
    drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(cut_body(DATA, 0), cut, ok(DATA))

    drive(transport, send(get(server, taken)))

    assert DATA == b"".join(taken)
    assert "range" not in server.seen[2].headers


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}], ids=["no etag", "weak etag"])
def test_without_a_strong_etag_a_broken_download_is_unavailable(
    headers: dict[str, str], drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(cut_body(DATA, 1000, **headers))

    with pytest.raises(UnavailableError, match="strong ETag"):
        drive(transport, send(get(server, taken)))

    assert (DATA[:1000], 1) == (b"".join(taken), len(server.seen))


def shifted(line: Line, seen: Seen) -> None:
    line.answer(206, DATA[:-1000], Content_Range=f"bytes 0-{len(DATA) - 1001}/{len(DATA)}", ETag=TAG)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ok(DATA, ETag=TAG), UnavailableError),
        (shifted, UnavailableError),
        (lambda line, seen: line.answer(206, DATA[1000:], ETag=TAG), UnavailableError),
        (ranges(DATA, ETag=OTHER), IntegrityError),
        (ok(DATA, ETag=OTHER), IntegrityError),
        (status(412, b"<Error/>"), IntegrityError),
    ],
    ids=["everything again", "another span", "no span", "another version", "all of another version", "412"],
)
def test_what_is_not_the_rest_never_reaches_the_sink(
    answer: Script, kind: type[StorageError], drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(cut_body(DATA, 1000, ETag=TAG), answer)

    with pytest.raises(kind):
        drive(transport, send(get(server, taken)))

    assert (DATA[:1000], 2) == (b"".join(taken), len(server.seen))


def test_a_412_that_the_caller_asked_for_comes_back(
    drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(cut_body(DATA, 1000, ETag=TAG), status(412))

    (response,) = drive(transport, send(get(server, taken, ("If-Match", TAG))))

    assert 412 == response.status


def test_a_span_of_another_length_than_announced_is_an_integrity_error(
    drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(lambda line, seen: line.answer(206, b"x" * 90, Content_Range="bytes 0-99/1000", ETag=TAG))

    with pytest.raises(IntegrityError, match="90 of 100"):
        drive(transport, send(get(server, taken, ("Range", "bytes=0-99"))))


def test_a_download_that_stays_broken_is_unavailable_and_says_so(
    drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    server.script(cut_body(DATA, 1000, ETag=TAG), cut, cut, cut)

    with pytest.raises(UnavailableError, match="4 attempts") as caught:
        drive(transport, send(get(server, taken)))

    assert ("cut", True) == (caught.value.code, caught.value.retryable)


def test_many_buffers_of_a_long_download_arrive_in_order(
    drive: Driver, transport: Transport, server: Server, taken: list[bytes]
) -> None:
    data = DATA * 40
    server.script(ok(data))

    drive(transport, send(get(server, taken)))

    assert (True, True) == (data == b"".join(taken), len(taken) > 10)

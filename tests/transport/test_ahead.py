"""What goes on while its caller does something else, and listings that are read so."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice

import pytest

from kazinex_storage import AsyncStorage, Storage
from kazinex_storage.errors import AccessDeniedError, ClosedError, UnavailableError
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import S3, Credentials, Target
from kazinex_storage.transport import Call, Exchange, Request, Transport, TransportSettings

from .conftest import PATIENCE_S, QUICK, SETTINGS, Line, Script, Seen, Server, cut, ok, send, stall, status
from .test_lives import FORKS, in_a_fork

TARGET = Target(
    kind="s3",
    preset=S3,
    endpoint_url="",
    bucket="example",
    region="auto",
    credentials=Credentials(access_key_id="example", secret_access_key="example"),  # noqa: S106
    prefix="",
    max_object_bytes=S3.max_object_bytes,
)
PER_PAGE = 10


def keys(*pages: int) -> list[str]:
    return [f"{page}/{number}" for page in pages for number in range(PER_PAGE)]


def page(number: int, *, last: bool = False) -> bytes:
    moment = "2026-01-02T03:04:05.000Z"
    items = "".join(
        f"<Contents><Key>{key}</Key><LastModified>{moment}</LastModified><ETag>&quot;a&quot;</ETag><Size>1</Size>"
        "</Contents>"
        for key in keys(number)
    )
    more = "" if last else f"<NextContinuationToken>t{number + 1}</NextContinuationToken>"
    return (
        f"<ListBucketResult><IsTruncated>{str(not last).lower()}</IsTruncated>{more}{items}</ListBucketResult>".encode()
    )


def gated(opened: threading.Event, script: Script) -> Script:
    def wait(line: Line, seen: Seen) -> None:
        opened.wait(PATIENCE_S)
        script(line, seen)

    return wait


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


@pytest.fixture
def storage(server: Server, transport: Transport) -> Iterator[Storage]:
    with Storage(S3Provider(replace(TARGET, endpoint_url=server.url(""))), transport=transport) as storage:
        yield storage


def get(server: Server) -> Exchange[bytes]:
    return (yield from send(Request(method="GET", url=server.url()))).body


def test_a_request_goes_out_at_once_and_is_answered_without_its_caller(transport: Transport, server: Server) -> None:
    server.script(ok(b"one"))

    ahead = transport.ahead(lambda: get(server))

    assert until(lambda: len(server.seen) == 1)
    assert b"one" == ahead.result()


def test_what_it_raises_is_raised_at_the_end(transport: Transport, server: Server) -> None:
    def failing() -> Exchange[None]:
        yield Call(int, "1")
        raise ZeroDivisionError

    ahead = transport.ahead(failing)
    ahead.advance()

    with pytest.raises(ZeroDivisionError):
        ahead.result()


def test_closing_it_closes_the_connection(transport: Transport, server: Server) -> None:
    gone = threading.Event()
    server.script(lambda line, seen: gone.set() if line.until_closed() else None)
    ahead = transport.ahead(lambda: get(server))
    assert until(lambda: len(server.seen) == 1)

    ahead.close()
    ahead.close()

    assert gone.wait(PATIENCE_S)


def test_a_failure_after_a_long_absence_of_the_caller_is_asked_again(server: Server) -> None:
    left = threading.Event()
    server.script(gated(left, cut), ok(b"well"))
    with closing(Transport(4, settings=SETTINGS, retry=replace(QUICK, attempts=1))) as transport:
        ahead = transport.ahead(lambda: get(server))
        left.set()
        time.sleep(0.6)

        assert b"well" == ahead.result()


def test_a_failure_in_the_presence_of_the_caller_is_not(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kazinex_storage.transport.ahead._NEGLECTED_S", 1000)
    server.script(cut, ok(b"well"))
    with closing(Transport(4, settings=SETTINGS, retry=replace(QUICK, attempts=1))) as transport:
        ahead = transport.ahead(lambda: get(server))

        with pytest.raises(UnavailableError):
            ahead.result()


def test_a_silence_longer_than_the_timeouts_costs_a_slow_caller_nothing(transport: Transport, server: Server) -> None:
    server.script(stall, ok(b"well"))
    ahead = transport.ahead(lambda: get(server))
    time.sleep(1.2)

    assert b"well" == ahead.result()


@FORKS
def test_a_forked_child_asks_by_itself(transport: Transport, server: Server) -> None:
    opened = threading.Event()
    server.script(gated(opened, ok(b"parent")), ok(b"child"))
    ahead = transport.ahead(lambda: get(server))
    assert until(lambda: len(server.seen) == 1)

    def work() -> bool:
        ahead.advance()
        return bool(ahead.result() == b"child")

    assert 0 == in_a_fork(work)
    opened.set()
    assert b"parent" == ahead.result()


def test_it_takes_no_connection_from_bulk_work(transport: Transport, server: Server) -> None:
    most = transport._wire.share()
    opened = threading.Event()
    server.script(gated(opened, ok()))

    ahead = transport.ahead(lambda: get(server))

    for _, outcome in transport.run_many([get(server)], 4):
        assert b"" == outcome.result()
        assert most == transport._wire.share()
    opened.set()
    ahead.result()


def test_the_second_page_is_asked_for_when_half_of_the_first_was_read(storage: Storage, server: Server) -> None:
    server.script(ok(page(0)), ok(page(1)), ok(page(2, last=True)))
    listing = storage.list()

    first = [info.key for info in islice(listing, PER_PAGE // 2)]
    asked_before = len(server.seen)
    first += [info.key for info in islice(listing, 1)]

    assert 1 == asked_before
    assert until(lambda: len(server.seen) == 2)
    assert keys(0, 1, 2) == first + [info.key for info in listing]
    assert ["t1", "t2"] == [
        seen.target.partition("continuation-token=")[2].partition("&")[0] for seen in server.seen[1:]
    ]


def test_there_is_one_page_ahead_and_no_more(storage: Storage, server: Server) -> None:
    server.script(*(ok(page(number)) for number in range(9)))
    listing = storage.list()

    read = [info.key for info in islice(listing, PER_PAGE + 1)]

    assert keys(0, 1)[: PER_PAGE + 1] == read
    assert until(lambda: len(server.seen) == 3)
    time.sleep(0.05)
    assert 3 == len(server.seen)


def test_a_listing_of_one_page_is_one_request(storage: Storage, server: Server) -> None:
    server.script(ok(page(0, last=True)))

    assert keys(0) == [info.key for info in storage.list()]
    assert 1 == len(server.seen)


def test_a_listing_that_is_left_has_nothing_under_way(storage: Storage, server: Server) -> None:
    gone = threading.Event()
    server.script(ok(page(0)), lambda line, seen: gone.set() if line.until_closed() else None)
    listing = storage.list()
    for _ in range(PER_PAGE):
        next(listing)
    assert until(lambda: len(server.seen) == 2)

    del listing
    gc.collect()

    assert gone.wait(PATIENCE_S)
    assert 2 == len(server.seen)


def test_an_error_of_the_page_ahead_comes_after_the_entries_before_it(storage: Storage, server: Server) -> None:
    server.script(ok(page(0)), status(403, b"<Error><Code>AccessDenied</Code></Error>"))
    listing, read = storage.list(), list[str]()

    with pytest.raises(AccessDeniedError) as failure:
        for info in listing:
            read.append(info.key)

    assert keys(0) == read
    assert "list" == failure.value.operation


def test_a_page_ahead_is_repeated_as_any_other(storage: Storage, server: Server) -> None:
    server.script(ok(page(0)), status(503), cut, ok(page(1, last=True)))

    assert keys(0, 1) == [info.key for info in storage.list()]
    assert 4 == len(server.seen)


def test_a_storage_that_was_closed_gives_no_page_that_was_ahead(storage: Storage, server: Server) -> None:
    server.script(ok(page(0)), ok(page(1, last=True)))
    listing, read = storage.list(), list[str]()
    for info in islice(listing, PER_PAGE - 1):
        read.append(info.key)

    storage.close()

    with pytest.raises(ClosedError):
        for info in listing:
            read.append(info.key)
    assert keys(0) == read


@FORKS
def test_a_forked_child_goes_on_with_a_listing(storage: Storage, server: Server) -> None:
    opened = threading.Event()
    server.script(ok(page(0)), gated(opened, ok(page(1, last=True))), ok(page(1, last=True)))
    listing = storage.list()
    first = [info.key for info in islice(listing, PER_PAGE)]
    assert until(lambda: len(server.seen) == 2)

    assert 0 == in_a_fork(lambda: keys(1) == [info.key for info in listing])
    opened.set()
    assert keys(0, 1) == first + [info.key for info in listing]


def test_the_same_holds_on_a_loop(storage: Storage, server: Server) -> None:
    server.script(ok(page(0)), ok(page(1)), ok(page(2, last=True)))

    async def read() -> tuple[int, list[str]]:
        found, seen = list[str](), 0
        async for info in AsyncStorage(storage).list():
            found.append(info.key)
            if len(found) == PER_PAGE - 1:
                while len(server.seen) < 2:
                    await asyncio.sleep(0.002)
                seen = len(server.seen)
        return seen, found

    assert (2, keys(0, 1, 2)) == asyncio.run(read())


def test_a_listing_that_is_left_on_a_loop_has_nothing_under_way(storage: Storage, server: Server) -> None:
    gone = threading.Event()
    server.script(ok(page(0)), lambda line, seen: gone.set() if line.until_closed() else None)

    async def read() -> tuple[list[str], int]:
        listing, found = AsyncStorage(storage).list(), list[str]()
        async for info in listing:
            found.append(info.key)
            if len(found) == PER_PAGE - 1:
                while len(server.seen) < 2:
                    await asyncio.sleep(0.002)
                break
        await listing.aclose()  # type: ignore[attr-defined]
        return found, len(asyncio.all_tasks()) - 1

    assert (keys(0)[:-1], 0) == asyncio.run(read())
    assert gone.wait(PATIENCE_S)


def test_errors_of_the_page_ahead_are_raised_in_their_place_on_a_loop(storage: Storage, server: Server) -> None:
    server.script(ok(page(0)), status(403, b"<Error><Code>AccessDenied</Code></Error>"))
    found = list[str]()

    async def read() -> None:
        async for info in AsyncStorage(storage).list():
            found.append(info.key)

    with pytest.raises(AccessDeniedError):
        asyncio.run(read())
    assert keys(0) == found


def test_an_interrupt_in_the_middle_leaves_nothing_under_way(server: Server) -> None:
    gone = threading.Event()
    server.script(lambda line, seen: gone.set() if line.until_closed() else None)
    transport = Transport(4, settings=TransportSettings(proxy=""), retry=QUICK)
    ahead = transport.ahead(lambda: get(server))
    assert until(lambda: len(server.seen) == 1)
    threading.Timer(0.1, os.kill, (os.getpid(), 2)).start()

    with pytest.raises(KeyboardInterrupt):
        ahead.result()

    assert gone.wait(PATIENCE_S)
    transport.close()

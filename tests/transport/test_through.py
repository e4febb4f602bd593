"""An exchange that another transport carries: over its connections and threads, whichever driver runs the outer one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kazinex_storage.errors import SettingsError
from kazinex_storage.transport import Call, Exchange, Many, Outcome, Request, Response, Through, Transport, Wait
from kazinex_storage.transport.addresses import PublicAddresses

from .conftest import PATIENCE_S, QUICK, SETTINGS, Driver, Line, Seen, Server, ok, stall, status


@pytest.fixture
def other() -> Iterator[Transport]:
    transport = Transport(3, settings=SETTINGS, retry=QUICK)
    yield transport
    transport.close()


def get(url: str) -> Exchange[bytes]:
    response: Response = yield Request(method="GET", url=url, operation="get")
    return response.body


def through(carrier: Transport, exchange: Exchange[Any]) -> Exchange[Any]:
    return (yield Through(carrier, exchange))


def test_it_returns_what_the_exchange_returns_and_raises_what_it_raises(
    drive: Driver, transport: Transport, other: Transport, server: Server
) -> None:
    def work(exchange: Exchange[bytes]) -> Exchange[tuple[bytes, bytes, str]]:
        before = yield from get(server.url())
        inside = yield Through(other, exchange)
        try:
            yield Through(other, fail())
        except KeyError as error:
            return before, inside, str(error)
        raise AssertionError("nothing was raised")

    def fail() -> Exchange[None]:
        yield Wait(0)
        raise KeyError("inside")

    server.script(ok(b"before"), ok(b"inside"))

    assert [(b"before", b"inside", "'inside'")] == drive(transport, work(get(server.url())))


def test_requests_of_both_are_under_way_together(
    drive: Driver, transport: Transport, other: Transport, server: Server
) -> None:
    """One waits for the other, so neither may hold up the other's sockets."""
    together = threading.Barrier(2)

    def meet(line: Line, seen: Seen) -> None:
        together.wait(PATIENCE_S)
        line.answer(200, seen.target.encode())

    def both() -> Exchange[list[Outcome[bytes]]]:
        outcomes: list[Outcome[bytes]] = yield Many(
            [get(server.url("/own")), through(other, get(server.url("/other")))], 2
        )
        return outcomes

    server.script(meet, meet)

    (outcomes,) = drive(transport, both())

    assert [b"/own", b"/other"] == [outcome.result() for outcome in outcomes]


def test_it_is_repeated_and_waited_for_like_any_other(
    drive: Driver, transport: Transport, other: Transport, server: Server
) -> None:
    server.script(status(503), status(429), ok(b"at last"))

    assert [b"at last"] == drive(transport, through(other, get(server.url())))
    assert 3 == len(server.seen)


def test_its_connections_are_those_of_the_carrier(
    drive: Driver, transport: Transport, other: Transport, server: Server
) -> None:
    drive(transport, get(server.url()))
    drive(transport, through(other, get(server.url())))

    assert [1, 2] == [seen.connection for seen in server.seen]


def test_it_goes_only_where_its_carrier_may(drive: Driver, transport: Transport, server: Server) -> None:
    restricted = transport.restricted(PublicAddresses())

    def listing() -> Exchange[list[Outcome[bytes]]]:
        outcomes: list[Outcome[bytes]] = yield Many([get(server.url()), get(server.url())], 2)
        return outcomes

    with pytest.raises(SettingsError, match="may not be connected to"):
        drive(transport, through(restricted, get(server.url())))
    (outcomes,) = drive(transport, through(restricted, listing()))

    assert [SettingsError, SettingsError] == [type(outcome.error) for outcome in outcomes]
    assert [] == server.seen
    restricted.close()


def test_its_calls_run_on_the_threads_of_the_carrier(drive: Driver, transport: Transport, other: Transport) -> None:
    def calls() -> Exchange[list[int]]:
        outcomes: list[Outcome[int]] = yield Many([one(), one()], 2)
        return [outcome.result() for outcome in outcomes]

    def one() -> Exchange[int]:
        ident: int = yield Call(threading.get_ident)
        return ident

    assert [2] == [len(found) for found in drive(transport, through(other, calls()))]


def test_one_that_goes_through_the_same_transport_is_run_in_place(
    drive: Driver, transport: Transport, server: Server
) -> None:
    owned = transport.owned("acme")

    drive(owned, through(transport.owned("acme"), get(server.url())), get(server.url()))

    assert 2 == len(server.seen)


def test_what_is_given_up_is_cleaned_up_on_both(transport: Transport, other: Transport, server: Server) -> None:
    cleaned: list[str] = []

    def careful(name: str) -> Exchange[None]:
        try:
            yield from get(server.url())
        finally:
            yield Call(cleaned.append, name)

    server.script(stall, stall, ok())
    work: list[Exchange[Any]] = [careful("own"), through(other, careful("other")), get(server.url())]
    running = transport.run_many(work, 3)
    next(running)
    running.close()  # type: ignore[attr-defined]  # it is a generator

    assert {"own", "other"} == set(cleaned)


def test_a_task_that_is_cancelled_closes_the_connection_of_the_carrier(
    transport: Transport, other: Transport, server: Server
) -> None:
    closed = threading.Event()

    def notice(line: Line, seen: Seen) -> None:
        if line.until_closed():
            closed.set()
        line.cut()

    async def run() -> None:
        server.script(notice)
        task = asyncio.ensure_future(transport.run_async(through(other, get(server.url()))))
        while not server.seen:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    assert closed.wait(PATIENCE_S)

"""The lane of runs: their requests and calls let all others go first, and still go on. ADR 0057.

Nothing here is measured: clocks are moved by the tests, and servers hold back their answers until a test lets them go.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kazinex_storage.errors import RateLimitedError
from kazinex_storage.transport import (
    Call,
    Exchange,
    Gate,
    Request,
    Response,
    RetryPolicy,
    Through,
    Transport,
    TransportSettings,
    Wait,
    one,
)
from kazinex_storage.transport.lane import MOST_DEFERRED_S, Gates, OwnersLane
from kazinex_storage.transport.pool import CallPool
from kazinex_storage.transport.shares import Behind, Turns

from .conftest import PATIENCE_S, QUICK, SETTINGS, Driver, Line, Seen, Server, ok, send, status

LOW = {"ratelimit-limit": "100", "ratelimit-remaining": "10", "ratelimit-reset": "20"}
"""What SharePoint says when a tenth is left for 20 s: a request each 2 s."""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def request_of(gate: Gate | None) -> Request:
    return Request(method="GET", url="https://contoso.sharepoint.com/drive", gate=gate)


def lanes() -> tuple[OwnersLane, OwnersLane]:
    """The lane of an organisation's people, and that of its runs."""
    gates = Gates()
    return gates.lane("acme"), gates.lane(Behind("acme"))


def next_wait(exchange: Exchange[None]) -> float | None:
    """How long it waits now; None: it has passed."""
    try:
        command = next(exchange)
    except StopIteration:
        return None
    assert isinstance(command, Wait)
    return command.seconds


def test_when_a_paused_gate_opens_people_go_first() -> None:
    clock = Clock()
    gate = Gate(clock)
    people, runs = lanes()
    gate.note(429, 7.0, {})
    run, live = (lane.passing(request_of(gate), RetryPolicy()) for lane in (runs, people))

    assert [7.0, 7.0] == [next_wait(run), next_wait(live)]
    clock.now += 7

    assert 0.05 == next_wait(run)
    assert None is next_wait(live)
    assert None is next_wait(run)


def test_a_run_goes_on_in_the_end_however_many_people_wait() -> None:
    gate = Gate(Clock())
    gate.enter()
    run = lanes()[1].passing(request_of(gate), RetryPolicy())

    waits = []
    while (wait := next_wait(run)) is not None:
        waits.append(wait)

    assert pytest.approx(MOST_DEFERRED_S) == sum(waits)


def test_of_a_quota_that_runs_low_runs_take_a_half_that_nobody_waits_for() -> None:
    gate = Gate(Clock())
    gate.note(200, None, LOW)

    assert [0.0, 4.0, 8.0] == [gate.place_behind_s() for _ in range(3)]
    assert [0.0, 2.0, 4.0] == [gate.place_s() for _ in range(3)]


def test_nobody_waits_for_longer_than_until_there_is_more() -> None:
    gate = Gate(Clock())
    gate.note(200, None, {**LOW, "ratelimit-remaining": "1"})

    assert [0.0, 20.0, 20.0] == [gate.place_behind_s() for _ in range(3)]
    assert [0.0, 20.0, 20.0] == [gate.place_s() for _ in range(3)]


def test_a_run_that_is_refused_gets_slower_until_it_is_not() -> None:
    clock = Clock()
    gate = Gate(clock)

    def intervals() -> float:
        gate.place_behind_s()
        clock.now += 100
        gate.place_behind_s()
        return gate.place_behind_s()

    for _ in range(10):  # sent together, and refused together: one refusal
        gate.note_behind(503, None, {})
    once = intervals()
    clock.now += 1
    gate.note_behind(429, 2.0, {})
    twice = intervals()
    for _ in range(10):
        gate.note_behind(200, None, {})
    eased = intervals()
    for _ in range(20):
        gate.note_behind(200, None, {})

    assert pytest.approx([0.01, 0.02]) == [once, twice]
    assert eased < 0.02
    assert not gate.busy
    assert [0.0, 0.0] == [gate.place_behind_s() for _ in range(2)]


def test_a_gate_that_stays_closed_for_too_long_is_an_error_that_says_how_long() -> None:
    gate = Gate(Clock())
    gate.note(429, 500.0, {})

    for lane in lanes():
        with pytest.raises(RateLimitedError, match="500 s"):
            next_wait(lane.passing(request_of(gate), RetryPolicy()))
    assert 0 == gate.waiting


def test_whoever_is_interrupted_at_a_gate_holds_no_run_up() -> None:
    gate = Gate(Clock())
    gate.note(429, 7.0, {})
    live = lanes()[0].passing(request_of(gate), RetryPolicy())
    next_wait(live)
    before = gate.waiting

    live.close()

    assert (1, 0) == (before, gate.waiting)


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_in_a_forked_child_nobody_waits() -> None:
    gate = Gate(Clock())
    gate.enter()

    child = os.fork()
    if child == 0:
        os._exit(gate.waiting)

    assert (0, 1) == (os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), gate.waiting)


def test_the_gates_of_hosts_are_those_of_one_owner() -> None:
    gates = Gates()
    request = request_of(None)

    gates.of("acme", request).note(429, 7.0, {})

    assert gates.of("acme", request_of(None)).busy
    assert not gates.of("globex", request).busy
    assert not gates.of("acme", Request(method="GET", url="https://other.example/")).busy


def test_gates_that_hold_nothing_back_are_forgotten() -> None:
    gates = Gates()
    gates.of("acme", request_of(None)).enter()

    for number in range(3000):
        gates.of("acme", Request(method="GET", url=f"https://host-{number}.example/"))

    assert len(gates._gates) <= 1024
    assert 1 == gates.of("acme", request_of(None)).waiting


def gates_of(transport: Transport) -> Gates:
    gates = transport.wire.kept.gates
    assert gates is not None
    return gates


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch, server: Server) -> Naps:
    found = Naps(server)
    monkeypatch.setattr(one, "time", SimpleNamespace(sleep=found))
    return found


class Naps:
    """The waits of the blocking driver: those of people last until a run waits too, those of runs less than asked."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.seen: list[str] = []
        """What the server had been sent when a person's wait ended."""
        self.run: threading.Thread | None = None
        self.live_waits = threading.Event()
        self.run_waits = threading.Event()

    def __call__(self, seconds: float) -> None:
        if threading.current_thread() is self.run:
            self.run_waits.set()
            time.sleep(0.01)
        else:
            self.live_waits.set()
            assert self.run_waits.wait(PATIENCE_S)
            self.seen = [seen.target for seen in self.server.seen]


def get(server: Server, path: str) -> Exchange[Response]:
    return send(Request(method="GET", url=server.url(path), operation="get"))


def test_while_people_are_throttled_a_run_sends_nothing_to_that_host(
    naps: Naps, transport: Transport, server: Server
) -> None:
    """Such as R2, whose provider has no gate: what the live request waits for is seen by the run."""
    people, run = transport.owned("acme"), transport.owned("acme").background()
    server.script(status(429))
    naps.run = threading.Thread(target=lambda: naps.live_waits.wait(PATIENCE_S) and run.run(get(server, "/run")))
    naps.run.start()

    people.run(get(server, "/live"))
    naps.run.join(PATIENCE_S)

    assert ["/live"] == naps.seen
    assert ["/live", "/live", "/run"] == sorted(seen.target for seen in server.seen)


def test_the_throttling_of_one_organisation_holds_up_no_run_of_another_one(
    naps: Naps, transport: Transport, server: Server
) -> None:
    run = transport.owned("globex").background()

    def other() -> None:
        assert naps.live_waits.wait(PATIENCE_S)
        run.run(get(server, "/run"))
        naps.run_waits.set()

    server.script(status(429))
    thread = threading.Thread(target=other)
    thread.start()

    transport.owned("acme").run(get(server, "/live"))
    thread.join(PATIENCE_S)

    assert ["/live", "/run"] == naps.seen


def test_a_run_that_is_refused_holds_back_all_that_it_does_there(
    drive: Driver, transport: Transport, server: Server
) -> None:
    run = transport.background()
    server.script(status(429), status(429), ok())

    drive(run, get(server, "/a"))
    gate = gates_of(run).of(None, Request(method="GET", url=server.url()))

    assert gate.busy
    assert [200] * 5 == [response.status for response in drive(run, *(get(server, "/b") for _ in range(5)))]
    assert 8 == len(server.seen)
    gate.note_behind(429, 500.0, {})
    with pytest.raises(RateLimitedError):
        drive(run, get(server, "/c"))
    assert [200] == [response.status for response in drive(transport, get(server, "/live"))]


def test_requests_of_runs_are_answered_resumed_and_raised_like_any_others(
    drive: Driver, transport: Transport, server: Server
) -> None:
    run = transport.owned("acme").background()
    server.script(status(503), ok(b"at last"), status(404, b"none"))

    found = drive(run, get(server, "/a")) + drive(run, get(server, "/b"))

    assert [(200, b"at last"), (404, b"none")] == [(each.status, each.body) for each in found]


class Held:
    """Holds back the answers of a server, by path."""

    def __init__(self, server: Server) -> None:
        self.changed = threading.Condition()
        self.arrived: Counter[str] = Counter()
        self.order: list[str] = []
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.released: dict[str, int] = {}
        server.script(*[self] * 1000)

    def __call__(self, line: Line, seen: Seen) -> None:
        path = seen.target
        with self.changed:
            self.arrived[path] += 1
            self.order.append(path)
            self.at_once[path] += 1
            self.most[path] = max(self.most[path], self.at_once[path])
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.released.get(path, 0) > 0, PATIENCE_S)
            self.released[path] -= 1
            self.at_once[path] -= 1
        line.answer(200)

    def release(self, path: str, count: int = 1000) -> None:
        with self.changed:
            self.released[path] = self.released.get(path, 0) + count
            self.changed.notify_all()

    def wait_for(self, path: str, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.arrived[path] >= count, PATIENCE_S), self.arrived


@pytest.fixture
def held(server: Server) -> Held:
    return Held(server)


@pytest.fixture
def eight() -> Iterator[Transport]:
    transport = Transport(4, settings=TransportSettings(max_connections=8, proxy=""), retry=QUICK)
    yield transport
    transport.close()


async def arrived(held: Held, path: str, count: int) -> None:
    await asyncio.get_running_loop().run_in_executor(None, held.wait_for, path, count)


def begin(transport: Transport, server: Server, path: str, count: int) -> asyncio.Future[list[Any]]:
    return asyncio.gather(*(transport.run_async(get(server, path)) for _ in range(count)))


@pytest.mark.asyncio
async def test_on_a_loop_runs_take_half_of_the_connections_and_people_the_others_at_once(
    eight: Transport, server: Server, held: Held
) -> None:
    owned = eight.owned("acme")
    run = begin(owned.background(), server, "/run", 30)
    await arrived(held, "/run", 4)

    live = begin(owned, server, "/live", 4)
    await arrived(held, "/live", 4)

    assert {"/run": 4, "/live": 4} == held.arrived
    held.release("/live")
    held.release("/run")
    await asyncio.gather(run, live)
    assert 4 == held.most["/run"]


@pytest.mark.asyncio
async def test_a_place_on_a_loop_goes_to_people_before_it_goes_to_a_run(
    eight: Transport, server: Server, held: Held
) -> None:
    """Each of both organisations fills its half, and more of them wait; only then a run gets another place."""
    run = begin(eight.owned("acme").background(), server, "/run", 30)
    await arrived(held, "/run", 4)
    names = ("acme", "globex")
    lives = [begin(eight.owned(name), server, f"/{name}", 6) for name in names]
    # Four of each: those that are free, and those that each organisation has whatever the others do.
    for name in names:
        await arrived(held, f"/{name}", 4)

    for name in names:
        held.release(f"/{name}", 2)
        await arrived(held, f"/{name}", 6)

    assert 4 == held.arrived["/run"]
    for name in names:
        held.release(f"/{name}")
    await asyncio.gather(*lives)
    held.release("/run")
    await run
    assert 30 == held.arrived["/run"]


@pytest.mark.asyncio
async def test_a_run_whose_service_hangs_starves_no_run_of_another_organisation(
    eight: Transport, server: Server, held: Held
) -> None:
    hung = begin(eight.owned("acme").background(), server, "/hung", 30)
    await arrived(held, "/hung", 4)
    held.release("/run")

    await asyncio.wait_for(begin(eight.owned("globex").background(), server, "/run", 10), PATIENCE_S)

    assert ({"/hung": 4, "/run": 10}, 1) == (held.arrived, held.most["/run"])
    held.release("/hung")
    await hung


@pytest.mark.asyncio
async def test_runs_of_two_organisations_have_their_places_in_turn(
    eight: Transport, server: Server, held: Held
) -> None:
    first = begin(eight.owned("acme").background(), server, "/first", 12)
    await arrived(held, "/first", 4)
    second = begin(eight.owned("globex").background(), server, "/second", 12)
    await arrived(held, "/second", 1)

    for count in range(2, 5):
        held.release("/first", 1)
        held.release("/second", 1)
        await arrived(held, "/second", count)

    held.release("/first")
    held.release("/second")
    await asyncio.gather(first, second)
    assert held.order.index("/second") < 6
    assert held.order[:12].count("/second") >= 3


@pytest.mark.asyncio
async def test_what_is_cancelled_in_a_run_gives_its_place_back(eight: Transport, server: Server, held: Held) -> None:
    run = begin(eight.owned("acme").background(), server, "/run", 30)
    await arrived(held, "/run", 4)

    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    turns = eight.wire.loops.of(asyncio.get_running_loop())._turns
    assert ({}, 0, 0) == (turns.under_way, turns.waiting, turns.runs)
    held.release("/run")


def test_bulk_work_of_a_run_has_half_of_the_connections_that_other_bulk_work_has(server: Server, held: Held) -> None:
    transport = Transport(settings=TransportSettings(max_connections=16, proxy=""), retry=QUICK)
    run = transport.owned("acme").background()
    thread = threading.Thread(target=lambda: list(run.run_many((get(server, "/run") for _ in range(40)), 30)))
    thread.start()
    held.wait_for("/run", 4)
    held.release("/run")
    thread.join(PATIENCE_S)

    assert {"/run": 4} == held.most
    transport.close()


def test_bulk_work_of_people_has_the_connections_that_it_has_without_runs() -> None:
    transport = Transport(settings=TransportSettings(proxy=""))
    people, runs = transport.owned("acme").wire, [transport.owned(name).background().wire for name in ("acme", "b")]
    lent = [people.take(), people.take()]
    before = people.share()
    lent += [run.take() for run in runs for _ in range(5)]

    assert (32, 32) == (before, people.share())
    assert [128 // 4 // 2 // 5] * 2 == [run.share() for run in runs]

    for session in lent:
        people.drop(session)


@pytest.mark.parametrize(
    ("queued", "expected"),
    [
        (((Behind("acme"), 3), ("acme", 2)), "aaBBB"),
        (((Behind("acme"), 2), (Behind("globex"), 2), ("globex", 1)), "gBBBB"),
        (((Behind("acme"), 2), (None, 3)), "NNNBB"),
        (((Behind(None), 2), (None, 1), ("globex", 2)), "NggBB"),
    ],
    ids=["one organisation", "two runs", "one without an owner", "all kinds"],
)
def test_threads_go_to_runs_when_nothing_else_waits(queued: tuple[tuple[object, int], ...], expected: str) -> None:
    pool, order, begun, go = CallPool(1), list[str](), threading.Event(), threading.Event()
    ended = threading.Semaphore(0)

    def first() -> None:
        begun.set()
        assert go.wait(PATIENCE_S)

    pool.submit(Call(first), lambda _: ended.release())
    pool.start(each=True)
    assert begun.wait(PATIENCE_S)
    for owner, count in queued:
        for _ in range(count):
            pool.submit(Call(order.append, str(owner)[0]), lambda _: ended.release(), owner)
    go.set()
    for _ in range(1 + len(expected)):
        assert ended.acquire(timeout=PATIENCE_S)

    assert expected == "".join(order)
    pool.close()


def test_calls_of_runs_that_hang_take_half_of_the_threads(transport: Transport) -> None:
    hung, calls = threading.Event(), Counter[str]()

    def hang() -> None:
        calls["run"] += 1
        assert hung.wait(PATIENCE_S)

    def call(function: Any) -> Exchange[object]:
        return (yield Call(function))

    run = transport.owned("acme").background()
    thread = threading.Thread(target=lambda: list(run.run_many((call(hang) for _ in range(20)), 20)))
    thread.start()

    async def live() -> None:
        await asyncio.wait_for(
            asyncio.gather(*(transport.owned("acme").run_async(call(dict)) for _ in range(50))), PATIENCE_S
        )

    asyncio.run(live())

    assert calls["run"] <= 2
    hung.set()
    thread.join(PATIENCE_S)
    assert 20 == calls["run"]


def test_turns_say_how_many_of_a_run_may_begin() -> None:
    turns: Turns[int] = Turns(8, 2)
    for number in range(10):
        turns.line_up(Behind("acme"), number)

    free, full = turns.startable(8), turns.startable(0)
    taken = [turns.take(free=True) for _ in range(6)]

    assert (4, 1) == (free, full)
    assert [(Behind("acme"), number) for number in range(4)] == [each for each in taken if each is not None]
    assert [4, 5, 6, 7, 8, 9] == turns.items()
    assert (True, False) == (turns.remove(Behind("acme"), 9), turns.remove(Behind("acme"), 0))


def test_a_background_view_keeps_its_lane_and_closes_nothing(transport: Transport, server: Server) -> None:
    run = transport.background().owned("acme").background()
    run.close()

    assert run.wire.behind
    assert Behind("acme") == run.wire.owner
    assert run.wire.family == transport.owned("acme").background().wire.family
    assert run.wire.family != transport.owned("acme").wire.family
    assert 200 == transport.run(get(server, "/a")).status


def test_what_goes_through_another_lane_is_in_that_one(drive: Driver, transport: Transport, server: Server) -> None:
    def through(carrier: Transport) -> Exchange[Response]:
        return (yield Through(carrier, get(server, "/a")))  # type: ignore[no-any-return]

    run, people = transport.owned("acme").background(), transport.owned("acme")
    gates_of(run).of("acme", Request(method="GET", url=server.url())).note(429, 0.2, {})

    assert [200] == [response.status for response in drive(people, through(run))]
    assert [200] == [response.status for response in drive(run, through(people))]


def test_without_runs_a_request_that_is_throttled_looks_at_no_lane(transport: Transport, server: Server) -> None:
    server.script(status(429))

    transport.owned("acme").run(get(server, "/a"))

    assert None is transport.wire.kept.gates


def test_a_restricted_view_of_a_run_is_one_of_a_run() -> None:
    from kazinex_storage.transport.addresses import PublicAddresses

    transport = Transport(settings=SETTINGS, retry=QUICK)

    restricted = transport.background().restricted(PublicAddresses())

    assert restricted.wire.behind
    restricted.close()
    transport.close()

"""What connections live through: many at once, cancels, interrupts, forks, loops that end, TLS."""

from __future__ import annotations

import asyncio
import datetime
import gc
import ipaddress
import os
import resource
import select
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kazinex_storage.errors import SettingsError, UnavailableError
from kazinex_storage.transport import Call, Exchange, Outcome, Request, Transport, TransportSettings, Wait
from kazinex_storage.transport.handle import check_version

from .conftest import PATIENCE_S, QUICK, SETTINGS, Driver, Line, Seen, Server, ok, send

FORKS = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


def get(server: Server) -> Exchange[Any]:
    return send(Request(method="GET", url=server.url()))


class Gate:
    """Answers when it is opened; tells when a client went away."""

    def __init__(self, patience: int = 1) -> None:
        self.waiting = threading.Semaphore(0)
        self.opened = threading.Event()
        self.gone = threading.Event()
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, line: Line, seen: Seen) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.waiting.release()
        assert self.opened.wait(PATIENCE_S)
        with self._lock:
            self._now -= 1
        line.answer(200, b"late")

    def until_gone(self, line: Line, seen: Seen) -> None:
        self.waiting.release()
        if line.until_closed():
            self.gone.set()
        line.cut()


def test_a_window_is_never_passed_and_always_filled(transport: Transport, server: Server) -> None:
    gate = Gate()
    server.script(*[gate] * 50)
    outcomes: list[Any] = []
    runner = threading.Thread(
        target=lambda: outcomes.extend(transport.run_many((get(server) for _ in range(50)), 10)), daemon=True
    )
    runner.start()
    for _ in range(10):
        assert gate.waiting.acquire(timeout=PATIENCE_S)

    gate.opened.set()
    runner.join(PATIENCE_S)

    assert (50, 10, 10) == (len(outcomes), gate.most, server.connections)


def test_runs_use_the_connections_of_earlier_ones(transport: Transport, server: Server) -> None:
    for _ in range(3):
        list(transport.run_many((get(server) for _ in range(40)), 4))
        transport.run(get(server))

    assert server.connections <= 5


def test_requests_calls_and_waits_wake_one_run(transport: Transport, server: Server) -> None:
    """While the server holds its answer back, calls and waits go on; the last call lets it answer."""
    gate = Gate()
    server.script(gate)
    order: list[str] = []

    def slow() -> Exchange[None]:
        yield Request(method="GET", url=server.url())
        order.append("request")

    def quick() -> Exchange[None]:
        assert (yield Call(gate.waiting.acquire))
        for _ in range(20):
            yield Call(len, "a")
            yield Wait(0.001)
        order.append("calls")
        yield Call(gate.opened.set)

    outcomes = list(transport.run_many([slow(), quick()], 2))

    assert ([None, None], ["calls", "request"]) == ([outcome.error for _, outcome in outcomes], order)


def test_descriptors_above_1024_are_served(drive: Driver, transport: Transport, server: Server) -> None:
    """``select`` ends at 1,023; a server process that holds many files must not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        statuses = [drive(transport, get(server))[0].status for _ in range(3)]
    finally:
        for descriptor in held:
            os.close(descriptor)
        transport.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert [200] * 3 == statuses


def test_a_signal_whose_handler_raises_nothing_ends_no_request(
    drive: Driver, transport: Transport, server: Server
) -> None:
    struck = threading.Semaphore(0)

    def answer(line: Line, seen: Seen) -> None:
        for _ in range(3):
            assert struck.acquire(timeout=PATIENCE_S)
        line.answer(200)

    server.script(answer)
    before = signal.signal(signal.SIGALRM, lambda *_: struck.release())
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        (response,) = drive(transport, get(server))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert (200, 1) == (response.status, response.attempts)


def test_one_transport_serves_many_threads(transport: Transport, server: Server) -> None:
    statuses: list[int] = []

    def work() -> None:
        statuses.extend(transport.run(get(server)).status for _ in range(20))
        statuses.extend(outcome.result().status for _, outcome in transport.run_many((get(server) for _ in "ab"), 2))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [200] * 176 == statuses
    assert server.connections <= 24  # for each thread one for single requests, and two for two at once


def test_leaving_a_run_early_closes_its_connections_and_cleans_up(transport: Transport, server: Server) -> None:
    gate = Gate()
    server.script(gate.until_gone)
    cleaned: list[int] = []

    def careful() -> Exchange[None]:
        try:
            yield Request(method="PUT", url=server.url(), body=b"x")
        finally:
            cleaned.append((yield Request(method="DELETE", url=server.url())).status)

    def quick() -> Exchange[None]:
        yield Call(gate.waiting.acquire)

    results = transport.run_many([careful(), quick()], 2)
    next(results)

    results.close()  # type: ignore[attr-defined]

    assert (True, [200]) == (gate.gone.wait(PATIENCE_S), cleaned)
    assert ["PUT", "DELETE"] == [seen.method for seen in server.seen]


def test_cancelling_a_task_closes_its_connection_and_cleans_up(transport: Transport, server: Server) -> None:
    gate = Gate()
    server.script(gate.until_gone)
    cleaned: list[int] = []

    def careful() -> Exchange[None]:
        try:
            yield Request(method="PUT", url=server.url(), body=b"x")
        finally:
            cleaned.append((yield Request(method="DELETE", url=server.url())).status)

    async def run() -> None:
        task = asyncio.ensure_future(transport.run_async(careful()))
        async with asyncio.timeout(PATIENCE_S):
            while not gate.waiting.acquire(blocking=False):
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    assert (True, [200]) == (gate.gone.wait(PATIENCE_S), cleaned)


def test_a_loop_never_opens_more_connections_than_allowed(server: Server) -> None:
    transport = Transport(settings=TransportSettings(max_connections=5, proxy=""), retry=QUICK)

    async def run() -> list[Any]:
        tasks = [asyncio.ensure_future(transport.run_async(get(server))) for _ in range(60)]
        await asyncio.sleep(0)
        tasks[59].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(run())

    assert [200] * 59 == [response.status for response in results[:59]]
    assert (True, 5) == (isinstance(results[59], asyncio.CancelledError), server.connections)


def test_loops_come_and_go_and_leave_no_descriptor(transport: Transport, server: Server) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    async def run() -> list[Any]:
        return await asyncio.gather(*(transport.run_async(get(server)) for _ in range(8)))

    asyncio.run(run())
    before = descriptors()
    for _ in range(20):
        assert [200] * 8 == [response.status for response in asyncio.run(run())]

    # The server's ends of the connections are of this process too, and close a moment later.
    server.close()
    assert descriptors() <= before


def test_loops_in_many_threads_do_not_meet(transport: Transport, server: Server) -> None:
    async def run() -> list[Any]:
        return await asyncio.gather(*(transport.run_async(get(server)) for _ in range(5)))

    statuses: list[int] = []

    def work() -> None:
        for _ in range(5):
            statuses.extend(response.status for response in asyncio.run(run()))

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [200] * 150 == statuses


def in_a_fork(work: Callable[[], bool]) -> int:
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE_S)
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@FORKS
def test_a_forked_child_has_connections_of_its_own(drive: Driver, transport: Transport, server: Server) -> None:
    drive(transport, get(server))
    before = server.connections

    def work() -> bool:
        good = [200] == [response.status for response in drive(transport, get(server))]
        transport.close()
        return good

    assert 0 == in_a_fork(work)
    assert before + 1 == server.connections
    assert 200 == drive(transport, get(server))[0].status


@FORKS
def test_a_child_forked_in_the_middle_of_a_run_leaves_it_to_its_parent(transport: Transport, server: Server) -> None:
    gate = Gate()
    server.script(gate)

    def careful() -> Exchange[str]:
        try:
            return (yield Request(method="GET", url=server.url())).body.decode()  # type: ignore[no-any-return]
        except GeneratorExit:
            yield Request(method="DELETE", url=server.url())
            raise

    def quick() -> Exchange[None]:
        yield Call(gate.waiting.acquire)

    results = transport.run_many([careful(), quick()], 2)
    next(results)

    def work() -> bool:
        results.close()  # type: ignore[attr-defined]
        return bool(200 == transport.run(get(server)).status)

    assert 0 == in_a_fork(work)
    gate.opened.set()
    assert [(0, Outcome(value="late"))] == list(results)
    assert "DELETE" not in [seen.method for seen in server.seen]


INTERRUPTED = """
import signal, sys, threading
from kazinex_storage.transport import Request, Transport, TransportSettings

signal.alarm(60)
transport, url, bulk = Transport(settings=TransportSettings(proxy="")), sys.argv[1], sys.argv[2] == "bulk"
caller, begun = threading.main_thread().ident, [threading.Event() for _ in range(2 if bulk else 1)]

def exchange(started):
    try:
        yield Request(method="GET", url=url, sink=lambda data: started.set())
    finally:
        print("cleaned", (yield Request(method="DELETE", url=url)).status, flush=True)

def interrupt():
    for started in begun:
        started.wait()
    signal.pthread_kill(caller, signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
exchanges = [exchange(started) for started in begun]
try:
    list(transport.run_many(exchanges, 2)) if bulk else transport.run(*exchanges)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("way", ["single", "bulk"])
@pytest.mark.parametrize("pace", ["stalled", "busy"])
def test_ctrl_c_ends_a_transfer_at_once(way: str, pace: str, server: Server) -> None:
    def answer(line: Line, seen: Seen) -> None:
        line.answer(200, b"x", Content_Length=str(1 << 40))
        while pace == "busy":
            line.send(b"x" * 100_000)
        line.until_closed()
        line.cut()

    server.script(*[answer] * (2 if way == "bulk" else 1))

    child = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, server.url(), way], capture_output=True, text=True, check=False
    )

    cleaned = ["cleaned 200"] * (2 if way == "bulk" else 1)
    assert (0, [*cleaned, "interrupted"]) == (child.returncode, child.stdout.split("\n")[:-1])


FLAT = """
import resource, sys
from kazinex_storage.transport import Request, Transport, TransportSettings

transport, done = Transport(settings=TransportSettings(proxy="")), 0

def take(data):
    global done
    done += len(data)

def get():
    return (yield Request(method="GET", url=sys.argv[1], sink=take))

transport.run(get())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
done = 0
transport.run(get())
print(done, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_gibibyte_passes_through_flat_memory(server: Server) -> None:
    piece = b"x" * (64 << 20)  # large, so that the server is faster than the client

    def gibibyte(line: Line, seen: Seen) -> None:
        line.answer(200, b"", Content_Length=str(1 << 30))
        for _ in range(16):
            line.send(piece)

    server.script(ok(piece), gibibyte)

    child = subprocess.run([sys.executable, "-c", FLAT, server.url()], capture_output=True, text=True, check=True)

    done, growth_mib = map(int, child.stdout.split())
    assert (1 << 30, True) == (done, growth_mib < 32)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a local CA (``ca.pem``) and a server's certificate and key in one file (``server.pem``)."""
    folder = tmp_path_factory.mktemp("authority")
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("test CA", "localhost")]

    def certificate(index: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(names[0], names[index], keys[index].public_key(), index + 1)
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=index == 0, path_length=None), critical=True)
        )

    ca = certificate(0).sign(keys[0], hashes.SHA256())
    alternatives = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    leaf = certificate(1).add_extension(alternatives, critical=False).sign(keys[0], hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(leaf.public_bytes(pem) + private)
    return folder


@pytest.fixture
def secure(authority: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    server = Server(context)
    yield server
    server.close()


def trusting(authority: Path) -> Transport:
    return Transport(settings=TransportSettings(ca_file=str(authority / "ca.pem"), proxy=""), retry=QUICK)


def test_tls_trusts_the_ca_of_the_settings(drive: Driver, authority: Path, secure: Server) -> None:
    secure.script(ok(b"over TLS"))

    (response,) = drive(trusting(authority), get(secure))

    assert b"over TLS" == response.body


def test_a_server_without_a_trusted_certificate_is_refused(drive: Driver, transport: Transport, secure: Server) -> None:
    with pytest.raises(UnavailableError, match="certificate") as caught:
        drive(transport, get(secure))

    assert ("tls", False, []) == (caught.value.code, caught.value.retryable, secure.seen)


def test_tls_trusts_the_ca_of_the_environment(
    drive: Driver, authority: Path, secure: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))

    (response,) = drive(Transport(settings=SETTINGS, retry=QUICK), get(secure))

    assert 200 == response.status


def test_a_ca_file_that_is_not_there_is_a_matter_of_settings(drive: Driver, secure: Server, tmp_path: Path) -> None:
    settings = TransportSettings(ca_file=str(tmp_path / "none.pem"), proxy="")

    with pytest.raises(SettingsError, match="CA file"):
        drive(Transport(settings=settings), get(secure))


def test_a_new_connection_of_a_session_resumes_its_tls_session(authority: Path, secure: Server) -> None:
    transport = trusting(authority)

    def closing(line: Line, seen: Seen) -> None:
        line.answer(200, Connection="close")
        line.cut()

    secure.script(closing, closing, closing)
    for _ in range(3):
        transport.run(get(secure))

    assert [False, True, True] == secure.resumed


SPLIT = """
import os, sys
from kazinex_storage.transport import Request, Transport, TransportSettings

transport = Transport(settings=TransportSettings(ca_file=sys.argv[2], proxy=""))

def get():
    return (yield Request(method="GET", url=sys.argv[1], idempotent=True))

transport.run(get())
child = os.fork()
if child == 0:
    transport.run(get())
    sys.exit(0)
print(os.waitpid(child, 0)[1], transport.run(get()).attempts)
"""


@FORKS
def test_a_child_that_ends_does_not_end_the_tls_connection_of_its_parent(authority: Path, secure: Server) -> None:
    child = subprocess.run(
        [sys.executable, "-c", SPLIT, secure.url(), str(authority / "ca.pem")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "0 1\n" == child.stdout
    assert [1, 2, 1] == [seen.connection for seen in secure.seen]


def test_a_libcurl_that_is_too_old_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"8\.11\.1 .*pycurl"):
        check_version((8, 11, 1))


@pytest.mark.parametrize("epoll", [True, False], ids=["a set of sockets", "sockets one by one"])
def test_transfers_on_a_loop_share_its_turns_whatever_the_system_offers_to_watch_sockets_with(
    epoll: bool, server: Server, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not epoll:
        monkeypatch.delattr(select, "epoll")
    body = bytes(2 * 1024 * 1024)
    server.script(*[ok(body)] * 40)
    upload = Request(method="PUT", url=server.url(), body=body)

    async def run() -> list[Any]:
        exchanges = [get(server) if number % 2 else send(upload) for number in range(20)]
        return await asyncio.gather(*map(transport.run_async, exchanges))

    first, second = asyncio.run(run()), asyncio.run(run())

    assert [(200, len(body))] * 40 == [(response.status, len(response.body)) for response in first + second]


def test_more_idle_sessions_than_are_of_use_are_closed(server: Server) -> None:
    """Issue 18: each kept its connections and buffers, one for each thread that ever moved a large body."""
    transport = Transport(settings=TransportSettings(proxy=""))
    wire = transport._wire
    lent = [wire.take() for _ in range(40)]

    for session in lent:
        wire.give(session)

    assert wire.kept.sessions is not None
    assert (16, 0) == (len(wire.kept.sessions._idle), wire.kept.sessions.lent)


@pytest.mark.parametrize(("sessions", "share"), [(1, 128), (2, 32), (64, 1), (200, 1)])
def test_sessions_share_the_connections(sessions: int, share: int) -> None:
    wire = Transport(settings=TransportSettings(proxy=""))._wire
    lent = [wire.take() for _ in range(sessions)]

    assert share == wire.share()

    for session in lent:
        wire.drop(session)
    assert 128 == wire.share()

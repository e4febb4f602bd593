"""A strict little HTTP server on loopback whose every answer a test scripts, and the three drivers as one fixture."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from kazinex_storage.transport import Exchange, Request, Response, RetryPolicy, Transport, TransportSettings

PATIENCE_S = 30
"""How long a test waits for what must happen before it calls it a hang."""

QUICK = RetryPolicy(attempts=4, base_s=0.001, first_429_wait_s=0)
"""The policy of tests that do not look at waits."""

SETTINGS = TransportSettings(first_byte_timeout_s=1, idle_timeout_s=1, connect_timeout_s=5, proxy="")


@dataclass
class Seen:
    """One request that arrived."""

    method: str
    target: str
    headers: dict[str, str]
    """Of one that came twice, both values."""
    body: bytes
    connection: int


@dataclass
class Line:
    """One connection of the server, for scripts to answer on."""

    stream: socket.socket
    number: int
    buffer: bytearray = field(default_factory=bytearray)
    open: bool = True

    def send(self, data: bytes) -> None:
        self.stream.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; a header ``Content_Length`` replaces the true one."""
        fields = {"Content-Length": str(len(body))} | {name.replace("_", "-"): v for name, v in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status} Some reason\r\n{head}\r\n".encode("iso-8859-1") + body)

    def cut(self) -> None:
        """Close the connection, with a reset when bytes of the client are unread."""
        self.open = False

    def until_closed(self) -> bool:
        """Wait for the client to close; False: it did not in time."""
        self.stream.settimeout(PATIENCE_S)
        try:
            return self.stream.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def receive(self) -> bool:
        try:
            data = self.stream.recv(1 << 20)
        except OSError:
            return False
        self.buffer += data
        return bool(data)


Script = Callable[[Line, Seen], object]


def ok(body: bytes = b"", **headers: str) -> Script:
    """An ordinary answer."""
    return lambda line, seen: line.answer(200, b"" if seen.method == "HEAD" else body, **headers)


def status(number: int, body: bytes = b"", **headers: str) -> Script:
    return lambda line, seen: line.answer(number, body, **headers)


def cut(line: Line, seen: Seen) -> None:
    """Close without an answer, after the whole request was read."""
    line.cut()


def half_a_head(line: Line, seen: Seen) -> None:
    """Break off inside the headers."""
    line.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    line.cut()


def no_http(line: Line, seen: Seen) -> None:
    """Send something else than HTTP."""
    line.send(b"hello, this is no HTTP\r\n\r\n")
    line.cut()


def stall(line: Line, seen: Seen) -> None:
    """Never answer."""
    line.until_closed()
    line.cut()


def cut_body(body: bytes, at: int, **headers: str) -> Script:
    """Announce *body*, send *at* bytes of it, close."""

    def script(line: Line, seen: Seen) -> None:
        line.answer(200, body[:at], Content_Length=str(len(body)), **headers)
        line.cut()

    return script


def ranges(body: bytes, **headers: str) -> Script:
    """Answer a range as a good server does."""

    def script(line: Line, seen: Seen) -> None:
        first, _, last = seen.headers["range"].removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1]
        line.answer(206, part, Content_Range=f"bytes {first}-{last}/{len(body)}", **headers)

    return script


class Server:
    """Answers each request with the next script; when none is left, with 200."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.resumed: list[bool] = []
        self.scripts: list[Script] = []
        self.refuse_bodies = False
        self._context = context
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path: str = "/bucket/key") -> str:
        scheme = "https" if self._context is not None else "http"
        return f"{scheme}://localhost:{self.port}{path}" if self._context else f"{scheme}://127.0.0.1:{self.port}{path}"

    def script(self, *scripts: Script) -> None:
        self.scripts += scripts

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not end an accept() under way
        self._listener.close()
        with self._lock:
            for stream in self._lines:
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)
                stream.close()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._lines.append(stream)
            threading.Thread(target=self._serve, args=(stream, self.connections), daemon=True).start()

    def _serve(self, stream: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), stream:
            if self._context is not None:
                stream = self._context.wrap_socket(stream, server_side=True)
                self.resumed.append(bool(stream.session_reused))
            line = Line(stream, number)
            with stream:
                while line.open and (seen := self._read(line)) is not None:
                    with self._lock:
                        self.seen.append(seen)
                        script = self.scripts.pop(0) if self.scripts else ok()
                    script(line, seen)

    def _read(self, line: Line) -> Seen | None:
        while b"\r\n\r\n" not in line.buffer:
            if not line.receive():
                return None
        head, _, rest = bytes(line.buffer).partition(b"\r\n\r\n")
        request, *lines = head.decode("iso-8859-1").split("\r\n")
        method, target, version = request.split(" ")
        assert version == "HTTP/1.1"
        headers: dict[str, str] = {}
        for name, _, value in (each.partition(":") for each in lines):
            headers[name.lower()] = ", ".join(filter(None, (headers.get(name.lower()), value.strip())))
        size = 0 if self.refuse_bodies else int(headers.get("content-length", 0))
        line.buffer = bytearray(rest)
        while len(line.buffer) < size:
            if not line.receive():
                return None
        body = bytes(line.buffer[:size])
        del line.buffer[:size]
        return Seen(method, target, headers, body, line.number)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(4, settings=SETTINGS, retry=QUICK)
    yield transport
    transport.close()


class Driver(Protocol):
    """Runs exchanges in one of the three ways and returns their results in order; the first error is raised."""

    def __call__(self, transport: Transport, *exchanges: Exchange[Any]) -> list[Any]: ...


def one(transport: Transport, *exchanges: Exchange[Any]) -> list[Any]:
    return [transport.run(exchange) for exchange in exchanges]


def many(transport: Transport, *exchanges: Exchange[Any]) -> list[Any]:
    outcomes = dict(transport.run_many(exchanges, 8))
    return [outcomes[index].result() for index in range(len(outcomes))]


def loop(transport: Transport, *exchanges: Exchange[Any]) -> list[Any]:
    async def run() -> list[Any]:
        return [await transport.run_async(exchange) for exchange in exchanges]

    return asyncio.run(run())


@pytest.fixture(params=[one, many, loop], ids=["run", "run_many", "run_async"])
def drive(request: pytest.FixtureRequest) -> Driver:
    return request.param  # type: ignore[no-any-return]


def send(request: Request) -> Exchange[Response]:
    return (yield request)  # type: ignore[no-any-return]

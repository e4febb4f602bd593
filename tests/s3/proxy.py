"""A reverse proxy on loopback before a real server, which does what a test wants to go wrong on the way.

The Host header passes unchanged, so signatures hold. Rules are taken in the order in which they were given; a request
that no rule wants passes.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_S = 30
"""How long a stalled connection waits for the client to give up before the test fails by itself."""


@dataclass
class Seen:
    """One request that arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    kind: str = ""
    """What it is to the service, as the ``kind_of`` of the proxy says."""


def s3_kind(seen: Seen) -> str:
    """Say what a request is to S3: ``put``, ``begin``, ``part``, ``complete``, ``abort``, ``list``, ``copy``, ..."""
    query = seen.target.partition("?")[2]
    copies = any(name.lower() == "x-amz-copy-source" for name, _ in seen.headers)
    if "partNumber=" in query:
        return "part"
    if "uploadId=" in query:
        return {"POST": "complete", "DELETE": "abort"}.get(seen.method, "parts")
    if query.startswith("uploads") or "&uploads=" in query:
        return "begin" if seen.method == "POST" else "uploads"
    if "list-type=2" in query:
        return "list"
    return "copy" if copies else seen.method.lower()


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Line:
    """The connection of the client."""

    stream: socket.socket
    method: str = ""
    open: bool = True

    def answer(self, answer: Answer, *, at: int | None = None) -> None:
        """Send *answer*; only the first *at* bytes of its body, and then cut."""
        dropped = ("transfer-encoding", "connection", "content-length")
        lines = [f"{name}: {value}" for name, value in answer.headers if name.lower() not in dropped]
        declared = next((value for name, value in answer.headers if name.lower() == "content-length"), None)
        if answer.status not in (204, 304):
            length = declared if self.method == "HEAD" and declared is not None else str(len(answer.body))
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join([f"HTTP/1.1 {answer.status} Some reason", *lines, "", ""]).encode("iso-8859-1")
        self.stream.sendall(head + (b"" if self.method == "HEAD" else answer.body[:at]))
        if at is not None:
            self.cut()

    def cut(self) -> None:
        self.open = False

    def hold(self) -> None:
        """Do nothing until the client gives up."""
        self.stream.settimeout(PATIENCE_S)
        with contextlib.suppress(OSError):
            self.stream.recv(1)
        self.cut()


Forward = Callable[[Seen], Answer]
Action = Callable[[Line, Seen, Forward], None]


def passing(line: Line, seen: Seen, forward: Forward) -> None:
    line.answer(forward(seen))


def cut_before(line: Line, seen: Seen, forward: Forward) -> None:
    """The connection breaks before the server got the request."""
    line.cut()


def cut_after(line: Line, seen: Seen, forward: Forward) -> None:
    """The server has done it, and the answer is lost."""
    forward(seen)
    line.cut()


def stall(line: Line, seen: Seen, forward: Forward) -> None:
    """Nothing comes back."""
    line.hold()


def cut_answer(at: int) -> Action:
    """The answer breaks off after *at* bytes of its body."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        line.answer(forward(seen), at=at)

    return act


def flip_answer(at: int) -> Action:
    """A byte of the answer arrives altered."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        line.answer(Answer(answer.status, answer.headers, flipped(answer.body, at)))

    return act


def flip_request(at: int) -> Action:
    """A byte of the request arrives altered."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        line.answer(forward(Seen(seen.method, seen.target, seen.headers, flipped(seen.body, at))))

    return act


def shortened(by: int, *, told: bool) -> Action:
    """The answer lacks its last bytes: *told* by its Content-Length, or the connection just closes in order."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        if told:
            line.answer(Answer(answer.status, answer.headers, answer.body[:-by]))
        else:
            line.answer(answer, at=len(answer.body) - by)

    return act


def says(status: int, body: bytes = b"", *headers: tuple[str, str], kind: str = "application/xml") -> Action:
    """Answer instead of the server."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        line.answer(Answer(status, [("Content-Type", kind), *headers], body))

    return act


def fails(status: int, code: str, *headers: tuple[str, str], more: str = "") -> Action:
    """Answer instead of the server, with an error as the documentation shows it."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No.</Message>{more}</Error>"
    return says(status, body.encode(), *headers)


def flipped(data: bytes, at: int) -> bytes:
    if not data:
        return data
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@dataclass
class _Rule:
    kinds: tuple[str, ...]
    action: Action
    left: int | None
    skip: int


@dataclass
class Proxy:
    """Rules, and what has passed."""

    upstream: str | None
    """None: there is no server behind it."""
    port: int
    scheme: str = "http"
    host: str = "127.0.0.1"
    kind_of: Callable[[Seen], str] = s3_kind
    seen: list[Seen] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def on(self, *kinds: str, do: Action, times: int | None = 1, skip: int = 0) -> None:
        """Let *do* happen to the next *times* requests of *kinds* (of all, when none is named), after *skip* others."""
        self._rules.append(_Rule(kinds, do, times, skip))

    def clear(self) -> None:
        self._rules.clear()

    def count(self, kind: str) -> int:
        return sum(seen.kind == kind for seen in self.seen)

    def take(self, seen: Seen) -> Action:
        seen.kind = self.kind_of(seen)
        with self._lock:
            self.seen.append(seen)
            for rule in self._rules:
                if rule.kinds and seen.kind not in rule.kinds:
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.left is not None:
                    if not rule.left:
                        continue
                    rule.left -= 1
                return rule.action
        return passing

    def forward(self, seen: Seen) -> Answer:
        # A client that was told to use a proxy names the server itself.
        asked = urlsplit(seen.target if self.upstream is None else self.upstream)
        target = seen.target.removeprefix(f"{asked.scheme}://{asked.netloc}")
        connection = http.client.HTTPConnection(asked.netloc, timeout=PATIENCE_S)
        try:
            connection.putrequest(seen.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in seen.headers:
                connection.putheader(name, value)
            connection.endheaders()
            if seen.body:
                connection.send(seen.body)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()


@contextmanager
def proxy(
    upstream: str | None = None, context: ssl.SSLContext | None = None, kind_of: Callable[[Seen], str] = s3_kind
) -> Iterator[Proxy]:
    """Run a proxy before *upstream*; with *context* it speaks TLS."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    found = Proxy(upstream, listener.getsockname()[1], kind_of=kind_of)
    if context is not None:
        found.scheme = "https"
    open_streams: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_streams.append(stream)
            threading.Thread(target=_serve, args=(found, stream, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield found
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for stream in open_streams:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            stream.close()


def _serve(proxy: Proxy, stream: socket.socket, context: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException), stream:
        stream = context.wrap_socket(stream, server_side=True) if context is not None else stream
        line, buffer = Line(stream), bytearray()
        with stream:
            while line.open and (seen := _read(stream, buffer)) is not None:
                line.method = seen.method
                proxy.take(seen)(line, seen, proxy.forward)


def _read(stream: socket.socket, buffer: bytearray) -> Seen | None:
    while b"\r\n\r\n" not in buffer:
        data = stream.recv(1 << 16)
        if not data:
            return None
        buffer += data
    head, _, _ = bytes(buffer).partition(b"\r\n\r\n")
    del buffer[: len(head) + 4]
    request, *lines = head.decode("iso-8859-1").split("\r\n")
    method, target, _ = request.split(" ")
    pairs = [line.partition(":") for line in lines]
    headers = [(name, value.strip()) for name, _, value in pairs]
    size = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    while len(buffer) < size:
        data = stream.recv(1 << 20)
        if not data:
            return None
        buffer += data
    body = bytes(buffer[:size])
    del buffer[:size]
    return Seen(method, target, headers, body)

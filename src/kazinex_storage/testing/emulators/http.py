"""A small HTTP/1.1 server for emulators: keep-alive, TLS, and answers that break off on purpose."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request, as it came."""

    method: str
    path: str
    """Percent-encoded, without the query."""
    query: str
    """Percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Answer:
    """What is sent back."""

    status: int
    """Of HTTP."""
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    announced: bool = True
    """Whether the length is said beforehand; otherwise the body comes in chunks."""
    cut_after: int | None = None
    """Bytes of the body after which the connection is closed."""


Handler: TypeAlias = Callable[[Received], "Answer | None"]
"""Answers a request; None closes the connection without an answer."""


@contextmanager
def http_server(handler: Handler, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[int]:
    """Serve on a loopback port, a free one for 0, until the context ends, and give the port."""
    server = _Server(("127.0.0.1", port), _made(handler))
    server.context = tls
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    context: ssl.SSLContext | None = None

    def finish_request(self, request: object, client_address: object) -> None:
        """Answer on the connection's own thread, so that a slow handshake holds up no other client."""
        if self.context is None:
            super().finish_request(request, client_address)  # type: ignore[arg-type]
            return
        with suppress(OSError), self.context.wrap_socket(request, server_side=True) as stream:  # type: ignore[arg-type]
            super().finish_request(stream, client_address)
            stream.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients under test go away all the time."""


def _made(answer: Handler) -> type[BaseHTTPRequestHandler]:
    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = _body(self, headers)
            if body is None:
                self.close_connection = True
                return
            found = answer(Received(method=self.command, path=path, query=query, headers=headers, body=body))
            if found is None:
                self.close_connection = True
                return
            _send(self, found)

        def handle_expect_100(self) -> bool:
            going_on = super().handle_expect_100()
            self.wfile.flush()
            return going_on

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the name is the base's
            """Say nothing."""

    return Connection


def _body(connection: BaseHTTPRequestHandler, headers: Mapping[str, str]) -> bytes | None:
    """Return the body of a request, None when it breaks off."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = bytearray()
        while size := int(connection.rfile.readline().split(b";")[0] or b"0", 16):
            body += connection.rfile.read(size)
            connection.rfile.readline()
        connection.rfile.readline()
        return bytes(body)
    size = int(headers.get("content-length") or 0)
    found = connection.rfile.read(size) if size else b""
    return found if len(found) == size else None


def _send(connection: BaseHTTPRequestHandler, answer: Answer) -> None:
    bodiless = connection.command == "HEAD" or answer.status in (204, 304)
    connection.send_response_only(answer.status)
    for name, value in answer.headers.items():
        if name not in ("content-length", "transfer-encoding", "connection"):
            connection.send_header(name, value)
    if answer.announced:
        length = answer.headers.get("content-length") if connection.command == "HEAD" else None
        connection.send_header("Content-Length", length or str(len(answer.body)))
    elif not bodiless:
        connection.send_header("Transfer-Encoding", "chunked")
    connection.end_headers()
    body = b"" if bodiless else answer.body
    if not answer.announced and not bodiless:
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    if answer.cut_after is not None:
        body = body[: answer.cut_after]
        connection.close_connection = True
    connection.wfile.write(body)
    connection.wfile.flush()

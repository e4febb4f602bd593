"""TLS ended on the way: a proxy that inspects what goes through it, and a server's own certificate before plain HTTP.

Both relay to servers on this machine and show certificates of an authority that only the one who is told about it
trusts.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from kazinex_storage.testing.emulators.tls import CertificateAuthority


@dataclass
class Inspection:
    """What listens, and what came."""

    port: int
    tunnels: list[str] = field(default_factory=list)
    """Where clients wanted to go, for each connection over which something was sent."""


@contextmanager
def inspecting_proxy(authority: CertificateAuthority, upstream: ssl.SSLContext) -> Iterator[Inspection]:
    """Serve CONNECT, end TLS with certificates of *authority*, and go on to the port in the clear or over TLS.

    *upstream* is used where the server answers in TLS.
    """
    context = authority.server_context()

    def begin(client: socket.socket) -> tuple[str, int] | None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return None
            head += piece
        method, place, _ = head.decode().split(" ", 2)
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return None
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return place, int(place.rpartition(":")[2])

    with _listening(context, begin, upstream) as found:
        yield found


@contextmanager
def certificate_before(authority: CertificateAuthority, port: int) -> Iterator[Inspection]:
    """Serve what is behind *port* over TLS, with a certificate of *authority*."""
    with _listening(authority.server_context(), lambda _: (f"127.0.0.1:{port}", port), None) as found:
        yield found


@contextmanager
def _listening(
    context: ssl.SSLContext,
    begin: Callable[[socket.socket], tuple[str, int] | None],
    upstream: ssl.SSLContext | None,
) -> Iterator[Inspection]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    found = Inspection(listener.getsockname()[1])

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client:
            where = begin(client)
            if where is None:
                return
            # With TLS 1.3 the handshake is over here before the client has judged the certificate.
            with context.wrap_socket(client, server_side=True) as inside:
                first = inside.recv(65536)
                if not first:
                    return
                found.tunnels.append(where[0])
                with _connected(where[1], upstream) as server:
                    server.sendall(first)
                    _relay(inside, server)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield found
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _connected(port: int, upstream: ssl.SSLContext | None) -> socket.socket:
    if upstream is not None:
        with suppress(ssl.SSLError, ConnectionError):
            return upstream.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
    return socket.create_connection(("127.0.0.1", port))


def _relay(one: socket.socket, other: socket.socket) -> None:
    # One thread for both directions: OpenSSL's connections are not made for two at once.
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, (one, other))
        selector.register(other, selectors.EVENT_READ, (other, one))
        while ready := selector.select(30):
            for key, _ in ready:
                side, partner = key.data
                data = side.recv(65536)
                while isinstance(side, ssl.SSLSocket) and side.pending():
                    data += side.recv(65536)
                if not data:
                    return
                partner.sendall(data)

"""A proxy that opens tunnels, and a network that only a client with that proxy and a private authority reaches."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.transport import TransportSettings

HOST = "storage.private.test"
"""A name that resolves nowhere: only the proxy knows where it leads."""


@dataclass
class ConnectProxy:
    """A proxy that opens tunnels to whom it is asked for, on this machine."""

    port: int
    credentials: str | None
    heads: list[str] = field(default_factory=list)

    def url(self, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.port}"


@contextmanager
def connect_proxy(credentials: str | None = None) -> Iterator[ConnectProxy]:
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = ConnectProxy(listener.getsockname()[1], credentials)

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            proxy.heads.append(text := head.decode())
            method, place, _ = text.split(" ", 2)
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                return
            wanted = None if credentials is None else b64encode(credentials.encode()).decode()
            if wanted is not None and f"Proxy-Authorization: Basic {wanted}" not in text:
                client.sendall(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n"
                    b"Content-Length: 0\r\n\r\n"
                )
                return
            with socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2]))) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _relay(client, upstream)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _relay(one: socket.socket, other: socket.socket) -> None:
    # Not select.select, which knows no descriptor above 1,024: the process of a whole run has more.
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, (one, other))
        selector.register(other, selectors.EVENT_READ, (other, one))
        while ready := selector.select(30):
            for key, _ in ready:
                side, partner = key.data
                data = side.recv(65536)
                if not data:
                    return
                partner.sendall(data)


@dataclass(frozen=True)
class PrivateNetwork:
    """Where servers are called ``HOST``, with certificates of an authority that nobody else trusts."""

    settings: TransportSettings
    """What a client needs to get there."""
    context: ssl.SSLContext
    """For the servers."""


@contextmanager
def private_network() -> Iterator[PrivateNetwork]:
    with certificate_authority() as authority, connect_proxy() as way:
        settings = TransportSettings(
            connect_timeout_s=5,
            first_byte_timeout_s=5,
            idle_timeout_s=5,
            proxy=way.url(),
            ca_file=authority.ca_file,
        )
        yield PrivateNetwork(settings, authority.server_context([HOST, "127.0.0.1"]))

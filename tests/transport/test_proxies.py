"""TLS through a proxy: CONNECT, with and without credentials, which nothing ever shows."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from kazinex_storage.errors import UnavailableError
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.transport import Request, Response, Transport, TransportSettings

from .conftest import QUICK, Driver, Server, ok, send

USER, PASSWORD = "example-user", "example-proxy-password"  # no real one


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


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as found:
        yield found


@pytest.fixture
def tls_server(authority: CertificateAuthority) -> Iterator[Server]:
    with closing(Server(authority.server_context())) as server:
        yield server


def settings(authority: CertificateAuthority, proxy: str) -> TransportSettings:
    return TransportSettings(
        proxy=proxy, ca_file=str(authority.ca_file), connect_timeout_s=5, first_byte_timeout_s=5, idle_timeout_s=5
    )


@pytest.mark.parametrize("guarded", [False, True], ids=["open", "guarded"])
def test_a_request_over_tls_goes_through_a_tunnel(
    drive: Driver, tls_server: Server, authority: CertificateAuthority, guarded: bool
) -> None:
    secret = f"{USER}:{PASSWORD}"
    with connect_proxy(secret if guarded else None) as proxy:
        address = proxy.url(f"{secret}@" if guarded else "")
        tls_server.script(ok(b"good"))
        with closing(Transport(settings=settings(authority, address), retry=QUICK)) as transport:
            request = Request(
                method="PUT", url=tls_server.url(), headers=(("Authorization", "example"),), body=b"x" * 9
            )
            response: Response = drive(transport, send(request))[0]

    assert (200, b"good") == (response.status, response.body)
    assert 1 == len(proxy.heads)
    assert "Authorization: example" not in proxy.heads[0]  # that is for the server alone
    assert "proxy-authorization" not in {name.lower() for name in tls_server.seen[0].headers}


@pytest.mark.parametrize("given", ["", f"{USER}:wrong-{PASSWORD}@"], ids=["none", "wrong"])
def test_a_proxy_that_refuses_is_told_without_its_password(
    drive: Driver,
    tls_server: Server,
    authority: CertificateAuthority,
    given: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        connect_proxy(f"{USER}:{PASSWORD}") as proxy,
        closing(Transport(settings=settings(authority, proxy.url(given)), retry=QUICK)) as transport,
        pytest.raises(UnavailableError) as caught,
    ):
        drive(transport, send(Request(method="GET", url=tls_server.url())))

    assert [] == tls_server.seen
    said = f"{caught.value}{caught.value!r}{caplog.text}{settings(authority, proxy.url(given))}"
    assert PASSWORD not in said
    assert "proxy" in str(caught.value).lower() or "407" in str(caught.value)


def test_a_proxy_that_is_not_there_is_told(drive: Driver, tls_server: Server, authority: CertificateAuthority) -> None:
    with (
        closing(Transport(settings=settings(authority, "http://127.0.0.1:1"), retry=QUICK)) as transport,
        pytest.raises(UnavailableError),
    ):
        drive(transport, send(Request(method="GET", url=tls_server.url())))

    assert [] == tls_server.seen

"""TLS through a proxy: CONNECT, with and without credentials, which nothing ever shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest

from kazinex_storage.errors import UnavailableError
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.transport import Request, Response, Transport, TransportSettings

from .conftest import QUICK, Driver, Server, ok, send
from .connect_proxy import connect_proxy

USER, PASSWORD = "example-user", "example-proxy-password"  # no real one


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
def test_a_proxy_that_refuses_is_reported_without_its_password(
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


def test_a_proxy_that_is_not_there_is_reported(
    drive: Driver, tls_server: Server, authority: CertificateAuthority
) -> None:
    with (
        closing(Transport(settings=settings(authority, "http://127.0.0.1:1"), retry=QUICK)) as transport,
        pytest.raises(UnavailableError),
    ):
        drive(transport, send(Request(method="GET", url=tls_server.url())))

    assert [] == tls_server.seen

"""Which addresses are public, in every spelling of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import SettingsError
from kazinex_storage.testing.emulators.http import Answer, Received, http_server
from kazinex_storage.transport import Exchange, Request, Transport, TransportSettings
from kazinex_storage.transport.addresses import PublicAddresses

PUBLIC = PublicAddresses()
INSIDE = [
    "0.0.0.0",  # noqa: S104  # nothing listens here
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.0.9",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00:ec2::254",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "64:ff9b:1::a00:1",
    "nonsense",
    "",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_not_admitted(address: str) -> None:
    assert not PUBLIC.admits(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "104.16.0.1", "20.60.1.2", "2606:4700::1111", "64:ff9b::101:101"])
def test_what_is_public_is_admitted(address: str) -> None:
    assert PUBLIC.admits(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_another_one_is_judged_as_itself(address: IPv4Address) -> None:
    number = int(address)
    wrapped = {
        "mapped": IPv6Address((0xFFFF << 32) | number),
        "translated": IPv6Address((0x64FF9B << 96) | number),
    }
    tunnelled = IPv6Address((0x2002 << 112) | (number << 80) | 1)

    assert dict.fromkeys(wrapped, PUBLIC.admits(str(address))) == {
        name: PUBLIC.admits(str(outer)) for name, outer in wrapped.items()
    }
    assert not PUBLIC.admits(str(tunnelled)) or PUBLIC.admits(str(address))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]".strip("[]"), "::ffff:10.0.0.1"]
)
def test_a_host_is_judged_by_what_it_resolves_to(host: str) -> None:
    assert PUBLIC.refused(host) is not None


def test_a_name_that_does_not_resolve_is_judged_when_it_is_connected_to() -> None:
    assert PUBLIC.refused("no-such-host.invalid") is None
    assert PUBLIC.refused("1.1.1.1") is None


def test_networks_of_the_host_are_admitted_as_well() -> None:
    rule = PublicAddresses(also=("10.20.0.0/16", "fd12::/16"))

    found = [rule.admits(a) for a in ("10.20.3.4", "::ffff:10.20.3.4", "fd12::1", "10.21.0.1", "127.0.0.1", "1.1.1.1")]

    assert [True, True, True, False, False, True] == found
    with pytest.raises(SettingsError, match="is no network"):
        PublicAddresses(also=("10.20.0.1/16",))


def asked(url: str) -> Exchange[int]:
    response = yield Request(method="GET", url=url, operation="get")
    return int(response.status)


def in_bulk(transport: Transport, url: str) -> int:
    (outcome,) = (outcome for _, outcome in transport.run_many([asked(url)], 2))
    return outcome.result()


DRIVERS: dict[str, Callable[[Transport, str], int]] = {
    "blocking": lambda transport, url: transport.run(asked(url)),
    "bulk": in_bulk,
    "asyncio": lambda transport, url: asyncio.run(transport.run_async(asked(url))),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0177.0.0.1"])
def test_no_driver_connects_to_an_address_that_is_not_admitted(driver: str, host: str) -> None:
    """Judged when the connection is made: a name may lead elsewhere by then (issue 18, C1)."""
    seen: list[Received] = []

    def serve(received: Received) -> Answer:
        seen.append(received)
        return Answer(status=200)

    began = time.monotonic()
    with http_server(serve) as port, closing(Transport(settings=TransportSettings(proxy=""))) as free:
        with closing(free.restricted(PUBLIC)) as transport, pytest.raises(SettingsError, match=r"127\.0\.0\.1"):
            DRIVERS[driver](transport, f"http://{host}:{port}/")

        assert [] == seen
        assert 200 == DRIVERS[driver](free, f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 10  # it is no passing failure


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_is_admitted_is_connected_to_and_kept(driver: str) -> None:
    rule = PublicAddresses(also=("127.0.0.0/8", "::1/128"))
    settings = TransportSettings(proxy="", addresses=rule)
    with http_server(lambda _: Answer(status=204)) as port, closing(Transport(settings=settings)) as transport:
        for _ in range(2):
            assert 204 == DRIVERS[driver](transport, f"http://localhost:{port}/")

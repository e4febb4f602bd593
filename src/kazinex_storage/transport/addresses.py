"""Which addresses may be connected to, when someone other than the operator chooses the host.

A name is judged by what it resolves to at the moment of the connection, so a name that points elsewhere a second later,
a number in another spelling, or an address wrapped in another one leads nowhere else.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias

from ..errors import SettingsError
from ..values import value

_Address: TypeAlias = IPv4Address | IPv6Address

# IANA's special-purpose networks that older Pythons take for public (RFC 6890, RFC 7526), and what a cloud offers to
# its machines at an address that is public by its range:
# learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 (read 2026-08). The others
# (169.254.169.254, fd00:ec2::254, 100.100.100.200, 192.0.0.192) are in ranges that are not public.
_NOT_PUBLIC: Final = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))

# RFC 6052 and RFC 8215: the last 32 bits are an IPv4 address.
_NAT64: Final = ip_network("64:ff9b::/96")
_NAT64_OF_A_SITE: Final = ip_network("64:ff9b:1::/48")


@value
class PublicAddresses:
    """Addresses of the public internet: none that is private, loopback, link-local, shared, reserved or metadata."""

    also: tuple[str, ...] = ()
    """Networks that are admitted as well, such as ``10.20.0.0/16``; of a proxy, which is what a connection goes to."""

    def __post_init__(self) -> None:
        """Refuse what is no network.

        Raises:
            SettingsError: one is none.
        """
        for network in self.also:
            try:
                ip_network(network)
            except ValueError as error:
                raise SettingsError(f"{network!r} is no network; write it as 10.20.0.0/16") from error

    def admits(self, address: str) -> bool:
        """Say whether *address*, as a socket has it, may be connected to.

        Example:
            >>> rule = PublicAddresses(also=("10.20.0.0/16",))
            >>> [rule.admits(address) for address in ("1.1.1.1", "10.20.0.1", "10.0.0.1", "::ffff:127.0.0.1")]
            [True, True, False, False]
        """
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
        plain = mapped if mapped is not None else found
        if any(plain in network for network in map(ip_network, self.also) if network.version == plain.version):
            return True
        return all(_is_public(inner) for inner in _wrapped(found))

    def refused(self, host: str) -> str | None:
        """Return an address that *host* has and that may not be connected to; None when there is none, or none at all.

        It asks the resolver, which reads numbers in every spelling that libcurl does.
        """
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return None  # nothing can be connected to either; at the connection it is asked again
        return next((str(entry[4][0]) for entry in found if not self.admits(str(entry[4][0]))), None)


def _wrapped(address: _Address) -> Iterator[_Address]:
    """Yield *address* and the IPv4 addresses that it maps, tunnels or translates."""
    yield address
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_public(address: _Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or address in _NAT64:
            return True  # the embedded address is judged
        if address.is_site_local or address in _NAT64_OF_A_SITE:
            return False
    elif any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)

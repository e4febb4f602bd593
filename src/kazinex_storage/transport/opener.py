"""Opens sockets for libcurl where not every address is allowed, and checks each one as it is connected to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pycurl

from ..lazy import module

if TYPE_CHECKING:
    import socket

    from .addresses import PublicAddresses
    from .attempt import Attempt
else:
    socket = module(__name__, "socket")

_Address: TypeAlias = tuple[int, int, int, tuple[str | int, ...]]
"""Family, type, protocol and address."""


class Lent:
    """A descriptor that pycurl copies for libcurl; this one is closed when pycurl has released it."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)


class Opener:
    """Opens sockets to the addresses that a rule admits, for any number of attempts."""

    __slots__ = ("_addresses",)

    def __init__(self, addresses: PublicAddresses) -> None:
        """Open by the rule *addresses*."""
        self._addresses = addresses

    def __call__(self, purpose: int, address: _Address) -> Lent | int:
        """Open a socket; libcurl's callback when no attempt is to be informed."""
        del purpose
        family, kind, protocol, where = address
        if not where or not self._addresses.admits(str(where[0])):
            return int(pycurl.SOCKET_BAD)
        return Lent(socket.socket(family, kind, protocol).detach())

    def of(self, attempt: Attempt) -> Callable[[int, _Address], Lent | int]:
        """Return the callback for one attempt, which records what was refused."""

        def open_socket(purpose: int, address: _Address) -> Lent | int:
            opened = self(purpose, address)
            if not isinstance(opened, Lent):
                attempt.refused = str(address[3][0]) if address[3] else "no address"
            return opened

        return open_socket

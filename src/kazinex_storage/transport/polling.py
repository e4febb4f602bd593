"""Waiting for sockets by ``select()``, where there is neither epoll nor poll (Windows); events are those of poll().

At most 512 sockets on Windows (FD_SETSIZE of CPython), which is more than the transports open.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from typing import Final

# The numbers of POSIX, where poll is there and where it is not.
POLL_IN: Final = 1
POLL_OUT: Final = 4
POLL_BROKEN: Final = 8 | 16
"""POLLERR and POLLHUP."""


class SelectPoll:
    """Does what a poll object does; its timeouts are milliseconds."""

    def __init__(self) -> None:
        self._masks: dict[int, int] = {}

    def register(self, descriptor: int, mask: int) -> None:
        """Watch *descriptor* for the events of *mask*."""
        self._masks[descriptor] = mask

    modify = register

    def unregister(self, descriptor: int) -> None:
        """Stop watching.

        Raises:
            KeyError: it is not watched.
        """
        del self._masks[descriptor]

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        """Wait for an event, *timeout* milliseconds at most, and return all that are there.

        Raises:
            OSError: a descriptor is none of a socket, or closed.
        """
        seconds = None if timeout is None else timeout / 1000
        readers = [each for each, mask in self._masks.items() if mask & POLL_IN]
        writers = [each for each, mask in self._masks.items() if mask & POLL_OUT]
        if not self._masks:  # Windows refuses to wait for nothing
            time.sleep(seconds or 0)
            return []
        # A connection that is refused is told there among the exceptions only.
        readable, writable, failed = select.select(readers, writers, writers, seconds)
        events: dict[int, int] = {}
        for found, bit in ((readable, POLL_IN), (writable, POLL_OUT), (failed, POLL_BROKEN)):
            for descriptor in found:
                events[descriptor] = events.get(descriptor, 0) | bit
        return list(events.items())


class SocketWaker:
    """Two connected sockets that end a wait; sockets, since Windows waits for nothing else.

    They close with the last reference: no late caller writes to a reused descriptor.
    """

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self.descriptor = self._near.fileno()
        """What can be read once somebody called."""

    def wake(self) -> None:
        """End the wait under way, or the next one."""
        with suppress(BlockingIOError):  # full: it will wake in any case
            self._far.send(b"\0")

    def clear(self) -> None:
        """Forget the calls so far."""
        with suppress(BlockingIOError):
            self._near.recv(4096)

    def __del__(self) -> None:
        self._near.close()
        self._far.close()

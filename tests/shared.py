"""One server of each kind for a whole run: under pytest-xdist the controller starts them, and its workers share them.

A worker that needs a server asks through a socket; the first who asks has it started, and it ends with the run, or with
the controller however that ends. Without workers a test process starts its own. What is shared has to be found by any
process: a function of a module, or a ``functools.partial`` of one.
"""

from __future__ import annotations

import pickle
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing.connection import Client, Connection, Listener
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest

Served = TypeVar("Served")
Start = Callable[[], AbstractContextManager[Served]]

_ASKED = "kazinex_servers"
"""What workers are told: where to ask, and a key for it."""


class Keeper:
    """Starts what workers ask for, once, and ends it when it is closed."""

    def __init__(self) -> None:
        self._running = ExitStack()
        folder = self._running.enter_context(TemporaryDirectory(prefix="servers-"))
        self.place = f"{folder}/socket", secrets.token_bytes(16)
        self._listener = self._running.enter_context(Listener(self.place[0], "AF_UNIX", 64, self.place[1]))
        self._started: dict[bytes, object] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._answer, daemon=True).start()

    def close(self) -> None:
        """End every server."""
        with self._lock:
            self._running.close()

    def _answer(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._start, args=(connection,), daemon=True).start()

    def _start(self, connection: Connection) -> None:
        with connection:
            wanted = connection.recv_bytes()
            with self._lock:
                if wanted not in self._started:
                    try:
                        self._started[wanted] = self._running.enter_context(pickle.loads(wanted)())  # noqa: S301  # ours
                    except Exception as error:  # of whatever kind, it is the worker's
                        self._started[wanted] = error
                found = self._started[wanted]
            connection.send(found)


_KEEPER = pytest.StashKey[Keeper]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where to ask; a hook of pytest-xdist."""
    if _KEEPER not in node.config.stash:
        node.config.stash[_KEEPER] = Keeper()
    node.workerinput[_ASKED] = node.config.stash[_KEEPER].place


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers with the run."""
    if _KEEPER in config.stash:
        config.stash[_KEEPER].close()
        del config.stash[_KEEPER]


@contextmanager
def of_this_run(config: pytest.Config, start: Start[Served]) -> Iterator[Served]:
    """Give the server of the run that *start* starts; no test may stop it or change what is not its own."""
    place = getattr(config, "workerinput", {}).get(_ASKED)
    if place is None:
        with start() as server:
            yield server
        return
    with Client(place[0], "AF_UNIX", place[1]) as connection:
        connection.send_bytes(pickle.dumps(start))
        found = connection.recv()
    if isinstance(found, Exception):
        raise found
    yield found

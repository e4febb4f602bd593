"""The application of ``kazinex-storage serve`` in a thread of this process, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from kazinex_storage.organisations import MemoryCatalogue, Organisations, Resolver
from kazinex_storage.web.app import Served, create_app, link_of
from kazinex_storage.web.sessions import Sessions


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running application, and what it works with."""

    served: Served
    address: str

    @property
    def organisations(self) -> Organisations:
        return self.served.organisations

    def link(self) -> str:
        """Return a new link."""
        return link_of(self.served)


@contextmanager
def serving(
    names: Sequence[str] = ("acme",), *, organisations: Organisations | None = None, **options: Any
) -> Iterator[Service]:
    """Serve organisations of these names, by default in memory and without providers, until the context ends."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # as cli/serve.py says
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    organisations = Organisations(MemoryCatalogue()) if organisations is None else organisations
    resolver = Resolver(organisations)
    served = Served(
        organisations=organisations,
        resolver=resolver,
        sessions=Sessions("local operator"),
        names=tuple(names),
        address=address,
        **options,
    )
    server = uvicorn.Server(uvicorn.Config(create_app(served), log_level="error", access_log=False))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        yield Service(served=served, address=address)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        resolver.close()
        organisations.close()

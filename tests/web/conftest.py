"""A real uvicorn on a loopback port for the run, with the HTTP API over a catalogue in memory, and clients of it.

Who asks is what the header ``Authorization: Test <name>:<role>`` says; ``<role>`` is one of ``Role`` or nothing,
and ``<role>@<project>`` is one that they have in that project alone.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request

from kazinex_storage.organisations import AuditLog, MemoryCatalogue, Organisations
from kazinex_storage.web import Caller, Limits, Member, Role, csrf_token, roles, storage_router

from .workers import nursery as nursery

KEY = b"an example key, not a real one!!"
STRANGER = "stranger"


def role_of(request: Request, organisation: str | None, project: str | None) -> Member | None:
    """Believe what the client says; organisations that begin with ``no-`` do not exist."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    cookie = request.cookies.get("session")
    if cookie is not None:
        return Member(caller=Caller(name="by-cookie", cookie=True, csrf=csrf_token(KEY, cookie)), role=Role.ORG_ADMIN)
    name, _, role = rest.partition(":")
    role, _, own = role.partition("@")
    if own and project not in (None, own):
        return None
    if scheme != "Test" or role == STRANGER or (organisation or "").startswith("no-"):
        return None
    return Member(caller=Caller(name=name), role=Role(role))


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serve *app* with uvicorn on a thread and yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def port_of() -> int:
    """Return a port that was free a moment ago, for what has to be known before the server runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Api:
    """The API of one server, and the service behind it."""

    url: str
    organisations: Organisations
    files: Path

    def client(self, role: Role | str = Role.ORG_ADMIN, **headers: str) -> httpx.Client:
        name = role.value if isinstance(role, Role) else role
        return httpx.Client(
            base_url=f"{self.url}/storage",
            headers={"Authorization": f"Test user_xyz:{name}", **headers},
            trust_env=False,
            timeout=30,
        )


@dataclass(frozen=True)
class Organisation:
    """One organisation that no other test has, with a client of its administrator."""

    api: Api
    id: str
    client: httpx.Client

    @property
    def path(self) -> str:
        return f"/organisations/{self.id}"

    def as_(self, role: Role | str) -> httpx.Client:
        return self.api.client(role)

    def add_disk(self, label: str = "Disk") -> str:
        """Add a provider on the local disk and verify it; return its id."""
        root = self.api.files / f"{self.id}-{secrets.token_hex(4)}"
        root.mkdir()
        settings = {"root": str(root)}
        answer = self.client.post(
            f"{self.path}/providers", json={"kind": "local", "label": label, "settings": settings}
        )
        assert 201 == answer.status_code, answer.text
        provider = str(answer.json()["id"])
        verified = self.client.post(
            f"{self.path}/providers/{provider}/verification", headers={"Accept": "application/json"}
        )
        assert verified.json()["ok"], verified.text
        return provider

    def with_default(self) -> str:
        provider = self.add_disk()
        assert 200 == self.client.put(f"{self.path}/default", json={"provider": provider}).status_code
        return provider

    def file(self, name: str = "Plan.pdf", *, revision: str = "P01", document: str = "DRG-0042") -> str:
        return f"{self.path}/projects/bridge/documents/{document}/revisions/{revision}/files/{name}"


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    files = tmp_path_factory.mktemp("web")
    catalogue = MemoryCatalogue()
    organisations = Organisations(catalogue, guarded=(), on_event=AuditLog(catalogue))
    app = FastAPI()
    limits = Limits(verifications=5)
    app.include_router(storage_router(organisations, authorise=roles(role_of), limits=limits), prefix="/storage")
    with serving(app) as url:
        yield Api(url, organisations, files)


@pytest.fixture
def new_organisation(api: Api) -> Iterator[Callable[[], Organisation]]:
    clients: list[httpx.Client] = []

    def make() -> Organisation:
        clients.append(api.client())
        return Organisation(api, f"org_{secrets.token_hex(6)}", clients[-1])

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def org(new_organisation: Callable[[], Organisation]) -> Organisation:
    return new_organisation()


@pytest.fixture
def api_url(api: Api) -> str:
    return api.url

"""An emulated tenant for the whole run, and a library of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from kazinex_storage.providers.sharepoint.names import encode_key
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.providers.sharepoint.target import Target
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness
from kazinex_storage.testing.emulators.graph import GraphEmulator, graph_emulator
from kazinex_storage.testing.emulators.graph.drive import Drive, GraphError
from kazinex_storage.transport import Gate, RetryPolicy, Transport, TransportSettings
from kazinex_storage.verbs import AnyProvider


@dataclass
class IssuedTokens:
    """Tokens straight from the emulator, without the endpoint for them."""

    emulator: GraphEmulator
    client_id: str
    token: str | None = field(default=None, repr=False)
    asked: int = 0

    @property
    def at_hand(self) -> str | None:
        return self.token

    def __call__(self) -> str:
        self.asked += 1
        if self.token is None:
            self.token = self.emulator.state.issue(self.client_id)
        return self.token

    def invalidate(self, token: str) -> None:
        if self.token == token:
            self.token = None


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[GraphEmulator]:
    """The kit's, where a copy is done when it is asked about for the first time."""
    with graph_emulator() as emulator:
        emulator.knobs.copy_polls = 0
        yield emulator


@pytest.fixture
def emulator() -> Iterator[GraphEmulator]:
    """One whose knobs and faults are this test's alone."""
    with graph_emulator() as emulator:
        yield emulator


def target_on(emulator: GraphEmulator, drive: Drive, *, root_folder: str = "") -> Target:
    app = emulator.add_app()
    site, _ = emulator.state.drives[drive.id]
    return Target(
        graph_url=emulator.graph_url,
        tokens=IssuedTokens(emulator, app.client_id),
        gate=Gate(),
        site_url=site.url,
        library=drive.name,
        root_folder=root_folder,
    )


@dataclass
class Place:
    """A library, and a storage on it."""

    emulator: GraphEmulator
    drive: Drive
    target: Target
    storage: Storage
    provider: SharePointProvider

    def stored(self, key: str) -> bytes | None:
        try:
            return self.drive.find(encode_key(key)).content
        except GraphError:
            return None

    def requests(self) -> int:
        return len(self.emulator.log)


@pytest.fixture
def place(emulator: GraphEmulator) -> Iterator[Place]:
    site = emulator.add_site("sites/projects")
    target = target_on(emulator, site.drives[0])
    retry = RetryPolicy(attempts=4, base_s=0.001, first_429_wait_s=0)
    settings = TransportSettings(first_byte_timeout_s=1, idle_timeout_s=1, connect_timeout_s=5, proxy="")
    transport = Transport(8, settings=settings, retry=retry)
    provider = SharePointProvider(target)
    with Storage(provider, transport=transport) as storage:
        yield Place(emulator, site.drives[0], target, storage, provider)
    transport.close()


class SharePointHarness(Harness):
    """A library for each provider; the emulator's own memory is the back door."""

    max_examples = 20
    resumed_bytes = 21 * 1024 * 1024  # three fragments
    shrink = False
    lingering_folders = True
    model_keys = ("a", "d/b", "d/b c", "d/e/f", "a.b", "b", "ü%41/+&=", "ü%41/~/x")

    def __init__(self, emulator: GraphEmulator, root_folder: str = "") -> None:
        self._emulator = emulator
        self._root_folder = root_folder
        self.lists_etags = bool(root_folder)

    def make(self) -> AnyProvider:
        # 400 characters for "/sites/01234567/Plans/" and what follows.
        self.longest_key = 400 - len("/sites/01234567/Plans/") - len(self._root_folder) - bool(self._root_folder)
        site = self._emulator.add_site(f"sites/{secrets.token_hex(4)}", ["Plans"])
        self._drive = site.drives[0]
        return SharePointProvider(target_on(self._emulator, self._drive, root_folder=self._root_folder))

    def peek(self, key: str) -> bytes | None:
        try:
            return self._drive.find(self._path(key)).content
        except GraphError:
            return None

    def poke(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with self._drive.lock:
            parent = self._drive.folder(path.rpartition("/")[0], make=True)
            name, old = self._drive.free(parent, path.rpartition("/")[2], "replace", None)
            self._drive.store(parent, name, old, data, "application/octet-stream")

    def close(self) -> None:
        """Let the emulator forget the libraries, which it holds in memory."""
        state = self._emulator.state
        for held in (state.sites, state.drives, state.links, state.sessions, state.monitors, state.tokens, state.apps):
            held.clear()
        self._emulator.log.clear()

    def _path(self, key: str) -> str:
        path = encode_key(key, at_library_root=not self._root_folder)
        return f"{self._root_folder}/{path}" if self._root_folder else path


@pytest.fixture
def make_harness(shared_emulator: GraphEmulator) -> Callable[[str], SharePointHarness]:
    return lambda root_folder: SharePointHarness(shared_emulator, root_folder)

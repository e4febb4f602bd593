"""The conformance kit against the real service that the environment names; see ``conftest.py``."""

from __future__ import annotations

import secrets
from urllib.parse import unquote, urlsplit

import pytest

from kazinex_storage.providers.settings.environment import settings_from_environment
from kazinex_storage.registry import default_registry
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.verbs import AnyProvider

from .conftest import KINDS


class LiveHarness(Harness):
    """A folder of the bucket for each provider; a second provider is the back door, since there is no other."""

    max_examples = 3
    steps = 15
    page_items = 1_005
    racers = 4
    shrink = False

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._back: Storage | None = None

    def make(self) -> AnyProvider:
        self.close()
        folder = f"kazinex-live-{secrets.token_hex(6)}"
        self._back = Storage(self._open(folder))
        return self._open(folder)

    def peek(self, key: str) -> bytes | None:
        assert self._back is not None
        return self._back.get_bytes(key) if self._back.exists(key) else None

    def poke(self, key: str, data: bytes) -> None:
        assert self._back is not None
        self._back.put(key, data)

    def close(self) -> None:
        if self._back is not None:
            self._back.delete_many(info.key for info in self._back.list())
            self._back.close()
            self._back = None

    def _open(self, folder: str) -> AnyProvider:
        registry = default_registry()
        model = registry.settings_model(self._kind)
        settings = settings_from_environment(model, f"KAZINEX_LIVE_{self._kind.upper()}_")
        field = "root_folder" if self._kind == "sharepoint" else "prefix"
        return registry.open(self._kind, registry.parse_settings(self._kind, {**settings, field: folder}))


class SharePointHarness(LiveHarness):
    """Folders are real and stay; paths are short; Microsoft counts requests."""

    page_items = 405
    lingering_folders = True
    model_keys = ("a", "d/b", "d/b c", "d/e/f", "a.b", "b", "ü%41/+&=", "ü%41/~/x")

    def make(self) -> AnyProvider:
        provider = super().make()
        site = urlsplit(provider.info.location)
        self.longest_key = 400 - len(unquote(site.path)) - 1
        return provider


class TestLive(ProviderContract):
    """Every test of the kit, on each kind that the environment names."""

    @pytest.fixture(params=KINDS, autouse=True)
    def _use(self, request: pytest.FixtureRequest) -> None:
        self._kind: str = request.param

    def harness(self) -> Harness:
        return SharePointHarness(self._kind) if self._kind == "sharepoint" else LiveHarness(self._kind)


del ProviderContract  # pytest would collect it as well

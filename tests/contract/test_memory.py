"""The reference provider passes the conformance kit."""

from __future__ import annotations

from kazinex_storage.contract import StorageProvider
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings, StoredObject
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.types import ObjectInfo


class MemoryHarness(Harness):
    """Looks at the shelf behind the provider."""

    def make(self) -> StorageProvider:
        self._provider = MemoryProvider()
        return self._provider

    def peek(self, key: str) -> bytes | None:
        stored = self._provider.shelf.objects.get(key)
        return stored.data if stored is not None else None

    def poke(self, key: str, data: bytes) -> None:
        shelf = self._provider.shelf
        info = ObjectInfo(key=key, size=len(data), etag=f"poked-{next(shelf.versions)}")
        shelf.objects[key] = StoredObject(data, info)


class TestMemory(ProviderContract):
    """The whole contract."""

    harness = MemoryHarness


class TestNamedMemory:
    """What only this provider has."""

    def test_providers_of_one_name_share_their_objects(self) -> None:
        one, two = (Storage(MemoryProvider(MemorySettings(name="shared by a test"))) for _ in range(2))

        one.put("a", b"1")

        assert b"1" == two.get_bytes("a")

    def test_objects_of_a_name_outlive_a_closed_provider(self) -> None:
        settings = MemorySettings(name="outlives its provider")
        with Storage(MemoryProvider(settings)) as storage:
            storage.put("a", b"1")

        assert b"1" == Storage(MemoryProvider(settings)).get_bytes("a")

    def test_nameless_providers_share_nothing(self) -> None:
        one, two = Storage(MemoryProvider()), Storage(MemoryProvider())

        one.put("a", b"1")

        assert not two.exists("a")

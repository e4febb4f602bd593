"""What keeps versions and what is deleted: the reference provider, and this library where the place does not."""

from __future__ import annotations

from kazinex_storage.contract import StorageProvider
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_capabilities import CapabilityContract
from kazinex_storage.testing.contract_versions import VersionContract

from .test_local import LocalHarness
from .test_memory import MemoryHarness


class VersionedMemory(MemoryHarness):
    """Keeps everything."""

    def make(self) -> StorageProvider:
        self._provider = MemoryProvider(MemorySettings(versioned=True))
        return self._provider


class TestVersionedMemory(VersionContract, CapabilityContract, OnBench):
    """The reference of versions."""

    harness = VersionedMemory


class KeepingLocal(LocalHarness):
    """A disk below which what is deleted stays for a day."""

    keep_deleted_days = 1


class TestKeepingLocal(VersionContract, CapabilityContract, OnBench):
    """What this library keeps by itself."""

    harness = KeepingLocal

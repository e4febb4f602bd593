"""Themes of the kit on a provider whose objects are encrypted: all of it speaks of the plain text."""

from __future__ import annotations

import pyrage
import pytest

from kazinex_storage.encryption.age import Age
from kazinex_storage.encryption.bech32 import encode
from kazinex_storage.providers.encrypted import encrypted
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.bench import Bench
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_capabilities import CapabilityContract
from kazinex_storage.testing.contract_conditional import ConditionalContract
from kazinex_storage.testing.contract_copy import CopyContract
from kazinex_storage.testing.contract_get import GetContract
from kazinex_storage.testing.contract_head import HeadContract
from kazinex_storage.testing.contract_labels import LabelContract
from kazinex_storage.testing.contract_list import ListContract
from kazinex_storage.testing.contract_metadata import MetadataContract
from kazinex_storage.testing.contract_presign import PresignContract
from kazinex_storage.testing.contract_put import PutContract
from kazinex_storage.testing.contract_resume import ResumeContract
from kazinex_storage.testing.contract_retention import RetentionContract
from kazinex_storage.testing.contract_streaming import StreamingContract
from kazinex_storage.testing.contract_versions import VersionContract
from kazinex_storage.testing.model import check_model
from kazinex_storage.verbs import AnyProvider

IDENTITY = encode("age-secret-key-", bytes([4] * 32)).upper()  # fake
KEYS = Age(identities=[IDENTITY])


class EncryptedHarness(Harness):
    """Looks at the shelf beneath, with another implementation of the format."""

    max_examples = 6
    large_bytes = 3 * 1024 * 1024

    def make(self) -> AnyProvider:
        self._medium = MemoryProvider()
        self._shelf = self._medium.shelf
        return encrypted(self._medium, KEYS)

    def peek(self, key: str) -> bytes | None:
        stored = self._shelf.objects.get(key)
        if stored is None:
            return None
        return bytes(pyrage.decrypt(stored.data, [pyrage.x25519.Identity.from_str(IDENTITY)]))

    def poke(self, key: str, data: bytes) -> None:
        Storage(encrypted(self._medium, KEYS)).put(key, data)

    def close(self) -> None:
        """Keep nothing."""


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestEncrypted(
    PutContract,
    GetContract,
    HeadContract,
    ListContract,
    ConditionalContract,
    MetadataContract,
    CopyContract,
    PresignContract,
    ResumeContract,
    CapabilityContract,
    RetentionContract,
    LabelContract,
    StreamingContract,
    VersionContract,
    OnBench,
):
    """What encryption could break."""

    harness = EncryptedHarness

    def test_any_sequence_of_operations_agrees_with_a_dictionary(self, bench: Bench) -> None:
        check_model(bench.harness, bench.prefix)


@pytest.mark.soak
class TestWholeContract(ProviderContract):
    """The whole contract."""

    harness = EncryptedHarness


del OnBench, ProviderContract  # pytest would collect them as well

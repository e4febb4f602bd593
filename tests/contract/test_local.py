"""The provider for local disks passes the conformance kit, durable or not, with unnamed temporary files or not."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from kazinex_storage.contract import StorageProvider
from kazinex_storage.providers.local import LocalProvider, LocalSettings, temporary, tree
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.bench import Bench
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_concurrency import ConcurrencyContract
from kazinex_storage.testing.contract_conditional import ConditionalContract
from kazinex_storage.testing.contract_copy import CopyContract
from kazinex_storage.testing.contract_delete import DeleteContract
from kazinex_storage.testing.contract_faults import FaultContract
from kazinex_storage.testing.contract_list import ListContract
from kazinex_storage.testing.contract_put import PutContract
from kazinex_storage.testing.model import check_model


class LocalHarness(Harness):
    """Looks at the files below the root."""

    durable = False
    keep_deleted_days: int | None = None

    def __init__(self) -> None:
        self._folders = ExitStack()
        self._root = Path()

    def make(self) -> StorageProvider:
        self._folders.close()
        self._root = Path(tempfile.mkdtemp(prefix="kazinex-storage-test-"))
        self._folders.callback(shutil.rmtree, self._root)
        return LocalProvider(
            LocalSettings(root=self._root, durable=self.durable, keep_deleted_days=self.keep_deleted_days)
        )

    def peek(self, key: str) -> bytes | None:
        path = self._root / key
        return path.read_bytes() if path.is_file() else None

    def poke(self, key: str, data: bytes) -> None:
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def close(self) -> None:
        self._folders.close()


class DurableHarness(LocalHarness):
    """Waits for the disk at every write, so it does less of everything."""

    durable = True
    max_examples = 3
    page_items = 50
    racers = 4


@pytest.mark.parametrize(
    "bench", ["", pytest.param("tenant 1/ü", marks=pytest.mark.soak)], ids=["bare", "prefixed"], indirect=True
)
class TestLocal(ProviderContract):
    """The whole contract, without waiting for the disk; the two classes below write under a prefix."""

    harness = LocalHarness


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestDurable(
    PutContract, DeleteContract, ConditionalContract, CopyContract, ConcurrencyContract, FaultContract, OnBench
):
    """What writes, as in production; reading is the same with and without waiting for the disk."""

    harness = DurableHarness


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestWithoutUnnamedFiles(
    PutContract,
    DeleteContract,
    ListContract,
    ConditionalContract,
    CopyContract,
    ConcurrencyContract,
    FaultContract,
    OnBench,
):
    """What writes and lists on macOS: temporary files have reserved names, and files are opened folder by folder."""

    harness = LocalHarness

    @pytest.fixture(autouse=True)
    def _as_on_macos(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(temporary, "_UNNAMED", 0)
        monkeypatch.setattr(tree, "open_beneath", lambda _: None)

    def test_any_sequence_of_operations_agrees_with_a_dictionary(self, bench: Bench) -> None:
        check_model(bench.harness, bench.prefix)

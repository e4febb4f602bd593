"""The SharePoint provider passes the conformance kit on the emulator of Graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_copy import CopyContract
from kazinex_storage.testing.contract_delete import DeleteContract
from kazinex_storage.testing.contract_list import ListContract
from kazinex_storage.testing.contract_names import NameContract
from kazinex_storage.testing.contract_scope import ScopeContract
from kazinex_storage.testing.contract_versions import VersionContract

from ..keeping import keeping


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestRootFolder(ProviderContract):
    """Keys begin in a folder that does not exist yet."""

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self.harness = lambda: make_harness("Kazinex/Plans #1")


@pytest.mark.parametrize("bench", [""], ids=["bare"], indirect=True)
class TestWholeLibrary(OnBench, NameContract, ListContract, CopyContract, DeleteContract, ScopeContract):
    """Keys begin in the library itself, which has names of its own, and is listed by the feed of its items."""

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self.harness = lambda: make_harness("")


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestWhatIsDeletedStays(VersionContract, OnBench):
    """What this library keeps, where the service does not."""

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self.harness = lambda: keeping(make_harness("Kazinex/Plans #1"))


# pytest would collect them as well
del CopyContract, DeleteContract, ListContract, NameContract, OnBench, ProviderContract, ScopeContract

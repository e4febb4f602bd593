"""The SharePoint provider passes the conformance kit on the emulator of Graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_list import ListContract


class OnLibrary(ProviderContract):
    """The kit on one library."""

    root_folder: str

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self._make = make_harness

    def harness(self) -> Harness:
        return self._make(self.root_folder)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)  # half the time of both
class TestWholeLibrary(OnLibrary):
    """Keys begin in the library itself."""

    root_folder = ""


@pytest.mark.parametrize("bench", [""], ids=["bare"], indirect=True)
class TestFeed(OnBench, ListContract):
    """A whole library is listed by the feed of its items."""

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self.harness = lambda: make_harness("")


@pytest.mark.parametrize("bench", [""], ids=["bare"], indirect=True)  # the other half
class TestRootFolder(OnLibrary):
    """Keys begin in a folder that nobody has made yet."""

    root_folder = "Kazinex/Plans #1"


del ListContract, OnBench, OnLibrary, ProviderContract  # pytest would collect them as well

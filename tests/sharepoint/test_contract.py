"""The SharePoint provider passes the conformance kit on the emulator of Graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kazinex_storage.testing import Harness, ProviderContract


class OnLibrary(ProviderContract):
    """The kit on one library."""

    root_folder: str

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self._make = make_harness

    def harness(self) -> Harness:
        return self._make(self.root_folder)


class TestWholeLibrary(OnLibrary):
    """Keys begin in the library itself; without a prefix they are listed by the feed of its items."""

    root_folder = ""


@pytest.mark.parametrize("bench", [""], ids=["bare"], indirect=True)  # half the time of both
class TestRootFolder(OnLibrary):
    """Keys begin in a folder that nobody has made yet."""

    root_folder = "Kazinex/Plans #1"


del OnLibrary, ProviderContract  # pytest would collect them as well

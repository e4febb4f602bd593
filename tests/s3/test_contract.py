"""The S3 provider passes the conformance kit on servers that have nothing in common but the protocol."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kazinex_storage.testing import Harness, ProviderContract


class OnServer(ProviderContract):
    """The kit on one server."""

    server_name: str

    @pytest.fixture(autouse=True)
    def _use(self, make_harness: Callable[[str], Harness]) -> None:
        self._make = make_harness

    def harness(self) -> Harness:
        return self._make(self.server_name)


@pytest.mark.parametrize("bench", [""], ids=["bare"], indirect=True)
class TestSeaweedFs(OnServer):
    """Verifies signatures; keeps objects as files, so folders are half real."""

    server_name = "seaweedfs"

    def harness(self) -> Harness:
        harness = self._make(self.server_name)
        harness.racers = 4  # it serialises creates of one key by whole seconds
        harness.model_keys = ("a", "d/b", "d/b c", "d/e/f", "a.b", "b", "ü%41/+&=", "ü%41/~/x")
        harness.lingering_folders = True
        return harness


@pytest.mark.parametrize(
    "bench", [pytest.param("", marks=pytest.mark.soak), "tenant 1/ü"], ids=["bare", "prefixed"], indirect=True
)
class TestMinistack(OnServer):
    """Keeps exact keys. Without a prefix the same requests go to SeaweedFS in ``make test``."""

    server_name = "ministack"

    def harness(self) -> Harness:
        harness = self._make(self.server_name)
        harness.keeps_tags_of_parts = False  # it takes them with whole objects only
        return harness


del OnServer, ProviderContract  # pytest would collect them as well

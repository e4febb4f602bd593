"""The Azure provider passes the conformance kit on Azurite."""

from __future__ import annotations

import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_versions import VersionContract
from kazinex_storage.testing.servers import AzuriteServer

from ..keeping import keeping
from .conftest import AzureHarness


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestAzurite(ProviderContract):
    """The kit on a real server."""

    @pytest.fixture(autouse=True)
    def _use(self, azurite_server: AzuriteServer, shared_witness: ContainerClient) -> None:
        self._server, self._witness = azurite_server, shared_witness

    def harness(self) -> Harness:
        return AzureHarness(self._server, self._witness)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestWhatIsDeletedStays(VersionContract, OnBench):
    """What this library keeps, where the service does not."""

    @pytest.fixture(autouse=True)
    def _use(self, azurite_server: AzuriteServer, shared_witness: ContainerClient) -> None:
        self._parts = (azurite_server, shared_witness)

    def harness(self) -> Harness:
        return keeping(AzureHarness(*self._parts))


del ProviderContract  # pytest would collect it as well

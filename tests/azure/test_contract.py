"""The Azure provider passes the conformance kit on Azurite."""

from __future__ import annotations

import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.testing.servers import AzuriteServer

from .conftest import AzureHarness


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestAzurite(ProviderContract):
    """The kit on a real server."""

    @pytest.fixture(autouse=True)
    def _use(self, azurite_server: AzuriteServer, shared_witness: ContainerClient) -> None:
        self._server, self._witness = azurite_server, shared_witness

    def harness(self) -> Harness:
        return AzureHarness(self._server, self._witness)


del ProviderContract  # pytest would collect it as well

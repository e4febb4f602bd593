"""Azurite, Microsoft's emulator of Azure Blob Storage: it verifies signatures of keys and of SAS, and conditions.

What it gets wrong is in ``tests/azure/test_azurite.py``. ``azurite_program.py`` finds it.
"""

from __future__ import annotations

import base64
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .azurite_program import command_of
from .process import free_ports, running

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

    from ..emulators.tls import CertificateAuthority


@dataclass(frozen=True, slots=True, kw_only=True)
class AzuriteServer:
    """A running server with one account."""

    host_url: str
    """Scheme, host and port; the account is the first segment of a path."""
    account: str
    account_key: str = field(repr=False)
    ca_file: str | None = None
    """What a client has to trust, when the server speaks TLS."""

    @property
    def account_url(self) -> str:
        """The address that clients call the endpoint of the account."""
        return f"{self.host_url}/{self.account}"

    @property
    def connection_string(self) -> str:
        """The connection string of the account; it holds the key."""
        scheme = self.host_url.partition(":")[0]
        parts = {
            "DefaultEndpointsProtocol": scheme,
            "AccountName": self.account,
            "AccountKey": self.account_key,
            "BlobEndpoint": self.account_url,
        }
        return ";".join(f"{name}={value}" for name, value in parts.items()) + ";"

    def client(self) -> BlobServiceClient:
        """Return a client of azure-storage-blob, which repeats nothing: the independent witness. Close it.

        Raises:
            ModuleNotFoundError: azure-storage-blob is not installed.
        """
        from azure.core.pipeline.transport import RequestsTransport
        from azure.storage.blob import BlobServiceClient

        verify = self.ca_file if self.ca_file is not None else True
        # Its pieces of 4 KiB take longer to put together than the rest of a download.
        transport = RequestsTransport(
            use_env_settings=False, connection_verify=verify, connection_data_block_size=1 << 20
        )
        return BlobServiceClient(self.account_url, credential=self.account_key, transport=transport, retry_total=0)

    def make_container(self, name: str | None = None) -> str:
        """Make a container and return its name.

        Raises:
            ModuleNotFoundError: azure-storage-blob is not installed.
        """
        container = name if name is not None else f"test-{secrets.token_hex(8)}"
        with closing(self.client()) as client:
            client.create_container(container)
        return container


@dataclass(frozen=True, slots=True, kw_only=True)
class AzuriteHome:
    """Where Azurite runs, when that matters."""

    port: int = 0
    """0 takes a free one."""
    keep: Path | None = None
    """The folder in which the blobs stay; None keeps them in memory."""
    program: Path | None = None
    """Its script; None looks for it."""


@contextmanager
def azurite(
    authority: CertificateAuthority | None = None,
    *,
    account: str | None = None,
    account_key: str | None = None,
    memory_mib: int | None = None,
    home: AzuriteHome = AzuriteHome(),  # a value
) -> Iterator[AzuriteServer]:
    """Run Azurite with nothing in it; account and key are made for the run where none are given.

    It speaks TLS with a certificate of *authority*, and then takes any unexpired token of Microsoft Entra that names
    Azure Storage, by any signer. Unless *home* says otherwise it is on a free port and keeps everything in memory,
    *memory_mib* or half of what the machine has, and gives that of deleted blobs free after some minutes.

    Raises:
        SettingsError: Azurite or Node is missing, or the server does not start.
    """
    command = command_of(home.program)
    port = home.port or free_ports(1)[0]
    account = account if account is not None else f"test{secrets.token_hex(6)}"
    key = account_key if account_key is not None else base64.b64encode(secrets.token_bytes(64)).decode()
    with tempfile.TemporaryDirectory(prefix="kazinex-azurite-", ignore_cleanup_errors=True) as folder:
        environ = {"HOME": folder, "PATH": "/usr/bin:/bin", "TMPDIR": folder, "AZURITE_ACCOUNTS": f"{account}:{key}"}
        options = [
            *("--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"),
            # Newer versions of the protocol than it knows are common, and are answered as the last one it knows.
            *("--skipApiVersionCheck", "--disableTelemetry"),
            *(("--location", str(home.keep)) if home.keep is not None else ("--inMemoryPersistence",)),
        ]
        if memory_mib is not None:
            options += ["--extentMemoryLimit", str(memory_mib)]
        if authority is not None:
            certificate = str(authority.server_certificate())
            options += ["--cert", certificate, "--key", certificate, "--oauth", "basic"]
        url = f"{'http' if authority is None else 'https'}://127.0.0.1:{port}"
        ca_file = None if authority is None else authority.ca_file
        with running([*command, *options], Path(folder), environ, url, ca_file=ca_file):
            yield AzuriteServer(host_url=url, account=account, account_key=key, ca_file=ca_file)

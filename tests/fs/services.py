"""The services behind the file systems, each with a witness that reads and writes past them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from kazinex_storage.fs import AzureFileSystem, ObjectFileSystem, R2FileSystem, S3FileSystem, SharePointFileSystem
from kazinex_storage.testing.emulators.graph import GraphEmulator, Site, graph_emulator
from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.testing.servers import AzuriteServer, S3Server


@dataclass(frozen=True, kw_only=True)
class Service:
    """One that answers."""

    kind: str
    fs: ObjectFileSystem
    place: str
    """Where paths begin: a bucket, a container, a library."""
    options: Mapping[str, Any] = field(repr=False)
    read: Callable[[str], bytes | None]
    """Return what the service holds under a key."""
    write: Callable[[str, bytes], object]
    """Have another client write an object."""

    def variables(self) -> dict[str, str]:
        """Return the options as the environment names them."""
        prefix = f"KAZINEX_STORAGE_{self.kind.upper()}"
        return {f"{prefix}_{name.upper()}": str(value) for name, value in self.options.items()}

    def folder(self) -> str:
        """Return the path of a folder that no other test uses, without a slash at the end."""
        return f"{self.place}/{secrets.token_hex(4)}"


def keys_of(server: S3Server) -> dict[str, Any]:
    """Return the options that every kind of S3 has."""
    return {
        "endpoint_url": server.endpoint_url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    }


def bucket_on(server: S3Server, kind: str) -> Service:
    """A bucket, for the file system of *kind*."""
    bucket, witness, options = server.make_bucket(), server.client(), keys_of(server)
    options |= {"account_id": "0" * 32} if kind == "r2" else {"region": server.region}
    return Service(
        kind=kind,
        fs=R2FileSystem(**options) if kind == "r2" else S3FileSystem(**options),
        place=bucket,
        options=options,
        read=lambda key: witness.get_object(Bucket=bucket, Key=key)["Body"].read(),
        write=lambda key, data: witness.put_object(Bucket=bucket, Key=key, Body=data),
    )


@contextmanager
def container_on(server: AzuriteServer) -> Iterator[Service]:
    """A container."""
    account = {"account": server.account, "account_key": server.account_key}
    options: dict[str, Any] = {**account, "endpoint_url": server.account_url}
    container = server.make_container()
    with closing(server.client()) as client:
        witness = client.get_container_client(container)
        yield Service(
            kind="azure_blob",
            fs=AzureFileSystem(**options),
            place=container,
            options=options,
            read=lambda key: witness.download_blob(key).readall(),
            write=lambda key, data: witness.upload_blob(key, data),
        )


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An emulated tenant with one site, and what a file system has to be told to reach it."""

    emulator: GraphEmulator
    site: Site
    options: Mapping[str, Any] = field(repr=False)


@contextmanager
def tenant() -> Iterator[Tenant]:
    """One whose authority is trusted meanwhile."""
    with (
        certificate_authority() as authority,
        graph_emulator(authority) as emulator,
        pytest.MonkeyPatch.context() as patch,
    ):
        # The file systems have no option for it: a trusted authority is a matter of the machine.
        patch.setenv("SSL_CERT_FILE", authority.ca_file)
        site, app = emulator.add_site("sites/projects"), emulator.add_app(secret="example-secret")  # noqa: S106
        options = {
            "tenant_id": emulator.tenant,
            "client_id": app.client_id,
            "client_secret": "example-secret",
            "site_url": site.url,
            "login_url": emulator.login_url,
            "graph_url": emulator.graph_url,
            "ca_file": authority.ca_file,
        }
        yield Tenant(emulator=emulator, site=site, options=options)


def library_of(tenant: Tenant) -> Service:
    """The library of a tenant. One file system for all tests: each has connections of its own, to this process."""
    drive = tenant.site.drives[0]

    def write(key: str, data: bytes) -> None:
        with drive.lock:
            parent = drive.folder(key.rpartition("/")[0], make=True)
            name, old = drive.free(parent, key.rpartition("/")[2], "replace", None)
            drive.store(parent, name, old, data, "application/octet-stream")

    return Service(
        kind="sharepoint",
        fs=SharePointFileSystem(**tenant.options),
        place="Shared Documents",
        options=tenant.options,
        read=lambda key: drive.find(key).content,
        write=write,
    )

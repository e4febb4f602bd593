"""The services behind the file systems, each with a witness that reads and writes past them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from kazinex_storage.fs import AzureFileSystem, ObjectFileSystem, R2FileSystem, S3FileSystem, SharePointFileSystem
from kazinex_storage.testing.servers import AzuriteServer, S3Server

from ..services import Tenant, azure_options, keys_of


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
    options, container = azure_options(server), server.make_container()
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

"""Every service that organisations keep documents on, with a witness that writes past the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from kazinex_storage import DocumentStore, Organisations, Resolver, verify_provider
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.providers.azure_blob.names import encode
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.testing.servers import AzuriteServer, S3Server

from ..services import azure_options, keys_of, r2_options, supabase_options, tenant

Replace = Callable[[Any, Any, str, bytes, bool], None]
"""Put bytes over an object: given settings, provider, key, bytes, and whether the metadata stays."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The kind and the settings of one place."""

    kind: str
    settings: Mapping[str, object] = field(repr=False)
    replace: Replace | None = None
    """What another tool does; SharePoint has tests of its own for that."""
    folder: str = "prefix"
    """The setting for a folder."""


def replace_by_boto3(settings: Any, provider: Any, key: str, data: bytes, keep_metadata: bool) -> None:
    place = {"Bucket": settings.bucket, "Key": provider.codec.name_of(key)}
    with closing(boto3.client("s3", **settings.export("boto3"))) as client:
        witness: Any = client
        kept = witness.head_object(**place)["Metadata"] if keep_metadata else {}
        witness.put_object(**place, Body=data, Metadata=kept)


@contextmanager
def service_of(name: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    """Yield the service of that name."""
    with ExitStack() as stack:
        if name.startswith("azure"):
            yield _azure(request.getfixturevalue("azurite_server"), by_string=name == "azure by connection string")
        elif name == "sharepoint":
            found = stack.enter_context(tenant())
            yield Service(kind="sharepoint", settings=found.options, folder="root_folder")
        else:
            kind = {"seaweedfs": "s3", "r2 front": "r2", "supabase front": "supabase"}[name]
            settings = _s3(name, request, stack)
            yield Service(kind=kind, settings=settings, replace=replace_by_boto3)


def _s3(name: str, request: pytest.FixtureRequest, stack: ExitStack) -> dict[str, object]:
    if name == "seaweedfs":
        server: S3Server = request.getfixturevalue("seaweedfs_server")
        return {"bucket": server.make_bucket(), "region": server.region, **keys_of(server)}
    if name == "r2 front":
        front = stack.enter_context(r2_front(request.getfixturevalue("ministack_server")))
        bucket = front.make_bucket()
        return {"bucket": bucket, **r2_options(front, [bucket])}
    project = stack.enter_context(supabase_front(request.getfixturevalue("ministack_server")))
    return {"bucket": project.make_bucket(), **supabase_options(project)}


def _azure(server: AzuriteServer, *, by_string: bool) -> Service:
    container = server.make_container()

    def replace(settings: Any, provider: Any, key: str, data: bytes, keep_metadata: bool) -> None:
        name = encode(f"{settings.prefix}{key}")
        with closing(server.client()) as client:
            witness = client.get_container_client(container)
            kept = witness.get_blob_client(name).get_blob_properties().metadata if keep_metadata else {}
            witness.upload_blob(name, data, overwrite=True, metadata=kept)

    settings: dict[str, object] = {"container": container}
    if by_string:
        settings["connection_string"] = server.connection_string
    else:
        settings |= azure_options(server)
    return Service(kind="azure_blob", settings=settings, replace=replace)


class Tenants:
    """Organisations that share one place, each below its own prefix."""

    def __init__(self, service: Service, folder: str) -> None:
        self._service = service
        self._settings = {**service.settings, service.folder: folder}
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)

    def add(self, organisation: str) -> str:
        """Add the place as the verified default of an organisation."""
        record = self.organisations.add_provider(organisation, self._service.kind, "place", self._settings)
        report = verify_provider(self.organisations, organisation, record.id)
        assert report.ok, report.failure
        self.organisations.set_default(organisation, record.id)
        return record.id

    def replace(self, key: str, data: bytes, *, keep_metadata: bool) -> None:
        """Let another tool put *data* over an object."""
        record = self.organisations.find("acme", "place")
        assert self._service.replace is not None
        with closing(self.organisations.open(record)) as provider:
            self._service.replace(self.organisations.settings(record), provider, key, data, keep_metadata)

    def close(self) -> None:
        self.resolver.close()
        self.organisations.close()

"""Connections of providers that tenants chose go to admitted addresses only, whatever was resolved before."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator

import fsspec
import pytest

from kazinex_storage import AsyncDocumentStore, DocumentKey, DocumentStore, StorageError, verify_provider
from kazinex_storage.organisations import MemoryCatalogue, Organisations, Proposal, PublicAddresses, Resolver
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.emulators.http import Answer, Received, http_server
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority
from kazinex_storage.transport import Transport, TransportSettings

TENANT = "12345678-1234-1234-1234-123456789012"
APP = {"tenant_id": TENANT, "client_id": f"9{TENANT[1:]}", "client_secret": "example-secret"}
DOCUMENT = DocumentKey("acme", "bridge", "DRG-0042", "P01", "plan.pdf")
KEYS = {"access_key_id": "AK", "secret_access_key": "example"}


class Inside:
    """A server on the host's own network, that notes what reaches it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.port = 0

    def serve(self, received: Received) -> Answer:
        self.seen.append(received.path)
        base = f"https://127.0.0.1:{self.port}/{TENANT}"
        names = ("authorization_endpoint", "token_endpoint", "issuer")
        return Answer(status=200, body=json.dumps({name: f"{base}/{name}" for name in names}).encode())


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as found:
        yield found


@pytest.fixture
def inside(authority: CertificateAuthority) -> Iterator[Inside]:
    server = Inside()
    with http_server(server.serve, authority.server_context()) as server.port:
        yield server


def settings_of(kind: str, inside: Inside, authority: CertificateAuthority) -> dict[str, object]:
    url, ca_file = f"https://localhost:{inside.port}", str(authority.ca_file)
    match kind:
        case "s3":
            return {"bucket": "docs", "region": "eu-central-1", "endpoint_url": url, **KEYS}
        case "azure_blob":
            place = {"account": "acme", "container": "docs", "endpoint_url": url}
            return {**place, **APP, "login_url": url, "ca_file": ca_file}
        case _:
            site = {"site_url": "https://contoso.sharepoint.com/sites/p", "graph_url": f"{url}/v1.0"}
            return {**site, **APP, "login_url": url, "ca_file": ca_file}


def rebound(proposal: Proposal) -> PublicAddresses:
    """Judge as for a name that was public when it was resolved, and is not any more."""
    del proposal
    return PublicAddresses()


@pytest.mark.parametrize("kind", ["s3", "azure_blob", "sharepoint"])
@pytest.mark.parametrize("way", ["resolver", "opened", "verify", "provider"])
def test_nothing_reaches_an_address_that_is_not_admitted(
    kind: str, way: str, inside: Inside, authority: CertificateAuthority
) -> None:
    organisations = Organisations(MemoryCatalogue(), admit=rebound)
    record = organisations.add_provider("acme", kind, "a", settings_of(kind, inside, authority))
    own = Transport(settings=TransportSettings(ca_file=str(authority.ca_file), proxy=""))

    if way == "resolver":
        resolver = Resolver(organisations, transport=own)
        with pytest.raises(StorageError, match=r"127\.0\.0\.1|::1"):
            resolver.storage_of("acme", record.id).get_bytes("a")
        resolver.close()
    elif way == "opened":
        with Storage(organisations.open(record), transport=own) as storage, pytest.raises(StorageError):
            storage.get_bytes("a")
    elif way == "verify":
        report = verify_provider(organisations, "acme", "a", timeout_s=20)
        assert "may not be connected to" in (report.failure or "")
    else:
        # A provider owns no connections: whatever storage is made of it, also without a word of the way, is bound.
        with Storage(organisations.open(record)) as storage, pytest.raises(StorageError):
            next(storage.list(), None)

    assert [] == inside.seen
    own.close()
    organisations.close()


def upload(resolver: Resolver) -> object:
    return DocumentStore(resolver).upload(DOCUMENT, b"%PDF-1.7")


def find(resolver: Resolver) -> object:
    return DocumentStore(resolver).find(DOCUMENT)


def list_revisions(resolver: Resolver) -> object:
    return DocumentStore(resolver).revisions(DOCUMENT)


def upload_on_a_loop(resolver: Resolver) -> object:
    return asyncio.run(AsyncDocumentStore(DocumentStore(resolver)).upload(DOCUMENT, b"%PDF-1.7"))


def find_on_a_loop(resolver: Resolver) -> object:
    return asyncio.run(AsyncDocumentStore(DocumentStore(resolver)).find(DOCUMENT))


def read_many_by_fsspec(resolver: Resolver) -> object:
    files = fsspec.filesystem("kazinex", resolver=resolver, skip_instance_cache=True)
    return files.cat([f"acme/{name}" for name in ("a", "b")])


def begin_an_upload(resolver: Resolver) -> object:
    return resolver.storage_for("acme").begin_upload("bridge/a.bin", 20 * 1024 * 1024)


@pytest.mark.parametrize(
    "use",
    [upload, find, list_revisions, upload_on_a_loop, find_on_a_loop, read_many_by_fsspec, begin_an_upload],
)
@pytest.mark.parametrize("kind", ["s3", "azure_blob"])
def test_nothing_that_is_made_of_storages_reaches_one_either(
    kind: str, use: Callable[[Resolver], object], inside: Inside, authority: CertificateAuthority
) -> None:
    """Documents run the operations of several storages as one exchange; each is carried by its own transport."""
    organisations = Organisations(MemoryCatalogue(), admit=rebound)
    settings = settings_of(kind, inside, authority)
    if kind == "azure_blob":  # a key needs no token, which would be refused first
        settings = {name: value for name, value in settings.items() if name not in (*APP, "login_url")}
        settings["account_key"] = base64.b64encode(b"example-key-not-real").decode()
    record = organisations.add_provider("acme", kind, "a", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("acme", "a")
    own = Transport(settings=TransportSettings(ca_file=str(authority.ca_file), proxy=""))
    resolver = Resolver(organisations, transport=own)

    with pytest.raises(StorageError, match="may not be connected to"):
        use(resolver)

    assert [] == inside.seen
    resolver.close()
    own.close()

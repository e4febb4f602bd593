"""What documents go through, on Azure: two tenants in one container, from settings to receipts."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage import (
    AlreadyExistsError,
    DocumentKey,
    DocumentStore,
    IntegrityError,
    IntegrityState,
    NotFoundError,
    Organisations,
    Resolver,
    StorageError,
    StoredDocument,
    verify_provider,
)
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.providers.azure_blob.names import encode
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.types import ByteRange

PDF = b"%PDF-1.7 drawing"


class World:
    """Organisations that share one container, each below its own prefix."""

    def __init__(self, settings: dict[str, object], witness: ContainerClient) -> None:
        self._settings = settings
        self._witness = witness
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)

    def add(self, organisation: str) -> str:
        record = self.organisations.add_provider(organisation, "azure_blob", "container", self._settings)
        report = verify_provider(self.organisations, organisation, record.id)
        assert report.ok, report.failure
        self.organisations.set_default(organisation, record.id)
        return record.id

    def replace(self, key: str, data: bytes, *, keep_metadata: bool) -> None:
        """Let azure-storage-blob write *data* over a blob."""
        name = encode(f"live/{key}")
        kept = self._witness.get_blob_client(name).get_blob_properties().metadata if keep_metadata else {}
        self._witness.upload_blob(name, data, overwrite=True, metadata=kept)


@pytest.fixture(params=["key", "connection string"])
def world(azurite_server: AzuriteServer, request: pytest.FixtureRequest) -> Iterator[World]:
    container = azurite_server.make_container()
    settings: dict[str, object] = {"container": container, "prefix": "live"}
    if request.param == "key":
        settings |= {"account": azurite_server.account, "account_key": azurite_server.account_key}
        settings |= {"endpoint_url": azurite_server.account_url}
    else:
        settings["connection_string"] = azurite_server.connection_string
    client = azurite_server.client()
    world = World(settings, client.get_container_client(container))
    yield world
    client.close()
    world.resolver.close()
    world.organisations.close()


def document(organisation: str = "acme", revision: str = "P01") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-1", revision, "Plan Ü 1.pdf")


def test_a_document_is_uploaded_verified_checked_and_read_back(world: World) -> None:
    provider = world.add("acme")

    receipt = world.documents.upload(document(), PDF)

    assert (provider, len(PDF), hashlib.sha256(PDF).hexdigest()) == (receipt.provider, receipt.size, receipt.sha256)
    assert IntegrityState.INTACT is world.documents.check(receipt)
    with world.documents.open(receipt) as file:
        assert PDF == file.read()


@pytest.mark.parametrize("size", [10, 9 * 1024 * 1024], ids=["one request", "parts"])
def test_the_receipt_says_when_by_the_clock_of_the_service(world: World, size: int) -> None:
    world.add("acme")

    receipt = world.documents.upload(document(), bytes(size))

    assert receipt.stored_at is not None
    assert abs(datetime.now(UTC) - receipt.stored_at) < timedelta(minutes=5)
    assert "service" == receipt.stored_at_by


@pytest.mark.parametrize("kept", [True, False], ids=["its metadata stayed", "its metadata is gone"])
def test_what_another_tool_put_in_its_place_is_not_read_by_receipt(world: World, tmp_path: Path, kept: bool) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)
    world.replace(receipt.key, PDF.replace(b"drawing", b"forgery"), keep_metadata=kept)

    for read in (world.documents.open, world.documents.stream, world.documents.get_bytes):
        with pytest.raises(IntegrityError):
            read(receipt)
    with pytest.raises(IntegrityError):
        world.documents.get_bytes(receipt, ByteRange(start=0, end=4))
    with pytest.raises(IntegrityError):
        world.documents.download(receipt, tmp_path / "plan.pdf")
    assert [] == list(tmp_path.iterdir())
    assert IntegrityState.TAMPERED is world.documents.check(receipt)


def test_a_revision_is_written_once(world: World) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)

    with pytest.raises(AlreadyExistsError):
        world.documents.upload(document(), b"%PDF-1.7 another")

    with world.documents.open(receipt) as file:
        assert PDF == file.read()


def test_of_racing_uploads_of_one_revision_one_stays(world: World) -> None:
    world.add("acme")
    receipts: list[StoredDocument] = []
    errors: list[StorageError] = []

    def upload(number: int) -> None:
        try:
            receipts.append(world.documents.upload(document(), PDF + bytes([48 + number])))
        except StorageError as error:
            errors.append(error)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (1, 2) == (len(receipts), len(errors))


def test_no_organisation_reaches_the_documents_of_another(world: World) -> None:
    world.add("acme")
    world.add("globex")
    receipt = world.documents.upload(document("acme"), PDF)

    with pytest.raises(NotFoundError):
        world.documents.open(document("globex"))
    assert [] == world.documents.revisions(document("globex"))
    assert [receipt.key] == [world.documents.find(document("acme")).key]

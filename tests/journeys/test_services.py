"""What documents go through on every service: two tenants of one place, from settings to receipts."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    DocumentKey,
    IntegrityError,
    IntegrityState,
    NotFoundError,
    StorageError,
    StoredDocument,
)
from kazinex_storage.types import ByteRange, PresignOptions

from ..s3.test_tickets import send
from .services import Service, Tenants, service_of

PDF = b"%PDF-1.7 drawing"
BUCKETS = ("seaweedfs", "r2 front", "supabase front")
SERVICES = (*BUCKETS, "azure", "azure by connection string", "sharepoint")

replaceable = pytest.mark.parametrize("service", [*BUCKETS, "azure"], indirect=True, scope="module")


@pytest.fixture(params=SERVICES, scope="module")
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with service_of(request.param, request) as found:
        yield found


@pytest.fixture
def world(service: Service, request: pytest.FixtureRequest) -> Iterator[Tenants]:
    world = Tenants(service, hashlib.sha256(request.node.name.encode()).hexdigest()[:12])
    yield world
    world.close()


def document(organisation: str = "acme", revision: str = "P01") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-1", revision, "Plan Ü 1.pdf")


def test_a_document_is_uploaded_verified_checked_and_read_back(world: Tenants) -> None:
    provider = world.add("acme")

    receipt = world.documents.upload(document(), PDF)

    assert (provider, len(PDF), hashlib.sha256(PDF).hexdigest()) == (receipt.provider, receipt.size, receipt.sha256)
    assert IntegrityState.INTACT is world.documents.check(receipt)
    with world.documents.open(receipt) as file:
        assert PDF == file.read()


@pytest.mark.parametrize("size", [10, 9 * 1024 * 1024], ids=["one request", "parts"])
def test_the_receipt_says_when_by_the_clock_of_the_service(world: Tenants, size: int) -> None:
    world.add("acme")

    receipt = world.documents.upload(document(), bytes(size))

    assert receipt.stored_at is not None
    assert abs(datetime.now(UTC) - receipt.stored_at) < timedelta(minutes=5)
    assert "service" == receipt.stored_at_by


@replaceable
@pytest.mark.parametrize("kept", [True, False], ids=["its metadata stayed", "its metadata is gone"])
def test_what_another_tool_put_in_its_place_is_not_read_by_receipt(world: Tenants, tmp_path: Path, kept: bool) -> None:
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


def test_a_revision_is_written_once(world: Tenants) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)

    with pytest.raises(AlreadyExistsError):
        world.documents.upload(document(), b"%PDF-1.7 another")

    with world.documents.open(receipt) as file:
        assert PDF == file.read()


def test_of_racing_uploads_of_one_revision_one_stays(world: Tenants, service: Service) -> None:
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

    assert 3 == len(receipts) + len(errors)
    if service.kind == "azure_blob":
        assert 1 == len(receipts)
    assert len(receipts) <= 1
    # SharePoint gives a second file of a name another one, such as "Plan Ü 1 1.pdf".
    stored = {found.key for found in world.resolver.storage_for("acme").list("") if found.key.endswith(".pdf")}
    assert stored <= {"bridge/DRG-1/P01/Plan Ü 1.pdf"}


def test_no_organisation_reaches_the_documents_of_another(world: Tenants) -> None:
    world.add("acme")
    world.add("globex")
    receipt = world.documents.upload(document("acme"), PDF)

    for look in (world.documents.find, world.documents.open):
        with pytest.raises(NotFoundError):
            look(document("globex"))
    assert [] == world.documents.revisions(document("globex"))
    assert receipt.key == world.documents.find(document("acme")).key
    assert PDF == world.documents.open(world.documents.find(document("acme"))).read()


def test_a_removed_revision_is_gone(world: Tenants) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)

    world.documents.remove(receipt)

    with pytest.raises(NotFoundError):
        world.documents.find(document())


@pytest.mark.parametrize("service", BUCKETS, indirect=True, scope="module")
def test_a_url_of_before_a_removal_brings_nothing_that_stays(world: Tenants) -> None:
    world.add("acme")
    storage, key = world.resolver.storage_for("acme"), "bridge/DRG-1/P01/Plan Ü 1.pdf"
    options = PresignOptions(method="PUT", size=5)
    signed = storage.presign(key, options)
    world.documents.remove(world.documents.upload(document(), PDF))

    with pytest.raises(AlreadyExistsError, match="was removed"):
        storage.presign(key, options)
    assert 200 == send(signed, b"other")[0]
    with pytest.raises(AlreadyExistsError, match=r"was removed on"):
        storage.confirm(key, options, write_token=signed.write_token)

    assert not storage.exists(key)

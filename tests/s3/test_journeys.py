"""What documents go through, on S3, behind the R2 front and behind the Supabase front: two tenants in one bucket."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

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
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.types import ByteRange, PresignOptions

from .test_tickets import send

PDF = b"%PDF-1.7 drawing"
SERVERS = ("seaweedfs", "r2 front", "supabase front")


@pytest.fixture(params=SERVERS, scope="module")
def provider(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, object]]]:
    """The kind and the settings of one bucket."""
    with ExitStack() as stack:
        if request.param == "seaweedfs":
            server: S3Server = request.getfixturevalue("seaweedfs_server")
            bucket, endpoint, region = server.make_bucket(), server.endpoint_url, server.region
            keys = {"access_key_id": server.access_key_id, "secret_access_key": server.secret_access_key}
            yield "s3", {"bucket": bucket, "endpoint_url": endpoint, "region": region, **keys}
            return
        server = request.getfixturevalue("ministack_server")
        if request.param == "r2 front":
            front = stack.enter_context(r2_front(server))
            bucket = front.make_bucket()
            token = front.token([bucket])
            keys = {"access_key_id": token.access_key_id, "secret_access_key": token.secret_access_key}
            endpoint = front.endpoint_url
            yield "r2", {"account_id": front.account_id, "bucket": bucket, "endpoint_url": endpoint, **keys}
            return
        project = stack.enter_context(supabase_front(server))
        keys = {"access_key_id": project.access_key_id, "secret_access_key": project.secret_access_key}
        place = {"project_ref": project.project_ref, "region": project.region, "endpoint_url": project.endpoint_url}
        bucket = project.make_bucket()
        yield "supabase", {"bucket": bucket, "service_key": project.service_key, **place, **keys}


class World:
    """Organisations that share one bucket, each below its own prefix."""

    def __init__(self, kind: str, settings: dict[str, object], folder: str) -> None:
        self._kind = kind
        self._settings = {**settings, "prefix": folder}
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)

    def add(self, organisation: str) -> str:
        record = self.organisations.add_provider(organisation, self._kind, "bucket", self._settings)
        report = verify_provider(self.organisations, organisation, record.id)
        assert report.ok, report.failure
        self.organisations.set_default(organisation, record.id)
        return record.id

    def replace(self, key: str, data: bytes, *, keep_metadata: bool) -> None:
        """Let boto3 put *data* over an object."""
        record = self.organisations.find("acme", "bucket")
        settings: Any = self.organisations.settings(record)
        provider: Any = self.organisations.open(record)
        place = {"Bucket": settings.bucket, "Key": provider.codec.name_of(key)}
        client: Any = boto3.client("s3", **settings.export("boto3"))
        kept = client.head_object(**place)["Metadata"] if keep_metadata else {}
        client.put_object(**place, Body=data, Metadata=kept)
        client.close()
        provider.close()


@pytest.fixture
def world(provider: tuple[str, dict[str, object]], request: pytest.FixtureRequest) -> Iterator[World]:
    kind, settings = provider
    world = World(kind, settings, hashlib.sha256(request.node.name.encode()).hexdigest()[:12])
    yield world
    world.resolver.close()
    world.organisations.close()


def document(organisation: str = "acme", revision: str = "P01") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-1", revision, "Plan Ü 1.pdf")


def test_a_document_is_uploaded_verified_and_read_back(world: World) -> None:
    provider = world.add("acme")

    receipt = world.documents.upload(document(), PDF)

    assert (provider, len(PDF), hashlib.sha256(PDF).hexdigest()) == (receipt.provider, receipt.size, receipt.sha256)
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

    assert len(receipts) <= 1
    assert 3 == len(receipts) + len(errors)


def test_tenants_of_one_bucket_do_not_see_each_other(world: World) -> None:
    world.add("acme")
    world.add("globex")
    world.documents.upload(document("acme"), PDF)

    with pytest.raises(NotFoundError):
        world.documents.find(document("globex"))

    assert PDF == world.documents.open(world.documents.find(document("acme"))).read()
    assert [] == list(world.documents.revisions(document("globex")))


def test_a_removed_revision_is_gone(world: World) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)

    world.documents.remove(receipt)

    with pytest.raises(NotFoundError):
        world.documents.find(document())


def test_a_url_of_before_a_removal_brings_nothing_that_stays(world: World) -> None:
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

"""Tags and storage classes of documents: changed without writing them again, by receipt and by key."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.services import azure_options, keys_of

from kazinex_storage import (
    AccessDeniedError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    IntegrityState,
    NotFoundError,
    NotSupportedError,
    Organisations,
    ReadOnlyError,
    Resolver,
)
from kazinex_storage.documents.events import DocumentReclassed, DocumentTagged, Event
from kazinex_storage.documents.register import new_token
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.servers import AzuriteServer, S3Server

KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
PDF = b"%PDF-1.7 drawing"
TAGS = {"state": "approved"}


class World:
    """One organisation with one place, and what was told."""

    def __init__(self) -> None:
        self.events = list[Event]()
        self.organisations = Organisations(MemoryCatalogue(), guarded=())
        self.resolver = Resolver(self.organisations, on_event=self.events.append)
        self.documents = DocumentStore(self.resolver, by="meier")

    def add(self, kind: str, settings: dict[str, object], label: str = "place") -> str:
        record = self.organisations.add_provider("org-1", kind, label, settings)
        self.organisations.record_verification(record, ok=True)
        self.organisations.set_default("org-1", record.id)
        return record.id


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.resolver.close()
    world.organisations.close()


def memory() -> dict[str, object]:
    return {"name": f"labels-{secrets.token_hex(8)}"}


def test_tags_and_the_class_of_a_document_change_and_its_receipt_still_holds(world: World) -> None:
    provider, documents = world.add("memory", memory()), world.documents
    receipt = documents.upload(KEY, PDF)
    documents.set_tags(receipt, TAGS)
    world.events.clear()

    assert TAGS == documents.tags(receipt) == documents.tags(KEY)
    documents.set_tags(KEY, {**TAGS, "sheet": "1"})
    assert "COLD" == documents.set_storage_class(receipt, "COLD") == documents.storage_class(KEY)

    assert [
        DocumentTagged(document=KEY, provider=provider, tags={**TAGS, "sheet": "1"}, by="meier"),
        DocumentReclassed(document=KEY, provider=provider, storage_class="COLD", by="meier"),
    ] == [event for event in world.events if isinstance(event, DocumentTagged | DocumentReclassed)]
    assert (IntegrityState.INTACT, PDF) == (documents.check(receipt), documents.get_bytes(receipt))
    view = documents.read_only()
    assert ("COLD", "1") == (view.storage_class(receipt), view.tags(KEY)["sheet"])
    with pytest.raises(ReadOnlyError):
        view.set_tags(receipt, {})


def test_they_are_asked_for_where_the_register_has_the_document_and_nowhere_once_it_is_removed(world: World) -> None:
    world.add("memory", memory())
    documents, register = world.documents, world.resolver.revisions
    receipt = documents.upload(KEY, PDF)
    other = world.add("memory", memory(), "Other")
    storage = world.resolver.by_id("org-1", other).storage
    storage.put(KEY.build().removeprefix("org-1/"), PDF)
    record = register.revision(KEY)
    assert record is not None
    assert register.swap_revision(record, replace(record, provider=other, token=new_token()))

    documents.set_tags(receipt, TAGS)

    assert TAGS == storage.tags("bridge/DRG-1/P01/plan.pdf") == documents.tags(receipt) == documents.tags(KEY)
    documents.remove(KEY)
    for document in (receipt, KEY):
        with pytest.raises(NotFoundError):
            documents.tags(document)
        with pytest.raises(NotFoundError):
            documents.set_tags(document, TAGS)


@pytest.mark.asyncio
async def test_the_awaited_twin_does_the_same_and_another_organisation_is_refused(world: World) -> None:
    world.add("memory", memory())
    receipt = world.documents.upload(KEY, PDF)
    ours = AsyncDocumentStore(DocumentStore(world.resolver, organisation="org-1"))
    others = AsyncDocumentStore(DocumentStore(world.resolver, organisation="org-2"))

    await ours.set_tags(receipt, TAGS)
    assert (TAGS, "COLD") == (await ours.tags(KEY), await ours.set_storage_class(KEY, "COLD"))
    for document in (receipt, KEY):
        for call in (others.tags(document), others.set_tags(document, {}), others.storage_class(document)):
            with pytest.raises(AccessDeniedError):
                await call
        with pytest.raises(AccessDeniedError):
            await others.set_storage_class(document, "STANDARD")
    assert (TAGS, "COLD") == (await ours.tags(receipt), await ours.storage_class(receipt))


def test_s3_keeps_tags_and_writes_no_document_again_for_a_class(world: World, ministack_server: S3Server) -> None:
    server, documents = ministack_server, world.documents
    bucket = server.make_bucket()
    world.add("s3", {"bucket": bucket, "region": server.region, **keys_of(server)})
    receipt = documents.upload(KEY, PDF)

    documents.set_tags(receipt, TAGS)

    found = server.client().get_object_tagging(Bucket=bucket, Key=KEY.build())["TagSet"]
    assert [{"Key": "state", "Value": "approved"}] == found
    with pytest.raises(NotSupportedError, match="written once"):
        documents.set_storage_class(receipt, "STANDARD_IA")
    assert documents.storage_class(receipt) in (None, "STANDARD")
    assert IntegrityState.SAME_VERSION == documents.check(receipt, by="version")


def test_azure_moves_a_document_to_another_tier_and_it_is_the_same_version(
    world: World, azurite_server: AzuriteServer
) -> None:
    documents = world.documents
    world.add("azure_blob", {"container": azurite_server.make_container(), **azure_options(azurite_server)})
    receipt = documents.upload(KEY, PDF)

    assert "Cool" == documents.set_storage_class(receipt, "Cool") == documents.storage_class(KEY)
    assert IntegrityState.SAME_VERSION == documents.check(receipt, by="version")
    assert PDF == documents.get_bytes(receipt)

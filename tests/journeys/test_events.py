"""Each use of a document is an event in the name of whoever used it, on every way in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentOpened,
    DocumentRefused,
    DocumentRemoved,
    DocumentStore,
    DocumentUploaded,
    Event,
    FileTypeRefusedError,
    Organisations,
    ProviderResolved,
    Resolver,
    StorageError,
    UnavailableError,
)

PDF = b"%PDF-1.7 drawing"
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "Plan.pdf")


class World(Protocol):
    root: Path
    organisations: Organisations

    def add(self, organisation: str, label: str, *, default: bool = False) -> str: ...


class House:
    """A store whose events are kept."""

    def __init__(self, world: World) -> None:
        self.all: list[Event] = []
        self.provider = world.add("org-1", "disk", default=True)
        self.resolver = Resolver(world.organisations, on_event=self.all.append)
        self.documents = DocumentStore(self.resolver, by="meier")

    @property
    def events(self) -> list[Event]:
        return [event for event in self.all if not isinstance(event, ProviderResolved)]


@pytest.fixture
def house(world: World) -> Iterator[House]:
    made = House(world)
    yield made
    made.resolver.close()


def test_upload_open_and_remove_are_events(house: House, tmp_path: Path) -> None:
    receipt = house.documents.upload(KEY, PDF)
    assert PDF == house.documents.open(receipt).read()
    assert PDF == b"".join(house.documents.stream(KEY))
    assert PDF == house.documents.acting("huber").get_bytes(receipt)
    house.documents.download(KEY, tmp_path / "copy.pdf")
    house.documents.remove(receipt, reason="wrong")
    house.documents.remove(receipt, by="huber")

    of: dict[str, Any] = {"document": KEY, "provider": house.provider, "kind": "local", "label": "disk"}
    uploaded, *opened, removed, again = house.events
    assert DocumentUploaded(**of, size=len(PDF), sha256=receipt.sha256, by="meier") == uploaded
    assert [
        DocumentOpened(**of, how="open", by_receipt=True, by="meier"),
        DocumentOpened(**of, how="stream", by_receipt=False, by="meier"),
        DocumentOpened(**of, how="get_bytes", by_receipt=True, by="huber"),
        DocumentOpened(**of, how="download", by_receipt=False, by="meier"),
    ] == opened
    assert isinstance(removed, DocumentRemoved)
    assert isinstance(again, DocumentRemoved)
    assert ("meier", "meier") == (removed.by, removed.removal.by)
    assert ("huber", "meier") == (again.by, again.removal.by)
    assert all(event.by is not None for event in house.all)


def test_a_refused_upload_is_an_event(house: House, world: World) -> None:
    house.documents.upload(KEY, PDF)
    world.organisations.set_allowlist("org-1", ["pdf"])
    with pytest.raises(AlreadyExistsError):
        house.documents.upload(KEY, PDF)
    with pytest.raises(FileTypeRefusedError):
        house.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P02", "a.exe"), b"MZ")

    refused = house.events[1:]
    assert all(isinstance(event, DocumentRefused) for event in refused)
    assert [("refused", "meier", "bridge", house.provider)] * 2 == [
        (event.outcome, event.by, event.project, event.provider) for event in refused
    ]
    assert ["AlreadyExistsError", "FileTypeRefusedError"] == [event.to_dict()["code"] for event in refused]


def test_a_file_that_came_in_by_a_storage_is_an_event_too(house: House) -> None:
    house.resolver.acting("job").storage_for("org-1", "bridge").put("bridge/DRG-1/P01/Plan.pdf", PDF)

    (event,) = house.events
    assert isinstance(event, DocumentUploaded)
    assert (KEY, "job", len(PDF)) == (event.document, event.by, event.size)

    house.resolver.acting("cleaner").storage_for("org-1", "bridge").delete("bridge/DRG-1/P01/Plan.pdf")

    removed = house.events[-1]
    assert isinstance(removed, DocumentRemoved)
    assert ("cleaner", "cleaner") == (removed.by, removed.removal.by)
    DocumentStore(house.resolver.acting("huber")).remove(KEY)
    assert "huber" == house.events[-1].by


def test_events_of_asyncio_are_the_same(house: House) -> None:
    async def use() -> None:
        documents = AsyncDocumentStore(house.documents, by="huber")
        await documents.upload(KEY, PDF)
        assert PDF == b"".join([chunk async for chunk in documents.acting("job").stream(KEY)])

    asyncio.run(use())

    assert [("document.uploaded", "huber"), ("document.opened", "job")] == [
        (event.name, event.by) for event in house.events
    ]


def test_an_upload_that_the_host_cannot_be_told_of_is_taken_back(world: World) -> None:
    world.add("org-1", "disk", default=True)

    def refuse(event: Event) -> None:
        if isinstance(event, DocumentUploaded):
            raise UnavailableError("the audit does not answer")

    resolver = Resolver(world.organisations, on_event=refuse)
    documents = DocumentStore(resolver)
    with pytest.raises(StorageError, match="the audit does not answer"):
        documents.upload(KEY, PDF)
    resolver.close()

    quiet = Resolver(world.organisations)
    assert world.organisations.catalogue.revisions.revision(KEY) is None
    assert [] == DocumentStore(quiet).revisions(KEY)
    DocumentStore(quiet).upload(KEY, PDF)
    quiet.close()

"""Removed documents are kept for a while: brought back as they were, or removed for good; nobody else reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentPurged,
    DocumentStore,
    DocumentUndeleted,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    Organisations,
    QuotaExceededError,
    Resolver,
    verify_provider,
)
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.providers.memory import SHELVES
from kazinex_storage.storage.sweeping import sweep
from kazinex_storage.storage.trash import Trash

PDF = b"%PDF-1.7 drawing"
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "Plan Ü 1.pdf")


class World(Protocol):
    root: Path
    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore
    add: Callable[..., str]


def files(world: World) -> list[str]:
    """Return the files of the organisation as the disk has them."""
    folder = world.root / "shared" / "org-1"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def keeping(world: World, keep: timedelta | None) -> Resolver:
    resolver = Resolver(world.organisations)
    resolver.keep_removed = keep
    return resolver


@pytest.mark.parametrize("by_receipt", [False, True])
def test_a_removed_document_comes_back_as_it_was(world: World, by_receipt: bool) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)
    world.documents.remove(receipt, by="müller", reason="wrong drawing")
    (removed,) = world.documents.removed("org-1")

    back = world.documents.undelete(receipt if by_receipt else KEY)

    assert (KEY, len(PDF), "müller", "wrong drawing") == (
        removed.document,
        removed.size,
        removed.removal.by,
        removed.removal.reason,
    )
    assert removed.expires_at is not None
    assert timedelta(days=29) < removed.expires_at - removed.removal.at < timedelta(days=31)
    assert (receipt.sha256, receipt.key) == (back.sha256, back.key)
    assert PDF == world.documents.get_bytes(back)
    assert [KEY] == [found.document for found in world.documents.revisions(KEY)]
    assert [] == world.documents.removed("org-1")
    with pytest.raises(AlreadyExistsError):
        world.documents.undelete(KEY)


def test_what_is_removed_is_in_no_listing_and_under_no_key(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.remove(world.documents.upload(KEY, PDF))
    storage = world.resolver.storage_for("org-1")
    folders: Any = OrganisationFileSystem(resolver=world.resolver)
    (kept,) = files(world)

    assert kept.startswith(".trash/bridge/DRG-1/P01/Plan Ü 1.pdf/")
    assert [] == list(storage.list()) + list(storage.list(recursive=False))
    assert [] == folders.find("org-1") + folders.ls("org-1")
    for named in (kept, kept.upper().replace("BRIDGE", "bridge"), ".trash/x"):
        with pytest.raises(InvalidKeyError):
            storage.get_bytes(named)
        with pytest.raises((InvalidKeyError, FileNotFoundError)):
            folders.cat_file(f"org-1/{named}")
    with pytest.raises(InvalidKeyError):
        storage.put(kept, b"other")
    with pytest.raises(InvalidKeyError):
        world.documents.upload(DocumentKey("org-1", ".trash", "DRG-1", "P01", "a.pdf"), PDF)
    with pytest.raises(NotSupportedError, match="DocumentStore"):
        storage.undelete("bridge/DRG-1/P01/Plan Ü 1.pdf")


def test_a_purged_document_is_gone_and_its_revision_stays_taken(world: World) -> None:
    events: list[object] = []
    world.add("org-1", "disk", default=True)
    with closing(Resolver(world.organisations, on_event=events.append)) as resolver:
        documents = DocumentStore(resolver, organisation="org-1", by="müller")
        documents.upload(KEY, PDF)
        with pytest.raises(AlreadyExistsError):
            documents.purge(KEY)
        documents.remove(KEY)
        documents.undelete(KEY, by="meier")
        documents.remove(KEY, purge=True, reason="personal data")
        other = DocumentKey("org-1", "bridge", "DRG-1", "P02", "b.pdf")
        documents.upload(other, PDF)
        documents.remove(other)
        documents.purge(other)
        documents.purge(other)

    assert [] == files(world)
    assert [] == world.documents.removed("org-1")
    for key in (KEY, other):
        with pytest.raises(NotFoundError):
            world.documents.undelete(key)
        with pytest.raises(AlreadyExistsError):
            world.documents.upload(key, b"other")
    assert [DocumentUndeleted(document=KEY, provider=world.resolver.chosen("org-1").provider, by="meier")] == [
        event for event in events if isinstance(event, DocumentUndeleted)
    ]
    assert DocumentPurged(document=KEY, reason="personal data", by="müller") in events


def test_other_organisations_see_and_bring_back_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.add("org-2", "disk", default=True)
    world.documents.remove(world.documents.upload(KEY, PDF))
    bound = DocumentStore(world.resolver, organisation="org-2")

    assert [] == bound.removed()
    for asked in (lambda: bound.removed("org-1"), lambda: bound.undelete(KEY), lambda: bound.purge(KEY)):
        with pytest.raises(AccessDeniedError):
            asked()
    assert 1 == len(world.documents.removed("org-1", "bridge"))
    assert [] == world.documents.removed("org-1", "tunnel")


def test_what_was_removed_takes_room_again_only_when_it_comes_back(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.organisations.set_quota("org-1", max_bytes=len(PDF) + 4)
    other = DocumentKey("org-1", "bridge", "DRG-1", "P02", "b.pdf")
    world.documents.upload(KEY, PDF)
    world.documents.remove(KEY)
    world.documents.upload(other, b"%PDF-")

    with pytest.raises(QuotaExceededError):
        world.documents.undelete(KEY)

    assert (1, 5) == (world.organisations.usage("org-1").objects, world.organisations.usage("org-1").bytes)
    world.documents.remove(other)
    assert PDF == world.documents.get_bytes(world.documents.undelete(KEY))
    assert (1, len(PDF)) == (world.organisations.usage("org-1").objects, world.organisations.usage("org-1").bytes)


def test_an_undelete_that_was_killed_before_the_register_is_repeated(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.remove(world.documents.upload(KEY, PDF))
    storage = world.resolver.chosen("org-1").storage
    storage.transport.run(storage.operations.history.bring_back("bridge/DRG-1/P01/Plan Ü 1.pdf", None))

    assert PDF == world.documents.get_bytes(world.documents.undelete(KEY))


def test_what_was_removed_long_ago_is_swept(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.remove(world.documents.upload(KEY, PDF))
    with closing(keeping(world, timedelta(0))) as resolver:
        storage = resolver.storage_for("org-1")

        assert 0 == sweep(world.resolver.storage_for("org-1"), dry_run=False).expired
        assert (1, 0) == (sweep(storage).expired, sweep(storage).removed)
        assert (1, 1) == ((report := sweep(storage, dry_run=False)).expired, report.removed)

    assert [] == files(world)
    assert Trash(root=storage.prefix, keep=timedelta(0)).folder == "org-1/.trash/"


def test_a_host_may_keep_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    with closing(keeping(world, None)) as resolver:
        documents = DocumentStore(resolver)
        documents.remove(documents.upload(KEY, PDF))

        assert [] == documents.removed("org-1")
    assert [] == files(world)


def test_the_same_for_asyncio(world: World) -> None:
    world.add("org-1", "disk", default=True)
    documents = AsyncDocumentStore(world.documents)

    async def run() -> bytes:
        await documents.remove(await documents.upload(KEY, PDF))
        assert 1 == len(await documents.removed("org-1"))
        receipt = await documents.undelete(KEY)
        data = await documents.get_bytes(receipt)
        await documents.remove(receipt)
        await documents.purge(receipt)
        return data

    assert PDF == asyncio.run(run())
    assert [] == files(world)


def test_objects_that_are_no_documents_come_back_by_their_storage(world: World) -> None:
    world.add("org-1", "disk", default=True)
    storage = world.resolver.storage_for("org-1")
    storage.put("notes/today.txt", b"note")
    storage.delete_many(["notes/today.txt"])

    assert ["notes/today.txt"] == [one.key for one in storage.deleted("notes/")]
    assert 4 == storage.undelete("notes/today.txt").size
    assert b"note" == storage.get_bytes("notes/today.txt")


def test_where_the_place_keeps_what_is_deleted_nothing_is_moved(world: World) -> None:
    name = f"recovering {world.root}"
    record = world.organisations.add_provider("org-1", "memory", "Versioned", {"name": name, "versioned": True})
    assert verify_provider(world.organisations, "org-1", record.id).ok
    world.organisations.set_default("org-1", record.id)
    receipt = world.documents.upload(KEY, PDF)
    shelf = SHELVES.get(name)
    world.documents.remove(receipt)

    (removed,) = world.documents.removed("org-1")

    assert removed.expires_at is None
    assert [] == [key for key in shelf.objects if ".trash" in key]
    assert receipt.sha256 == world.documents.undelete(KEY).sha256
    world.documents.remove(KEY, purge=True)
    assert [] == [key for key in shelf.earlier if shelf.earlier[key] and "verify" not in key]


@pytest.mark.parametrize("recursive", [False, True])
def test_a_document_that_fsspec_removed_comes_back(world: World, recursive: bool) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.upload(KEY, PDF)
    folders: Any = OrganisationFileSystem(resolver=world.resolver)

    folders.rm("org-1/bridge" if recursive else str(KEY.build()), recursive=recursive)

    assert [KEY] == [removed.document for removed in world.documents.removed("org-1")]
    assert PDF == world.documents.get_bytes(world.documents.undelete(KEY))

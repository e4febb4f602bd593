"""What is kept is neither changed nor removed through any door of an organisation, until that ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from kazinex_storage import (
    BulkError,
    DocumentKey,
    DocumentStore,
    Event,
    NotFoundError,
    Organisations,
    Resolver,
    RetentionError,
    RetentionMode,
    Storage,
)
from kazinex_storage.documents.register import kinds_of
from kazinex_storage.fs import OrganisationFileSystem

PDF = b"%PDF-1.7 drawing"
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
REST = "bridge/DRG-1/P01/plan.pdf"
LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


class World(Protocol):
    root: Path
    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore
    add: Callable[..., str]


def _by_file_system(world: World) -> None:
    try:
        OrganisationFileSystem(resolver=world.resolver, organisation="org-1").rm_file(KEY.build())
    except BulkError as error:
        raise error.failures[0] from error


_REMOVALS: dict[str, Callable[[World], object]] = {
    "remove": lambda world: world.documents.remove(KEY),
    "remove by receipt": lambda world: world.documents.remove(world.documents.find(KEY)),
    "remove for good": lambda world: world.documents.remove(KEY, purge=True),
    "delete": lambda world: world.resolver.storage_for("org-1").delete(REST),
    "move": lambda world: world.resolver.storage_for("org-1").move(REST, "bridge/DRG-1/P02/plan.pdf"),
    "fsspec": _by_file_system,
}


def test_what_is_retained_or_held_is_removed_through_no_door_until_that_ends(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)
    ends: list[tuple[Callable[[], object], Callable[[], object], tuple[datetime | None, str | None]]] = [
        (
            lambda: world.documents.retain(receipt, LATER),
            lambda: world.documents.lift_retention(receipt, by="müller", reason="scanned wrongly"),
            (LATER, None),
        ),
        (
            lambda: world.documents.hold(receipt, "case 7", by="meier"),
            lambda: world.documents.release(receipt, by="meier"),
            (None, "case 7"),
        ),
    ]

    for begin, end, expected in ends:
        begin()
        for door, remove in _REMOVALS.items():
            with pytest.raises(RetentionError) as caught:
                remove(world)
            assert expected == (caught.value.until, caught.value.reason), door
        assert PDF == world.documents.get_bytes(receipt)
        end()

    world.documents.remove(receipt)
    with pytest.raises(NotFoundError):
        world.documents.find(KEY)


def test_one_that_is_kept_does_not_keep_the_others_of_a_bulk_delete(world: World) -> None:
    world.add("org-1", "disk", default=True)
    other = DocumentKey("org-1", "bridge", "DRG-2", "P01", "plan.pdf")
    world.documents.upload(other, PDF)
    world.documents.hold(world.documents.upload(KEY, PDF), "case 7")
    storage = world.resolver.storage_for("org-1")

    with pytest.raises(BulkError) as caught:
        storage.delete_many(["bridge/DRG-2/P01/plan.pdf", REST])

    assert [("RetentionError", REST)] == [
        (type(each).__name__, getattr(each, "key", None)) for each in caught.value.failures
    ]
    assert [REST] == [info.key for info in storage.list()]


def test_a_retention_is_made_longer_but_neither_shorter_nor_weaker(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)
    world.documents.retain(receipt, LATER)

    longer = world.documents.retain(receipt, LATER + timedelta(days=1), RetentionMode.COMPLIANCE)

    with pytest.raises(RetentionError):
        world.documents.retain(receipt, LATER, RetentionMode.COMPLIANCE)
    with pytest.raises(RetentionError):
        world.documents.retain(receipt, LATER + timedelta(days=2))
    with pytest.raises(RetentionError):
        world.documents.lift_retention(receipt, by="müller", reason="please")
    with pytest.raises(ValueError, match="passed"):
        world.documents.retain(receipt, datetime.now(UTC) - timedelta(days=1))
    assert longer == world.documents.retention(receipt)
    assert (RetentionMode.COMPLIANCE, "ours") == (longer.retention and longer.retention.mode, longer.enforced_by)


def test_what_is_said_of_a_document_is_told_as_events_and_kept_once(world: World) -> None:
    seen: list[Event] = []
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)
    resolver = Resolver(world.organisations, on_event=seen.append)
    documents = DocumentStore(resolver, by="meier")

    documents.retain(receipt, LATER, reason="contract")
    documents.retain(receipt, LATER)
    documents.hold(receipt, "case 7")
    documents.hold(receipt, "case 8")
    with pytest.raises(RetentionError):
        documents.remove(receipt)
    documents.release(receipt)
    documents.release(receipt)
    documents.lift_retention(receipt, by="müller", reason="wrong")

    told = [(event.name, event.by) for event in seen if event.name.startswith("document.")]
    assert [
        ("document.retained", "meier"),
        ("document.held", "meier"),
        ("document.refused", "meier"),
        ("document.released", "meier"),
        ("document.unretained", "müller"),
    ] == told
    resolver.close()


def test_new_documents_are_kept_for_as_long_as_their_project_or_else_the_organisation_says(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.organisations.set_retention("org-1", None, timedelta(days=10))
    world.organisations.set_retention("org-1", "tunnel", timedelta(days=20), RetentionMode.COMPLIANCE)
    world.organisations.set_retention("org-1", "free", None)
    found = []
    for project in ("bridge", "tunnel", "free"):
        receipt = world.documents.upload(DocumentKey("org-1", project, "DRG-1", "P01", "plan.pdf"), PDF)
        kept = world.documents.retention(receipt).retention
        found.append((kept and round((kept.until - datetime.now(UTC)) / timedelta(days=1)), kept and kept.mode))

    assert [(10, RetentionMode.GOVERNANCE), (20, RetentionMode.COMPLIANCE), (None, None)] == found
    with pytest.raises(RetentionError):
        world.documents.remove(KEY)


def test_an_upload_that_is_undone_leaves_no_retention(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded a moment ago can be withdrawn, although a default keeps it."""
    world.add("org-1", "disk", default=True)
    world.organisations.set_retention("org-1", None, timedelta(days=10))
    register = world.organisations.catalogue.revisions
    receipt = world.documents.upload(KEY, PDF)
    record = register.revision(KEY)
    assert record is not None

    withdrawn = register.swap_revision(record, None)

    assert withdrawn
    assert kinds_of(record, None).withdraws
    assert not world.documents.retention(receipt).keeps()


def test_another_organisation_sees_and_changes_nothing_of_it(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)
    bound = DocumentStore(world.resolver, organisation="org-2")

    with pytest.raises(PermissionError):
        bound.retain(receipt, LATER)
    with pytest.raises(PermissionError):
        bound.hold(receipt, "case 7")
    with pytest.raises(PermissionError):
        bound.retention(receipt)


def test_a_file_that_no_register_knew_is_recorded_before_it_is_kept(world: World) -> None:
    provider = world.add("org-1", "disk", default=True)
    Storage.put(world.resolver.by_id("org-1", provider).storage, REST, PDF)

    state = world.documents.hold(KEY, "case 7")

    assert state.provider == provider
    with pytest.raises(RetentionError, match="case 7"):
        world.documents.remove(KEY)

"""A document that lies on another provider than its receipt says: read, checked and removed by the old receipt."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AsyncDocumentStore,
    ByteRange,
    DocumentKey,
    DocumentOpened,
    DocumentRemoved,
    DocumentStore,
    IntegrityError,
    IntegrityState,
    LockedError,
    NotFoundError,
    Organisations,
    RecordNotFoundError,
    Resolver,
    SettingsError,
    StoredDocument,
)
from kazinex_storage.documents.register import new_token
from kazinex_storage.documents.ticket_register import TicketRecord
from kazinex_storage.migration.journal import Entry, EntryState, Run, RunKind, RunState
from kazinex_storage.providers.local import LocalProvider

PDF = b"%PDF-1.7 drawing"
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "Plan Ü 1.pdf")


class World(Protocol):
    root: Path
    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore
    add: Callable[..., str]


def file(world: World, folder: str, key: DocumentKey = KEY) -> Path:
    return world.root / folder / key.build()


def bring(world: World, receipt: StoredDocument, to: str, folders: tuple[str, str], data: bytes | None = None) -> None:
    """Copy the bytes, and let the register follow, as a run does; the old ones stay."""
    there = file(world, folders[1], receipt.document)
    there.parent.mkdir(parents=True)
    there.write_bytes(data if data is not None else file(world, folders[0], receipt.document).read_bytes())
    register = world.organisations.catalogue.revisions
    seen = register.revision(receipt.document)
    assert seen is not None
    after = replace(seen, provider=to, token=new_token())
    if data is not None:
        after = replace(after, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    assert register.swap_revision(seen, after)


def journalled(
    world: World, source: str, target: str, state: EntryState = EntryState.COPIED, kind: RunKind = RunKind.COPY
) -> Run:
    """Let the journal have a run that left the document as *state* says."""
    journal = world.organisations.catalogue.journal
    begun = Run(organisation="org-1", id="run-1", kind=kind, source=source, target=target, begun_at=datetime.now(UTC))
    run = journal.add_run(begun)
    key = KEY.build().removeprefix("org-1/")
    journal.add_entries(run, [Entry(number=0, key=key, size=len(PDF))])
    etag = world.resolver.by_id("org-1", target).storage.head(key).etag
    (entry,) = journal.entries(run)
    sha256 = hashlib.sha256(PDF).hexdigest()
    journal.record(run, [replace(entry, state=state, sha256=sha256, target_etag=etag)])
    return run


@pytest.fixture
def moved(world: World) -> StoredDocument:
    """A document that was uploaded to A, and is on B alone."""
    world.add("org-1", "A", "a", default=True)
    receipt = world.documents.upload(KEY, PDF)
    bring(world, receipt, world.add("org-1", "B", "b"), ("a", "b"))
    file(world, "a").unlink()
    return receipt


def test_an_old_receipt_reads_the_document_where_it_is_now(world: World, moved: StoredDocument, tmp_path: Path) -> None:
    documents = world.documents

    documents.download(moved, tmp_path / "copy.pdf")

    assert PDF == documents.get_bytes(moved) == documents.open(moved).read() == b"".join(documents.stream(moved))
    assert PDF[3:7] == documents.get_bytes(moved, ByteRange(start=3, end=7))
    assert PDF == (tmp_path / "copy.pdf").read_bytes()


def test_an_old_receipt_reads_it_on_a_loop_too(world: World, moved: StoredDocument, tmp_path: Path) -> None:
    async def read() -> tuple[bytes, bytes, IntegrityState]:
        documents = AsyncDocumentStore(world.documents)
        await documents.download(moved, tmp_path / "copy.pdf")
        streamed = b"".join([chunk async for chunk in documents.stream(moved)])
        return await documents.get_bytes(moved), streamed, await documents.check(moved)

    assert (PDF, PDF, IntegrityState.INTACT) == asyncio.run(read())
    assert PDF == (tmp_path / "copy.pdf").read_bytes()


def test_a_receipt_without_a_sha256_is_proven_by_that_of_the_register(world: World, moved: StoredDocument) -> None:
    receipt = replace(moved, sha256=None)
    assert PDF == world.documents.get_bytes(receipt)

    file(world, "b").write_bytes(b"%PDF-1.7 DRAWING")

    with pytest.raises(IntegrityError):
        world.documents.get_bytes(receipt)


def test_a_check_by_an_old_receipt_reads_what_is_there_now(world: World, moved: StoredDocument) -> None:
    assert IntegrityState.INTACT is world.documents.check(moved)
    assert IntegrityState.UNKNOWN is world.documents.check(moved, by="version")

    file(world, "b").write_bytes(b"%PDF-1.7 DRAWING")

    assert IntegrityState.TAMPERED is world.documents.check(moved)
    with pytest.raises(IntegrityError):
        world.documents.get_bytes(moved)


def test_the_event_names_the_provider_that_the_bytes_come_from(world: World, moved: StoredDocument) -> None:
    events: list[Any] = []
    resolver = Resolver(world.organisations, on_event=events.append)

    DocumentStore(resolver).get_bytes(moved)

    to = world.organisations.find("org-1", "B").id
    assert [to] == [event.provider for event in events if isinstance(event, DocumentOpened)]
    resolver.close()


def test_the_register_is_not_asked_while_the_provider_has_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("org-1", "A", "a", default=True)
    receipt = world.documents.upload(KEY, PDF)

    def refuse(*_: object) -> None:
        raise AssertionError("the register was asked")

    monkeypatch.setattr(type(world.organisations.catalogue.revisions), "revision", refuse)

    assert PDF == world.documents.get_bytes(receipt)
    assert IntegrityState.INTACT is world.documents.check(receipt)


def test_a_receipt_of_a_provider_that_was_removed_reads_where_it_is_now(world: World, moved: StoredDocument) -> None:
    world.organisations.set_default("org-1", "B")
    world.organisations.remove_provider("org-1", "A")

    assert PDF == world.documents.get_bytes(moved)
    world.documents.remove(moved)

    assert not file(world, "b").exists()
    with pytest.raises(RecordNotFoundError):
        world.documents.get_bytes(moved)


def test_what_was_tampered_with_at_the_provider_of_the_receipt_is_not_hidden(world: World) -> None:
    world.add("org-1", "A", "a", default=True)
    receipt = world.documents.upload(KEY, PDF)
    bring(world, receipt, world.add("org-1", "B", "b"), ("a", "b"))
    file(world, "a").write_bytes(b"%PDF-1.7 DRAWING")

    assert IntegrityState.TAMPERED is world.documents.check(receipt)
    with pytest.raises(IntegrityError):
        world.documents.get_bytes(receipt)


def test_a_removed_revision_is_not_read_anywhere(world: World, moved: StoredDocument) -> None:
    kept = file(world, "b").read_bytes()
    world.documents.remove(moved)
    file(world, "b").parent.mkdir(parents=True, exist_ok=True)
    file(world, "b").write_bytes(kept)  # what a backup brought back

    with pytest.raises(NotFoundError):
        world.documents.get_bytes(moved)
    with pytest.raises(NotFoundError):
        world.documents.check(moved)


def test_a_document_that_is_nowhere_is_not_found_where_its_receipt_says(world: World, moved: StoredDocument) -> None:
    file(world, "b").unlink()

    with pytest.raises(NotFoundError):
        world.documents.get_bytes(moved)


def test_bytes_that_were_accepted_when_it_moved_have_to_be_accepted_again(world: World, tmp_path: Path) -> None:
    """A service had rewritten the file, and a run was told to take it as it was."""
    world.add("org-1", "A", "a", default=True)
    receipt = world.documents.upload(KEY, PDF)
    rewritten = PDF + b" with properties of the library"
    bring(world, receipt, world.add("org-1", "B", "b"), ("a", "b"), rewritten)
    file(world, "a").unlink()

    for read in (world.documents.get_bytes, world.documents.open, world.documents.stream):
        with pytest.raises(IntegrityError, match="accept_rewritten=True"):
            read(receipt)
    assert rewritten == world.documents.get_bytes(receipt, accept_rewritten=True)
    world.documents.download(receipt, tmp_path / "copy.pdf", accept_rewritten=True)
    assert rewritten == (tmp_path / "copy.pdf").read_bytes()
    assert IntegrityState.UNKNOWN is world.documents.check(receipt)


def test_a_receipt_of_another_organisation_or_an_altered_one_follows_nothing(
    world: World, moved: StoredDocument
) -> None:
    bound = DocumentStore(world.resolver, organisation="org-2")

    with pytest.raises(AccessDeniedError, match="nothing was looked up"):
        bound.get_bytes(moved)
    with pytest.raises(SettingsError, match="was altered"):
        world.documents.get_bytes(replace(moved, key="org-1/bridge/DRG-9/P01/other.pdf"))


def test_removing_by_an_old_receipt_removes_it_where_it_is_now(world: World, moved: StoredDocument) -> None:
    world.documents.remove(moved, by="müller")

    assert not file(world, "b").exists()
    found = world.organisations.catalogue.revisions.revision(KEY)
    assert found is not None
    assert found.removal is not None
    assert "müller" == found.removal.by


def test_removing_by_a_receipt_of_before_the_copy_leaves_nothing_on_either_side(world: World) -> None:
    world.add("org-1", "A", "a", default=True)
    receipt = world.documents.upload(KEY, PDF)
    bring(world, receipt, world.add("org-1", "B", "b"), ("a", "b"))
    events: list[Any] = []
    resolver = Resolver(world.organisations, on_event=events.append)

    DocumentStore(resolver).remove(receipt)

    assert not file(world, "a").exists()
    assert not file(world, "b").exists()
    assert 1 == len([event for event in events if isinstance(event, DocumentRemoved)])
    with pytest.raises(NotFoundError):
        world.documents.find(KEY)
    resolver.close()


def test_what_the_journal_knows_pins_the_version_that_was_proven(world: World, moved: StoredDocument) -> None:
    journalled(world, moved.provider, world.organisations.find("org-1", "B").id)
    assert IntegrityState.SAME_VERSION is world.documents.check(moved, by="version")
    assert PDF[:4] == world.documents.get_bytes(moved, ByteRange(end=4))

    file(world, "b").write_bytes(b"%PDX-1.7 drawing")

    with pytest.raises(IntegrityError, match="another version"):
        world.documents.get_bytes(moved, ByteRange(end=4))


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("kind", [RunKind.COPY, RunKind.MIRROR])
def test_removing_by_a_receipt_removes_what_a_run_has_left_on_its_source_or_target(
    world: World, ended: bool, kind: RunKind
) -> None:
    old = world.add("org-1", "A", "a", default=True)
    receipt, new = world.documents.upload(KEY, PDF), world.add("org-1", "B", "b")
    bring(world, receipt, new, ("a", "b"))
    run = journalled(world, old, new, kind=kind)
    if ended:
        world.organisations.catalogue.journal.replace_run(replace(run, state=RunState.ENDED))
    if kind is RunKind.COPY:
        receipt = replace(receipt, provider=new, etag=None)  # of what was found after the move

    world.documents.remove(receipt)

    assert not file(world, "a").exists()
    assert not file(world, "b").exists()


def test_a_removal_through_a_storage_removes_what_a_run_has_left_too(world: World) -> None:
    old = world.add("org-1", "A", "a", default=True)
    receipt, new = world.documents.upload(KEY, PDF), world.add("org-1", "B", "b")
    bring(world, receipt, new, ("a", "b"))
    journalled(world, old, new)

    world.resolver.storage_of("org-1", new).delete(KEY.build().removeprefix("org-1/"))

    assert not file(world, "a").exists()
    assert not file(world, "b").exists()


def test_a_removal_through_the_former_storage_does_not_remove_what_has_moved(world: World) -> None:
    """Whoever cleans up the source by hand loses nothing."""
    old = world.add("org-1", "A", "a", default=True)
    receipt, new = world.documents.upload(KEY, PDF), world.add("org-1", "B", "b")
    bring(world, receipt, new, ("a", "b"))
    journalled(world, old, new)

    world.resolver.storage_of("org-1", old).delete_many([KEY.build().removeprefix("org-1/")])

    assert not file(world, "a").exists()
    assert PDF == world.documents.get_bytes(receipt)


def test_a_removal_that_one_side_refuses_removes_the_other_and_can_be_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = world.add("org-1", "A", "a", default=True)
    receipt, new = world.documents.upload(KEY, PDF), world.add("org-1", "B", "b")
    bring(world, receipt, new, ("a", "b"))
    journalled(world, old, new, EntryState.RETAINED)
    delete, place = LocalProvider.delete, world.resolver.by_id("org-1", old).storage.info.place

    def refuse(self: LocalProvider, key: Any) -> None:
        if self.info.place == place:
            raise LockedError("kept until 2030")
        delete(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(LocalProvider, "delete", refuse)
        with pytest.raises(LockedError):
            world.documents.remove(receipt)

    assert file(world, "a").exists()
    assert not file(world, "b").exists()
    world.documents.remove(receipt)
    assert not file(world, "a").exists()


def test_the_end_of_an_old_ticket_deletes_nothing_from_the_source_of_a_run(world: World) -> None:
    """Only a prune does; the sweep of tickets takes what was moved for recorded."""
    old = world.add("org-1", "A", "a", default=True)
    receipt, new = world.documents.upload(KEY, PDF), world.add("org-1", "B", "b")
    bring(world, receipt, new, ("a", "b"))
    ends, resolved = world.documents.operations.direct._ends, world.resolver.by_id("org-1", old)
    ticket = TicketRecord(
        id="t-1",
        document=KEY,
        provider=old,
        size=len(PDF),
        content_type=None,
        sha256=None,
        plan="parts",
        state="",
        begun_at=datetime.now(UTC),
        expires_at=datetime.now(UTC),
    )
    assert not world.resolver.transport.run(ends.is_recorded(ticket, resolved))

    journalled(world, old, new)

    assert world.resolver.transport.run(ends.is_recorded(ticket, resolved))


def test_what_a_document_takes_up_moves_with_it(world: World) -> None:
    before = world.add("org-1", "A", "a", default=True)
    receipt = world.documents.upload(KEY, PDF)
    after = world.add("org-1", "B", "b")

    bring(world, receipt, after, ("a", "b"))

    usage = world.organisations.usage("org-1").usage
    assert {before: (0, 0), after: (1, len(PDF))} == {used.provider: (used.objects, used.bytes) for used in usage}


def test_removing_a_document_leaves_the_count_of_other_objects_alone(world: World) -> None:
    world.add("org-1", "A", "a", default=True)
    world.organisations.set_quota("org-1", max_bytes=1000)
    receipt = world.documents.upload(KEY, PDF)
    world.resolver.storage_for("org-1").put("bridge/notes.txt", b"notes")

    world.documents.remove(receipt)

    assert [(0, 0, 1, 5)] == [
        (used.objects, used.bytes, used.other_objects, used.other_bytes)
        for used in world.organisations.usage("org-1").usage
    ]

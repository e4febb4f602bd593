"""What goes with a run: its events, in the transaction of the journal, and the receipts of what it has moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import (
    DocumentKey,
    DocumentsMoved,
    DocumentStore,
    Event,
    IntegrityState,
    NotFoundError,
    Organisations,
    Resolver,
    RunBegun,
    RunEnded,
    StoredDocument,
)
from kazinex_storage.migration.journal import PARTITION_ENTRIES, EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.mirroring import end_mirror, mirror
from kazinex_storage.migration.telling import entries_sha256
from kazinex_storage.organisations import AuditLog, AuditQuery, KeyRing, Sealer, SqlCatalogue

PDF = b"%PDF-1.7 drawing"
TOLD = (RunBegun.name, DocumentsMoved.name, RunEnded.name)


class World:
    """An organisation with two disks and an audit, in a catalogue on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalogue = SqlCatalogue(root / "catalogue.db", Sealer(KeyRing.generate()))
        self.audit = AuditLog(self.catalogue)
        self.organisations = Organisations(self.catalogue, on_event=self.audit)
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)
        self.old, self.new = self.add("old"), self.add("new")
        self.organisations.set_default("acme", self.old)

    def add(self, label: str) -> str:
        (self.root / label).mkdir()
        settings = {"root": str(self.root / label), "durable": False}
        record = self.organisations.add_provider("acme", "local", label, settings)
        return self.organisations.record_verification(record, ok=True).id

    def store(self, document: str = "DRG-1") -> StoredDocument:
        return self.documents.upload(DocumentKey("acme", "bridge", document, "P01", "Plan Ü 1.pdf"), PDF)

    def files(self, label: str, *, kept: bool = False) -> int:
        """Return how many files a provider holds: those that are stored, or those *kept* after their removal."""
        found = [path for path in (self.root / label).rglob("Plan*") if path.is_file()]
        return sum(1 for path in found if (".trash" in path.parts) is kept)

    def migration(self, resolver: Resolver | None = None) -> Migration:
        return Migration(resolver or self.resolver, "acme", "old", "new", by="müller")

    def told(self) -> list[str]:
        found = self.audit.query("acme", AuditQuery(limit=1000))
        return [entry.event for entry in found if entry.event in TOLD]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.resolver.close()
    world.organisations.close()


def test_the_audit_has_one_entry_for_a_partition(world: World) -> None:
    old = world.resolver.storage_of("acme", world.old)
    old.put_many((f"bridge/notes/{number:04}.txt", b"note") for number in range(PARTITION_ENTRIES + 1))
    world.store()

    report = world.migration().copy()

    assert report.complete
    assert ["run.begun", "documents.moved", "documents.moved", "run.ended"] == world.told()
    found = world.audit.query("acme", AuditQuery(event="documents.moved"))
    entries = world.catalogue.journal.entries(report.run)
    cut = PARTITION_ENTRIES
    assert {0: entries_sha256(entries[:cut]), 1: entries_sha256(entries[cut:])} == {
        entry.said()["partition"]: entry.said()["sha256"]
        for entry in found  # whichever ended first
    }
    assert {"müller"} == {entry.by for entry in found}
    assert world.audit.verify_audit("acme").ok


def test_a_run_that_goes_on_does_not_begin_again(world: World) -> None:
    world.store()
    world.migration().copy()
    world.store("DRG-2")

    world.migration().copy()

    assert ["run.begun", "documents.moved", "run.ended", "documents.moved", "run.ended"] == world.told()


def test_a_mirror_begins_once_and_ends_when_it_is_ended(world: World) -> None:
    world.store()
    for _ in range(2):
        assert mirror(world.migration()).complete

    end_mirror(world.migration())

    assert ["run.begun", "documents.moved", "run.ended"] == world.told()


def test_what_the_audit_cannot_keep_is_not_recorded_as_moved(world: World) -> None:
    """The hook fails in the transaction of journal and register: all of it is undone, and the next pass proves it."""
    receipt = world.store()

    def refuse(event: Event) -> None:
        if event.name == DocumentsMoved.name:
            raise RuntimeError("the audit is full")

    refusing = Resolver(world.organisations, on_event=refuse)
    with pytest.raises(RuntimeError, match="the audit is full"):
        world.migration(refusing).copy()
    refusing.close()
    run = world.migration().run
    assert run is not None
    assert [EntryState.PLANNED] == [entry.state for entry in world.catalogue.journal.entries(run)]
    record = world.resolver.revisions.revision(receipt.document)
    assert record is not None
    assert world.old == record.provider

    report = world.migration().copy()

    assert report.complete
    assert [EntryState.SAME] == [entry.state for entry in world.catalogue.journal.entries(run)]
    assert 1 == world.told().count("documents.moved")


def test_receipts_of_before_a_run_are_good_after_the_source_is_gone(world: World) -> None:
    receipt = world.store()
    world.migration().copy()
    (world.root / "old" / receipt.key).unlink()

    assert PDF == world.documents.get_bytes(receipt)
    assert IntegrityState.INTACT is world.documents.check(receipt)
    assert IntegrityState.SAME_VERSION is world.documents.check(receipt, by="version")
    usage = {used.provider: used.all_objects for used in world.organisations.usage("acme").usage}
    assert {world.old: 0, world.new: 1} == usage


@pytest.mark.parametrize("found_after", [False, True])
def test_removing_by_any_receipt_leaves_nothing_on_either_side(world: World, found_after: bool) -> None:
    receipt = world.store()
    world.migration().copy()
    if found_after:
        world.organisations.set_default("acme", world.new)
        receipt = world.documents.find(receipt.document)
        assert world.new == receipt.provider

    world.documents.remove(receipt)

    assert (0, 0) == (world.files("old"), world.files("new"))
    with pytest.raises(NotFoundError):
        world.documents.find(receipt.document)

    world.documents.purge(receipt.document)

    assert (0, 0) == (world.files("old", kept=True), world.files("new", kept=True))


@pytest.mark.parametrize("mirrored", [False, True])
def test_what_was_removed_and_stored_again_is_copied_again(world: World, mirrored: bool) -> None:
    def bring() -> None:
        assert mirror(world.migration()).complete if mirrored else world.migration().copy().complete

    receipt = world.store()
    bring()
    world.documents.remove(receipt)
    assert (0, 0) == (world.files("old"), world.files("new"))
    world.store()

    bring()

    assert (1, 1) == (world.files("old"), world.files("new"))


def test_removing_takes_away_what_a_killed_worker_had_not_recorded(world: World) -> None:
    """The copy is on the target, and neither journal nor register say so."""
    receipt = world.store()
    world.migration().plan()
    world.resolver.by_id("acme", world.new).storage.put("bridge/DRG-1/P01/Plan Ü 1.pdf", PDF)

    world.documents.remove(receipt)
    report = world.migration().copy()

    assert (0, 0) == (world.files("old"), world.files("new"))
    assert report.complete
    assert {EntryState.VANISHED: 1} == {state: count.objects for state, count in report.counts.items()}

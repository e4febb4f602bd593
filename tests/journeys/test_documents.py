"""What an upload, a read and a removal do for an organisation, whatever its default is meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    DocumentKey,
    DocumentStore,
    FileTooLargeError,
    FileTypeRefusedError,
    IntegrityError,
    IntegrityState,
    NotFoundError,
    ObjectInfo,
    ObjectKey,
    Organisations,
    RecordNotFoundError,
    Resolver,
    SettingsError,
    Storage,
    StorageError,
    StoredDocument,
    UnavailableError,
    UnresolvedOrganisationError,
)
from kazinex_storage.documents.register import MemoryRegister, RevisionRecord
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.transport import Call, Command, Exchange

PDF = b"%PDF-1.7 drawing"


class World(Protocol):
    root: Path
    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore
    add: Callable[..., str]


def document(revision: str = "P01", filename: str = "Plan Ü 1.pdf", organisation: str = "org-1") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-1", revision, filename)


def test_an_uploaded_document_is_read_back_by_its_receipt(world: World, tmp_path: Path) -> None:
    provider = world.add("org-1", "disk", default=True)

    receipt = world.documents.upload(document(), PDF)

    assert (provider, "local", "org-1/bridge/DRG-1/P01/Plan Ü 1.pdf") == (receipt.provider, receipt.kind, receipt.key)
    assert (len(PDF), hashlib.sha256(PDF).hexdigest()) == (receipt.size, receipt.sha256)
    assert "application/pdf" == receipt.content_type
    with world.documents.open(receipt) as file:
        assert PDF == file.read()
    world.documents.download(receipt, tmp_path / "copy.pdf")
    assert PDF == (tmp_path / "copy.pdf").read_bytes()
    assert PDF == b"".join(world.documents.stream(receipt))


def test_the_key_on_disk_reads_as_the_documentation_says(world: World) -> None:
    world.add("org-1", "disk", default=True)

    world.documents.upload(document(), PDF)

    assert PDF == (world.root / "shared/org-1/bridge/DRG-1/P01/Plan Ü 1.pdf").read_bytes()


def test_a_receipt_survives_json(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(document(), PDF)

    again = StoredDocument.from_dict(json.loads(json.dumps(receipt.to_dict())))

    assert receipt == again
    assert PDF == world.documents.open(again).read()


def test_the_same_revision_again_is_refused_and_the_first_stays(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(document(), PDF)

    with pytest.raises(AlreadyExistsError, match="P01"):
        world.documents.upload(document(), b"other")

    assert PDF == world.documents.open(receipt).read()


def test_the_same_revision_under_another_file_name_is_refused(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.upload(document(), PDF)

    with pytest.raises(AlreadyExistsError, match=r"Plan Ü 1\.pdf"):
        world.documents.upload(document(filename="other.pdf"), PDF)

    assert 1 == len(world.documents.revisions(document()))


def test_the_same_revision_on_another_provider_is_refused(world: World) -> None:
    world.add("org-1", "old", "old", default=True)
    world.documents.upload(document(), PDF)
    world.add("org-1", "new", "new", default=True)

    with pytest.raises(AlreadyExistsError):
        world.documents.upload(document(), PDF)


def test_reading_goes_to_the_provider_of_the_receipt_after_the_default_has_changed(world: World) -> None:
    old = world.add("org-1", "old", "old", default=True)
    receipt = world.documents.upload(document(), PDF)
    new = world.add("org-1", "new", "new", default=True)
    second = world.documents.upload(document("P02"), b"second")

    assert (old, new) == (receipt.provider, second.provider)
    assert PDF == world.documents.open(receipt).read()
    assert b"second" == world.documents.open(second).read()


def test_without_a_receipt_the_providers_are_asked_in_turn(world: World) -> None:
    old = world.add("org-1", "old", "old", default=True)
    world.documents.upload(document(), PDF)
    world.add("org-1", "new", "new", default=True)

    receipt = world.documents.find(document())

    assert old == receipt.provider
    assert PDF == world.documents.open(document()).read()


def test_a_project_override_takes_the_uploads_of_that_project_only(world: World) -> None:
    default = world.add("org-1", "default", "default", default=True)
    special = world.add("org-1", "special", "special")
    world.organisations.set_override("org-1", "bridge", special)

    here = world.documents.upload(document(), PDF)
    elsewhere = world.documents.upload(DocumentKey("org-1", "tunnel", "DRG-1", "P01", "a.pdf"), PDF)

    assert (special, default) == (here.provider, elsewhere.provider)


def test_the_error_for_an_organisation_without_a_default_names_the_command(world: World) -> None:
    with pytest.raises(UnresolvedOrganisationError, match="kazinex-storage provider"):
        world.documents.upload(document(), PDF)


def test_organisations_that_share_a_disk_do_not_see_each_other(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.add("org-10", "disk", default=True)
    receipt = world.documents.upload(document(), PDF)

    storage = world.resolver.storage_for("org-10")

    assert [] == list(storage.list())
    assert not storage.exists("bridge/DRG-1/P01/Plan Ü 1.pdf")
    for hostile in ("../org-1/bridge/DRG-1/P01/Plan Ü 1.pdf", "/org-1/bridge", "a/../../org-1/x", "..\\org-1\\x"):
        with pytest.raises(StorageError):
            storage.get_bytes(hostile)
    with pytest.raises(NotFoundError):
        world.documents.find(document(organisation="org-10"))
    assert PDF == world.documents.open(receipt).read()


def test_a_receipt_of_another_organisation_opens_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.add("org-10", "disk", default=True)
    fields = world.documents.upload(document(), PDF).to_dict()

    stolen = StoredDocument.from_dict({**fields, "document": {**_fields(fields), "organisation": "org-10"}})

    with pytest.raises(SettingsError, match="altered"):
        world.documents.open(stolen)
    with pytest.raises(RecordNotFoundError):
        world.documents.open(
            StoredDocument.from_dict(
                {
                    **fields,
                    "document": {**_fields(fields), "organisation": "org-10"},
                    "key": "org-10/bridge/DRG-1/P01/Plan Ü 1.pdf",
                }
            )
        )


def test_a_file_that_was_exchanged_after_the_upload_is_not_delivered(world: World, tmp_path: Path) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(document(), PDF)
    (world.root / "shared" / receipt.key).write_bytes(PDF.replace(b"drawing", b"forgery"))

    with pytest.raises(IntegrityError, match="sha256"):
        world.documents.download(receipt, tmp_path / "copy.pdf")

    assert not (tmp_path / "copy.pdf").exists()


def test_a_document_that_was_replaced_behind_its_receipt_is_not_opened(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(document(), PDF)
    with Storage(LocalProvider(LocalSettings(root=world.root / "shared", durable=False))) as forger:
        forger.put(receipt.key, PDF.replace(b"drawing", b"forgery"))

    for read in (world.documents.open, world.documents.stream):
        with pytest.raises(IntegrityError, match="altered after the upload"):
            read(receipt)


def test_a_chosen_provider_that_cannot_be_opened_hides_nothing(world: World) -> None:
    world.add("org-1", "old", "old")
    world.add("org-1", "disk", "gone", default=True)
    world.documents.upload(document(), PDF)
    record = world.organisations.find("org-1", "disk")
    (world.root / "gone").rename(world.root / "unmounted")
    world.organisations.record_verification(record, ok=False, error="the disk is gone")
    fresh = DocumentStore(Resolver(world.organisations))

    with pytest.raises(UnavailableError, match="'disk'"):
        fresh.find(document())
    with pytest.raises(SettingsError, match="does not exist"):
        fresh.remove(document())
    assert ([], (record.id,)) == (fresh.revisions(document()), fresh.revisions(document()).missing)


def test_a_removal_passes_over_no_provider(world: World) -> None:
    world.add("org-1", "disk", "disk", default=True)
    world.add("org-1", "other", "other")
    world.documents.upload(document(), PDF)
    record = world.organisations.find("org-1", "other")
    (world.root / "other").rename(world.root / "unmounted")
    world.organisations.record_verification(record, ok=False, error="the disk is gone")
    fresh = DocumentStore(Resolver(world.organisations))

    assert fresh.find(document()).size == len(PDF)
    with pytest.raises(SettingsError, match="does not exist"):
        fresh.remove(document())


def test_a_default_that_changes_between_two_uploads_lets_exactly_one_stay(world: World) -> None:
    world.add("org-1", "old", "old", default=True)
    first = world.documents.operations.upload(document(), PDF, None, None, None)
    second = world.documents.operations.upload(document(filename="b.pdf"), PDF, None, None, None)
    command = first.send(None)  # the choice of the provider
    assert isinstance(command, Call)
    command = first.send(command.run())  # the question what the register knows
    assert isinstance(command, Call)
    command = first.send(command.run())  # the question for all providers
    assert isinstance(command, Call)
    look = first.send(command.run())  # the look at the revision
    world.add("org-1", "new", "new", default=True)

    outcomes: list[object] = []
    for exchange, command in ((second, second.send(None)), (first, look)):
        try:
            outcomes.append(world.documents.transport.run(_resumed(exchange, command)))
        except AlreadyExistsError as error:
            outcomes.append(error)

    stored = world.documents.revisions(document())
    winners = [outcome for outcome in outcomes if isinstance(outcome, StoredDocument)]
    assert [winner.document for winner in winners] == [found.document for found in stored]
    assert 1 == len(winners)


@pytest.mark.parametrize("recorded", [False, True], ids=["not-recorded", "recorded-and-not-answered"])
def test_an_upload_that_cannot_be_recorded_leaves_nothing_and_can_be_repeated_with_other_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    """The answer of the database may be lost: the row must not keep a revision that no receipt was given for."""
    world.add("org-1", "disk", default=True)
    swap, asked = MemoryRegister.swap_revision, list[bool]()

    def fails_once(self: MemoryRegister, before: RevisionRecord | None, after: RevisionRecord | None) -> bool:
        asked.append(True)
        if len(asked) > 1:
            return swap(self, before, after)
        if recorded:
            swap(self, before, after)
        raise UnavailableError("the database does not answer")

    monkeypatch.setattr(MemoryRegister, "swap_revision", fails_once)
    with pytest.raises(UnavailableError):
        world.documents.upload(document(), PDF)

    assert [] == world.documents.revisions(document())
    assert b"other" == world.documents.open(world.documents.upload(document(), b"other")).read()


def test_what_other_programs_put_into_a_document_does_not_hide_its_revisions(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.upload(document(), PDF)
    world.resolver.storage_for("org-1").put("bridge/DRG-1/P01/thumbs/1.png", b"")

    assert ["P01"] == [found.document.revision for found in world.documents.revisions(document())]


def test_a_document_is_not_said_to_be_missing_while_a_provider_could_not_be_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("org-1", "disk", "disk", default=True)
    world.add("org-1", "other", "other")
    record = world.organisations.find("org-1", "other")
    world.organisations.record_verification(record, ok=False, error="down")
    head = LocalProvider.head

    def other_is_down(self: LocalProvider, key: ObjectKey) -> ObjectInfo:
        if self.info.location.endswith("other"):
            raise UnavailableError("down")
        return head(self, key)

    monkeypatch.setattr(LocalProvider, "head", other_is_down)

    with pytest.raises(UnavailableError, match="not all of them could be asked"):
        world.documents.find(document())


def test_the_policy_of_the_organisation_is_applied_before_anything_is_stored(world: World) -> None:
    provider = world.add("org-1", "disk", default=True)
    world.organisations.set_allowlist("org-1", ["pdf"])
    world.organisations.update_provider("org-1", provider, max_file_bytes=4)

    with pytest.raises(FileTypeRefusedError, match="exe"):
        world.documents.upload(document(filename="plan.pdf.exe"), PDF)
    with pytest.raises(FileTooLargeError, match="Org Admin"):
        world.documents.upload(document(), PDF)
    with pytest.raises(FileTooLargeError):
        world.documents.upload(document(), iter([b"12", b"34", b"5"]))

    assert [] == world.documents.revisions(document())


def test_revisions_are_listed_over_all_providers_once(world: World) -> None:
    old = world.add("org-1", "old", "old", default=True)
    world.documents.upload(document("P01"), PDF)
    new = world.add("org-1", "new", "new", default=True)
    world.documents.upload(document("P02"), PDF)
    world.documents.upload(DocumentKey("org-1", "bridge", "DRG-10", "P01", "a.pdf"), PDF)

    revisions = world.documents.revisions(document())

    assert [("P01", old), ("P02", new)] == [(found.document.revision, found.provider) for found in revisions]


def test_a_removed_document_is_gone_from_every_provider(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.upload(document(), PDF)
    receipt = world.documents.upload(document("P02"), PDF)

    world.documents.remove(document())
    world.documents.remove(receipt)
    world.documents.remove(receipt)

    assert [] == world.documents.revisions(document())
    with pytest.raises(NotFoundError):
        world.documents.open(receipt)


def _fields(receipt: dict[str, object]) -> dict[str, object]:
    inner = receipt["document"]
    assert isinstance(inner, dict)
    return inner


def _resumed(exchange: Exchange[StoredDocument], command: Command) -> Exchange[StoredDocument]:
    """Go on with an exchange that has yielded *command* already."""
    outcome = yield command
    while True:
        try:
            command = exchange.send(outcome)
        except StopIteration as stop:
            return cast(StoredDocument, stop.value)
        try:
            outcome = yield command
        except AlreadyExistsError as error:
            exchange.throw(error)


def test_a_check_tells_what_was_altered_on_the_disk_and_changes_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(document(), PDF)
    intact = world.documents.check(receipt)

    path = world.root / "shared" / receipt.key
    path.write_bytes(PDF[::-1])

    assert (IntegrityState.INTACT, IntegrityState.TAMPERED) == (intact, world.documents.check(receipt))
    assert PDF[::-1] == path.read_bytes()
    path.unlink()
    with pytest.raises(NotFoundError):
        world.documents.check(receipt)

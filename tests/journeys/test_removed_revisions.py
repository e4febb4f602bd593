"""A removed revision stays taken, and the catalogue remembers who removed it, when and why; whatever the door."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentRemoved,
    DocumentStore,
    NotFoundError,
    Organisations,
    Resolver,
    RevisionRecord,
    Source,
    Storage,
    UnavailableError,
    verify_provider,
)
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.providers.local import LocalProvider, LocalSettings

PDF = b"%PDF-1.7 drawing"
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "Plan Ü 1.pdf")


class World(Protocol):
    root: Path
    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore
    add: Callable[..., str]


def remembered(world: World, key: DocumentKey = KEY) -> RevisionRecord | None:
    return world.organisations.catalogue.revisions.revision(key)


@pytest.mark.parametrize("by_receipt", [False, True])
def test_a_removed_revision_takes_no_other_bytes(world: World, by_receipt: bool) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)

    world.documents.remove(receipt if by_receipt else KEY, by="müller", reason="wrong drawing")

    with pytest.raises(AlreadyExistsError, match=r"was removed by müller on .* \(wrong drawing\)"):
        world.documents.upload(KEY, b"other")
    with pytest.raises(AlreadyExistsError, match="was removed"):
        world.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "other.pdf"), PDF)
    assert [] == world.documents.revisions(KEY)


def test_who_removed_it_when_and_why_is_remembered(world: World) -> None:
    provider = world.add("org-1", "disk", default=True)
    world.documents.upload(KEY, PDF)

    world.documents.remove(KEY, by="müller", reason="wrong drawing")

    found = remembered(world)
    assert found is not None
    assert found.removal is not None
    assert (KEY, provider, hashlib.sha256(PDF).hexdigest()) == (found.document, found.provider, found.sha256)
    assert ("müller", "wrong drawing") == (found.removal.by, found.removal.reason)
    assert timedelta(0) <= datetime.now(UTC) - found.removal.at < timedelta(minutes=1)


@pytest.mark.parametrize("source", [False, True], ids=["bytes", "source"])
def test_the_same_bytes_under_the_same_name_may_come_back(world: World, source: bool) -> None:
    world.add("org-1", "disk", default=True)
    first = world.documents.upload(KEY, PDF)
    world.documents.remove(first)

    again = world.documents.upload(KEY, Source.of(PDF) if source else PDF)

    assert first.sha256 == again.sha256
    assert PDF == world.documents.open(again).read()
    world.documents.download(first, world.root / "copy.pdf")  # another version with the same bytes
    assert PDF == (world.root / "copy.pdf").read_bytes()
    found = remembered(world)
    assert found is not None
    assert found.removal is None
    with pytest.raises(AlreadyExistsError):
        world.documents.upload(KEY, PDF)


def test_other_bytes_in_whatever_form_publish_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.remove(world.documents.upload(KEY, PDF))

    for body in (b"other", iter([b"ot", b"her"]), Source.of(b"other"), Source.of(b"other", sha256="0" * 64)):
        with pytest.raises(AlreadyExistsError, match="was removed"):
            world.documents.upload(KEY, body)
    with pytest.raises(AlreadyExistsError, match="was removed"):
        world.documents.upload(KEY, PDF, sha256="0" * 64)

    assert [] == world.documents.revisions(KEY)


def test_a_file_that_vanished_by_another_hand_keeps_its_revision(world: World) -> None:
    """Nothing was removed here, and still the receipt must never lead to other bytes."""
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)
    (world.root / "shared" / receipt.key).unlink()

    with pytest.raises(AlreadyExistsError):
        world.documents.upload(KEY, b"other")

    assert PDF == world.documents.open(world.documents.upload(KEY, PDF)).read()


def test_a_removal_is_an_event_once(world: World) -> None:
    events: list[object] = []
    resolver = Resolver(world.organisations, on_event=events.append)
    documents = DocumentStore(resolver)
    world.add("org-1", "disk", default=True)
    receipt = documents.upload(KEY, PDF)

    documents.remove(receipt, by="müller")
    documents.remove(receipt, by="meier")

    assert [("müller", KEY)] * 2 == [
        (event.removal.by, event.document) for event in events if isinstance(event, DocumentRemoved)
    ]
    resolver.close()


def test_removing_what_was_never_stored_leaves_the_revision_free(world: World) -> None:
    world.add("org-1", "disk", default=True)

    world.documents.remove(KEY)

    assert remembered(world) is None
    assert PDF == world.documents.open(world.documents.upload(KEY, PDF)).read()


def test_what_was_stored_before_there_was_a_register_stays_taken_too(world: World) -> None:
    world.add("org-1", "disk", default=True)
    with Storage(LocalProvider(LocalSettings(root=world.root / "shared", durable=False))) as storage:
        storage.put(KEY.build(), PDF)

    world.documents.remove(KEY)

    with pytest.raises(NotFoundError):
        world.documents.find(KEY)
    with pytest.raises(AlreadyExistsError, match="was removed"):
        world.documents.upload(KEY, b"other")
    assert PDF == world.documents.open(world.documents.upload(KEY, PDF)).read()


def test_a_crash_between_the_register_and_the_file_frees_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)

    def crash(*_: object) -> None:
        raise UnavailableError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(LocalProvider, "delete", crash)
        with pytest.raises(UnavailableError):
            world.documents.remove(receipt)

    found = remembered(world)
    assert found is not None
    assert found.removal is not None
    with pytest.raises(AlreadyExistsError):
        world.documents.upload(KEY, b"other")
    world.documents.remove(receipt)
    assert [] == world.documents.revisions(KEY)


def test_a_removal_that_the_service_refuses_is_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)

    def refuse(*_: object) -> None:
        raise AccessDeniedError("under legal hold")

    with monkeypatch.context() as patch:
        patch.setattr(LocalProvider, "delete", refuse)
        with pytest.raises(AccessDeniedError):
            world.documents.remove(receipt)

    found = remembered(world)
    assert found is not None
    assert found.removal is None
    assert PDF == world.documents.open(receipt).read()


def test_an_upload_during_a_removal_does_not_stay(world: World) -> None:
    """It looked before the removal was recorded, and its file arrived after."""
    world.add("org-1", "disk", default=True)
    other = DocumentKey("org-1", "bridge", "DRG-1", "P01", "other.pdf")

    class Slow:
        def __iter__(self) -> Iterator[bytes]:
            world.resolver.storage_for("org-1").put("bridge/DRG-1/P01/Plan Ü 1.pdf", PDF)
            world.documents.remove(KEY)
            yield b"other"

    with pytest.raises(AlreadyExistsError, match="faster"):
        world.documents.upload(other, Slow())

    assert [] == world.documents.revisions(KEY)


def test_a_reason_that_is_too_long_removes_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(KEY, PDF)

    with pytest.raises(ValueError, match="at most 2000 characters"):
        world.documents.remove(receipt, reason="x" * 2001)

    assert PDF == world.documents.open(receipt).read()


@pytest.mark.asyncio
async def test_the_awaited_store_remembers_removals_too(world: World) -> None:
    world.add("org-1", "disk", default=True)
    documents = AsyncDocumentStore(world.documents)
    receipt = await documents.upload(KEY, PDF)

    await documents.remove(receipt, by="müller", reason="wrong drawing")

    with pytest.raises(AlreadyExistsError, match="was removed by müller"):
        await documents.upload(KEY, b"other")
    assert PDF == world.documents.open(await documents.upload(KEY, PDF)).read()


@pytest.fixture
def fs(tmp_path: Path) -> Iterator[Any]:
    organisations = Organisations(MemoryCatalogue())
    organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path), "durable": False})
    assert verify_provider(organisations, "org-1", "disk").ok
    organisations.set_default("org-1", "disk")
    resolver = Resolver(organisations)
    yield OrganisationFileSystem(resolver=resolver)
    resolver.close()


@pytest.mark.parametrize("how", ["rm", "rm_file", "rm-folder", "mv"])
def test_a_revision_that_fsspec_removed_stays_taken(fs: Any, how: str) -> None:
    name = str(KEY.build())
    fs.pipe_file(name, PDF)

    removals: dict[str, Callable[[], object]] = {
        "rm": lambda: fs.rm(name),
        "rm_file": lambda: fs.rm_file(name),
        "rm-folder": lambda: fs.rm("org-1/bridge", recursive=True),
        "mv": lambda: fs.mv(name, "org-1/bridge/elsewhere"),
    }
    removals[how]()

    assert not fs.exists(name)
    with pytest.raises(FileExistsError, match="was removed"):
        fs.pipe_file(name, b"other")
    with pytest.raises(FileExistsError, match="was removed"), fs.open(name, "wb") as file:
        file.write(b"other")
    with pytest.raises(FileExistsError, match="was removed"):
        fs.pipe_file("org-1/bridge/DRG-1/P01/other.pdf", b"other")
    fs.pipe_file(name, PDF)
    assert PDF == fs.cat_file(name)


@pytest.mark.parametrize("how", ["pipe", "open", "put", "copy", "mv", "touch"])
def test_a_second_file_of_a_revision_is_refused_by_every_call_of_fsspec(fs: Any, tmp_path: Path, how: str) -> None:
    """Issue 18: fsspec put a second file beside the first."""
    second = "org-1/bridge/DRG-1/P01/second.pdf"
    local = tmp_path / "local"
    local.write_bytes(b"second")
    fs.pipe_file(str(KEY.build()), PDF)
    fs.pipe_file("org-1/bridge/note", b"second")

    def write() -> None:
        with fs.open(second, "wb") as file:
            file.write(b"second")

    writes: dict[str, Callable[[], object]] = {
        "pipe": lambda: fs.pipe_file(second, b"second"),
        "open": write,
        "put": lambda: fs.put_file(str(local), second),
        "copy": lambda: fs.cp_file("org-1/bridge/note", second),
        "mv": lambda: fs.mv("org-1/bridge/note", second),
        "touch": lambda: fs.touch(second),
    }
    with pytest.raises(FileExistsError, match="has the file"):
        writes[how]()

    assert [str(KEY.build())] == fs.find("org-1/bridge/DRG-1")
    assert b"second" == fs.cat_file("org-1/bridge/note")


NAMES = [KEY.filename, "other.pdf"]
"""The file that the revision had, and another one."""


@pytest.mark.parametrize("name", NAMES, ids=["same-name", "other-name"])
def test_no_storage_of_the_organisation_gives_a_removed_revision_other_bytes(world: World, name: str) -> None:
    record = world.organisations.add_provider("org-1", "memory", "memory", {})
    assert verify_provider(world.organisations, "org-1", record.id).ok
    world.organisations.set_default("org-1", record.id)
    storage, key = world.resolver.storage_for("org-1", "bridge"), f"bridge/DRG-1/P01/{name}"
    begun, completed = (storage.begin_upload(key, len(PDF)) for _ in range(2))
    world.documents.remove(world.documents.upload(KEY, PDF))
    storage.put("bridge/elsewhere.pdf", b"other")

    calls: dict[str, Callable[[], object]] = {
        "put": lambda: storage.put(key, b"other"),
        "scoped": lambda: storage.scoped("bridge/DRG-1").put(f"P01/{name}", b"other"),
        "another policy": lambda: storage.with_policy(None).put(key, b"other"),
        "open": lambda: storage.open(key, "wb").close(),
        "copy": lambda: storage.copy("bridge/elsewhere.pdf", key),
        "move": lambda: storage.move("bridge/elsewhere.pdf", key),
        "begin": lambda: storage.begin_upload(key, 5, sha256="0" * 64),
        "resume": lambda: storage.resume_upload(begun, bytes(len(PDF))),
        "complete": lambda: storage.complete_upload(completed),
    }
    for call in calls.values():
        with pytest.raises(AlreadyExistsError, match="was removed"):
            call()

    assert not storage.exists(key)
    assert b"other" == storage.get_bytes("bridge/elsewhere.pdf")
    assert [begun.upload_id] == [upload.upload_id for upload in storage.pending_uploads()]
    assert PDF == world.documents.get_bytes(world.documents.upload(KEY, PDF))


def test_an_upload_to_the_provider_itself_is_thrown_away_once_its_revision_was_removed(world: World) -> None:
    """No guard decides there; the rule that removed revisions stay taken holds all the same."""
    record = world.organisations.add_provider("org-1", "memory", "memory", {})
    assert verify_provider(world.organisations, "org-1", record.id).ok
    world.organisations.set_default("org-1", record.id)
    storage = world.resolver.by_id("org-1", record.id).storage
    state = storage.begin_upload(f"bridge/DRG-1/P01/{KEY.filename}", 0)
    world.documents.remove(world.documents.upload(KEY, PDF))

    with pytest.raises(AlreadyExistsError, match="was removed"):
        storage.complete_upload(state)

    assert [] == storage.pending_uploads()
    assert [] == list(storage.list())


def test_a_storage_gives_a_revision_no_second_file_beside_the_recorded_one(world: World) -> None:
    first, second = world.add("org-1", "disk", default=True), world.add("org-1", "other", "other")
    world.documents.upload(KEY, PDF)

    with pytest.raises(AlreadyExistsError, match=f"has the file '{KEY.filename}' already"):
        world.resolver.storage_of("org-1", first).put("bridge/DRG-1/P01/other.pdf", b"other")
    moved = world.resolver.by_id("org-1", second).storage.put(f"bridge/DRG-1/P01/{KEY.filename}", PDF)

    assert len(PDF) == moved.size  # documents may be brought to another provider


def test_an_altered_receipt_does_not_say_which_bytes_may_come_back(world: World) -> None:
    provider = world.add("org-1", "disk", default=True)
    storage = world.resolver.by_id("org-1", provider).storage
    storage.put(f"bridge/DRG-1/P01/{KEY.filename}", PDF)  # no register knows of it
    receipt = replace(world.documents.find(KEY), sha256=hashlib.sha256(b"other").hexdigest())

    world.documents.remove(receipt)

    with pytest.raises(AlreadyExistsError, match="was removed"):
        world.documents.upload(KEY, b"other")
    assert len(PDF) == world.documents.upload(KEY, PDF).size

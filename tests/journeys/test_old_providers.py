"""A provider that is not chosen may be down, refuse its credentials, or name a place that another record names too."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    AsyncDocumentStore,
    AuthenticationError,
    DocumentKey,
    DocumentStore,
    IntegrityState,
    NotFoundError,
    ObjectInfo,
    ObjectKey,
    Organisations,
    Prefix,
    ProviderFailed,
    ProviderKind,
    ProviderPassedOver,
    ProviderRecovered,
    RateLimitedError,
    Registry,
    Resolver,
    StorageError,
    StoredDocument,
    UnavailableError,
)
from kazinex_storage.documents.operations import DocumentOperations
from kazinex_storage.documents.patience import Patience
from kazinex_storage.documents.register import new_token
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import MemoryCatalogue, ProviderStatus
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings

MOODS: dict[str, StorageError | threading.Event] = {}
"""What each store in memory answers instead, by name: an error, or nothing until the event is set."""


class MoodyProvider(MemoryProvider):
    """A real store that a test lets fail or hang."""

    def __init__(self, settings: MemorySettings) -> None:
        super().__init__(settings)
        self._name = settings.name or ""

    def _feel(self) -> None:
        mood = MOODS.get(self._name)
        if isinstance(mood, threading.Event):
            mood.wait(20)
        elif mood is not None:
            raise mood

    def head(self, key: ObjectKey) -> ObjectInfo:
        self._feel()
        return super().head(key)

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        self._feel()
        return super().scan(prefix)

    def delete(self, key: ObjectKey) -> None:
        self._feel()
        super().delete(key)


MOODY = ProviderKind(
    kind="moody",
    title="Moody",
    settings="kazinex_storage.providers.memory:MemorySettings",
    factory=f"{__name__}:MoodyProvider",
)


class World:
    """An organisation with an old and a new provider; the new one is the default."""

    def __init__(self, name: str) -> None:
        self.events: list[Any] = []
        self.name = name
        self.organisations = Organisations(MemoryCatalogue(), Registry(MOODY, entry_points=False))
        self.resolver = Resolver(self.organisations, on_event=self.events.append)
        self.documents = DocumentStore(self.resolver)
        self.old = self.add("old")
        self.organisations.set_default("org", self.old)

    def add(self, label: str, store: str | None = None, *, verified: bool = True) -> str:
        settings = {"name": f"{self.name}-{store or label}"}
        record = self.organisations.add_provider("org", "moody", label, settings)
        if verified:
            self.organisations.record_verification(record, ok=True)
        return record.id

    def status(self, label: str) -> ProviderStatus:
        return self.organisations.find("org", label).status

    def told(self, kind: type[object]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def document(revision: str = "P01", filename: str = "a.pdf") -> DocumentKey:
    return DocumentKey("org", "bridge", "DRG-1", revision, filename)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path.name)
    world.documents.upload(document("P00"), b"old")
    world.new = world.add("new")  # type: ignore[attr-defined]
    world.organisations.set_default("org", "new")
    yield world
    MOODS.clear()
    world.resolver.close()


def down(world: World, error: StorageError | threading.Event, label: str = "old") -> None:
    MOODS[f"{world.name}-{label}"] = error


def test_an_upload_goes_on_and_its_receipt_names_who_was_not_asked(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    down(world, UnavailableError("no route to host"))

    with caplog.at_level(logging.WARNING):
        receipt = world.documents.upload(document(), b"new")

    assert (world.old,) == receipt.unasked
    assert receipt == StoredDocument.from_dict(receipt.to_dict())
    assert b"new" == world.documents.open(receipt).read()
    assert "passed over" in caplog.text
    (event,) = world.told(ProviderPassedOver)
    assert (world.old, "upload", document().build()) == (event.provider, event.operation, event.key)
    assert "no route to host" in event.error


def test_receipts_of_earlier_releases_asked_everybody() -> None:
    receipt = StoredDocument(
        document=document(),
        provider="p",
        kind="local",
        key=document().build(),
        size=1,
        sha256=None,
        etag=None,
        content_type=None,
        stored_at=None,
    )
    fields = receipt.to_dict()
    del fields["unasked"]

    assert () == StoredDocument.from_dict(fields).unasked


def test_one_that_hangs_is_waited_for_a_while_and_then_left_in_peace(world: World) -> None:
    hang = threading.Event()
    down(world, hang)
    operations = DocumentOperations(world.resolver, patience=Patience(2.0, rest_s=600))

    def upload(revision: str) -> tuple[StoredDocument, float]:
        begin = time.monotonic()
        receipt = world.documents.transport.run(operations.upload(document(revision), b"new", None, None, None))
        return receipt, time.monotonic() - begin

    (first, waited), (second, at_once) = upload("P01"), upload("P02")
    hang.set()

    assert (world.old,) == first.unasked == second.unasked
    assert at_once < 2.0 <= waited
    assert "no answer within 2 s" in world.told(ProviderPassedOver)[0].error


@pytest.mark.asyncio
async def test_an_upload_on_a_loop_goes_on_too(world: World) -> None:
    down(world, UnavailableError("no route to host"))
    documents = AsyncDocumentStore(world.documents)

    receipt = await documents.upload(document(), b"new")
    found = await documents.revisions(document())

    assert (world.old,) == receipt.unasked == found.missing
    assert ["P01"] == [one.document.revision for one in found]


def test_what_the_register_knows_is_refused_although_its_provider_is_down(world: World) -> None:
    down(world, UnavailableError("no route to host"))

    with pytest.raises(AlreadyExistsError):
        world.documents.upload(document("P00"), b"other")
    with pytest.raises(AlreadyExistsError):
        world.documents.upload(document("P00", "other.pdf"), b"other")


def test_a_listing_goes_on_and_names_what_is_missing(world: World) -> None:
    world.documents.upload(document(), b"new")
    down(world, UnavailableError("no route to host"))

    found = world.documents.revisions(document())

    assert ["P01"] == [one.document.revision for one in found]
    assert (world.old,) == found.missing
    assert ["revisions"] == [event.operation for event in world.told(ProviderPassedOver)]


def test_an_unanswered_listing_is_an_error(world: World) -> None:
    for label in ("old", "new"):
        down(world, UnavailableError("no route to host"), label)

    with pytest.raises(UnavailableError, match="no route to host"):
        world.documents.revisions(document())


def test_only_a_look_up_that_found_nothing_cannot_know(world: World) -> None:
    world.documents.upload(document(), b"new")
    down(world, UnavailableError("no route to host"))

    assert world.documents.find(document()).document == document()
    with pytest.raises(UnavailableError, match="'old'; verify them"):
        world.documents.find(document("P00"))


@pytest.mark.parametrize("error", [UnavailableError, AuthenticationError, AccessDeniedError, RateLimitedError])
def test_a_document_that_has_moved_is_read_although_its_old_provider_is_down(
    world: World, error: type[StorageError]
) -> None:
    receipt, stays = world.documents.find(document("P00")), world.documents.find(document("P00"))
    register, new = world.resolver.revisions, world.organisations.find("org", "new").id
    world.resolver.by_id("org", new).storage.put("bridge/DRG-1/P00/a.pdf", b"old")
    seen = register.revision(document("P00"))
    down(world, error("switched off"))
    with pytest.raises(error, match="switched off"):
        world.documents.get_bytes(stays)

    assert seen is not None
    assert register.swap_revision(seen, replace(seen, provider=new, token=new_token()))

    assert b"old" == world.documents.get_bytes(receipt)
    assert IntegrityState.INTACT is world.documents.check(receipt)


def test_a_chosen_provider_that_is_down_still_stops_the_upload(world: World) -> None:
    down(world, UnavailableError("no route to host"), "new")

    with pytest.raises(UnavailableError):
        world.documents.upload(document(), b"new")


def test_providers_neither_chosen_nor_verified_take_no_part_in_a_write(world: World) -> None:
    world.add("pending", verified=False)
    down(world, UnavailableError("no route to host"), "pending")
    failed = world.organisations.find("org", "old")
    world.organisations.record_verification(failed, ok=False, error="gone")
    down(world, UnavailableError("no route to host"))

    receipt = world.documents.upload(document(), b"new")

    assert () == receipt.unasked
    assert [] == world.told(ProviderPassedOver)
    with pytest.raises(NotFoundError):  # the pending one was never used: nothing of ours can be there
        MOODS.pop(f"{world.name}-old")
        world.documents.find(document("P99"))


def test_two_records_that_name_one_place_are_one_place(world: World) -> None:
    world.add("second", "new")
    down(world, UnavailableError("no route to host"))

    receipt = world.documents.upload(document(), b"new")

    assert b"new" == world.documents.open(receipt).read()
    assert ["P01"] == [one.document.revision for one in world.documents.revisions(document())]
    with pytest.raises(AlreadyExistsError):
        world.documents.upload(document(filename="b.pdf"), b"new")
    world.documents.remove(receipt)


def test_a_place_has_answered_when_one_of_its_records_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old token of a bucket expired, the new one works: nothing is unknown."""
    world.add("old token", "new")
    asked = MoodyProvider._feel
    tired: list[MoodyProvider] = []

    def by_label(self: MoodyProvider) -> None:
        if self in tired:
            raise UnavailableError("no route to host")
        asked(self)

    monkeypatch.setattr(MoodyProvider, "_feel", by_label)
    record = world.organisations.find("org", "old token")
    tired.append(world.resolver.storage_of("org", record.id).operations.context.provider)  # type: ignore[arg-type]

    assert () == world.documents.upload(document(), b"new").unasked
    assert () == world.documents.revisions(document()).missing
    with pytest.raises(NotFoundError):
        world.documents.find(document("P99"))


def test_refused_credentials_turn_the_status_failed_and_a_success_turns_it_back(world: World) -> None:
    down(world, AuthenticationError("the secret has expired", code="7000222"))

    receipt = world.documents.upload(document(), b"new")
    failed = world.organisations.find("org", "old")
    world.documents.upload(document("P02"), b"new")
    unchanged = world.organisations.find("org", "old")
    MOODS.clear()
    world.documents.find(document("P00"))
    recovered = world.organisations.find("org", "old")

    assert (world.old,) == receipt.unasked
    assert (ProviderStatus.FAILED, True) == (failed.status, failed.failed_in_use)
    assert "the secret has expired" in str(failed.last_error)
    assert failed.failed_at is not None
    assert failed == unchanged
    assert (ProviderStatus.VERIFIED, None, None) == (recovered.status, recovered.last_error, recovered.failed_at)
    assert recovered.version == failed.version + 1
    assert [world.old] == [event.provider for event in world.told(ProviderFailed)]
    assert [world.old] == [event.provider for event in world.told(ProviderRecovered)]


def test_a_storage_that_is_kept_turns_the_status_both_ways(world: World) -> None:
    storage = world.resolver.storage_of("org", world.old)
    for _ in range(2):
        down(world, AuthenticationError("the secret has expired"))
        with pytest.raises(AuthenticationError):
            storage.head("bridge/DRG-1/P00/a.pdf")
        assert ProviderStatus.FAILED is world.status("old")
        MOODS.clear()
        storage.head("bridge/DRG-1/P00/a.pdf")
        assert ProviderStatus.VERIFIED is world.status("old")


def test_what_a_verification_found_is_not_undone_by_a_success(world: World) -> None:
    record = world.organisations.find("org", "old")
    world.organisations.record_verification(record, ok=False, error="anybody can read the bucket")

    world.documents.find(document("P00"))

    assert ProviderStatus.FAILED is world.status("old")


def test_other_errors_change_no_status(world: World) -> None:
    down(world, UnavailableError("no route to host"))

    world.documents.upload(document(), b"new")

    assert ProviderStatus.VERIFIED is world.status("old")


def test_a_catalogue_that_does_not_answer_hides_no_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = world.resolver.storage_of("org", world.old)
    down(world, AuthenticationError("the secret has expired"))

    def refuse(*_: object, **__: object) -> NoReturn:
        raise UnavailableError("the database does not answer")

    monkeypatch.setattr(MemoryCatalogue, "replace_provider", refuse)

    with pytest.raises(AuthenticationError):
        storage.head("a")


def test_what_a_listener_raises_passes_through(world: World) -> None:
    def refuse(event: object) -> NoReturn:
        raise RuntimeError("uploads need every provider here")

    resolver = Resolver(world.organisations, on_event=refuse)
    down(world, UnavailableError("no route to host"))

    with pytest.raises(RuntimeError, match="every provider"):
        DocumentStore(resolver).upload(document(), b"new")

    assert [] == [one for one in world.documents.revisions(document()) if one.document.revision == "P01"]
    resolver.close()


def test_the_file_system_goes_on_like_the_documents(world: World, caplog: pytest.LogCaptureFixture) -> None:
    fs: Any = OrganisationFileSystem(resolver=world.resolver)
    down(world, AuthenticationError("the secret has expired"))

    fs.pipe_file(str(document().build()), b"new")

    assert [str(document().build())] == fs.find("org/bridge")
    assert fs.isdir("org/bridge/DRG-1")
    assert ProviderStatus.FAILED is world.status("old")
    with pytest.raises(UnavailableError, match="not all of them could be asked"):
        fs.exists(str(document("P00").build()))
    assert {"upload", "fs"} == {event.operation for event in world.told(ProviderPassedOver)}
    assert "passed over" in caplog.text

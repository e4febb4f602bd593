"""The storages of an organisation keep the rule of revisions as documents do: puts, direct uploads, removals."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    DocumentKey,
    DocumentRemoved,
    DocumentStore,
    IntegrityError,
    NotFoundError,
    ObjectInfo,
    Organisations,
    Resolver,
    RevisionRecord,
    Source,
    Storage,
    StoredDocument,
    UnavailableError,
    UploadState,
)
from kazinex_storage.documents.register import MemoryRegister
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.verbs import exchanges_of

from .test_racing_uploads import at_once

PDF, OTHER = b"%PDF-1.7 drawing", b"%PDF-1.7 another"
KEY = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
NAME, SECOND = "bridge/DRG-1/P01/plan.pdf", "bridge/DRG-1/P01/second.pdf"
ROUNDS = 8


@dataclass(frozen=True, kw_only=True)
class House:
    """An organisation with a default provider and a second one in another place."""

    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore
    events: list[object]

    @property
    def storage(self) -> Storage:
        return self.resolver.storage_for("org-1")

    def second(self) -> Storage:
        return self.resolver.storage_of("org-1", self.organisations.find("org-1", "second").id)

    def remembered(self, key: DocumentKey = KEY) -> RevisionRecord | None:
        return self.organisations.catalogue.revisions.revision(key)

    def files(self) -> list[str]:
        return [info.key for storage in self.resolver.storages("org-1") for info in storage.list()]


@pytest.fixture(params=["memory", "s3"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    organisations, events = Organisations(MemoryCatalogue()), list[object]()
    for label in ("main", "second"):
        settings: dict[str, object] = {"name": f"direct-{secrets.token_hex(8)}"}
        if request.param == "s3":
            server: S3Server = request.getfixturevalue("ministack_server")
            keys = {"access_key_id": server.access_key_id, "secret_access_key": server.secret_access_key}
            settings = {"bucket": server.make_bucket(), "endpoint_url": server.endpoint_url, **keys}
        record = organisations.add_provider("org-1", request.param, label, settings)
        organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "main")
    resolver = Resolver(organisations, on_event=events.append)
    yield House(organisations=organisations, resolver=resolver, documents=DocumentStore(resolver), events=events)
    resolver.close()
    organisations.close()


def send(storage: Storage, state: UploadState, body: bytes, *, completed: bool) -> UploadState:
    """Send the parts of an upload as a client does, who may complete it too."""
    parts = exchanges_of(storage.operations.context.provider)
    inner = replace(state, key=state.scope + state.key, scope="")
    part = storage.transport.run(parts.put_part(inner, 1, body))
    if completed:
        storage.transport.run(parts.complete_upload(inner, [part]))
    return state


def sent(storage: Storage, key: str, body: bytes, *, completed: bool = False, declared: bool = False) -> UploadState:
    """Begin an upload, and send its parts."""
    sha256 = hashlib.sha256(body).hexdigest() if declared else None
    return send(storage, storage.begin_upload(key, len(body), sha256=sha256), body, completed=completed)


WAYS: dict[str, Callable[[Storage, str, bytes], object]] = {
    "put": lambda storage, key, body: storage.put(key, body),
    "resume": lambda storage, key, body: storage.resume_upload(storage.begin_upload(key, len(body)), body),
    "complete": lambda storage, key, body: storage.complete_upload(sent(storage, key, body)),
    "completed": lambda storage, key, body: storage.complete_upload(sent(storage, key, body, completed=True)),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_through_a_storage_is_a_document(house: House, way: str) -> None:
    WAYS[way](house.storage, NAME, PDF)

    found = house.remembered()
    assert found is not None
    known = hashlib.sha256(PDF).hexdigest() if way in ("put", "resume") else None  # others sent the bytes
    assert (KEY, known, None) == (found.document, found.sha256, found.removal)
    assert PDF == house.documents.open(house.documents.find(KEY)).read()
    with pytest.raises(AlreadyExistsError, match=r"has the file 'plan\.pdf'"):
        house.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "second.pdf"), OTHER)


@pytest.mark.parametrize("way", WAYS)
def test_a_second_file_of_a_revision_is_refused_by_every_call(house: House, way: str) -> None:
    house.documents.upload(KEY, PDF)

    for storage in (house.storage, house.second()):
        with pytest.raises(AlreadyExistsError, match=r"has the file 'plan\.pdf'"):
            WAYS[way](storage, SECOND, OTHER)

    assert [NAME] == house.files()


@pytest.mark.parametrize("call", ["copy", "move"])
def test_copies_and_moves_are_refused_likewise(house: House, call: str) -> None:
    house.documents.upload(KEY, PDF)
    house.storage.put("bridge/note", OTHER)

    with pytest.raises(AlreadyExistsError, match=r"has the file 'plan\.pdf'"):
        getattr(house.storage, call)("bridge/note", SECOND)

    assert [NAME, "bridge/note"] == sorted(house.files())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("many", [False, True], ids=["delete", "delete_many"])
def test_a_revision_that_was_deleted_through_a_storage_takes_no_other_bytes(house: House, way: str, many: bool) -> None:
    """Issue 18: the receipt then led to other bytes."""
    receipt = house.documents.upload(KEY, PDF)

    if many:
        house.storage.delete_many([NAME])
    else:
        house.storage.delete(NAME)

    for name in (NAME, SECOND):
        with pytest.raises(AlreadyExistsError, match="was removed"):
            WAYS[way](house.storage, name, OTHER)
    with pytest.raises(NotFoundError):
        house.documents.open(receipt).read()
    assert [] == house.files()
    assert [KEY] == [event.document for event in house.events if isinstance(event, DocumentRemoved)]


@pytest.mark.parametrize("declared", [False, True])
def test_the_same_bytes_may_come_back(house: House, declared: bool) -> None:
    sha256 = hashlib.sha256(PDF).hexdigest() if declared else None
    receipt = house.documents.upload(KEY, PDF)

    for body in (PDF, Source.of(PDF)):
        house.storage.delete(NAME)
        house.storage.resume_upload(house.storage.begin_upload(NAME, len(PDF), sha256=sha256), body)
        assert PDF == house.documents.open(house.documents.find(KEY)).read()
    house.storage.delete(NAME)
    house.storage.put(NAME, PDF, sha256=sha256)

    assert receipt.sha256 == house.documents.find(KEY).sha256
    found = house.remembered()
    assert found is not None
    assert found.removal is None


@pytest.mark.parametrize("body", [OTHER, PDF], ids=["other", "declared alike"])
def test_an_upload_that_is_completed_after_a_removal_is_refused(house: House, body: bytes) -> None:
    """Nobody here saw what the client sent, whatever the sha256 says that it was begun for."""
    state = sent(house.storage, NAME, body, declared=body is PDF)
    house.documents.upload(KEY, PDF)
    house.documents.remove(KEY)

    with pytest.raises(AlreadyExistsError, match="was removed"):
        house.storage.complete_upload(state)

    assert [] == house.files()
    house.storage.abort_upload(state)


@pytest.mark.parametrize("declared", [False, True])
def test_what_a_client_completed_after_a_removal_is_taken_away(house: House, declared: bool) -> None:
    storage = house.storage
    state = storage.begin_upload(NAME, len(OTHER), sha256=hashlib.sha256(PDF).hexdigest() if declared else None)
    house.documents.upload(KEY, PDF)
    house.documents.remove(KEY)
    send(storage, state, OTHER, completed=True)

    with pytest.raises(AlreadyExistsError, match="was removed"):
        storage.complete_upload(state)

    assert [] == house.files()


@pytest.mark.parametrize("way", ["complete", "completed", "resume"])
def test_a_call_that_is_repeated_finds_its_own_upload(house: House, way: str) -> None:
    state = sent(house.storage, NAME, PDF, completed=way == "completed")
    first = house.storage.resume_upload(state, PDF) if way == "resume" else house.storage.complete_upload(state)
    recorded = house.remembered()

    assert first.etag == house.storage.complete_upload(state).etag
    assert first.etag == house.storage.resume_upload(state, PDF).etag

    assert recorded == house.remembered()
    assert [NAME] == house.files()


def test_a_body_vouches_for_no_object_that_a_client_made(house: House) -> None:
    receipt = house.documents.upload(KEY, PDF)
    body = OTHER.ljust(len(PDF))[: len(PDF)]
    state = house.storage.begin_upload(NAME.replace("P01", "P02"), len(PDF))
    send(house.storage, state, body, completed=True)

    with pytest.raises(IntegrityError, match=r"other bytes|begun for"):
        house.storage.resume_upload(state, PDF)

    assert house.remembered(replace(KEY, revision="P02")) is None
    assert PDF == house.documents.open(receipt).read()


def test_a_catalogue_that_fails_loses_no_upload(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    state = sent(house.storage, NAME, PDF)

    def fail(*_: object) -> bool:
        raise UnavailableError("the database restarts")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryRegister, "swap_revision", fail)
        with pytest.raises(UnavailableError):
            house.storage.complete_upload(state)

    assert house.remembered() is None
    house.storage.complete_upload(state)
    assert house.remembered() is not None
    assert PDF == house.documents.open(house.documents.find(KEY)).read()


def test_deleting_what_was_never_stored_leaves_the_revision_free(house: House) -> None:
    house.storage.delete(NAME)
    house.storage.delete_many([NAME, SECOND])

    assert house.remembered() is None
    assert PDF == house.documents.open(house.documents.upload(KEY, PDF)).read()


def test_deleting_in_another_place_removes_no_document(house: House) -> None:
    receipt = house.documents.upload(KEY, PDF)

    house.second().delete(NAME)

    found = house.remembered()
    assert found is not None
    assert found.removal is None
    assert PDF == house.documents.open(receipt).read()
    assert [] == [event for event in house.events if isinstance(event, DocumentRemoved)]


def test_of_direct_uploads_and_documents_that_race_exactly_one_stays(house: House) -> None:
    storage, second = house.storage, house.second()
    for number in range(ROUNDS):
        folder = f"bridge/DRG-1/R{number:02}"
        document = DocumentKey("org-1", "bridge", "DRG-1", f"R{number:02}", "upload")
        resumed = storage.begin_upload(f"{folder}/resumed", len(PDF))
        state, elsewhere = sent(storage, f"{folder}/sent", PDF), sent(second, f"{folder}/elsewhere", PDF)

        outcomes = at_once(
            [
                partial(house.documents.upload, document, PDF),
                partial(storage.put, f"{folder}/put", PDF),
                partial(storage.resume_upload, resumed, PDF),
                partial(storage.complete_upload, state),
                partial(second.complete_upload, elsewhere),
            ]
        )

        won = [outcome for outcome in outcomes if isinstance(outcome, ObjectInfo | StoredDocument)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, AlreadyExistsError)]
        assert (1, 4) == (len(won), len(refused)), outcomes
        name = won[0].key.removeprefix("org-1/")
        assert [name] == [found for found in house.files() if found.startswith(folder)]
        recorded = house.remembered(document)
        assert recorded is not None
        assert f"org-1/{name}" == recorded.document.build()


def test_of_uploads_that_clients_completed_the_first_to_be_recorded_stays(house: House) -> None:
    storages = (house.storage, house.second())
    begun = [storage.begin_upload(name, len(PDF)) for storage, name in zip(storages, (NAME, SECOND), strict=True)]
    for storage, state in zip(storages, begun, strict=True):
        send(storage, state, PDF, completed=True)

    outcomes = at_once([partial(storage.complete_upload, one) for storage, one in zip(storages, begun, strict=True)])

    won = [outcome for outcome in outcomes if isinstance(outcome, ObjectInfo)]
    assert 1 == sum(isinstance(outcome, AlreadyExistsError) for outcome in outcomes), outcomes
    assert [info.key for info in won] == house.files()

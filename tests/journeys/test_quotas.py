"""Every way in respects the quotas of an organisation: what does not fit is refused, and what is there is counted."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import fsspec
import pytest

from kazinex_storage import (
    AlreadyExistsError,
    AsyncDocumentStore,
    BulkError,
    DocumentKey,
    DocumentStore,
    Organisations,
    PresignedUrl,
    PresignOptions,
    PutMode,
    PutOptions,
    QuotaExceededError,
    Resolver,
    Storage,
    open_organisations,
)
from kazinex_storage.documents.quotas import utc_now
from kazinex_storage.organisations import Catalogue, KeyRing, MemoryCatalogue, Sealer, SqlCatalogue
from kazinex_storage.testing.servers import S3Server

from .test_direct_uploads import WAYS, sent
from .test_racing_uploads import at_once

PDF = b"%PDF-1.7 " + b"x" * 91
NOTE = "notes/today.pdf"


def key(revision: str = "P01", project: str = "bridge") -> DocumentKey:
    return DocumentKey("org-1", project, "DRG-1", revision, "plan.pdf")


def name(revision: str = "P01", project: str = "bridge") -> str:
    return str(key(revision, project).build()).removeprefix("org-1/")


@dataclass(frozen=True, kw_only=True)
class Flat:
    """An organisation with one provider, and room for 250 bytes."""

    organisations: Organisations
    resolver: Resolver
    documents: DocumentStore

    @property
    def storage(self) -> Storage:
        return self.resolver.storage_for("org-1")

    @property
    def used(self) -> tuple[int, int]:
        report = self.organisations.usage("org-1")
        return report.objects, report.bytes

    @property
    def reserved(self) -> int:
        return sum(held.bytes for held in self.organisations.usage("org-1").reserved)

    def names(self) -> list[str]:
        return [info.key for info in self.storage.list()]


def flat_on(kind: str, settings: dict[str, object], catalogue: Catalogue | None = None) -> Flat:
    organisations = Organisations(catalogue or MemoryCatalogue())
    record = organisations.add_provider("org-1", kind, "main", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "main")
    organisations.set_quota("org-1", max_bytes=250)
    resolver = Resolver(organisations)
    return Flat(organisations=organisations, resolver=resolver, documents=DocumentStore(resolver))


@pytest.fixture
def flat() -> Iterator[Flat]:
    made = flat_on("memory", {"name": f"quotas-{secrets.token_hex(8)}"})
    yield made
    made.resolver.close()


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Flat]:
    """The same in a database."""
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    made = flat_on("memory", {"name": f"quotas-{secrets.token_hex(8)}"}, catalogue)
    yield made
    made.resolver.close()
    catalogue.close()


@pytest.fixture
def signing(ministack_server: S3Server) -> Iterator[Flat]:
    keys = {"access_key_id": ministack_server.access_key_id, "secret_access_key": ministack_server.secret_access_key}
    bucket = {"bucket": ministack_server.make_bucket(), "endpoint_url": ministack_server.endpoint_url}
    made = flat_on("s3", {**bucket, **keys})
    yield made
    made.resolver.close()


def upload_async(flat: Flat, revision: str) -> object:
    return asyncio.run(AsyncDocumentStore(flat.documents).upload(key(revision), PDF))


def copied(flat: Flat, revision: str) -> object:
    """Copy an object that was there before the quota, and that nobody counted."""
    provider = flat.storage.operations.context.provider
    source = Storage(provider, prefix="org-1/")
    source.put("scans/plan.pdf", PDF)
    return flat.storage.copy("scans/plan.pdf", name(revision))


def written(flat: Flat, revision: str) -> None:
    system = fsspec.filesystem("kazinex", resolver=flat.resolver, skip_instance_cache=True)
    system.pipe_file(f"kazinex://{key(revision).build()}", PDF)


def through(way: str, flat: Flat, revision: str) -> object:
    return WAYS[way](flat.storage, name(revision), PDF)


DOORS: dict[str, Callable[[Flat, str], object]] = {
    **{way: partial(through, way) for way in WAYS},
    "document": lambda flat, revision: flat.documents.upload(key(revision), PDF),
    "document, awaited": upload_async,
    "an iterable": lambda flat, revision: flat.documents.upload(key(revision), iter([PDF[:50], PDF[50:]])),
    "bulk": lambda flat, revision: flat.storage.put_many([(name(revision), PDF)]),
    "copy": copied,
    "chosen": lambda flat, revision: flat.resolver.chosen("org-1").storage.put(name(revision), PDF),
    "fsspec": written,
    "no document": lambda flat, revision: flat.storage.put(f"bridge/{revision}.pdf", PDF),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_way_in_counts_and_refuses_what_does_not_fit(flat: Flat, door: str) -> None:
    for revision in ("P01", "P02"):
        DOORS[door](flat, revision)
    assert (2, 200) == flat.used
    before = flat.names()

    with pytest.raises((QuotaExceededError, BulkError)) as refused:
        DOORS[door](flat, "P03")

    error = refused.value.failures[0] if isinstance(refused.value, BulkError) else refused.value
    assert isinstance(error, QuotaExceededError)
    assert (200, 250, 100) == (error.used, error.limit, error.needed)
    assert before == flat.names()
    assert ((2, 200), 0) == (flat.used, flat.reserved)


def test_what_is_removed_makes_room(flat: Flat) -> None:
    receipts = [flat.documents.upload(key(f"P0{number}"), PDF) for number in range(2)]

    flat.documents.remove(receipts[0])
    flat.storage.delete(name("P01"))

    assert (0, 0) == flat.used
    flat.documents.upload(key("P02"), PDF)


def test_other_objects_are_counted_when_they_are_replaced_moved_and_removed(flat: Flat) -> None:
    flat.storage.put(NOTE, PDF)
    flat.storage.put(NOTE, PDF[:60])
    assert (1, 60) == flat.used
    flat.storage.move(NOTE, "notes/tomorrow.pdf")
    assert (1, 60) == flat.used
    flat.storage.put_many([(NOTE, PDF), ("loose.txt", b"1234")])
    assert (3, 164) == flat.used

    flat.storage.delete_many([NOTE, "loose.txt", "notes/never.txt"])
    flat.storage.delete("notes/tomorrow.pdf")

    assert (0, 0) == flat.used


def test_a_document_that_is_moved_to_another_revision_counts_once(flat: Flat) -> None:
    flat.storage.put(name(), PDF)

    flat.storage.move(name(), name("P02", "tunnel"))

    assert ((1, 100), 0) == (flat.used, flat.reserved)
    assert (1, 100) == flat.organisations.usage("org-1").of_project("tunnel")


def test_a_put_that_fails_gives_its_room_back(flat: Flat) -> None:
    flat.documents.upload(key(), PDF)

    with pytest.raises(AlreadyExistsError):
        flat.documents.upload(key(), PDF[:99])
    with pytest.raises(AlreadyExistsError):
        flat.storage.put(NOTE, PDF, PutOptions(mode=PutMode.CREATE))
        flat.storage.put(NOTE, b"", PutOptions(mode=PutMode.CREATE))

    assert ((2, 200), 0) == (flat.used, flat.reserved)


def test_uploads_that_race_do_not_exceed_the_quota(flat: Flat) -> None:
    outcomes = at_once([partial(flat.documents.upload, key(f"P0{number}"), PDF) for number in range(8)])

    assert 2 == sum(not isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert all(isinstance(outcome, QuotaExceededError) for outcome in outcomes if isinstance(outcome, Exception))
    assert ((2, 200), 0, 2) == (flat.used, flat.reserved, len(flat.names()))


def test_an_upload_that_was_begun_holds_its_room_until_it_is_aborted(flat: Flat) -> None:
    state = flat.storage.begin_upload(name(), 200)

    with pytest.raises(QuotaExceededError):
        flat.storage.begin_upload(name("P02"), 100)
    assert ((0, 0), 200) == (flat.used, flat.reserved)

    flat.storage.abort_upload(state)
    flat.documents.upload(key("P02"), PDF)


def expire(flat: Flat) -> None:
    """Let everything that is reserved have expired, as after the death of its process."""
    table = flat.organisations.catalogue.usage
    for held in table.reservations("org-1"):
        table.reserve(replace(held, expires_at=utc_now() - timedelta(seconds=1)))


def test_an_upload_that_outlives_its_room_is_checked_again_at_its_end(flat: Flat) -> None:
    late = sent(flat.storage, name(), PDF, completed=True)
    expire(flat)
    for revision in ("P02", "P03"):
        flat.documents.upload(key(revision), PDF)

    with pytest.raises(QuotaExceededError):
        flat.storage.complete_upload(late)

    assert [name("P02"), name("P03")] == flat.names()


def test_completing_twice_counts_once(flat: Flat) -> None:
    state = flat.storage.begin_upload(name(), len(PDF))
    flat.storage.resume_upload(state, PDF)

    flat.storage.resume_upload(state, PDF)

    assert ((1, 100), 0) == (flat.used, flat.reserved)


def test_a_quota_set_later_counts_what_is_there_already(flat: Flat) -> None:
    flat.organisations.set_quota("org-1")
    for revision in ("P01", "P02", "P03"):
        flat.documents.upload(key(revision), PDF)

    flat.organisations.set_quota("org-1", max_objects=3)

    assert (3, 300) == flat.used
    with pytest.raises(QuotaExceededError, match="3 objects are used"):
        flat.documents.upload(key("P04"), PDF)
    flat.organisations.set_quota("org-1", "tunnel", max_bytes=0)
    with pytest.raises(QuotaExceededError, match="quota of the organisation"):
        flat.documents.upload(key("P04", "tunnel"), PDF)


SIGNED = PresignOptions(method="PUT", size=len(PDF))


def put(url: PresignedUrl) -> None:
    headers = dict(url.headers)
    request = urllib.request.Request(url.url, data=PDF, method="PUT", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert 200 == answer.status


def test_a_signed_put_holds_its_room_until_it_is_confirmed(signing: Flat) -> None:
    first, second = (signing.storage.presign(name(revision), SIGNED) for revision in ("P01", "P02"))

    with pytest.raises(QuotaExceededError):
        signing.storage.presign(name("P03"), SIGNED)
    assert ((0, 0), 200) == (signing.used, signing.reserved)

    for url, revision in ((first, "P01"), (second, "P02")):
        put(url)
        for _ in range(2):
            signing.storage.confirm(name(revision), SIGNED, write_token=url.write_token)
    assert ((2, 200), 0) == (signing.used, signing.reserved)


def test_a_signed_put_that_is_confirmed_too_late_is_removed_when_there_is_no_room(signing: Flat) -> None:
    url = signing.storage.presign(name(), SIGNED)
    put(url)
    expire(signing)
    for revision in ("P02", "P03"):
        signing.documents.upload(key(revision), PDF)

    with pytest.raises(QuotaExceededError):
        signing.storage.confirm(name(), SIGNED, write_token=url.write_token)

    assert [name("P02"), name("P03")] == signing.names()


def test_where_there_is_no_quota_nothing_is_asked_of_the_catalogue(flat: Flat) -> None:
    flat.organisations.set_quota("org-1")
    flat.organisations.set_quota("org-2", max_bytes=1)

    assert flat.storage.operations.context.rules.quota is None


def test_a_quota_is_kept_by_the_threads_of_one_storage(flat: Flat) -> None:
    storage, refused = flat.storage, list[str]()

    def write(number: int) -> None:
        try:
            storage.put(f"notes/{number}.pdf", PDF)
        except QuotaExceededError:
            refused.append(str(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (4, (2, 200), 0) == (len(refused), flat.used, flat.reserved)


def test_a_ticket_holds_its_room_until_it_is_confirmed_or_aborted(flat: Flat) -> None:
    documents = DocumentStore(flat.resolver, upload_route="https://host.example/direct")
    first, second = (documents.begin_direct_upload(key(revision), 100) for revision in ("P01", "P02"))

    with pytest.raises(QuotaExceededError):
        documents.begin_direct_upload(key("P03"), 100)
    assert ((0, 0), 200) == (flat.used, flat.reserved)

    documents.receive_direct_upload(first.parts[0].request.url.rpartition("/")[2], PDF)
    for _ in range(2):
        documents.confirm_direct_upload(first)
    assert ((1, 100), 100) == (flat.used, flat.reserved)

    documents.abort_direct_upload(second)
    assert 0 == flat.reserved
    flat.documents.upload(key("P03"), PDF)


def test_a_ticket_that_is_confirmed_too_late_is_removed_when_there_is_no_room(flat: Flat) -> None:
    documents = DocumentStore(flat.resolver, upload_route="https://host.example/direct")
    ticket = documents.begin_direct_upload(key(), 100)
    documents.receive_direct_upload(ticket.parts[0].request.url.rpartition("/")[2], PDF)
    expire(flat)
    for revision in ("P02", "P03"):
        flat.documents.upload(key(revision), PDF)

    with pytest.raises(QuotaExceededError):
        documents.confirm_direct_upload(ticket)

    assert [name("P02"), name("P03")] == flat.names()


WRITER = """
import sys
from kazinex_storage import DocumentKey, DocumentStore, QuotaExceededError, Resolver, open_organisations

organisations = open_organisations()
documents = DocumentStore(Resolver(organisations))
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    try:
        documents.upload(DocumentKey("org-1", "bridge", sys.argv[1], f"P{number}", "plan.pdf"), b"%PDF-1.7 drawing")
    except QuotaExceededError:
        print("refused", flush=True)
    else:
        print("stored", flush=True)
"""


def heard(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def go(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")


def test_processes_that_write_at_once_store_no_more_than_the_quota(tmp_path: Path) -> None:
    """One of them is killed in the middle: what it had reserved it holds until it expires, and stores nothing with."""
    (tmp_path / "disk").mkdir()
    environment = {**os.environ, "KAZINEX_STORAGE_HOME": str(tmp_path / "home")}
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(tmp_path / "home")})
    record = organisations.add_provider("org-1", "local", "Disk", {"root": str(tmp_path / "disk"), "durable": False})
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "Disk")
    organisations.set_quota("org-1", max_objects=20)

    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what was not asked for stays in the pipe
        )
        for name in ("A", "B", "C")
    ]
    assert ["ready"] * 3 == [heard(process) for process in started]
    go(started[0])
    assert "stored" == heard(started[0]), "before the others leave it no room"
    go(*started[1:])
    first = heard(started[1])
    started[0].kill()
    said = [process.communicate(timeout=60)[0].decode() for process in started]

    files = [path for path in (tmp_path / "disk" / "org-1").rglob("*.pdf") if path.is_file()]
    report = organisations.usage("org-1")
    held = sum(each.objects for each in report.reserved)
    assert report.objects <= len(files) <= 20
    assert report.objects + held <= 20
    assert len(files) - report.objects <= held <= 1
    assert 24 == sum(text.count("stored") + text.count("refused") for text in (first, *said[1:]))
    organisations.close()


def test_bulk_removals_count_what_they_removed_project_by_project(flat: Flat) -> None:
    flat.storage.put_many([(f"p{number % 2}/{number}.txt", b"x" * 10) for number in range(20)])
    assert (20, 200) == flat.used

    flat.storage.delete_many([f"p{number % 2}/{number}.txt" for number in range(0, 20, 2)])

    report = flat.organisations.usage("org-1")
    assert ((0, 0), (10, 100)) == (report.of_project("p0"), report.of_project("p1"))


def test_a_database_holds_the_room_of_tickets_and_uploads_in_parts(lasting: Flat) -> None:
    documents = DocumentStore(lasting.resolver, upload_route="https://host.example/direct")
    ticket = documents.begin_direct_upload(key(), 100)
    state = lasting.storage.begin_upload(name("P02"), 100)
    assert 200 == lasting.reserved
    with pytest.raises(QuotaExceededError):
        documents.upload(key("P03"), PDF)

    documents.receive_direct_upload(ticket.parts[0].request.url.rpartition("/")[2], PDF)
    documents.confirm_direct_upload(ticket)
    lasting.storage.resume_upload(state, PDF)

    assert ((2, 200), 0) == (lasting.used, lasting.reserved)


def test_a_database_refuses_a_ticket_that_is_confirmed_too_late(lasting: Flat) -> None:
    documents = DocumentStore(lasting.resolver, upload_route="https://host.example/direct")
    ticket = documents.begin_direct_upload(key(), 100)
    documents.receive_direct_upload(ticket.parts[0].request.url.rpartition("/")[2], PDF)
    expire(lasting)
    lasting.documents.upload(key("P02"), PDF * 2)

    with pytest.raises(QuotaExceededError):
        documents.confirm_direct_upload(ticket)

    assert ([name("P02")], (1, 200)) == (lasting.names(), lasting.used)

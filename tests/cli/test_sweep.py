"""``sweep`` from the shell: shows by default, removes when told, stays with the organisation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import DocumentKey, DocumentStore, PutOptions, Resolver, Storage, open_organisations
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.testing.servers import S3Server

from ..s3.test_tickets import send

if TYPE_CHECKING:
    from .conftest import CommandLine


@pytest.fixture(scope="module")
def bucket(ministack_server: S3Server) -> str:
    return ministack_server.make_bucket()


@pytest.fixture
def storage(cli: CommandLine, ministack_server: S3Server, bucket: str) -> Iterator[Storage]:
    """The bucket as a provider of org-1; every test has an empty folder of it."""
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    settings = {
        "bucket": bucket,
        "endpoint_url": ministack_server.endpoint_url,
        "access_key_id": ministack_server.access_key_id,
        "secret_access_key": ministack_server.secret_access_key,
        "prefix": cli.folder.name,
    }
    record = organisations.add_provider("org-1", "s3", "Bucket", settings)
    resolver = Resolver(organisations)
    yield resolver.storage_of("org-1", record.id)
    resolver.close()
    organisations.close()


def test_by_default_it_shows_and_removes_nothing(cli: CommandLine, storage: Storage) -> None:
    storage.begin_upload("bridge/plan ü.pdf", 5)

    done = cli("sweep", "--older-than", "0")

    assert 0 == done.code
    assert "bridge/plan ü.pdf" in done.text
    assert "Bucket: 1 unfinished uploads would be removed; add --abort" in done.err
    assert 1 == len(storage.pending_uploads())


def test_young_uploads_stay_whatever_is_asked(cli: CommandLine, storage: Storage) -> None:
    storage.begin_upload("a", 5)

    done = cli("sweep", "--abort", "--yes")

    assert (0, "") == (done.code, done.text)
    assert "1 younger stay" in done.err
    assert 1 == len(storage.pending_uploads())


def test_it_removes_with_abort(cli: CommandLine, storage: Storage, ministack_server: S3Server, bucket: str) -> None:
    witness = ministack_server.client()
    storage.begin_upload("a", 5)
    theirs = witness.create_multipart_upload(Bucket=bucket, Key=f"{cli.folder.name}/org-2/a")["UploadId"]

    done = cli("sweep", "Bucket", "--older-than", "0", "--abort", "--yes", "--json")

    (found,) = done.json["providers"]
    assert (False, 1, ["a"]) == (found["dry_run"], found["removed"], [upload["key"] for upload in found["uploads"]])
    assert [] == storage.pending_uploads()
    left = witness.list_multipart_uploads(Bucket=bucket, Prefix=f"{cli.folder.name}/")["Uploads"]
    assert [theirs] == [upload["UploadId"] for upload in left]


def test_without_a_terminal_it_does_not_remove_unasked(cli: CommandLine, storage: Storage) -> None:
    storage.begin_upload("a", 5)

    done = cli("sweep", "--older-than", "0", "--abort")

    assert 2 == done.code
    assert "add --yes" in done.err
    assert 1 == len(storage.pending_uploads())


def test_on_a_terminal_it_asks(cli: CommandLine, storage: Storage) -> None:
    storage.begin_upload("a", 5)

    terminal = cli.on_terminal("sweep", "--older-than", "0", "--abort")
    terminal.wait_for("Abort 1 unfinished uploads and remove 0 leftover files of org-1?")
    terminal.type("y\n")

    assert 0 == terminal.end()
    assert [] == storage.pending_uploads()


def test_sidecars_of_a_disk_are_leftovers(cli: CommandLine) -> None:
    root = cli.add_disk()
    disk = Storage(LocalProvider(LocalSettings(root=root, durable=False)))
    disk.put("org-1/bridge/a", b"1", PutOptions(metadata={"author": "A. Person"}))
    disk.close()
    (root / "org-1" / "bridge" / "a").unlink()

    shown = cli("sweep", "--json")
    done = cli("sweep", "--abort", "--yes", "--json")

    assert [(1, 0), (1, 1)] == [
        (result.json["providers"][0]["leftovers"], result.json["providers"][0]["removed"]) for result in (shown, done)
    ]
    assert 0 == cli("sweep", "--json").json["providers"][0]["leftovers"]


def test_a_negative_age_is_refused(cli: CommandLine) -> None:
    assert 2 == cli("sweep", "--older-than", "-1").code


def test_an_unknown_provider_is_not_found(cli: CommandLine) -> None:
    assert 4 == cli("sweep", "Nowhere").code


def test_direct_uploads_that_nobody_confirmed_are_shown_and_removed(cli: CommandLine, storage: Storage) -> None:
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    organisations.record_verification(organisations.find("org-1", "Bucket"), ok=True)
    organisations.set_default("org-1", "Bucket")
    resolver, tickets = Resolver(organisations), organisations.catalogue.tickets
    key = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
    ticket = DocumentStore(resolver).begin_direct_upload(key, 5)
    assert (200, True) == (send(ticket.parts[0].request, b"%PDF-")[0], storage.exists("bridge/DRG-1/P01/plan.pdf"))
    record = tickets.ticket("org-1", ticket.id)
    assert record is not None
    assert tickets.swap_ticket(record, replace(record, expires_at=record.begun_at - timedelta(minutes=1), version=2))

    shown, named, done = cli("sweep", "--json"), cli("sweep", "Bucket"), cli("sweep", "--abort", "--yes")

    found = json.loads(shown.text)["direct"]
    assert ([ticket.id], True) == ([upload["id"] for upload in found["expired"]], found["dry_run"])
    assert "direct" not in named.err
    assert "direct uploads: 1 that nobody confirmed in time removed" in done.err
    assert "org-1/bridge/DRG-1/P01/plan.pdf" in done.text
    after = tickets.ticket("org-1", ticket.id)
    assert after is not None
    assert (0, "expired", False) == (done.code, after.status, storage.exists("bridge/DRG-1/P01/plan.pdf"))
    resolver.close()
    organisations.close()

"""The evidence of receipts, whatever the door; and the proof of one of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    IntegrityError,
    NotFoundError,
    RetentionError,
    SettingsError,
)
from kazinex_storage.migration import Migration, cut_over
from kazinex_storage.migration.bags.exporting import export_bags
from kazinex_storage.migration.bags.importing import import_bags
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.organisations.evidence.checking import Trust, check_receipts
from kazinex_storage.organisations.evidence.tables import receipt_heads, receipt_lines

from ..bags.conftest import Home

PDF = b"%PDF-1.7 drawing"
ROUTE = "https://host.example/uploads"


def home(folder: Path) -> Home:
    folder.mkdir()
    made = Home(folder, SqlCatalogue(folder / "catalogue.db", Sealer(KeyRing.generate())))
    made.add_disk("acme")
    made.documents = DocumentStore(made.resolver, upload_route=ROUTE)
    return made


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Home]:
    made = home(tmp_path / "acme")
    yield made
    made.close()


def key(number: int, organisation: str = "acme") -> DocumentKey:
    return DocumentKey(organisation, "bridge", f"DRG-{number}", "P01", "plan.pdf")


def told(home: Home) -> list[tuple[str, str]]:
    with home.organisations.catalogue.receipts.chain("acme", "bridge") as (_, found):  # type: ignore[attr-defined]
        said = [line.read() for line in found]
    return [(line["kind"], line["document"]) for line in said if line["document"] is not None]


def test_every_door_leaves_a_line(acme: Home, tmp_path: Path) -> None:
    documents = acme.documents
    documents.acting("ann").upload(key(1), PDF)
    ticket = documents.begin_direct_upload(key(2), len(PDF))
    documents.receive_direct_upload(ticket.parts[0].request.url.rpartition("/")[2], PDF)
    documents.confirm_direct_upload(ticket)
    storage = acme.resolver.storage_for("acme", "bridge")
    storage.put("bridge/DRG-3/P01/plan.pdf", PDF)
    storage.copy("bridge/DRG-3/P01/plan.pdf", "bridge/DRG-4/P01/plan.pdf")
    storage.delete("bridge/DRG-3/P01/plan.pdf")
    documents.remove(key(1), by="müller", reason="wrong drawing")
    documents.upload(key(1), PDF)
    with pytest.raises(AlreadyExistsError):
        documents.upload(key(1), b"%PDF-1.7 other")

    assert [
        *(("stored", f"DRG-{number}") for number in (1, 2, 3, 4)),
        ("removed", "DRG-3"),
        ("removed", "DRG-1"),
        ("stored", "DRG-1"),
    ] == told(acme)

    with acme.organisations.catalogue.receipts.chain("acme", "bridge") as (_, found):  # type: ignore[attr-defined]
        by = [line.read()["by"] for line in found]
    assert [None, "ann", None, None, None, None, "müller", None] == by

    export_bags(acme.resolver, "acme", tmp_path / "bags")
    arrived = home(tmp_path / "arrived")
    import_bags(arrived.resolver, "acme", tmp_path / "bags")
    assert {("stored", "DRG-1"), ("stored", "DRG-2"), ("stored", "DRG-4"), ("removed", "DRG-3")} == set(told(arrived))
    assert arrived.organisations.evidence.verify("acme", "bridge").ok
    arrived.close()


def test_a_move_to_another_provider_is_a_line_and_old_receipts_are_proved(acme: Home) -> None:
    receipt = acme.documents.upload(key(1), PDF)
    acme.add_disk("acme", "archive", default=False)
    migration = Migration(acme.resolver, "acme", "disk", "archive")
    assert migration.copy().complete

    cut_over(migration)

    assert [("stored", "DRG-1"), ("moved", "DRG-1")] == told(acme)
    assert ("stored", ("moved",)) == (acme.documents.proof(receipt).kind, acme.documents.proof(receipt).later)
    assert "moved" == acme.documents.proof(acme.documents.find(key(1))).kind


def test_what_keeps_a_document_and_what_becomes_of_it_are_lines(acme: Home) -> None:
    documents, until = acme.documents.acting("ann"), datetime(2090, 1, 1, tzinfo=UTC)
    receipt = documents.upload(key(1), PDF)
    documents.retain(receipt, until=until, reason="contract")
    documents.hold(receipt, "court", by="judge")
    with pytest.raises(RetentionError):
        documents.remove(receipt)
    documents.release(receipt, by="judge")
    documents.lift_retention(receipt, by="boss", reason="expired")
    documents.remove(receipt)
    documents.undelete(key(1))
    documents.remove(receipt)
    documents.purge(key(1))

    with acme.organisations.catalogue.receipts.chain("acme", "bridge") as (_, found):  # type: ignore[attr-defined]
        said = [line.read() for line in found][1:]
    assert [
        ("stored", "ann", None),
        ("retained", "ann", "contract"),
        ("held", "judge", "court"),
        ("released", "judge", None),
        ("lifted", "boss", "expired"),
        ("removed", "ann", None),
        ("restored", None, None),
        ("removed", "ann", None),
        ("purged", "ann", None),
    ] == [(line["kind"], line["by"], line["reason"]) for line in said]
    assert {"until": until.isoformat(), "mode": "governance", "by_default": False} == said[1]["said"]
    assert acme.organisations.evidence.verify("acme", "bridge").ok


def test_what_a_default_keeps_is_a_line_too(acme: Home) -> None:
    acme.organisations.set_retention("acme", "bridge", timedelta(days=10))

    acme.documents.upload(key(1), PDF)

    assert [("stored", "DRG-1"), ("retained", "DRG-1")] == told(acme)


def test_the_proof_of_a_receipt_is_checked_anywhere(acme: Home, tmp_path: Path) -> None:
    acme.documents.upload(key(0), b"%PDF-1.7 another")
    receipt = acme.documents.upload(key(1), PDF)
    acme.documents.upload(key(2), PDF)

    proof = acme.documents.proof(receipt)

    assert (3, receipt.document, receipt.provider) == (proof.number, proof.document, proof.provider)
    assert (len(PDF), hashlib.sha256(PDF).hexdigest(), ()) == (proof.size, proof.sha256, proof.later)
    file = proof.write(tmp_path / "proof.jsonl")
    trust = Trust(keys=(acme.organisations.evidence.key("acme").pem,), sha256=proof.sha256)
    report = check_receipts(file, trust)
    assert report.ok
    assert report.document is not None
    assert ("DRG-1", "stored") == (report.document["document"], report.document["kind"])
    assert not check_receipts(file, replace(trust, sha256="0" * 64)).ok
    with pytest.raises(FileExistsError):
        proof.write(file)
    assert proof.hash == asyncio.run(AsyncDocumentStore(acme.documents).proof(receipt)).hash


def test_a_receipt_that_says_something_else_is_not_proved(acme: Home) -> None:
    receipt = acme.documents.upload(key(1), PDF)

    with pytest.raises(IntegrityError, match="another file was stored"):
        acme.documents.proof(replace(receipt, sha256="0" * 64))
    with pytest.raises(IntegrityError, match="another file was stored"):
        acme.documents.proof(replace(receipt, size=1))
    with pytest.raises(NotFoundError, match="has no line of it"):
        acme.documents.proof(replace(receipt, document=key(2), key=key(2).build()))
    with pytest.raises(AccessDeniedError):
        DocumentStore(acme.resolver, organisation="other").proof(receipt)


def test_what_an_earlier_release_stored_gets_its_lines_once(acme: Home) -> None:
    receipt = acme.documents.upload(key(1), PDF)
    acme.documents.remove(acme.documents.upload(key(2), PDF))
    with acme.organisations.catalogue._database.changing() as connection:  # type: ignore[attr-defined]
        for table in (receipt_lines, receipt_heads):
            connection.execute(table.delete())
    with pytest.raises(NotFoundError, match="evidence complete"):
        acme.documents.proof(receipt)

    assert 1 == acme.organisations.evidence.complete("acme")

    assert 0 == acme.organisations.evidence.complete("acme")
    assert [("known", "DRG-1")] == told(acme)
    assert "known" == acme.documents.proof(receipt).kind


def test_without_keys_there_is_no_proof(tmp_path: Path) -> None:
    bare = Home(tmp_path)
    bare.add_disk("acme")
    receipt = bare.documents.upload(key(1), PDF)

    with pytest.raises(SettingsError, match="keeps no evidence"):
        bare.documents.proof(receipt)
    bare.close()

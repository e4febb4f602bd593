"""Time stamps over the evidence of receipts: by a service of the host's choice, checked here and by openssl."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, SettingsError, StoredDocument, UnavailableError
from kazinex_storage.documents.register import RevisionRecord
from kazinex_storage.errors import IntegrityError
from kazinex_storage.organisations import Sealer, SqlCatalogue
from kazinex_storage.organisations.evidence.checking import Trust, check_lines, check_receipts
from kazinex_storage.organisations.evidence.log import ReceiptEvidence
from kazinex_storage.organisations.records import now
from kazinex_storage.testing.emulators.http import Answer
from kazinex_storage.transport import Transport

from ..time_stamps import TimeStampService, time_stamp_service


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeStampService]:
    with time_stamp_service(tmp_path_factory.mktemp("stamps") / "service") as found:
        yield found


@pytest.fixture
def service(running: TimeStampService) -> Iterator[TimeStampService]:
    yield running
    running.answer = None


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport()
    yield made
    made.close()


@pytest.fixture
def evidence(tmp_path: Path, sealer: Sealer, service: TimeStampService) -> ReceiptEvidence:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", sealer)
    for number in range(3):
        assert catalogue.revisions.swap_revision(None, stored(number))
    found = ReceiptEvidence(catalogue)
    found.time_stamp_url = service.url
    return found


def stored(number: int) -> RevisionRecord:
    document = DocumentKey("acme", "bridge", f"D-{number}", "P01", "plan.pdf")
    return RevisionRecord(document=document, provider="office", sha256=f"{number:064x}", size=10, recorded_at=now())


def receipt(number: int) -> StoredDocument:
    record = stored(number)
    return StoredDocument(
        document=record.document,
        provider="office",
        kind="local",
        key=record.document.build(),
        size=10,
        sha256=record.sha256,
        etag=None,
        content_type=None,
        stored_at=record.recorded_at,
    )


def exported(evidence: ReceiptEvidence) -> list[bytes]:
    return [line[:-1] for line in evidence.lines("acme", "bridge")]


def trust(evidence: ReceiptEvidence, service: TimeStampService) -> Trust:
    return Trust(keys=(evidence.key("acme").pem,), stamp_roots=(service.root.read_bytes(),))


def test_a_stamp_is_a_line_that_is_checked_offline(
    evidence: ReceiptEvidence, service: TimeStampService, transport: Transport
) -> None:
    before = now()

    made = evidence.stamp("acme", "bridge", transport)

    assert made is not None
    assert 4 == made.number
    assert abs((made.at - before).total_seconds()) < 60
    report = check_lines(exported(evidence), trust(evidence, service))
    assert report.ok
    assert (made.at.isoformat(),) == report.stamps
    assert evidence.stamp("acme", "bridge", transport) is None  # nothing was added since
    assert evidence.stamp("acme", "tunnel", transport) is None
    assert 1 == service.asked


def test_openssl_finds_the_stamp_right(
    evidence: ReceiptEvidence, service: TimeStampService, transport: Transport, tmp_path: Path
) -> None:
    evidence.stamp("acme", "bridge", transport)
    found = exported(evidence)
    said = json.loads(found[9])["said"]
    (tmp_path / "line").write_bytes(found[7])
    (tmp_path / "stamp").write_bytes(base64.b64decode(said["response"]))

    def verified(name: str) -> int:
        command = ["openssl", "ts", "-verify", "-data", name, "-in", "stamp", "-CAfile", str(service.root)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode

    assert 0 == verified("line")
    (tmp_path / "other").write_bytes(found[5])
    assert 0 != verified("other")


def test_the_proof_of_a_receipt_goes_to_the_next_stamp(
    evidence: ReceiptEvidence, service: TimeStampService, transport: Transport, tmp_path: Path
) -> None:
    assert evidence.proof(receipt(1)).stamped_at is None
    made = evidence.stamp("acme", "bridge", transport)

    proof = evidence.proof(receipt(1))

    assert made is not None
    assert made.at == proof.stamped_at
    report = check_receipts(proof.write(tmp_path / "proof.jsonl"), trust(evidence, service))
    assert report.ok
    assert {"stamped": 1, "stored": 2} == report.kinds
    assert (3, 5, 1) == (report.first, report.number, len(report.stamps))


def test_the_stamp_of_another_service_is_not_believed(
    evidence: ReceiptEvidence, service: TimeStampService, transport: Transport, tmp_path: Path
) -> None:
    with time_stamp_service(tmp_path / "other") as other:
        evidence.time_stamp_url = other.url
        evidence.stamp("acme", "bridge", transport)

    report = check_lines(exported(evidence), trust(evidence, service))

    assert ["its time stamp is not one of the services that are trusted"] == [
        each.problem.partition(":")[0] for each in report.problems
    ]
    assert check_lines(exported(evidence), Trust(keys=(evidence.key("acme").pem,))).ok  # listed, and not believed


def test_what_is_no_stamp_of_the_line_is_refused(
    evidence: ReceiptEvidence, service: TimeStampService, transport: Transport
) -> None:
    reply = Answer(status=200, body=(service.folder / "reply").read_bytes()) if service.asked else None
    for answer in (reply, Answer(status=200, body=b"<html>"), Answer(status=200, body=b"x" * 70_000)):
        if answer is not None:
            service.answer = answer
            with pytest.raises((IntegrityError, UnavailableError), match="time stamp service answers"):
                evidence.stamp("acme", "bridge", transport)
    service.answer = Answer(status=404)
    with pytest.raises(SettingsError, match="KAZINEX_STORAGE_TIME_STAMP_URL"):
        evidence.stamp("acme", "bridge", transport)
    evidence.time_stamp_url = None
    with pytest.raises(SettingsError, match="no time stamp service is named"):
        evidence.stamp("acme", "bridge", transport)

    assert "stamped" not in check_lines(exported(evidence), trust(evidence, service)).kinds

"""``evidence`` from the shell: exported, checked offline, and what exit codes say of what was altered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kazinex_storage import DocumentKey, open_organisations
from kazinex_storage.documents.register import RevisionRecord

if TYPE_CHECKING:
    from .conftest import CommandLine


def test_evidence_is_checked_without_the_catalogue_and_never_overwritten(cli: CommandLine) -> None:
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    document = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
    record = RevisionRecord(
        document=document, provider="disk", sha256="0" * 64, size=3, recorded_at=datetime(2026, 11, 1, tzinfo=UTC)
    )
    assert organisations.catalogue.revisions.swap_revision(None, record)
    (cli.work / "key.pem").write_text(organisations.evidence.key("org-1").pem)
    organisations.close()

    done = cli("evidence", "export", "--project", "bridge", "bridge.jsonl", "--json")
    assert (2, "bridge.jsonl") == (done.json["lines"], done.json["file"])
    assert 2 == cli("evidence", "export", "--project", "bridge", "bridge.jsonl").code
    known = f"{done.json['number']}:{done.json['hash']}"
    found = cli("evidence", "verify", "bridge.jsonl", "--key", "key.pem", "--known", known)
    assert 0 == found.code
    assert f"org-1/bridge: 2 of 2 lines are as they were signed; keep this: {known}\n" in found.text
    file = cli.work / "bridge.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"size": 3', b'"size": 4'))
    altered = cli("evidence", "verify", "bridge.jsonl", "--key", "key.pem", "--json")
    assert (3, 5) == (altered.code, altered.json["problems"][0]["line"])
    assert 0 == cli("evidence", "check", "--project", "bridge").code
    assert 6 == cli("evidence", "stamp").code  # no service is named

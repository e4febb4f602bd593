"""``export`` and ``import`` from the shell: out of one catalogue, into another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import bagit
import pytest

from kazinex_storage import DocumentKey, DocumentStore, Resolver, StoredDocument, open_organisations, verify_provider

if TYPE_CHECKING:
    from .conftest import CommandLine


@pytest.fixture
def disk(cli: CommandLine) -> Path:
    """The disk of org-1, with two documents."""
    root = cli.add_disk()
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    resolver = Resolver(organisations)
    for name in ("plan.pdf", "sections.pdf"):
        DocumentStore(resolver).upload(DocumentKey("org-1", "bridge", name[:4], "P01", name), f"%PDF {name}".encode())
    resolver.close()
    organisations.close()
    return root


def test_documents_leave_in_bags_and_come_back_for_another_organisation(cli: CommandLine, disk: Path) -> None:
    out = cli.folder / "out"

    left = cli("export", "--to", out, "--json")
    assert (0, True) == (left.code, left.json["whole"])
    assert ["bridge"] == [bag["name"] for bag in left.json["bags"]]
    bagit.Bag(str(out / "bridge")).validate(processes=1)

    (cli.folder / "second").mkdir()
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    organisations.add_provider("org-2", "local", "Second", {"root": str(cli.folder / "second"), "durable": False})
    assert verify_provider(organisations, "org-2", "Second").ok
    organisations.set_default("org-2", "Second")
    organisations.close()
    refused = cli("import", "-o", "org-2", "--from", out)
    assert 6 == refused.code
    assert "of the organisation 'org-1' and not of 'org-2'" in refused.err
    checked = cli("import", "--from", out, "--as", "org-2", "--dry-run")
    assert (0, "planned: 2 objects, 30 bytes\n") == (checked.code, checked.text)

    arrived = cli("import", "--from", out, "--as", "org-2", "--receipts", cli.folder / "receipts.jsonl")
    assert (0, "stored: 2 objects, 30 bytes\n") == (arrived.code, arrived.text)
    lines = (cli.folder / "receipts.jsonl").read_text().splitlines()
    receipts = [StoredDocument.from_dict(json.loads(line)) for line in lines]
    assert {"org-2/bridge/plan/P01/plan.pdf", "org-2/bridge/sect/P01/sections.pdf"} == {each.key for each in receipts}
    assert b"%PDF plan.pdf" == (cli.folder / "second/org-2/bridge/plan/P01/plan.pdf").read_bytes()


def test_bags_are_made_on_a_provider_of_the_organisation(cli: CommandLine, disk: Path) -> None:
    done = cli("export", "--to", "Disk:2026-11", "--json")
    again = cli("import", "--from", "Disk:2026-11", "--json")

    assert (0, True) == (done.code, done.json["whole"])
    bagit.Bag(str(disk / "org-1/.kazinex-bags/exports/2026-11/bridge")).validate(processes=1)
    assert {"same": {"objects": 2, "bytes": 30}} == again.json["counts"]


def test_an_altered_bag_is_refused_and_what_cannot_be_read_is_named(cli: CommandLine, disk: Path) -> None:
    assert 0 == cli("export", "--to", "./out", "--max-bag-size", "20").code
    (cli.work / "out/bridge/data/org-1/bridge/plan/P01/plan.pdf").write_bytes(b"%PDF other...")
    altered = cli("import", "--from", "./out")
    assert 1 == altered.code
    assert "'bridge' is not valid, and nothing of it was stored" in altered.err

    (disk / "org-1/bridge/plan/P01/plan.pdf").write_bytes(b"%PDF other...")
    done = cli("export", "--to", "./again")
    assert 3 == done.code
    assert "bridge: not finished\n" == done.text
    assert "bridge/plan/P01/plan.pdf: failed: it has sha256" in done.err
    assert 3 == cli("export", "--to", "./again", "--leave-out-failed").code
    assert (cli.work / "again/bridge/bagit.txt").exists()

"""``usage``, ``quota`` and ``monitor`` from the shell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, open_organisations
from kazinex_storage.documents.store import DocumentStore
from kazinex_storage.organisations import ProviderStatus, Resolver

from .conftest import CommandLine

PDF = b"%PDF-1.7 drawing"


@pytest.fixture
def disk(cli: CommandLine) -> Path:
    """One VERIFIED provider on a folder, the default, with one document and one loose object."""
    folder = cli.folder / "disk"
    folder.mkdir()
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    record = organisations.add_provider("org-1", "local", "Disk", {"root": str(folder), "durable": False})
    organisations.record_verification(record, ok=True, at=datetime.now(UTC) - timedelta(days=1))
    organisations.set_default("org-1", "Disk")
    resolver = Resolver(organisations)
    DocumentStore(resolver).upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf"), PDF)
    resolver.storage_for("org-1").put("loose.txt", b"1234")
    resolver.close()
    organisations.close()
    return folder


def test_usage_is_shown_by_project_and_provider(cli: CommandLine, disk: Path) -> None:
    shown = cli("usage")
    reconciled = cli("usage", "--reconcile", "--json")

    assert disk.is_dir()
    assert ["bridge", "Disk", "1", "16"] == shown.text.splitlines()[1].split()[:4]
    assert {("bridge", 1, 16, 0), ("", 0, 0, 1)} == {
        (entry["project"], entry["objects"], entry["bytes"], entry["other_objects"])
        for entry in reconciled.json["usage"]
    }


def test_a_quota_is_set_shown_kept_and_cleared(cli: CommandLine, disk: Path) -> None:
    (disk / "x.pdf").write_bytes(PDF * 10)
    done = cli("quota", "set", "--project", "bridge", "--max-size", "100", "--max-objects", "5", "--json")
    assert (100, 5) == (done.json["max_bytes"], done.json["max_objects"])
    assert "may store any size, at most 5 objects" in cli("quota", "set", "-p", "bridge", "--max-size", "none").text
    cli("quota", "set", "-p", "bridge", "--max-size", "100")

    refused = cli("put", disk / "x.pdf", "org-1/bridge/DRG-1/P02", "--json")

    assert refused.code not in (0, 2)
    assert "quota of the project 'bridge'" in refused.error["message"]
    assert ["bridge", "16", "bytes", "100"] == cli("quota", "show").text.splitlines()[1].split()[:4]
    assert "any size" in cli("quota", "clear", "-p", "bridge").text
    assert 0 == cli("put", disk / "x.pdf", "org-1/bridge/DRG-1/P02").code


@pytest.mark.parametrize("arguments", [(), ("--max-size", "x"), ("--max-objects", "-1")])
def test_a_quota_that_makes_no_sense_is_a_mistake(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    assert 2 == cli("quota", "set", *arguments).code


def test_a_monitor_verifies_what_is_due_once(cli: CommandLine, disk: Path) -> None:
    cli("monitor", "--once")
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    table = organisations.catalogue.checks
    now = datetime.now(UTC) + timedelta(hours=1)
    check = table.claim("test", now, now)
    assert check is not None
    assert table.finish(replace(check, due_at=datetime.now(UTC)))
    (disk / "org-1").rename(disk / "away")
    disk.rename(cli.folder / "gone")

    done = cli("monitor", "--once", "--json")

    assert (1, 1) == (done.json["verified"], done.json["changed"])
    assert ProviderStatus.FAILED is organisations.find("org-1", "Disk").status
    organisations.close()


def test_a_monitor_runs_until_it_is_ended(cli: CommandLine, disk: Path) -> None:
    terminal = cli.on_terminal("monitor")

    terminal.wait_for("watching")
    terminal.interrupt()

    assert 130 == terminal.end()
    assert disk.is_dir()

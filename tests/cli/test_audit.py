"""``audit`` from the shell: what happened, by whom, whether it was altered; taken elsewhere, and shortened."""

from __future__ import annotations

import os
import pwd
import sqlite3
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import open_organisations

if TYPE_CHECKING:
    from .conftest import CommandLine

ME = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture
def used(cli: CommandLine) -> CommandLine:
    """The command line of an organisation in which one thing happened."""
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    organisations.acting("meier").set_allowlist("org-1", ["pdf"])
    organisations.close()
    return cli


def test_what_was_done_here_is_listed_with_who_did_it(used: CommandLine) -> None:
    used("allowlist", "set", "dwg")

    done = used("audit", "list", "--json")

    found = [(entry["number"], entry["event"], entry["by"], entry["after"]) for entry in done.json["entries"]]
    assert [(1, "allowlist.changed", "meier", ["pdf"]), (2, "allowlist.changed", ME, ["dwg"])] == found
    listed = used("audit", "list", "--by", ME, "--days", "1", "--event", "allowlist.")
    assert "allowlist.changed  done" in listed.text
    assert "meier" not in listed.text


def test_verifying_finds_what_was_altered(used: CommandLine) -> None:
    done = used("audit", "verify")
    assert 0 == done.code
    assert "1 entries are as they were written; keep this: 1:" in done.text
    assert "9: " not in done.text
    assert 3 == used("audit", "verify", "--known", f"9:{'0' * 64}").code
    assert 2 == used("audit", "verify", "--known", "9").code

    with sqlite3.connect(used.home / "catalogue.db") as database:
        database.execute("update kazinex_storage_audit set by = 'nobody' where number = 1")

    altered = used("audit", "verify", "--json")
    assert 3 == altered.code
    assert [{"number": 1, "problem": "it was changed: its hash is another one"}] == altered.json["problems"]


def test_an_export_is_verified_and_never_overwritten(used: CommandLine) -> None:
    done = used("audit", "export", "audit.jsonl")
    assert (0, "1 entries in audit.jsonl\n") == (done.code, done.text)
    assert 0 == used("audit", "verify", "--file", "audit.jsonl").code
    assert 2 == used("audit", "export", "audit.jsonl").code
    file = used.work / "audit.jsonl"
    assert 0o600 == file.stat().st_mode & 0o777
    assert file.read_bytes() == used("audit", "export", "-").out

    file.write_text(file.read_text().replace("meier", "huber"))

    assert 3 == used("audit", "verify", "--file", "audit.jsonl").code


def test_old_entries_are_forgotten_when_that_is_confirmed(used: CommandLine) -> None:
    assert 2 == used("audit", "prune", "--older-than", "0").code

    done = used("audit", "prune", "--older-than", "0", "--yes", "--json")

    assert {"organisation": "org-1", "dropped": 1} == done.json
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(used.home)})
    (left,) = organisations.audit.query("org-1")
    assert ("audit.dropped", ME, 2) == (left.event, left.by, left.number)
    assert organisations.audit.verify_audit("org-1").ok
    organisations.close()

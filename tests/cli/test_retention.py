"""``retention`` from the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import CommandLine
from .test_usage import disk as disk  # the fixture

DOCUMENT = "org-1/bridge/DRG-1/P01/plan.pdf"


def test_a_document_is_kept_shown_and_let_go(cli: CommandLine, disk: Path) -> None:
    assert disk.is_dir()
    kept = cli("retention", "retain", DOCUMENT, "--days", "30", "--reason", "contract", "--json")
    held = cli("retention", "hold", DOCUMENT, "--reason", "case 7")

    assert (True, "governance", "ours") == tuple(kept.json[name] for name in ("kept", "mode", "enforced_by"))
    assert "case 7" in held.text
    refused = cli("rm", DOCUMENT, "--yes", "--json")
    assert ("RetentionError", "case 7") == (refused.error["type"], refused.error["message"].rpartition(": ")[2][:6])
    cli("retention", "release", DOCUMENT)
    assert 5 == cli("rm", DOCUMENT, "--yes").code
    cli("retention", "lift", DOCUMENT, "--by", "meier", "--reason", "cancelled")
    assert "is free" in cli("retention", "show", DOCUMENT).text
    assert 0 == cli("rm", DOCUMENT, "--yes").code


def test_defaults_are_set_and_listed(cli: CommandLine) -> None:
    cli("retention", "set-default", "--days", "3650", "--mode", "compliance", "--project", "bridge")
    done = cli("retention", "set-default", "--days", "none")

    assert "not kept" in done.text
    found = cli("retention", "defaults", "--json").json["defaults"]
    assert [("bridge", 3650 * 86_400, "compliance")] == [(r["project"], r["period_s"], r["mode"]) for r in found]


@pytest.mark.parametrize("arguments", [(), ("--days", "1", "--until", "2099-01-01"), ("--until", "soon")])
def test_a_date_that_is_none_is_a_mistake(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    assert 2 == cli("retention", "retain", DOCUMENT, *arguments).code

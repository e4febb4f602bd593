"""``trash`` from the shell: removed documents are listed, brought back, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import CommandLine

REVISION = "org-1/bridge/DRG-1/P01"


def test_a_removed_document_is_listed_brought_back_and_ended(cli: CommandLine) -> None:
    root = cli.add_disk()
    assert 0 == cli("put", "-", f"{REVISION}/plan.pdf", stdin=b"%PDF-1.7").code

    cli("rm", REVISION, "--yes", "--by", "ada", "--reason", "wrong drawing")
    listed = cli("trash", "list", "--json").json["removed"]
    back = cli("trash", "undelete", REVISION)
    kept = cli("trash", "list")
    cli("rm", REVISION, "--yes", "--purge")
    nothing = cli("trash", "undelete", f"{REVISION}/plan.pdf")
    purged = cli("trash", "purge", f"{REVISION}/plan.pdf", "--yes")

    assert [(f"{REVISION}/plan.pdf", 8, "ada", "wrong drawing")] == [
        (one["key"], one["size"], one["removed_by"], one["reason"]) for one in listed
    ]
    assert (0, True) == (back.code, "brought back" in back.text)
    assert "nothing is kept" in kept.text + kept.err
    assert 4 == nothing.code
    assert 0 == purged.code
    assert [] == [path for path in root.rglob("*.trash*/**/*") if path.is_file()]

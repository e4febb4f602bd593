"""An old provider whose disk is gone: what the shell still does, and what it says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import CommandLine


def test_uploads_and_listings_go_on_and_a_removed_revision_stays_taken(cli: CommandLine) -> None:
    old = cli.add_disk("Old")
    cli("put", "-", "org-1/bridge/DRG-1/P00/a.pdf", stdin=b"old")
    cli.add_disk("New")
    old.rename(cli.folder / "unmounted")

    put = cli("put", "-", "org-1/bridge/DRG-1/P01/a.pdf", "--json", stdin=b"new")
    listed = cli("ls", "org-1/bridge/DRG-1")
    absent = cli("stat", "org-1/bridge/DRG-1/P00/a.pdf")
    removed = cli("rm", "org-1/bridge/DRG-1/P01/a.pdf", "--yes", "--by", "müller", "--reason", "wrong drawing")
    again = cli("put", "-", "org-1/bridge/DRG-1/P01/a.pdf", stdin=b"other")

    assert (0, 1) == (put.code, len(put.json["unasked"]))
    assert (0, ["P01/"]) == (listed.code, listed.text.split())
    assert "did not answer" in listed.err
    assert absent.code != 0
    assert "not all of them could be asked" in absent.err
    assert removed.code != 0  # what the old disk holds of it cannot be removed now
    assert "was removed by müller" in again.err

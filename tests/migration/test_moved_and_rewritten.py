"""A run between SharePoint, which rewrites files, and another provider; who reads by a receipt of before is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import IntegrityError, IntegrityState, StoredDocument
from kazinex_storage.migration.journal import REWRITTEN, EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.organisations import MemoryCatalogue

from ..services import Tenant, tenant
from .worlds import ACME, World, content, key_of

ACCEPTING = CopyOptions(accept_rewritten=True)


@pytest.fixture(scope="module")
def site() -> Iterator[Tenant]:
    with tenant() as found:
        found.site.drives[0].rewrites = True
        yield found


@pytest.fixture
def world(tmp_path: Path, site: Tenant) -> Iterator[World]:
    world = World(tmp_path, MemoryCatalogue(), "disk")
    world.add_kind("sharepoint", "site", dict(site.options))
    yield world
    world.close()


def moved(world: World, number: int, source: str, target: str) -> StoredDocument:
    """Upload a document, move it with a run that accepts what SharePoint makes of it, and lose the source."""
    world.organisations.set_default(ACME, source)
    receipt = world.upload(number)
    migration = Migration(world.resolver, ACME, source, target, options=ACCEPTING)
    report = migration.copy()
    assert report.complete, report.failures
    found = migration.journal.entries(report.run)
    assert [(EntryState.COPIED, REWRITTEN)] == [(entry.state, entry.reason) for entry in found]
    world.storage(source).delete(key_of(number))
    return receipt


@pytest.mark.parametrize(("number", "source", "target"), [(1, "site", "disk"), (2, "disk", "site")])
def test_what_was_accepted_when_it_moved_has_to_be_accepted_when_it_is_read(
    world: World, tmp_path: Path, number: int, source: str, target: str
) -> None:
    receipt = moved(world, number, source, target)
    documents, copy = world.documents, tmp_path / "copy.pdf"

    for read in (
        lambda: documents.get_bytes(receipt),
        lambda: documents.open(receipt),
        lambda: documents.stream(receipt),
        lambda: documents.download(receipt, copy),
    ):
        with pytest.raises(IntegrityError, match="accept_rewritten=True"):
            read()

    assert not copy.exists()
    now = documents.get_bytes(receipt, accept_rewritten=True)
    documents.download(receipt, copy, accept_rewritten=True)
    assert now == copy.read_bytes() == documents.open(receipt, accept_rewritten=True).read()
    assert now.startswith(content(number))
    assert now != content(number)
    assert IntegrityState.UNKNOWN is documents.check(receipt)


def test_without_that_the_run_leaves_it_where_the_receipt_finds_it(world: World) -> None:
    world.organisations.set_default(ACME, "site")
    receipt = world.upload(3)

    migration = Migration(world.resolver, ACME, "site", "disk")
    report = migration.copy()

    assert EntryState.FAILED is migration.journal.known(report.run, [key_of(3)])[key_of(3)].state
    assert world.documents.get_bytes(receipt, accept_rewritten=True).startswith(content(3))
    world.documents.remove(receipt)

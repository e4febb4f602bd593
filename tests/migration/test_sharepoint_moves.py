"""SharePoint as one end of a run: it rewrites files, holds fewer names, and ignores case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey
from kazinex_storage.migration.journal import REWRITTEN, EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.runs import RunReport
from kazinex_storage.organisations import MemoryCatalogue

from ..services import Tenant, tenant
from .worlds import ACME, World

DOCX = b"PK office " * 30


@pytest.fixture(scope="module")
def shared() -> Iterator[Tenant]:
    with tenant() as found:
        yield found


@pytest.fixture
def world(shared: Tenant, tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path, MemoryCatalogue())
    (tmp_path / "disk").mkdir()
    found.add_kind("local", "disk", {"root": str(tmp_path / "disk"), "durable": False})
    found.add_kind("sharepoint", "library", {**shared.options, "root_folder": tmp_path.name})
    yield found
    found.close()


@pytest.fixture
def rewriting(shared: Tenant) -> Iterator[None]:
    drive = shared.site.drives[0]
    drive.rewrites = True
    yield
    drive.rewrites = False


def document(name: str, revision: str = "P01") -> DocumentKey:
    return DocumentKey(ACME, "bridge", "DRG-1", revision, name)


def key_of(name: str, revision: str = "P01") -> str:
    return document(name, revision).build().removeprefix(f"{ACME}/")


def copied(world: World, source: str, target: str, **options: object) -> RunReport:
    return Migration(world.resolver, ACME, source, target, options=CopyOptions.from_dict(options)).copy()


def kept_sha256(world: World, key: DocumentKey) -> str | None:
    record = world.resolver.revisions.revision(key)
    assert record is not None
    return record.sha256


@pytest.mark.parametrize("small_bytes", [8, 10_000], ids=["in pieces", "whole"])
@pytest.mark.usefixtures("rewriting")
def test_a_file_that_the_source_has_rewritten_fails_unless_that_is_accepted(world: World, small_bytes: int) -> None:
    world.organisations.set_default(ACME, world.ids["library"])
    world.documents.upload(document("a.docx"), DOCX)
    world.documents.upload(document("b.ifc", "P02"), b"model " * 9)
    sent = hashlib.sha256(DOCX).hexdigest()

    first = copied(world, "library", "disk", small_bytes=small_bytes)
    left = world.path("disk", key_of("a.docx")).exists()
    kept = kept_sha256(world, document("a.docx"))
    for run in world.organisations.catalogue.journal.runs(ACME):
        world.organisations.catalogue.journal.drop_run(ACME, run.id)
    second = copied(world, "library", "disk", small_bytes=small_bytes, accept_rewritten=True)

    assert [key_of("a.docx")] == [entry.key for entry in first.failures]
    assert "accept_rewritten" in str(first.failures[0].reason)
    assert (False, sent) == (left, kept)
    now = world.path("disk", key_of("a.docx")).read_bytes()
    assert now.startswith(b"PK office")
    assert (True, hashlib.sha256(now).hexdigest()) == (second.complete, kept_sha256(world, document("a.docx")))
    assert sent != kept_sha256(world, document("a.docx"))


@pytest.mark.usefixtures("rewriting")
def test_a_file_that_the_target_rewrites_fails_unless_that_is_accepted(world: World) -> None:
    world.documents.upload(document("a.docx"), DOCX)

    first = copied(world, "disk", "library")
    left = list(world.storage("library").list())
    place = world.resolver.revisions.revision(document("a.docx"))
    journal = world.organisations.catalogue.journal
    journal.drop_run(ACME, first.run.id)
    second = copied(world, "disk", "library", accept_rewritten=True)

    assert "accept_rewritten" in str(first.failures[0].reason)
    assert ([], world.ids["disk"]) == (left, place.provider if place is not None else None)
    assert [(EntryState.COPIED, REWRITTEN)] == [(one.state, one.reason) for one in journal.entries(second.run)]
    assert hashlib.sha256(DOCX).hexdigest() == kept_sha256(world, document("a.docx"))


def test_what_sharepoint_cannot_hold_is_in_the_plan_and_it_is_asked_about_none_of_it(world: World) -> None:
    storage = world.storage("disk")
    long = f"{'deep/' * 60}{'n' * 150}.pdf"
    fine = ["B/x.pdf", "plans/A.pdf", 'plans/which "?: <one>.pdf', "~$odd/_vti_/CON.txt"]
    for key in [*fine, "b/y.pdf", "plans/a.pdf", long]:
        storage.put(key, key.encode())

    plan = Migration(world.resolver, ACME, "disk", "library").plan()
    report = Migration(world.resolver, ACME, "disk", "library").copy()

    refused = {entry.key: str(entry.reason) for entry in plan.refused}
    assert {"b/y.pdf", "plans/a.pdf", long} == set(refused)
    assert "SharePoint holds paths of at most 400 characters" in refused[long]
    assert 2 == sum("ignores case" in reason for reason in refused.values())
    assert (set(fine), True) == ({info.key for info in world.storage("library").list()}, report.complete)

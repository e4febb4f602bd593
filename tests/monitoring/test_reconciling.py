"""What is counted is compared with what is there: documents, other objects, sizes of earlier releases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, DocumentStore, Organisations, QuotaExceededError, Resolver, Storage
from kazinex_storage.documents.register import new_token
from kazinex_storage.monitoring import reconcile
from kazinex_storage.organisations import Catalogue, KeyRing, MemoryCatalogue, Sealer, SqlCatalogue

PDF = b"%PDF-1.7 drawing"


def key(revision: str, project: str = "bridge") -> DocumentKey:
    return DocumentKey("org-1", project, "DRG-1", revision, "plan.pdf")


class World:
    def __init__(self, catalogue: Catalogue, root: Path) -> None:
        self.root, self.catalogue = root, catalogue
        self.organisations = Organisations(catalogue)
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)
        for label in ("main", "second"):
            (root / label).mkdir()
            settings = {"root": str(root / label), "durable": False}
            record = self.organisations.add_provider("org-1", "local", label, settings)
            self.organisations.record_verification(record, ok=True)
        self.organisations.set_default("org-1", "main")

    def beside(self) -> Storage:
        """Write by other means, below the folder of the organisation."""
        return Storage(self.resolver.chosen("org-1").storage.operations.context.provider, prefix="org-1/")

    def used(self) -> dict[str, tuple[int, int]]:
        report = self.organisations.usage("org-1")
        return {project: report.of_project(project) for project in {entry.project for entry in report.usage}}


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    memory = request.param == "memory"
    catalogue: Catalogue = (
        MemoryCatalogue() if memory else SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    )
    made = World(catalogue, tmp_path)
    yield made
    made.resolver.close()
    catalogue.close()


def test_what_no_register_has_is_counted_beside_the_documents(world: World) -> None:
    for revision in ("P01", "P02"):
        world.documents.upload(key(revision), PDF)
    world.beside().put("bridge/old/scan.pdf", PDF * 2)
    world.beside().put("loose.txt", b"1234")

    found = reconcile(world.resolver, "org-1")

    assert (4, 4 * len(PDF) + 4, 2, 0) == (found.listed_objects, found.listed_bytes, found.unrecorded, found.missing)
    assert {"bridge": (3, 4 * len(PDF)), "": (1, 4)} == world.used()
    assert found.report == world.organisations.usage("org-1")
    world.organisations.set_quota("org-1", max_objects=4)
    with pytest.raises(QuotaExceededError):
        world.documents.upload(key("P03"), PDF)


def test_documents_that_are_gone_are_told(world: World) -> None:
    world.documents.upload(key("P01"), PDF)
    world.beside().delete("bridge/DRG-1/P01/plan.pdf")

    found = reconcile(world.resolver, "org-1")

    assert (0, 1, 0) == (found.listed_objects, found.missing, found.unrecorded)


def test_sizes_of_earlier_releases_are_filled_in(world: World) -> None:
    for revision in ("P01", "P02"):
        world.documents.upload(key(revision), PDF)
    register = world.catalogue.revisions
    before = register.revision(key("P01"))
    assert before is not None
    register.swap_revision(before, replace(before, size=None, token=new_token()))
    assert {"bridge": (2, len(PDF))} == world.used()

    found = reconcile(world.resolver, "org-1")

    assert (1, 0) == (found.sized, found.unrecorded)
    assert {"bridge": (2, 2 * len(PDF))} == world.used()


def test_what_a_provider_has_that_does_not_answer_stays_counted(world: World) -> None:
    world.beside().put("loose.txt", b"1234")
    reconcile(world.resolver, "org-1")
    (world.root / "main").rename(world.root / "away")
    later = Resolver(world.organisations)  # which has not opened it yet

    found = reconcile(later, "org-1")

    later.close()
    assert (world.organisations.find("org-1", "main").id,) == found.unanswered
    assert {"": (1, 4)} == world.used()


def test_uploads_go_on_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are exact whatever happens between the listing and the counting."""
    world.documents.upload(key("P01"), PDF)
    recount: Callable[[str], None] = world.catalogue.usage.recount

    def uploads_first(organisation: str) -> None:
        world.documents.upload(key("P02"), PDF)
        recount(organisation)

    monkeypatch.setattr(world.catalogue.usage, "recount", uploads_first)

    found = reconcile(world.resolver, "org-1")

    assert (1, 1) == (found.listed_objects, found.missing)
    assert {"bridge": (2, 2 * len(PDF))} == world.used()

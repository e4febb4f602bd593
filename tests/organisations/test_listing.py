"""What the register lists, in memory and in both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kazinex_storage.documents.listing import DocumentSummary, ProjectSummary
from kazinex_storage.documents.register import Removal, RevisionRecord
from kazinex_storage.keys import DocumentKey
from kazinex_storage.organisations import Catalogue
from kazinex_storage.organisations.catalogue import ListingCatalogue


def stored(catalogue: Catalogue, project: str, document: str, revision: str, *, day: int = 1) -> RevisionRecord:
    record = RevisionRecord(
        document=DocumentKey("acme", project, document, revision, "Plan.pdf"),
        provider="local-1",
        sha256=None,
        recorded_at=datetime(2026, 11, day, tzinfo=UTC),
    )
    assert catalogue.revisions.swap_revision(None, record)
    return record


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    for document, revision, day in (("A-1", "P01", 3), ("A-1", "P02", 9), ("B-1", "P01", 1), ("C-1", "P01", 1)):
        stored(catalogue, "bridge", document, revision, day=day)
    stored(catalogue, "tunnel", "A-1", "P01")
    gone = stored(catalogue, "bridge", "D-1", "P01")
    removal = Removal(at=datetime.now(UTC))
    assert catalogue.revisions.swap_revision(gone, replace(gone, removal=removal, token="other"))  # noqa: S106  # no secret
    return catalogue


def test_projects_are_listed_with_what_is_stored_in_them(filled: Catalogue) -> None:
    assert isinstance(filled, ListingCatalogue)

    assert (
        ProjectSummary(project="bridge", documents=3, revisions=4),
        ProjectSummary(project="tunnel", documents=1, revisions=1),
    ) == filled.listing.projects("acme")
    assert () == filled.listing.projects("other")


def test_documents_are_listed_page_by_page(filled: Catalogue) -> None:
    assert isinstance(filled, ListingCatalogue)
    first = filled.listing.documents("acme", "bridge", limit=2)
    rest = filled.listing.documents("acme", "bridge", after=first[-1].document)

    last = datetime(2026, 11, 9, tzinfo=UTC)
    assert DocumentSummary(document="A-1", revisions=2, recorded_at=last) == first[0]
    assert (["A-1", "B-1"], ["C-1"]) == ([found.document for found in first], [found.document for found in rest])
    assert () == filled.listing.documents("acme", "none")


def test_records_are_listed_whole_with_those_that_were_removed(filled: Catalogue) -> None:
    """Issue 22: an export and an audit go through all that the register knows."""
    assert isinstance(filled, ListingCatalogue)
    pages = [filled.listing.records("acme", limit=4)]
    while found := filled.listing.records("acme", after=pages[-1][-1].document, limit=4):
        pages.append(found)

    places = [
        (record.document.project, record.document.document, record.document.revision) for record in sum(pages, ())
    ]
    assert [4, 2] == [len(page) for page in pages]
    assert sorted(places) == places
    assert [("bridge", "D-1", "P01")] == [
        place for place, record in zip(places, sum(pages, ()), strict=True) if record.removal is not None
    ]
    assert {"tunnel"} == {record.document.project for record in filled.listing.records("acme", project="tunnel")}
    assert () == filled.listing.records("other")

"""A document that moves, in every catalogue: usage, register and journal change together, and copies are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kazinex_storage import DocumentKey, QuotaExceededError
from kazinex_storage.documents.copies import KnownCopy
from kazinex_storage.documents.quotas import Reservation
from kazinex_storage.documents.register import RevisionRecord, new_token
from kazinex_storage.migration.copies import copies_of
from kazinex_storage.migration.journal import Entry, EntryState, Run, RunKind
from kazinex_storage.organisations import Catalogue, Organisations, SqlCatalogue

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
DOCUMENT = DocumentKey("org-1", "bridge", "DRG-1", "P01", "Plan Ü 1.pdf")
KEY = "bridge/DRG-1/P01/Plan Ü 1.pdf"
SHA256 = "0" * 64
STORED = RevisionRecord(document=DOCUMENT, provider="old", sha256=SHA256, size=100, recorded_at=AT)


def moved(record: RevisionRecord, to: str = "new") -> RevisionRecord:
    return replace(record, provider=to, token=new_token())


def run_of(
    catalogue: Catalogue,
    state: EntryState,
    *,
    run: str = "run-1",
    kind: RunKind = RunKind.COPY,
    project: str | None = None,
    target: str = "new",
    organisation: str = "org-1",
) -> tuple[Run, Entry]:
    """Let the journal have a run with an entry of the document."""
    journal = catalogue.journal
    kept = journal.add_run(
        Run(organisation=organisation, id=run, kind=kind, source="old", target=target, project=project, begun_at=AT)
    )
    journal.add_entries(kept, [Entry(number=0, key=KEY, size=100, etag="e1")])
    (entry,) = journal.entries(kept)
    done = replace(entry, state=state, sha256=SHA256, target_etag="e2")
    journal.record(kept, [done])
    return kept, done


def used(catalogue: Catalogue) -> dict[str, tuple[int, int]]:
    return {entry.provider: (entry.objects, entry.bytes) for entry in catalogue.usage.usage("org-1")}


def test_what_a_document_takes_up_moves_with_it_and_needs_no_room(
    catalogue: Catalogue, organisations: Organisations
) -> None:
    catalogue.revisions.swap_revision(None, STORED)
    organisations.set_quota("org-1", max_bytes=100)

    assert catalogue.revisions.swap_revision(STORED, moved(STORED))

    assert {"old": (0, 0), "new": (1, 100)} == used(catalogue)
    full = Reservation(organisation="org-1", project="bridge", provider="new", bytes=1, expires_at=datetime.now(UTC))
    with pytest.raises(QuotaExceededError):
        catalogue.usage.reserve(full)


def test_a_move_that_lost_to_a_removal_changes_nothing(catalogue: Catalogue) -> None:
    catalogue.revisions.swap_revision(None, STORED)
    other = replace(STORED, token=new_token())
    catalogue.revisions.swap_revision(STORED, other)

    assert not catalogue.revisions.swap_revision(STORED, moved(STORED))

    assert {"old": (1, 100)} == used(catalogue)


def test_register_usage_and_journal_are_changed_together_or_not_at_all(
    open_catalogue: Callable[[], SqlCatalogue],
) -> None:
    catalogue = open_catalogue()
    catalogue.revisions.swap_revision(None, STORED)
    run, entry = run_of(catalogue, EntryState.PLANNED)

    with pytest.raises(RuntimeError, match="power"), catalogue.journal.together():
        assert catalogue.revisions.swap_revision(STORED, moved(STORED))
        catalogue.journal.record(run, [replace(entry, state=EntryState.COPIED)])
        raise RuntimeError("the power is gone")

    assert {"old": (1, 100)} == used(catalogue)
    assert [EntryState.PLANNED] == [found.state for found in catalogue.journal.entries(run)]
    assert STORED == catalogue.revisions.revision(DOCUMENT)


@pytest.mark.parametrize(
    ("state", "where"),
    [
        (EntryState.COPIED, {"old", "new"}),
        (EntryState.SAME, {"old", "new"}),
        (EntryState.RETAINED, {"old", "new"}),
        (EntryState.PRUNED, {"new"}),
        (EntryState.PLANNED, {"new"}),
        (EntryState.FAILED, set()),
        (EntryState.REFUSED, set()),
        (EntryState.VANISHED, set()),
    ],
    ids=lambda given: given.value if isinstance(given, EntryState) else "",
)
def test_copies_are_where_the_journal_has_proven_or_left_them(
    catalogue: Catalogue, state: EntryState, where: set[str]
) -> None:
    run_of(catalogue, state)

    assert where == {copy.provider for copy in copies_of(catalogue.journal, DOCUMENT)}


def test_a_copy_is_known_with_the_version_that_was_proven(catalogue: Catalogue) -> None:
    run_of(catalogue, EntryState.COPIED)

    assert (
        KnownCopy(provider="new", etag="e2", sha256=SHA256),
        KnownCopy(provider="old", etag="e1", sha256=SHA256),
    ) == tuple(copies_of(catalogue.journal, DOCUMENT))


def test_runs_of_others_and_of_other_kinds_know_no_copies(catalogue: Catalogue) -> None:
    run_of(catalogue, EntryState.COPIED, run="audit", kind=RunKind.AUDIT)
    run_of(catalogue, EntryState.COPIED, run="tunnel", project="tunnel")
    run_of(catalogue, EntryState.COPIED, run="foreign", organisation="org-2")

    assert [] == list(copies_of(catalogue.journal, DOCUMENT))

    run_of(catalogue, EntryState.COPIED, run="mirror", kind=RunKind.MIRROR, project="bridge", target="third")
    assert ["third", "old"] == [copy.provider for copy in copies_of(catalogue.journal, DOCUMENT)]

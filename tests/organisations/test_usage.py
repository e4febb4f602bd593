"""What every catalogue counts and limits alike, on memory, SQLite and PostgreSQL: usage, quotas, reservations."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from kazinex_storage import DocumentKey, InvalidKeyError, PolicyError, QuotaExceededError, RecordConflictError
from kazinex_storage.documents.quotas import RequestCount, Reservation, Usage
from kazinex_storage.documents.register import Removal, RevisionRecord, new_token
from kazinex_storage.organisations import Catalogue, Organisations, SqlCatalogue

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
LATER = timedelta(hours=1)


def stored(revision: str = "P01", *, size: int | None = 100, project: str = "bridge") -> RevisionRecord:
    document = DocumentKey("org-1", project, "DRG-1", revision, "plan.pdf")
    return RevisionRecord(document=document, provider="local-1", sha256="0" * 64, size=size, recorded_at=AT)


def removed(record: RevisionRecord) -> RevisionRecord:
    return replace(record, removal=Removal(at=AT), token=new_token())


def wanted(size: int, *, project: str = "bridge", lives: timedelta = LATER) -> Reservation:
    return Reservation(
        organisation="org-1",
        project=project,
        provider="local-1",
        bytes=size,
        expires_at=datetime.now(UTC) + lives,
    )


def used(catalogue: Catalogue) -> list[tuple[str, int, int]]:
    return [(entry.project, entry.all_objects, entry.all_bytes) for entry in catalogue.usage.usage("org-1")]


def test_what_is_recorded_is_counted_and_what_is_removed_is_not(catalogue: Catalogue) -> None:
    first, second = stored(), stored("P02", size=23, project="tunnel")
    for record in (first, second):
        catalogue.revisions.swap_revision(None, record)

    assert [("bridge", 1, 100), ("tunnel", 1, 23)] == used(catalogue)

    gone = removed(first)
    assert catalogue.revisions.swap_revision(first, gone)
    assert [("bridge", 0, 0), ("tunnel", 1, 23)] == used(catalogue)
    assert catalogue.revisions.swap_revision(gone, replace(first, token=new_token()))
    assert [("bridge", 1, 100), ("tunnel", 1, 23)] == used(catalogue)


def test_a_swap_that_comes_too_late_counts_nothing(catalogue: Catalogue) -> None:
    catalogue.revisions.swap_revision(None, stored())

    assert not catalogue.revisions.swap_revision(None, stored(size=7))
    assert not catalogue.revisions.swap_revision(stored(size=7), None)

    assert [("bridge", 1, 100)] == used(catalogue)


def test_no_more_is_reserved_than_there_is_room_for(catalogue: Catalogue, organisations: Organisations) -> None:
    organisations.set_quota("org-1", max_bytes=250)
    catalogue.revisions.swap_revision(None, stored())

    assert catalogue.usage.reserve(wanted(100))
    with pytest.raises(QuotaExceededError, match="org-1") as refused:
        catalogue.usage.reserve(wanted(51, project="tunnel"))

    assert (200, 250, 51, "bytes") == tuple(
        getattr(refused.value, name) for name in ("used", "limit", "needed", "unit")
    )
    assert catalogue.usage.reserve(wanted(50, project="tunnel"))


def test_a_project_has_a_quota_of_its_own(catalogue: Catalogue, organisations: Organisations) -> None:
    organisations.set_quota("org-1", "bridge", max_objects=1)
    catalogue.revisions.swap_revision(None, stored())

    assert not catalogue.usage.reserve(wanted(1, project="tunnel"))
    with pytest.raises(QuotaExceededError, match="project 'bridge' is 1 objects"):
        catalogue.usage.reserve(wanted(1))


def test_without_a_quota_nothing_is_reserved(catalogue: Catalogue, organisations: Organisations) -> None:
    organisations.set_quota("org-1", max_bytes=1)
    organisations.set_quota("org-1")
    organisations.set_quota("org-2", max_bytes=1)

    assert not catalogue.usage.reserve(wanted(10**12))
    assert () == catalogue.usage.reservations("org-1")
    assert () == catalogue.usage.quotas("org-1")


def test_a_reservation_is_given_back_extended_and_expires(catalogue: Catalogue, organisations: Organisations) -> None:
    organisations.set_quota("org-1", max_bytes=100)
    killed, live = wanted(100, lives=timedelta(seconds=-1)), wanted(100)
    catalogue.usage.reserve(killed)
    catalogue.usage.reserve(live)

    assert catalogue.usage.reserve(replace(live, expires_at=live.expires_at + LATER))
    assert [live.id] == [held.id for held in catalogue.usage.reservations("org-1")]
    catalogue.usage.release("org-1", live.id)
    catalogue.usage.release("org-2", live.id)

    assert catalogue.usage.reserve(wanted(100))


def test_recording_uses_its_reservation_up(catalogue: Catalogue, organisations: Organisations) -> None:
    organisations.set_quota("org-1", max_bytes=200)
    mine = wanted(100)
    catalogue.usage.reserve(mine)
    catalogue.usage.reserve(wanted(100))

    assert catalogue.revisions.swap_revision(None, stored(), claim=mine.id)

    assert [100] == [held.bytes for held in catalogue.usage.reservations("org-1")]


def test_recording_late_asks_for_room_again(catalogue: Catalogue, organisations: Organisations) -> None:
    organisations.set_quota("org-1", max_bytes=150)
    late = wanted(100, lives=timedelta(seconds=-1))
    catalogue.usage.reserve(late)
    catalogue.usage.reserve(wanted(100))

    with pytest.raises(QuotaExceededError):
        catalogue.revisions.swap_revision(None, stored(), claim=late.id)

    assert catalogue.revisions.revision(stored().document) is None
    assert [] == used(catalogue)
    assert catalogue.revisions.swap_revision(None, stored(size=50), claim="")


def test_what_no_register_counts_is_counted_by_its_reservation_once(
    catalogue: Catalogue, organisations: Organisations
) -> None:
    organisations.set_quota("org-1", max_bytes=1000)
    mine = wanted(100)
    catalogue.usage.reserve(mine)

    for _ in range(2):
        catalogue.usage.keep("org-1", mine.id, objects=1, size=100)
    assert [("bridge", 1, 100)] == used(catalogue)

    catalogue.usage.forget("org-1", "bridge", "local-1", objects=1, size=500)
    assert [("bridge", 0, 0)] == used(catalogue)


def test_a_quota_is_changed_from_the_version_that_was_read(organisations: Organisations) -> None:
    first = organisations.set_quota("org-1", max_bytes=10)
    assert first == organisations.set_quota("org-1", max_bytes=10)
    second = organisations.set_quota("org-1", max_bytes=20, max_objects=2, version=first.version)

    with pytest.raises(RecordConflictError, match="after version 1"):
        organisations.set_quota("org-1", max_bytes=30, version=first.version)

    assert (second,) == organisations.usage("org-1").quotas


@pytest.mark.parametrize(("project", "most"), [("a/b", 1), ("bridge", -1), (None, 2**63)])
def test_a_quota_that_makes_no_sense_is_refused(organisations: Organisations, project: str | None, most: int) -> None:
    with pytest.raises((PolicyError, InvalidKeyError)):
        organisations.set_quota("org-1", project, max_bytes=most)


def test_requests_are_added_up_by_day_provider_and_class(catalogue: Catalogue, organisations: Organisations) -> None:
    day = date(2026, 8, 1)
    count = RequestCount(
        organisation="org-1", provider="s3-1", day=day, request_class="read", requests=2, throttled=1, failed=1
    )
    catalogue.usage.count_requests([count, replace(count, request_class="write")])
    catalogue.usage.count_requests([count, replace(count, organisation="org-2"), replace(count, day=date(2026, 7, 1))])

    found = catalogue.usage.requests("org-1", day)

    assert [("read", 4, 2, 2), ("write", 2, 1, 1)] == [
        (each.request_class, each.requests, each.throttled, each.failed) for each in found
    ]


def test_counts_are_made_once_more_from_the_register_and_a_listing(catalogue: Catalogue) -> None:
    for record in (stored(), stored("P02", size=None), removed(stored("P03"))):
        catalogue.revisions.swap_revision(None, record)
    other = Usage(project="", provider="local-1", other_objects=3, other_bytes=30, counted_at=AT)

    catalogue.usage.listed("org-1", [other])
    catalogue.usage.recount("org-1")

    assert [("", 3, 30), ("bridge", 2, 100)] == used(catalogue)
    assert other == catalogue.usage.usage("org-1")[0]


def test_of_many_processes_no_more_reserve_than_there_is_room_for(
    open_catalogue: Callable[[], SqlCatalogue],
) -> None:
    catalogues = [open_catalogue() for _ in range(4)]
    Organisations(catalogues[0]).set_quota("org-1", max_bytes=500)
    outcomes: list[bool] = []

    def reserve(catalogue: SqlCatalogue) -> None:
        for number in range(5):
            mine = wanted(100)
            try:
                catalogue.usage.reserve(mine)
            except QuotaExceededError:
                outcomes.append(False)
            else:
                name = f"P{catalogues.index(catalogue)}{number}"
                outcomes.append(catalogue.revisions.swap_revision(None, stored(name), claim=mine.id))

    threads = [threading.Thread(target=reserve, args=(catalogue,)) for catalogue in catalogues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (20, 5) == (len(outcomes), sum(outcomes))
    assert [("bridge", 5, 500)] == used(catalogues[0])

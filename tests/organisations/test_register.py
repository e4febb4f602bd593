"""What every register of revisions does alike, on memory, SQLite and PostgreSQL; and how old databases get one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import inspect, text

from kazinex_storage import DocumentKey
from kazinex_storage.documents.register import MAX_REASON_CHARACTERS, Removal, RevisionRecord
from kazinex_storage.organisations import Catalogue, ProviderRecord, ProviderStatus, SqlCatalogue
from kazinex_storage.organisations.migration_tables import MIGRATION_TABLES
from kazinex_storage.organisations.record_tables import RECORD_TABLES
from kazinex_storage.organisations.schema import ADDED_COLUMNS, RETIRED_COLUMNS, prepare, schema
from kazinex_storage.organisations.service_tables import SERVICE_TABLES

AT = datetime(2026, 8, 1, 12, 0, 0, 123456, tzinfo=UTC)


def stored(filename: str = "Plan Ü.pdf", revision: str = "P01", organisation: str = "org-1") -> RevisionRecord:
    return RevisionRecord(
        document=DocumentKey(organisation, "bridge", "DRG-1", revision, filename),
        provider="local-1",
        sha256="0" * 64,
        recorded_at=AT,
    )


def removed(record: RevisionRecord, by: str | None = "müller", reason: str | None = "wrong drawing") -> RevisionRecord:
    later = datetime(2026, 8, 2, 8, 0, tzinfo=timezone(timedelta(hours=2)))
    return replace(stored(record.document.filename), removal=Removal(at=later, by=by, reason=reason))


def test_a_revision_that_was_never_stored_is_not_known(catalogue: Catalogue) -> None:
    assert catalogue.revisions.revision(stored().document) is None


def test_what_is_recorded_is_found_under_any_file_name(catalogue: Catalogue) -> None:
    record = stored()

    assert catalogue.revisions.swap_revision(None, record)

    assert record == catalogue.revisions.revision(stored("other.pdf").document)
    for other in (stored(revision="P02"), stored(organisation="org-2")):
        assert catalogue.revisions.revision(other.document) is None


def test_who_stored_it_is_remembered(catalogue: Catalogue) -> None:
    record = replace(stored(), recorded_by="müller")

    catalogue.revisions.swap_revision(None, record)

    assert record == catalogue.revisions.revision(record.document)


def test_a_second_record_of_a_revision_is_refused_and_the_first_stays(catalogue: Catalogue) -> None:
    record = stored()
    catalogue.revisions.swap_revision(None, record)

    assert not catalogue.revisions.swap_revision(None, stored("other.pdf"))

    assert record == catalogue.revisions.revision(record.document)


def test_a_removal_is_remembered_with_who_when_and_why(catalogue: Catalogue) -> None:
    record = stored()
    catalogue.revisions.swap_revision(None, record)

    assert catalogue.revisions.swap_revision(record, removed(record))

    found = catalogue.revisions.revision(record.document)
    assert found is not None
    assert found.removal is not None
    assert Removal(at=datetime(2026, 8, 2, 6, 0, tzinfo=UTC), by="müller", reason="wrong drawing") == found.removal
    assert timedelta(0) == found.removal.at.utcoffset()


def test_a_swap_from_what_is_no_longer_there_changes_nothing(catalogue: Catalogue) -> None:
    first = stored()
    second = removed(first)
    catalogue.revisions.swap_revision(None, first)
    catalogue.revisions.swap_revision(first, second)

    assert not catalogue.revisions.swap_revision(first, stored())
    assert not catalogue.revisions.swap_revision(first, None)

    assert second == catalogue.revisions.revision(first.document)


def test_a_record_is_withdrawn_by_who_made_it_only(catalogue: Catalogue) -> None:
    mine, theirs = stored(), stored()
    catalogue.revisions.swap_revision(None, theirs)

    assert not catalogue.revisions.swap_revision(mine, None)
    assert catalogue.revisions.swap_revision(theirs, None)

    assert catalogue.revisions.revision(mine.document) is None


def test_a_swap_is_of_one_revision(catalogue: Catalogue) -> None:
    for before, after in ((None, None), (stored(), stored(revision="P02"))):
        with pytest.raises(ValueError, match="one revision"):
            catalogue.revisions.swap_revision(before, after)


def test_of_many_at_once_exactly_one_succeeds(catalogue: Catalogue) -> None:
    outcomes: list[bool] = []
    barrier = threading.Barrier(6)

    def swap(number: int) -> None:
        barrier.wait()
        outcomes.append(catalogue.revisions.swap_revision(None, stored(f"{number}.pdf")))

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [False] * 5 + [True] == sorted(outcomes)


@pytest.mark.parametrize("text_", ["x" * (MAX_REASON_CHARACTERS + 1), "a\0b", "\ud800"])
def test_a_reason_that_no_database_holds_is_refused(text_: str) -> None:
    for arguments in ({"by": text_}, {"reason": text_}):
        with pytest.raises(ValueError, match="of a removal is at most"):
            Removal(at=AT, **arguments)


def test_a_removal_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        Removal(at=datetime(2026, 8, 1))  # what is refused


def go_back_to_layout(catalogue: SqlCatalogue, version: int) -> None:
    columns = [("kazinex_storage_providers", "managed"), ("kazinex_storage_organisations", "default_chosen")]
    with catalogue._database.changing() as connection:
        dropped = {5: (), 4: (), 3: MIGRATION_TABLES}.get(version, (*SERVICE_TABLES, *MIGRATION_TABLES))
        for of, added in RETIRED_COLUMNS:
            connection.execute(text(f"alter table {of.name} drop column {added.name}"))
        for table in (*dropped, *(RECORD_TABLES if version < 5 else ())):
            connection.execute(text(f"drop table {table.name}"))
        for of, added in ADDED_COLUMNS:
            if of not in dropped and version < 5:
                connection.execute(text(f"alter table {of.name} drop column {added.name}"))
        if version >= 3:
            columns = []
        elif version == 1:
            connection.execute(text("drop table kazinex_storage_revisions"))
            columns += [("kazinex_storage_providers", name) for name in ("failed_at", "failed_in_use")]
        else:
            columns.append(("kazinex_storage_revisions", "size"))
        for name, column in columns:
            connection.execute(text(f"alter table {name} drop column {column}"))
        connection.execute(schema.update().values(version=version))


def test_a_database_of_the_second_layout_keeps_its_revisions(
    place: str, open_catalogue: Callable[[], SqlCatalogue]
) -> None:
    catalogue = open_catalogue()
    kept = stored()
    assert catalogue.revisions.swap_revision(None, kept)
    go_back_to_layout(catalogue, 2)
    catalogue.close()

    again = open_catalogue()

    assert kept == again.revisions.revision(kept.document)
    assert [("bridge", "local-1", 1, 0)] == [
        (entry.project, entry.provider, entry.objects, entry.bytes) for entry in again.usage.usage("org-1")
    ]
    assert (kept,) == again.revisions.unsized("org-1")
    with again._database.reading() as connection:
        assert all(inspect(connection).has_table(table.name) for table in SERVICE_TABLES)


def test_a_database_of_the_third_layout_gets_the_journal(
    place: str, open_catalogue: Callable[[], SqlCatalogue]
) -> None:
    catalogue = open_catalogue()
    kept = stored()
    assert catalogue.revisions.swap_revision(None, kept)
    go_back_to_layout(catalogue, 3)
    catalogue.close()

    again = open_catalogue()

    assert kept == again.revisions.revision(kept.document)
    with again._database.reading() as connection:
        assert all(inspect(connection).has_table(table.name) for table in MIGRATION_TABLES)


def test_a_database_of_the_fourth_layout_gets_what_keepers_of_records_need(
    place: str, open_catalogue: Callable[[], SqlCatalogue]
) -> None:
    catalogue = open_catalogue()
    kept = stored()
    assert catalogue.revisions.swap_revision(None, kept)
    go_back_to_layout(catalogue, 4)
    catalogue.close()

    again = open_catalogue()

    assert kept == again.revisions.revision(kept.document)
    with again._database.reading() as connection:
        assert all(inspect(connection).has_table(table.name) for table in RECORD_TABLES)


def test_a_database_of_the_fifth_layout_keeps_its_providers_and_can_retire_them(
    place: str, open_catalogue: Callable[[], SqlCatalogue], record: Callable[..., ProviderRecord]
) -> None:
    catalogue = open_catalogue()
    kept = catalogue.add_provider(record(status=ProviderStatus.VERIFIED))
    go_back_to_layout(catalogue, 5)
    catalogue.close()

    again = open_catalogue()

    assert kept == again.provider("org-1", "vault-1")
    retired = again.replace_provider(replace(kept, retired_at=AT))
    assert AT == again.provider("org-1", "vault-1").retired_at == retired.retired_at


def test_a_database_of_the_first_layout_is_brought_up_to_date_and_keeps_its_records(
    place: str, open_catalogue: Callable[[], SqlCatalogue], record: Callable[..., ProviderRecord]
) -> None:
    catalogue = open_catalogue()
    kept = catalogue.add_provider(record(status=ProviderStatus.VERIFIED))
    go_back_to_layout(catalogue, 1)
    catalogue.close()

    again = open_catalogue()

    assert kept == again.provider("org-1", "vault-1")
    assert again.revisions.swap_revision(None, stored())
    at = datetime.now(UTC)
    failed = again.replace_provider(replace(kept, status=ProviderStatus.FAILED, failed_at=at, failed_in_use=True))
    assert (at, True) == (failed.failed_at, failed.failed_in_use)
    assert failed == open_catalogue().provider("org-1", "vault-1")


def test_of_several_processes_one_brings_the_layout_up_to_date(
    place: str, open_catalogue: Callable[[], SqlCatalogue]
) -> None:
    catalogue = open_catalogue()
    go_back_to_layout(catalogue, 1)
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def upgrade() -> None:
        barrier.wait()
        try:
            prepare(catalogue._database)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    with catalogue._database.reading() as connection:
        assert inspect(connection).has_table("kazinex_storage_revisions")

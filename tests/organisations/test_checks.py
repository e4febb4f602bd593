"""Which process verifies what is due: leases, on memory, SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kazinex_storage.organisations import Catalogue, Organisations, ProviderRecord, ProviderStatus, SqlCatalogue
from kazinex_storage.organisations.checks import DueCheck

BEGIN, HOUR = datetime(2026, 8, 1, 12, tzinfo=UTC), timedelta(hours=1)


def due(provider: str, at: datetime = BEGIN) -> DueCheck:
    return DueCheck(organisation="org-1", provider=provider, due_at=at)


def test_a_lease_is_for_one_and_passes_on_when_it_ends(
    catalogue: Catalogue, organisations: Organisations, verified: Callable[..., ProviderRecord]
) -> None:
    provider, table = verified().id, catalogue.checks
    assert [provider] == [record.id for record in table.unplanned(10)]
    table.plan([due(provider), due(provider, BEGIN + HOUR)])
    assert ((), BEGIN) == (table.unplanned(10), table.next_due())

    assert table.claim("one", BEGIN - HOUR, BEGIN) is None
    first = table.claim("one", BEGIN, BEGIN + HOUR)
    assert first is not None
    assert table.claim("two", BEGIN, BEGIN + HOUR) is None
    assert BEGIN + HOUR == table.next_due()
    second = table.claim("two", BEGIN + HOUR, BEGIN + 2 * HOUR)
    assert second is not None
    assert not table.finish(first)
    assert table.finish(replace(second, due_at=BEGIN + 9 * HOUR, failures=2))

    assert BEGIN + 9 * HOUR == table.next_due()
    again = table.claim("one", BEGIN + 9 * HOUR, BEGIN + 10 * HOUR)
    assert again is not None
    assert 2 == again.failures
    organisations.remove_provider("org-1", provider)
    table.plan([])
    assert table.next_due() is None


def test_what_waits_for_a_person_or_is_of_the_platform_is_not_looked_after(
    catalogue: Catalogue, record: Callable[..., ProviderRecord]
) -> None:
    pending = record(id="vault-1", label="new")
    failed = record(id="vault-2", label="failed", status=ProviderStatus.FAILED)
    platform = replace(record(id="vault-3", label="platform", status=ProviderStatus.VERIFIED), managed=True)
    for each in (pending, failed, platform):
        catalogue.add_provider(each)

    assert ["vault-2"] == [found.id for found in catalogue.checks.unplanned(10)]
    catalogue.checks.plan(
        [due(each.id, BEGIN + number * HOUR) for number, each in enumerate((pending, platform, failed))]
    )

    assert BEGIN + 2 * HOUR == catalogue.checks.next_due()
    claimed = catalogue.checks.claim("one", BEGIN + 3 * HOUR, BEGIN + 4 * HOUR)
    assert claimed is not None
    assert "vault-2" == claimed.provider
    assert catalogue.checks.claim("one", BEGIN + 3 * HOUR, BEGIN + 4 * HOUR) is None


def test_of_many_processes_each_check_goes_to_one(
    open_catalogue: Callable[[], SqlCatalogue], record: Callable[..., ProviderRecord]
) -> None:
    catalogues, claimed = [open_catalogue() for _ in range(4)], list[str]()
    for number in range(12):
        each = record(id=f"vault-{number}", label=f"v{number}", status=ProviderStatus.VERIFIED)
        catalogues[0].add_provider(each)
    catalogues[0].checks.plan([due(f"vault-{number}") for number in range(12)])

    def claim(catalogue: SqlCatalogue) -> None:
        while (check := catalogue.checks.claim(str(id(catalogue)), BEGIN, BEGIN + HOUR)) is not None:
            claimed.append(check.provider)

    threads = [threading.Thread(target=claim, args=(catalogue,)) for catalogue in catalogues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(f"vault-{number}" for number in range(12)) == sorted(claimed)

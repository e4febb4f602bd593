"""Connections under way, in memory and in both databases: used once, in time, and by nobody who reads the tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kazinex_storage.errors import SealError
from kazinex_storage.organisations import Catalogue, MemoryCatalogue
from kazinex_storage.organisations.connections import ConnectingCatalogue, ConnectionTable, PendingConnection


@pytest.fixture
def table(catalogue: Catalogue) -> ConnectionTable:
    assert isinstance(catalogue, ConnectingCatalogue)
    return catalogue.connections


def pending(connection: str = "c1", *, seconds: float = 600, organisation: str = "acme") -> PendingConnection:
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    kept = '{"verifier": "example"}'
    return PendingConnection(organisation=organisation, id=connection, by="olga", secret=kept, expires_at=expires_at)


def test_a_connection_is_found_until_it_is_taken(table: ConnectionTable) -> None:
    kept = pending()
    table.keep(kept)

    assert kept == table.find("acme", "c1")
    assert kept == table.take("acme", "c1")
    assert table.take("acme", "c1") is None
    assert table.find("acme", "c1") is None


def test_another_organisation_does_not_reach_it(table: ConnectionTable) -> None:
    table.keep(pending())

    assert table.find("other", "c1") is None
    assert table.take("other", "c1") is None
    assert table.find("acme", "c1") is not None


def test_one_that_has_expired_is_no_use(table: ConnectionTable) -> None:
    table.keep(pending(seconds=-1))

    assert table.find("acme", "c1") is None
    assert table.take("acme", "c1") is None


def test_of_many_that_take_it_one_gets_it(table: ConnectionTable) -> None:
    table.keep(pending())

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: table.take("acme", "c1"), range(8)))

    assert 1 == sum(record is not None for record in taken)


def test_a_secret_is_swapped_only_for_the_one_that_was_read(table: ConnectionTable) -> None:
    table.keep(pending())
    seen = table.find("acme", "c1")
    assert seen is not None

    assert table.swap(seen, "newer")
    assert not table.swap(seen, "older")
    assert not table.swap(replace(seen, id="c2"), "other")
    found = table.find("acme", "c1")
    assert found is not None
    assert "newer" == found.secret


def test_what_a_browser_carries_opens_for_its_own_connection_alone(table: ConnectionTable) -> None:
    sealed = table.seal("acme", "c1", "code=example")
    other = table.seal("acme", "c2", "code=other")

    assert "example" not in sealed
    assert "code=example" == table.open("acme", "c1", sealed)
    for organisation, connection, text in (("acme", "c1", other), ("other", "c1", sealed), ("acme", "c1", "forged")):
        with pytest.raises(SealError):
            table.open(organisation, connection, text)


def test_memory_keeps_a_limited_number_of_texts() -> None:
    table = MemoryCatalogue().connections
    first = table.seal("acme", "c1", "first")
    for number in range(1_000):
        table.seal("acme", "c1", str(number))

    with pytest.raises(SealError):
        table.open("acme", "c1", first)

"""Catalogues of every sort, a registry with a kind that has secrets, and one database for the run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from kazinex_storage.organisations import (
    Catalogue,
    KeyRing,
    MemoryCatalogue,
    Organisations,
    ProviderRecord,
    ProviderStatus,
    Sealer,
    SqlCatalogue,
)
from kazinex_storage.organisations.migration_tables import MIGRATION_TABLES
from kazinex_storage.organisations.record_tables import RECORD_TABLES
from kazinex_storage.organisations.schema import organisations as organisation_rows
from kazinex_storage.organisations.schema import overrides, providers, revisions
from kazinex_storage.organisations.service_tables import SERVICE_TABLES
from kazinex_storage.registry import ProviderKind, Registry
from kazinex_storage.testing.servers import PostgresServer

PLUGINS = str(Path(__file__).with_name("plugins"))
sys.path.append(PLUGINS)  # registries import providers by name, so the example has to be importable


@pytest.fixture(scope="session")
def postgres_engine(postgres_server: PostgresServer) -> Iterator[Engine]:
    """One database for the tests that need no more than empty tables: making one takes longer than most tests."""
    with postgres_server.database() as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(KeyRing.generate())


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an SQL catalogue may be made: the path of a file, or the URL of an empty database."""
    if request.param == "sqlite":
        yield str(tmp_path / "catalogue.db")
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield url


@pytest.fixture
def open_catalogue(place: str, sealer: Sealer) -> Iterator[Callable[[], SqlCatalogue]]:
    """Open the same database again, as another process would."""
    opened: list[SqlCatalogue] = []

    def open_one() -> SqlCatalogue:
        opened.append(SqlCatalogue(place, sealer))
        return opened[-1]

    yield open_one
    for catalogue in opened:
        catalogue.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path, sealer: Sealer) -> Iterator[Catalogue]:
    if request.param == "memory":
        yield MemoryCatalogue()
    else:
        with _sql(request, tmp_path, sealer) as made:
            yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_catalogue(request: pytest.FixtureRequest, tmp_path: Path, sealer: Sealer) -> Iterator[SqlCatalogue]:
    with _sql(request, tmp_path, sealer) as made:
        yield made


@contextmanager
def _sql(request: pytest.FixtureRequest, tmp_path: Path, sealer: Sealer) -> Iterator[SqlCatalogue]:
    if request.param == "sqlite":
        made = SqlCatalogue(tmp_path / "catalogue.db", sealer)
        yield made
        made.close()
        return
    engine: Engine = request.getfixturevalue("postgres_engine")
    yield SqlCatalogue(engine, sealer)
    with engine.begin() as connection:
        for table in (
            overrides,
            organisation_rows,
            providers,
            revisions,
            *SERVICE_TABLES,
            *MIGRATION_TABLES,
            *RECORD_TABLES,
        ):
            connection.execute(table.delete())


@pytest.fixture(scope="session")
def registry() -> Registry:
    local = ProviderKind(
        kind="local",
        title="Local disk",
        settings="kazinex_storage.providers.local:LocalSettings",
        factory="kazinex_storage.providers.local:LocalProvider",
    )
    vault = ProviderKind(
        kind="vault",
        title="Vault",
        settings="vault_provider:VaultSettings",
        factory="vault_provider:VaultProvider",
        harmless=frozenset({"bucket", "region"}),
    )
    r2 = ProviderKind(
        kind="r2",
        title="A stand-in, for the limits that belong to the name",
        settings="vault_provider:VaultSettings",
        factory="vault_provider:VaultProvider",
    )
    return Registry(local, vault, r2, entry_points=False)


@pytest.fixture
def organisations(catalogue: Catalogue, registry: Registry) -> Organisations:
    return Organisations(catalogue, registry)


@pytest.fixture
def verified(organisations: Organisations) -> Callable[..., ProviderRecord]:
    """Add a provider and record that its verification passed."""

    def make(organisation: str = "org-1", label: str = "Vault", bucket: str = "plans") -> ProviderRecord:
        settings = {"bucket": bucket, "token": "example-token-not-real"}
        record = organisations.add_provider(organisation, "vault", label, settings)
        return organisations.record_verification(record, ok=True)

    return make


@pytest.fixture
def record() -> Callable[..., ProviderRecord]:
    """Make a record that no catalogue holds yet."""

    def make(
        *,
        organisation: str = "org-1",
        id: str = "vault-1",  # noqa: A002  # the name of the field
        label: str = "Vault",
        status: ProviderStatus = ProviderStatus.PENDING,
        second: int = 0,
    ) -> ProviderRecord:
        return ProviderRecord(
            id=id,
            organisation=organisation,
            kind="vault",
            label=label,
            settings={"bucket": "plans"},
            status=status,
            created_at=datetime(2026, 8, 1, 12, 0, second, 123456, tzinfo=UTC),
        )

    return make

"""Places that cannot be used, and databases that misbehave: our errors, with the fix, without passwords."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from kazinex_storage.errors import QuotaExceededError, SettingsError, StorageError, UnavailableError
from kazinex_storage.organisations import ProviderRecord, Sealer, SqlCatalogue
from kazinex_storage.organisations import database as database_module
from kazinex_storage.testing.servers import PostgresServer

Make = Callable[..., ProviderRecord]
TERMINATE_OTHERS = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("mysql://ada:hunter2@db/kazinex", "'mysql' is not supported; use SQLite or PostgreSQL"),
        ("postgresql://ada:hunter2@db:port/kazinex", "no database URL; write postgresql://user:password@host/name"),
        ("://hunter2", "no database URL"),
        ("sqlite://", "for one in memory use MemoryCatalogue"),
        ("sqlite:///:memory:", "for one in memory use MemoryCatalogue"),
    ],
)
def test_a_place_that_is_none_is_refused_without_its_password(sealer: Sealer, place: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        SqlCatalogue(place, sealer)

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_folder_that_is_missing_is_named(sealer: Sealer, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing/catalogue.db' cannot be opened.*make its folder"):
        SqlCatalogue(tmp_path / "missing" / "catalogue.db", sealer)


def test_a_file_that_is_no_database_is_refused_and_left_alone(sealer: Sealer, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"a spreadsheet, perhaps " * 100)

    with pytest.raises(SettingsError, match="it is no SQLite database; name another file"):
        SqlCatalogue(path, sealer)

    assert b"a spreadsheet, perhaps " * 100 == path.read_bytes()


@pytest.mark.parametrize("name", ["with space.db", "a?b=c.db", "100%.db", "Pläne#1.db"])
def test_a_path_may_hold_what_a_url_may_not(sealer: Sealer, tmp_path: Path, record: Make, name: str) -> None:
    catalogue = SqlCatalogue(str(tmp_path / name), sealer)

    catalogue.add_provider(record())
    catalogue.close()

    assert (tmp_path / name).exists()


def test_the_file_is_closed_to_others(sealer: Sealer, tmp_path: Path, record: Make) -> None:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", sealer)
    catalogue.add_provider(record())

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    catalogue.close()

    assert {"catalogue.db": 0o600, "catalogue.db-wal": 0o600, "catalogue.db-shm": 0o600} == modes


def test_sqlite_writes_ahead_and_keeps_foreign_keys(sealer: Sealer, tmp_path: Path, record: Make) -> None:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", sealer)
    catalogue.add_provider(record())

    with catalogue._database.reading() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    catalogue.close()

    assert ["wal", 1, 10_000] == found


def test_the_database_itself_refuses_a_default_of_another_organisation(
    place: str, open_catalogue: Callable[[], SqlCatalogue], record: Make
) -> None:
    """A second fence, should a query ever forget the organisation."""
    catalogue = open_catalogue()
    catalogue.add_provider(record(organisation="theirs"))

    with pytest.raises(SettingsError, match="refuses"), catalogue._database.changing() as connection:
        connection.execute(
            text(
                "insert into kazinex_storage_organisations (organisation, default_provider, allowlist, version) "
                "values ('ours', 'vault-1', '[]', 1)"
            )
        )

    assert catalogue.organisation("ours").default_provider is None


def test_a_layout_of_a_later_release_is_left_alone(place: str, open_catalogue: Callable[[], SqlCatalogue]) -> None:
    catalogue = open_catalogue()
    with catalogue._database.changing() as connection:
        connection.execute(text("update kazinex_storage_schema set version = 99"))

    with pytest.raises(SettingsError, match="has layout 99, this release knows 6; upgrade kazinex-storage"):
        open_catalogue()


def test_a_lock_that_is_held_for_too_long_is_reported(
    sealer: Sealer, tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_MS", 1)
    path = tmp_path / "catalogue.db"
    catalogue = SqlCatalogue(path, sealer)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(UnavailableError, match="another process holds its lock; try again") as caught:
        catalogue.add_provider(record())

    assert caught.value.retryable
    assert () == catalogue.providers("org-1")  # looking needs no lock
    other.close()
    catalogue.add_provider(record())
    catalogue.close()


def test_a_full_disk_is_reported_and_leaves_what_was(sealer: Sealer, tmp_path: Path, record: Make) -> None:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", sealer)
    kept = catalogue.add_provider(record())
    with catalogue._database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # for this connection, which the pool reuses

    with pytest.raises(QuotaExceededError, match="its disk is full; free some space"):
        catalogue.add_provider(replace(record(id="large", label="large"), settings={"bucket": "x" * 100_000}))

    assert kept == catalogue.provider("org-1", "vault-1")
    catalogue.close()


def test_a_server_that_is_not_there_is_unavailable(sealer: Sealer) -> None:
    place = "postgresql://ada:hunter2@127.0.0.1:1/kazinex"

    with pytest.raises(UnavailableError, match=r"ada:\*\*\*@127.0.0.1:1/kazinex does not answer") as caught:
        SqlCatalogue(place, sealer)

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_password_that_is_wrong_is_reported_without_it(sealer: Sealer, postgres_server: PostgresServer) -> None:
    place = f"postgresql://postgres:hunter2@127.0.0.1:{postgres_server.port}/postgres"

    with pytest.raises(StorageError, match="password authentication failed") as caught:
        SqlCatalogue(place, sealer)

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_connection_that_the_server_cut_is_replaced(
    sealer: Sealer, postgres_server: PostgresServer, record: Make
) -> None:
    with postgres_server.database() as url:
        catalogue = SqlCatalogue(url, sealer)
        kept = catalogue.add_provider(record())
        other = create_engine(url)
        with other.connect() as connection:
            connection.execute(text(TERMINATE_OTHERS))
        other.dispose()

        assert kept == catalogue.provider("org-1", "vault-1")

        catalogue.close()


def test_an_engine_of_the_application_stays_its_own(sealer: Sealer, postgres_engine: Engine, record: Make) -> None:
    catalogue = SqlCatalogue(postgres_engine, sealer)
    with postgres_engine.connect() as connection:
        checked_in = postgres_engine.pool

        catalogue.close()

        assert checked_in is postgres_engine.pool
        assert 1 == connection.execute(text("select 1")).scalar_one()


def test_an_engine_for_sqlite_lends_its_file(sealer: Sealer, tmp_path: Path, record: Make) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/catalogue.db")

    catalogue = SqlCatalogue(engine, sealer)
    catalogue.add_provider(record())
    catalogue.close()
    engine.dispose()

    assert (tmp_path / "catalogue.db").exists()


def test_a_second_catalogue_of_the_process_takes_no_lock_from_the_first(
    sealer: Sealer, tmp_path: Path, record: Make
) -> None:
    """The file was opened and closed once more, which drops the locks of a process: the first one lost its log."""
    place = tmp_path / "catalogue.db"
    first = SqlCatalogue(place, sealer)
    first.add_provider(record())
    second = SqlCatalogue(place, sealer)
    rename = "c.execute('UPDATE kazinex_storage_providers SET label = label || 1')"
    program = f"import sqlite3; c = sqlite3.connect({str(place)!r}); {rename}; c.commit(); c.close()"
    before = record().label

    for label in (f"{before}1", f"{before}11"):
        subprocess.run([sys.executable, "-IS", "-c", program], check=True)

        assert [label] == [found.label for found in first.providers(record().organisation)]
    first.close()
    second.close()

"""A dump of the database shows no secret, keys rotate, and a wrong key changes nothing."""

from __future__ import annotations

import json
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kazinex_storage.errors import SealError, SettingsError
from kazinex_storage.organisations import KeyFile, KeyRing, Organisations, ProviderStatus, Sealer, SqlCatalogue
from kazinex_storage.organisations.sealing import RingSource
from kazinex_storage.registry import Registry

from .test_sealing import sealed_by_the_first_release

SECRETS = {
    "token": "example-token-not-real",
    "auth/client_secret": "example-client-secret-not-real",
    "keys/0": "example-key-not-real",
}
SETTINGS = {
    "bucket": "plans",
    "token": SECRETS["token"],
    "auth": {"tenant": "acme", "client_secret": SECRETS["auth/client_secret"]},
    "keys": [SECRETS["keys/0"]],
}


OpenWith = Callable[[str, RingSource], Organisations]


def dump(place: str) -> str:
    """Everything that the database holds, as text."""
    if "://" not in place:
        files = sorted(Path(place).parent.glob("catalogue.db*"))
        return "\n".join(file.read_bytes().decode("latin-1") for file in files)
    engine = create_engine(place)
    with engine.connect() as connection:
        tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        rows = [repr(connection.execute(text(f'select * from "{table}"')).all()) for table in tables]  # noqa: S608
    engine.dispose()
    return "\n".join(rows)


@pytest.fixture
def open_with(registry: Registry) -> Iterator[OpenWith]:
    """Open the catalogue at a place with the keys at hand, as one process would."""
    opened: list[Organisations] = []

    def open_one(place: str, keys: RingSource) -> Organisations:
        opened.append(Organisations(SqlCatalogue(place, Sealer(keys)), registry))
        return opened[-1]

    yield open_one
    for organisations in opened:
        organisations.close()


def test_a_dump_of_the_database_shows_no_secret(place: str, open_with: OpenWith) -> None:
    organisations = open_with(place, KeyRing.generate())
    record = organisations.add_provider("org-1", "vault", "Vault", SETTINGS)
    organisations.record_verification(record, ok=False, error=f"403 for {SECRETS['token']}")
    organisations.update_provider("org-1", "Vault", settings={"token": "example-token-2-not-real"})

    dumped = dump(place)  # while it is open, so that the write-ahead log of SQLite is looked at too
    organisations.close()
    dumped += dump(place)

    assert "plans" in dumped
    assert "acme" in dumped
    for secret in (*SECRETS.values(), "example-token-2-not-real"):
        assert secret not in dumped


def test_secrets_come_back_after_a_restart(place: str, open_with: OpenWith) -> None:
    ring = KeyRing.generate()
    first = open_with(place, ring)
    first.add_provider("org-1", "vault", "Vault", SETTINGS)
    first.close()

    second = open_with(place, KeyRing.parse(ring.export()))
    record = second.find("org-1", "Vault")

    assert SECRETS == record.secrets.reveal()
    assert second.registry.parse_settings("vault", SETTINGS) == second.settings(record)


def test_a_wrong_key_opens_nothing_and_changes_nothing(place: str, open_with: OpenWith) -> None:
    ring = KeyRing.generate()
    right = open_with(place, ring)
    before = right.add_provider("org-1", "vault", "Vault", SETTINGS)
    wrong = open_with(place, KeyRing.generate())

    for attempt in (
        lambda: wrong.find("org-1", "Vault").secrets.reveal(),
        lambda: wrong.open(wrong.find("org-1", "Vault")),
        lambda: wrong.update_provider("org-1", "Vault", settings={"region": "us"}),
        lambda: wrong.reseal(),
    ):
        with pytest.raises(SealError, match=f"sealed under the key {ring.current}"):
            attempt()

    assert before == right.find("org-1", "Vault")
    assert SECRETS == right.find("org-1", "Vault").secrets.reveal()


def test_without_the_key_providers_are_listed_and_relabelled(place: str, open_with: OpenWith) -> None:
    open_with(place, ring := KeyRing.generate()).add_provider("org-1", "vault", "Vault", SETTINGS)
    wrong = open_with(place, KeyRing.generate())

    wrong.update_provider("org-1", "Vault", label="Main")

    assert [tuple(sorted(SECRETS))] == [record.secrets.names for record in wrong.providers("org-1")]
    assert SECRETS == open_with(place, ring).find("org-1", "main").secrets.reveal()


def test_without_the_key_all_secrets_can_be_entered_again(place: str, open_with: OpenWith) -> None:
    open_with(place, KeyRing.generate()).add_provider("org-1", "vault", "Vault", SETTINGS)
    organisations = open_with(place, KeyRing.generate())
    again = {"token": "example-new-token", "auth": {"client_secret": "example-new-client"}, "keys": []}

    organisations.update_provider("org-1", "Vault", settings=again)

    record = organisations.find("org-1", "Vault")
    assert {"token": "example-new-token", "auth/client_secret": "example-new-client"} == record.secrets.reveal()
    assert {"bucket": "plans", "auth": {"tenant": "acme"}, "keys": []} == record.settings
    assert ProviderStatus.PENDING is record.status


def test_a_rotation_seals_everything_under_the_new_key(place: str, open_with: OpenWith) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    before = open_with(place, old)
    for organisation in ("org-1", "org-2"):
        before.add_provider(organisation, "vault", "Vault", SETTINGS)
    kept = before.find("org-1", "Vault")

    both = open_with(place, old.with_first(new))
    changed = both.reseal()

    assert (2, 0) == (changed, both.reseal())
    after = open_with(place, new)
    assert [SECRETS] * 2 == [after.find(name, "Vault").secrets.reveal() for name in ("org-1", "org-2")]
    assert kept == after.find("org-1", "Vault")
    if "://" in place:  # the pages of a SQLite file keep what was written before, sealed, until they are used again
        assert old.current not in dump(place)


def test_a_rotation_that_meets_a_secret_it_cannot_open_changes_nothing(place: str, open_with: OpenWith) -> None:
    old, lost = KeyRing.generate(), KeyRing.generate()
    open_with(place, old).add_provider("org-1", "vault", "Vault", SETTINGS)
    open_with(place, lost).add_provider("org-2", "vault", "Vault", SETTINGS)

    with pytest.raises(SealError):
        open_with(place, old.with_first(KeyRing.generate())).reseal()

    assert SECRETS == open_with(place, old).find("org-1", "Vault").secrets.reveal()


def test_a_sealed_secret_copied_to_another_row_does_not_open(tmp_path: Path, open_with: OpenWith) -> None:
    path = tmp_path / "catalogue.db"
    organisations = open_with(str(path), KeyRing.generate())
    organisations.add_provider("victim", "vault", "Vault", {"bucket": "plans", "token": SECRETS["token"]})
    organisations.add_provider("thief", "vault", "Vault", {"bucket": "plans", "token": "example-own"})
    with sqlite3.connect(path) as connection:
        connection.execute(
            "update kazinex_storage_providers set secrets = "
            "(select secrets from kazinex_storage_providers where organisation = 'victim') where organisation = 'thief'"
        )
    connection.close()

    with pytest.raises(SealError, match="moved from another record"):
        organisations.find("thief", "Vault").secrets.reveal()


def test_a_secret_does_not_open_beside_an_address_that_was_written_past_us(tmp_path: Path, open_with: OpenWith) -> None:
    """Who can write the database cannot have the secret sent elsewhere (issue 18, C2)."""
    path = tmp_path / "catalogue.db"
    organisations = open_with(str(path), KeyRing.generate())
    organisations.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "token": SECRETS["token"]})
    with sqlite3.connect(path) as connection:
        connection.execute("update kazinex_storage_providers set settings = json_set(settings, '$.region', 'evil')")
    connection.close()

    with pytest.raises(SealError, match="its settings were changed"):
        organisations.open(organisations.find("org-1", "Vault"))
    with pytest.raises(SealError):
        organisations.update_provider("org-1", "Vault", settings={"retries": 1})

    organisations.update_provider("org-1", "Vault", settings={"token": "example-entered-again"})
    assert {"token": "example-entered-again"} == organisations.find("org-1", "Vault").secrets.reveal()


def test_what_the_first_release_sealed_opens_and_is_sealed_again(tmp_path: Path, open_with: OpenWith) -> None:
    path, ring = tmp_path / "catalogue.db", KeyRing.generate()
    organisations = open_with(str(path), ring)
    record = organisations.add_provider("org-1", "vault", "Vault", {"bucket": "plans", "token": SECRETS["token"]})
    old = json.dumps({"token": sealed_by_the_first_release(ring, SECRETS["token"], "org-1", record.id, "token")})
    with sqlite3.connect(path) as connection:
        connection.execute("update kazinex_storage_providers set secrets = ?", (old,))
    connection.close()

    assert {"token": SECRETS["token"]} == organisations.find("org-1", "Vault").secrets.reveal()
    assert (1, 0) == (organisations.reseal(), organisations.reseal())
    assert {"token": SECRETS["token"]} == organisations.find("org-1", "Vault").secrets.reveal()
    with sqlite3.connect(path) as connection:
        (kept,) = connection.execute("select secrets from kazinex_storage_providers").fetchone()
    connection.close()
    assert json.loads(kept)["token"].startswith("kzx2.")


def test_no_error_on_the_way_shows_a_secret(place: str, open_with: OpenWith) -> None:
    organisations = open_with(place, KeyRing.generate())
    organisations.add_provider("org-1", "vault", "Vault", SETTINGS)
    attempts: list[Callable[[], object]] = [
        lambda: organisations.add_provider("org-1", "vault", "Vault", SETTINGS),
        lambda: organisations.add_provider("org-1", "vault", "Other", {**SETTINGS, "bucket": SECRETS["token"].upper()}),
        lambda: organisations.add_provider("org-1", "vault", "Other", {**SETTINGS, "region": [SECRETS["token"]]}),
        lambda: organisations.add_provider("org-1", "vault", "Other", {**SETTINGS, "auth": SECRETS["token"]}),
        lambda: organisations.update_provider("org-1", "Vault", settings={"retries": SECRETS["token"]}),
    ]

    for attempt in attempts:
        with pytest.raises(SettingsError) as caught:
            attempt()
        told = "".join(traceback.format_exception(caught.value)) + json.dumps(str(caught.value))
        for secret in SECRETS.values():
            assert secret not in told
            assert secret.upper() not in told


def test_a_lost_key_file_is_named_and_not_made_again_by_reading(tmp_path: Path, open_with: OpenWith) -> None:
    place, path = str(tmp_path / "catalogue.db"), tmp_path / "sealing.key"
    open_with(place, KeyFile(path)).add_provider("org-1", "vault", "Vault", SETTINGS)
    path.unlink()
    record = open_with(place, KeyFile(path)).find("org-1", "Vault")

    with pytest.raises(SealError, match="is missing; restore it"):
        record.secrets.reveal()

    assert not path.exists()

"""Each organisation has a data key of its own: made when it is needed, renewed, wrapped again, destroyed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from kazinex_storage.documents.events import Event
from kazinex_storage.documents.register import RevisionRecord
from kazinex_storage.errors import AccessDeniedError, SealError, SettingsError, UnavailableError
from kazinex_storage.keys import DocumentKey
from kazinex_storage.organisations import (
    AuditLog,
    DataKeyStatus,
    KeyRing,
    KeyService,
    Organisations,
    ResealStep,
    Sealer,
    SqlCatalogue,
    open_organisations,
)
from kazinex_storage.organisations.data_keys import NoKeys
from kazinex_storage.organisations.key_sources import RingKeys, VaultTransit
from kazinex_storage.organisations.sealing import RingSource
from kazinex_storage.registry import Registry
from kazinex_storage.testing.emulators.vault import VaultEmulator, vault_emulator
from kazinex_storage.testing.servers import PostgresServer

SETTINGS = {"bucket": "plans", "token": "example-token-not-real"}
Opened = Callable[..., Organisations]
EVERYWHERE = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)


class Time:
    """What time it is."""

    def __init__(self) -> None:
        self.now = datetime(2026, 8, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def moment() -> Time:
    return Time()


@pytest.fixture(scope="module")
def vault() -> Iterator[VaultEmulator]:
    with vault_emulator() as emulator:
        yield emulator


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield str(tmp_path / "catalogue.db")
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield url


@pytest.fixture
def opened(place: str, registry: Registry, moment: Time) -> Iterator[Opened]:
    """Open the catalogue at a place, as one process would."""
    found: list[Organisations] = []

    def open_one(
        source: RingKeys | VaultTransit,
        ring: RingSource | None = None,
        *,
        earlier: tuple[RingKeys | VaultTransit, ...] = (),
        cache_s: float = 300,
        audit: bool = False,
    ) -> Organisations:
        service = KeyService(source=source, earlier=earlier, life=timedelta(days=90), cache_s=cache_s, clock=moment)
        catalogue = SqlCatalogue(place, Sealer(NoKeys() if ring is None else ring), service)
        found.append(Organisations(catalogue, registry, on_event=AuditLog(catalogue) if audit else None))
        return found[-1]

    yield open_one
    for organisations in found:
        organisations.close()


@pytest.fixture
def ring_keys() -> RingKeys:
    return RingKeys(KeyRing.generate())


@pytest.fixture
def engine(place: str) -> Iterator[Engine]:
    """The database, past the catalogue."""
    made = create_engine(place if "://" in place else f"sqlite:///{place}")
    yield made
    made.dispose()


def add(organisations: Organisations, organisation: str = "acme", label: str = "Vault") -> str:
    return organisations.add_provider(organisation, "vault", label, SETTINGS).id


def token(organisations: Organisations, organisation: str = "acme", provider: str = "Vault") -> str:
    return organisations.find(organisation, provider).secrets.reveal()["token"]


@EVERYWHERE
def test_secrets_of_an_organisation_open_by_its_data_key_in_any_process(opened: Opened, ring_keys: RingKeys) -> None:
    one, two = opened(ring_keys), opened(ring_keys)
    add(one, "acme")
    add(one, "other")

    keys = {found.data_keys(name)[0].id for found in (one, two) for name in ("acme", "other")}

    assert 2 == len(keys)
    assert [SETTINGS["token"]] * 2 == [token(two, name) for name in ("acme", "other")]
    assert all(status is DataKeyStatus.ACTIVE for status in (two.data_keys("acme")[0].status,))


def test_what_was_sealed_under_a_ring_goes_on_opening_and_is_resealed(
    place: str, opened: Opened, ring_keys: RingKeys, registry: Registry
) -> None:
    ring = KeyRing.generate()
    before = Organisations(SqlCatalogue(place, Sealer(ring)), registry)
    add(before)
    before.close()

    after = opened(ring_keys, ring)
    read = token(after)
    resealed = after.reseal_each()

    assert (SETTINGS["token"], 1, True) == (read, resealed.changed, resealed.ok)
    assert SETTINGS["token"] == token(opened(ring_keys)), "without the ring"


def test_a_data_key_that_has_expired_seals_no_more_and_opens_on(
    opened: Opened, ring_keys: RingKeys, moment: Time
) -> None:
    organisations = opened(ring_keys)
    add(organisations, label="First")
    moment.now += timedelta(days=90)
    add(organisations, label="Second")

    newest, oldest = organisations.data_keys("acme")

    assert (DataKeyStatus.ACTIVE, DataKeyStatus.RETIRED) == (newest.status, oldest.status)
    assert [SETTINGS["token"]] * 2 == [token(organisations, provider=name) for name in ("First", "Second")]


def test_resealing_tells_how_far_it_is_and_leaves_out_what_cannot_be_opened(
    opened: Opened, ring_keys: RingKeys, moment: Time
) -> None:
    organisations = opened(ring_keys)
    for name in ("acme", "lost", "other"):
        add(organisations, name)
        moment.now += timedelta(seconds=1)
        organisations.renew_data_key(name)
    oldest = organisations.data_keys("lost")[-1]
    organisations.destroy_data_keys("lost", reason="contract ended", keys=[oldest.id])
    steps: list[ResealStep] = []

    report = organisations.reseal_each(on_progress=steps.append)

    assert [("acme", 1, 3, 1), ("lost", 2, 3, 0), ("other", 3, 3, 1)] == [
        (step.organisation, step.done, step.total, step.changed) for step in steps
    ]
    assert ("lost",) == tuple(step.organisation for step in report.failures)
    assert [0, 0] == [step.changed for step in organisations.reseal_each(["acme", "other"]).steps], "nothing is left"


@EVERYWHERE
def test_a_destroyed_key_makes_that_organisation_alone_unreadable(opened: Opened, ring_keys: RingKeys) -> None:
    organisations = opened(ring_keys, audit=True)
    add(organisations, "acme")
    add(organisations, "other")

    gone = organisations.acting("ada").destroy_data_keys("acme", reason="contract ended")

    with pytest.raises(SealError, match=r"was destroyed at .* by ada \(contract ended\).*enter the secret again"):
        token(organisations, "acme")
    assert SETTINGS["token"] == token(organisations, "other")
    assert [DataKeyStatus.DESTROYED] == [key.status for key in gone]
    organisations.update_provider("acme", "Vault", settings={"token": "example-new-not-real"})
    assert "example-new-not-real" == token(opened(ring_keys), "acme"), "it goes on with what is entered again"


def test_the_audit_tells_of_keys_and_survives_their_end(opened: Opened, ring_keys: RingKeys) -> None:
    organisations = opened(ring_keys, audit=True)
    add(organisations)
    organisations.renew_data_key("acme")
    organisations.reseal_each(["acme"])
    organisations.acting("ada").destroy_data_keys("acme", reason="contract ended")
    log = AuditLog(organisations.catalogue)

    names = [entry.event for entry in log.query("acme")]
    problems = [found.problem for found in log.verify_audit("acme").problems]

    assert {"data_key.renewed", "secrets.resealed", "data_key.destroyed"} <= set(names)
    assert all("key" in problem for problem in problems), "the chain of hashes holds; seals under it cannot be checked"


def test_a_row_that_is_taken_from_another_organisation_does_not_open(
    opened: Opened, ring_keys: RingKeys, vault: VaultEmulator, engine: Engine
) -> None:
    """Also where the key service binds nothing to an organisation, as Azure Key Vault does not."""

    class Unbound(RingKeys):
        def wrap(self, data_key: bytes, organisation: str):  # type: ignore[no-untyped-def]
            return super().wrap(data_key, organisation[:0])

        def unwrap(self, wrapped, organisation: str) -> bytes:  # type: ignore[no-untyped-def]
            return super().unwrap(wrapped, organisation[:0])

    source = Unbound(KeyRing.generate())
    organisations = opened(source)
    add(organisations, "acme")
    add(organisations, "other")
    move = """
        update kazinex_storage_data_keys set wrapped =
        (select wrapped from kazinex_storage_data_keys where organisation = 'other') where organisation = 'acme'
    """
    with engine.begin() as connection:
        connection.execute(text(move))

    with pytest.raises(SealError, match="altered, or was taken from another organisation"):
        token(opened(source), "acme")


def test_wrapping_moves_to_another_key_service_and_secrets_stay_as_they_are(
    opened: Opened, ring_keys: RingKeys, vault: VaultEmulator
) -> None:
    transit = VaultTransit(vault.address, "kazinex", token=lambda: vault.token)
    add(opened(ring_keys))
    both = opened(transit, earlier=(ring_keys,))

    moved, again = both.rewrap_data_keys("acme"), both.rewrap_data_keys("acme")
    vault.keys["kazinex"].rotate()
    rotated = both.rewrap_data_keys("acme")

    assert (1, 0, 1) == (moved, again, rotated)
    assert ("vault", str(len(vault.keys["kazinex"].versions))) == (
        both.data_keys("acme")[0].source,
        both.data_keys("acme")[0].key_version,
    )
    assert SETTINGS["token"] == token(opened(transit))
    with pytest.raises(SealError, match=r"wrapped by vault .* this process has ring"):
        token(opened(ring_keys))


def test_a_key_is_unwrapped_once_in_a_while(opened: Opened, vault: VaultEmulator) -> None:
    source = VaultTransit(vault.address, "kazinex", token=lambda: vault.token)
    organisations = opened(source)
    add(organisations)
    asked = len(vault.requests)
    for _ in range(5):
        token(organisations)
    held = len(vault.requests) - asked

    short = opened(source, cache_s=0)
    for _ in range(3):
        token(short)

    assert (0, 3) == (held, len(vault.requests) - asked - held)


def test_a_key_service_that_does_not_answer_is_a_passing_failure_and_seals_nothing(
    opened: Opened, vault: VaultEmulator
) -> None:
    organisations = opened(VaultTransit(vault.address, "kazinex", token=lambda: vault.token))
    vault.sealed = True
    try:
        with pytest.raises(UnavailableError):
            add(organisations)
    finally:
        vault.sealed = False

    assert () == organisations.providers("acme")


def test_nothing_is_sealed_under_a_key_that_could_not_be_unwrapped(opened: Opened, vault: VaultEmulator) -> None:
    organisations = opened(VaultTransit(vault.address, "kazinex", token=lambda: vault.token))
    vault.denied.add("transit/decrypt/kazinex")
    try:
        with pytest.raises(AccessDeniedError, match="extend its policy"):
            add(organisations)
    finally:
        vault.denied.clear()

    assert ((), ()) == (organisations.providers("acme"), organisations.data_keys("acme"))


@EVERYWHERE
def test_a_key_that_an_undone_transaction_made_seals_nothing(opened: Opened, ring_keys: RingKeys) -> None:
    organisations = opened(ring_keys)
    with pytest.raises(ZeroDivisionError), organisations.catalogue.together():
        add(organisations, label="Undone")
        undone = organisations.data_keys("acme")[0].id
        raise ZeroDivisionError

    add(organisations)

    assert [undone] != [key.id for key in organisations.data_keys("acme")]
    assert SETTINGS["token"] == token(opened(ring_keys))


def test_the_first_key_is_made_in_the_transaction_that_needs_it(opened: Opened, ring_keys: RingKeys) -> None:
    """The register signs a line for each revision, of organisations too that have sealed nothing yet."""
    organisations = opened(ring_keys)
    key = DocumentKey("acme", "bridge", "DRG-1", "P01", "a.pdf")
    record = RevisionRecord(document=key, provider="disk-1", sha256=None, size=1, recorded_at=datetime.now(UTC))

    assert organisations.catalogue.revisions.swap_revision(None, record)

    assert [DataKeyStatus.ACTIVE] == [found.status for found in organisations.data_keys("acme")]


@EVERYWHERE
def test_two_processes_that_need_the_first_key_end_with_one(opened: Opened, ring_keys: RingKeys) -> None:
    from threading import Barrier, Thread

    barrier, failures = Barrier(4), list[BaseException]()

    def work(organisations: Organisations, number: int) -> None:
        barrier.wait()
        try:
            add(organisations, "acme", f"Vault {number}")
        except BaseException as error:  # whatever it is, it fails the test
            failures.append(error)

    threads = [Thread(target=work, args=(opened(ring_keys), number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = opened(ring_keys)

    assert [] == failures
    assert {SETTINGS["token"]} == {token(reader, provider=f"Vault {number}") for number in range(4)}


def test_without_a_key_service_there_is_one_ring_and_that_is_said(organisations: Organisations) -> None:
    with pytest.raises(SettingsError, match="KAZINEX_STORAGE_KEY_SOURCE"):
        organisations.renew_data_key("acme")

    assert () == organisations.data_keys("acme")


def test_destroying_needs_a_reason_and_a_key_that_is_there(opened: Opened, ring_keys: RingKeys) -> None:
    organisations = opened(ring_keys)
    add(organisations)

    with pytest.raises(SettingsError, match="needs a reason"):
        organisations.destroy_data_keys("acme", reason=" ")
    with pytest.raises(SettingsError, match="no data key"):
        organisations.destroy_data_keys("acme", reason="test", keys=["0" * 16])


def test_the_environment_names_the_key_service(tmp_path: Path, vault: VaultEmulator) -> None:
    """A machine with a key service needs no key file."""
    token_file = tmp_path / "token"
    token_file.write_text(f"{vault.token}\n")
    environ = {
        "KAZINEX_STORAGE_HOME": str(tmp_path / "home"),
        "KAZINEX_STORAGE_KEY_SOURCE": f"vault:{vault.address}/transit/kazinex?token_file={token_file}",
    }
    told: list[Event] = []
    organisations = open_organisations(environ, on_event=told.append)
    settings = {
        "bucket": "plans",
        "account_id": "fedcba9876543210fedcba9876543210",
        "access_key_id": "0123456789abcdef0123456789abcdef",
        "secret_access_key": "0123456789abcdef" * 4,
    }
    record = organisations.add_provider("acme", "r2", "R2", settings)
    opened = record.secrets.reveal()
    organisations.close()

    assert settings["secret_access_key"] == opened["secret_access_key"]
    assert [] == list((tmp_path / "home").glob("*.key"))

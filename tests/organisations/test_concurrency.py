"""Changes made at the same time: exactly one wins, the others are told, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from kazinex_storage.errors import RecordConflictError, RecordNotFoundError, SettingsError
from kazinex_storage.organisations import (
    Catalogue,
    KeyRing,
    Organisations,
    ProviderRecord,
    ProviderStatus,
    Sealer,
    SqlCatalogue,
)

Make = Callable[..., ProviderRecord]
RACERS = 8
ROUNDS = 5


def race(attempts: list[Callable[[], object]]) -> Counter[str]:
    """Start every attempt at the same moment and count how they ended."""
    start = threading.Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> str:
        start.wait()
        try:
            attempt()
        except (RecordConflictError, RecordNotFoundError, SettingsError) as error:
            # "refuses" is how a database speaks that had to step in for the rules
            return str(error) if "refuses" in str(error) else type(error).__name__
        return "won"

    with ThreadPoolExecutor(len(attempts)) as pool:
        return Counter(pool.map(run, attempts))


def test_of_racing_changes_of_one_provider_exactly_one_wins(catalogue: Catalogue, record: Make) -> None:
    before = catalogue.add_provider(record())
    for _ in range(ROUNDS):
        attempts: list[Callable[[], object]] = [
            partial(catalogue.replace_provider, replace(before, label=f"{before.version}-{number}"))
            for number in range(RACERS)
        ]

        ended = race(attempts)

        assert {"won": 1, "RecordConflictError": RACERS - 1} == ended
        before = catalogue.provider("org-1", "vault-1")
    assert 1 + ROUNDS == before.version


def test_of_racing_first_settings_of_an_organisation_exactly_one_wins(catalogue: Catalogue) -> None:
    for organisation in ("org-1", "org-2", "org-3"):
        attempts: list[Callable[[], object]] = [
            partial(catalogue.set_allowlist, organisation, [f"x{number}"], version=0) for number in range(RACERS)
        ]

        ended = race(attempts)

        assert {"won": 1, "RecordConflictError": RACERS - 1} == ended


def test_of_racing_first_overrides_of_a_project_exactly_one_wins(catalogue: Catalogue, record: Make) -> None:
    catalogue.add_provider(record(status=ProviderStatus.VERIFIED))

    ended = race([lambda: catalogue.set_override("org-1", "bridge", "vault-1", version=0)] * RACERS)

    assert {"won": 1, "RecordConflictError": RACERS - 1} == ended


def test_of_racing_providers_with_one_label_exactly_one_is_added(catalogue: Catalogue, record: Make) -> None:
    attempts: list[Callable[[], object]] = [
        partial(catalogue.add_provider, record(id=f"vault-{number}")) for number in range(RACERS)
    ]

    ended = race(attempts)

    assert {"won": 1, "SettingsError": RACERS - 1} == ended
    assert 1 == len(catalogue.providers("org-1"))


def test_a_provider_is_never_both_removed_and_the_default(catalogue: Catalogue, record: Make) -> None:
    for number in range(10):
        organisation = f"org-{number}"
        kept = catalogue.add_provider(record(organisation=organisation, status=ProviderStatus.VERIFIED))

        ended = race(
            [
                partial(catalogue.remove_provider, organisation, "vault-1", version=kept.version),
                partial(catalogue.set_default, organisation, "vault-1", version=0),
                partial(catalogue.set_override, organisation, "bridge", "vault-1", version=0),
            ]
        )

        assert set(ended) <= {"won", "SettingsError", "RecordNotFoundError"}
        ids = {found.id for found in catalogue.providers(organisation)}
        choice = catalogue.choice(organisation, "bridge")
        assert {choice.default, choice.override} - {None} <= ids
        if not ids:
            assert catalogue.organisation(organisation).default_provider is None
            assert catalogue.override(organisation, "bridge").provider is None


def test_settings_changed_during_a_verification_stay_pending(organisations: Organisations) -> None:
    """The verification that ends now was one of the settings before."""
    settings = {"bucket": "plans", "token": "example-token"}
    verified = organisations.add_provider("org-1", "vault", "Vault", settings)
    organisations.update_provider("org-1", "Vault", settings={"bucket": "other"})

    with pytest.raises(RecordConflictError, match="verify it again"):
        organisations.record_verification(verified, ok=True)

    assert ProviderStatus.PENDING is organisations.find("org-1", "Vault").status


def test_a_label_changed_during_a_verification_does_not_void_it(organisations: Organisations) -> None:
    settings = {"bucket": "plans", "token": "example-token"}
    verified = organisations.add_provider("org-1", "vault", "Vault", settings)
    organisations.update_provider("org-1", "Vault", label="Main")

    after = organisations.record_verification(verified, ok=True)

    assert ("Main", ProviderStatus.VERIFIED) == (after.label, after.status)


def test_catalogues_that_start_at_once_on_an_empty_database_all_work(place: str, sealer: Sealer, record: Make) -> None:
    start = threading.Barrier(RACERS)

    def begin(number: int) -> None:
        start.wait()
        catalogue = SqlCatalogue(place, sealer)
        catalogue.add_provider(record(organisation=f"org-{number}"))
        catalogue.close()

    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(begin, range(RACERS)))

    catalogue = SqlCatalogue(place, sealer)
    assert [1] * RACERS == [len(catalogue.providers(f"org-{number}")) for number in range(RACERS)]
    catalogue.close()


WORKER = """
import sys
from kazinex_storage.errors import RecordConflictError
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue

name, place, key = sys.argv[1:]
catalogue = SqlCatalogue(place, Sealer(KeyRing.parse(key)))
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    while True:
        before = catalogue.organisation("org-1")
        try:
            catalogue.set_allowlist("org-1", sorted({*before.allowlist, f"{name}{number}"}), version=before.version)
            break
        except RecordConflictError:
            pass
catalogue.close()
print("done")
"""


def test_processes_that_change_one_record_lose_nothing(place: str) -> None:
    """Each adds its own names, from what it read; a change that was lost would miss in the end."""
    ring = KeyRing.generate()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, name, place, ring.export()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert "ready\n" == worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    said = [worker.communicate(timeout=120)[0] for worker in workers]

    catalogue = SqlCatalogue(place, Sealer(ring))
    after = catalogue.organisation("org-1")
    catalogue.close()

    assert {f"{name}{number}" for name in "ab" for number in range(25)} == set(after.allowlist)
    assert 50 == after.version
    assert ([0, 0], ["done\n", "done\n"]) == ([worker.returncode for worker in workers], said)


FORKER = """
import os, sys
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue

place, key = sys.argv[1:]
catalogue = SqlCatalogue(place, Sealer(KeyRing.parse(key)))
catalogue.set_allowlist("parent", ["a"], version=0)
child = os.fork()
if child == 0:
    try:
        for version in range(20):
            catalogue.set_allowlist("child", [f"x{version}"], version=version)
            catalogue.organisation("parent")
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)
for version in range(1, 21):
    catalogue.set_allowlist("parent", [f"x{version}"], version=version)
    catalogue.organisation("child")
_, status = os.waitpid(child, 0)
print(status, catalogue.organisation("child").version, catalogue.organisation("parent").version)
"""


def test_a_catalogue_works_on_both_sides_of_a_fork(place: str) -> None:
    command = [sys.executable, "-c", FORKER, place, KeyRing.generate().export()]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert ("0 20 21\n", "") == (done.stdout, done.stderr)

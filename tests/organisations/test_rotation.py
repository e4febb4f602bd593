"""Secrets that a service replaces: of several processes one stores the new one, and nothing else changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from kazinex_storage.organisations import Catalogue, ProviderRecord, ProviderStatus
from kazinex_storage.organisations.records import SecretValues
from kazinex_storage.organisations.rotation import KeptSecret

Make = Callable[..., ProviderRecord]


def kept(catalogue: Catalogue, record: Make, **secrets: str) -> KeptSecret:
    made = catalogue.add_provider(replace(record(), secrets=SecretValues(secrets), status=ProviderStatus.VERIFIED))
    return KeptSecret(catalogue, made.organisation, made.id, "refresh_token")


def test_a_new_secret_takes_the_place_of_the_old(catalogue: Catalogue, record: Make) -> None:
    secret = kept(catalogue, record, refresh_token="first", client_secret="other")  # noqa: S106  # no real ones

    assert secret.swap("first", "second")

    found = catalogue.provider(secret.organisation, secret.provider)
    assert {"refresh_token": "second", "client_secret": "other"} == dict(found.secrets.reveal())
    assert "second" == secret.load()


def test_the_provider_stays_verified_and_its_settings_keep_their_version(catalogue: Catalogue, record: Make) -> None:
    secret = kept(catalogue, record, refresh_token="first")  # noqa: S106
    before = catalogue.provider(secret.organisation, secret.provider)

    secret.swap("first", "second")

    after = catalogue.provider(secret.organisation, secret.provider)
    assert (before.status, before.settings_version) == (after.status, after.settings_version)


def test_who_is_late_changes_nothing(catalogue: Catalogue, record: Make) -> None:
    secret = kept(catalogue, record, refresh_token="first")  # noqa: S106
    secret.swap("first", "second")

    assert not secret.swap("first", "third")
    assert "second" == secret.load()


def test_of_racing_processes_one_stores_its_secret(catalogue: Catalogue, record: Make) -> None:
    secret, swapped = kept(catalogue, record, refresh_token="first"), []  # noqa: S106

    def swap(number: int) -> None:
        if secret.swap("first", f"new-{number}"):
            swapped.append(f"new-{number}")

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [secret.load()] == swapped

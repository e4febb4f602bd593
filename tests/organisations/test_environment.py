"""What the environment says: places, keys, settings, and the assembly of all of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.errors import SealError, SettingsError
from kazinex_storage.organisations import (
    KeyRing,
    Organisations,
    Resolver,
    open_organisations,
    rotate_sealing_key,
)
from kazinex_storage.providers.settings.environment import (
    catalogue_location,
    data_directory,
    make_data_directory,
    sealing_keys,
    settings_from_environment,
)
from kazinex_storage.registry import Registry

if TYPE_CHECKING:
    from tests.organisations.plugins.vault_provider import VaultSettings
else:
    from vault_provider import VaultSettings  # conftest.py makes it importable, as an installed plugin would be

SETTINGS = {"bucket": "plans", "token": "example-token-not-real"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"KAZINEX_STORAGE_HOME": str(tmp_path / "home")}


@pytest.fixture
def opened(environ: dict[str, str], registry: Registry) -> Iterator[Organisations]:
    organisations = open_organisations(environ, registry=registry)
    yield organisations
    organisations.close()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.local/share/kazinex-storage"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "/data/ada"}, "/data/ada/kazinex-storage"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "relative"}, "/home/ada/.local/share/kazinex-storage"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": ""}, "/home/ada/.local/share/kazinex-storage"),
        ({"KAZINEX_STORAGE_HOME": "/srv/kazinex", "XDG_DATA_HOME": "/data"}, "/srv/kazinex"),
        ({"HOME": "/home/ada", "KAZINEX_STORAGE_HOME": "~/kazinex"}, "/home/ada/kazinex"),
    ],
    ids=["home", "xdg", "relative xdg", "empty xdg", "own", "tilde"],
)
def test_the_data_folder_is_where_the_desktop_specification_says(environ: dict[str, str], expected: str) -> None:
    assert Path(expected) == data_directory(environ)


def test_a_relative_data_folder_is_refused() -> None:
    with pytest.raises(SettingsError, match="give an absolute path"):
        data_directory({"KAZINEX_STORAGE_HOME": "here"})


def test_the_data_folder_is_made_closed_to_others(tmp_path: Path) -> None:
    environ = {"KAZINEX_STORAGE_HOME": str(tmp_path / "a" / "b")}

    made = make_data_directory(environ)

    assert 0o700 == stat.S_IMODE(made.stat().st_mode)
    assert made == make_data_directory(environ)


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"cannot be made.*set KAZINEX_STORAGE_HOME"):
        make_data_directory({"KAZINEX_STORAGE_HOME": str(tmp_path / "file" / "home")})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "/srv/kazinex/catalogue.db"),
        ("", "/srv/kazinex/catalogue.db"),
        ("/data/other.db", "/data/other.db"),
        ("~/other.db", "/home/ada/other.db"),
        ("postgresql://ada@db/kazinex", "postgresql://ada@db/kazinex"),
    ],
)
def test_the_catalogue_is_a_file_unless_a_url_is_given(value: str | None, expected: str) -> None:
    environ = {"HOME": "/home/ada", "KAZINEX_STORAGE_HOME": "/srv/kazinex"}

    assert expected == catalogue_location(environ if value is None else {**environ, "KAZINEX_STORAGE_DATABASE": value})


def test_an_empty_key_is_a_slip_and_no_wish_for_a_key_file() -> None:
    with pytest.raises(SettingsError, match="set but empty"):
        sealing_keys({"KAZINEX_STORAGE_KEY": " "})

    assert sealing_keys({}) is None


def test_settings_are_read_from_variables() -> None:
    environ = {
        "KAZINEX_STORAGE_VAULT_BUCKET": "plans",
        "KAZINEX_STORAGE_VAULT_TOKEN": "example",
        "KAZINEX_STORAGE_VAULT_RETRIES": "5",
        "KAZINEX_STORAGE_VAULT_AUTH__TENANT": "acme",
        "KAZINEX_STORAGE_VAULT_AUTH__CLIENT_SECRET": "example",
        "KAZINEX_STORAGE_VAULT_OTHER": "of another program",
        "BUCKET": "not ours",
    }

    found = settings_from_environment(VaultSettings, "KAZINEX_STORAGE_VAULT_", environ)

    expected = {
        "bucket": "plans",
        "token": "example",
        "retries": "5",
        "auth": {"tenant": "acme", "client_secret": "example"},
    }
    assert expected == found
    assert 5 == VaultSettings.model_validate(found).retries


def test_without_variables_of_its_own_the_process_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_HOME", str(tmp_path))

    assert tmp_path == data_directory()


def test_a_fresh_machine_needs_nothing_but_a_home(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    organisations = open_organisations(environ)
    record = organisations.add_provider("org-1", "local", "Disk", {"root": str(tmp_path / "root"), "create": True})
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "Disk")
    resolver = Resolver(organisations)

    resolver.storage_for("org-1").put("bridge/a.pdf", b"%PDF")

    assert b"%PDF" == (tmp_path / "root" / "org-1" / "bridge" / "a.pdf").read_bytes()
    home = tmp_path / ".local" / "share" / "kazinex-storage"
    assert 0o700 == stat.S_IMODE(home.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()}
    resolver.close()
    organisations.close()


def test_the_key_file_is_made_beside_the_catalogue_with_the_first_secret(opened: Organisations, tmp_path: Path) -> None:
    before = (tmp_path / "home" / "sealing.key").exists()

    opened.add_provider("org-1", "vault", "Vault", SETTINGS)

    assert (False, True) == (before, (tmp_path / "home" / "sealing.key").exists())


def test_keys_of_the_environment_go_before_the_key_file(
    environ: dict[str, str], registry: Registry, tmp_path: Path
) -> None:
    environ["KAZINEX_STORAGE_KEY"] = KeyRing.generate().export().strip()
    organisations = open_organisations(environ, registry=registry)

    record = organisations.add_provider("org-1", "vault", "Vault", SETTINGS)

    assert {"token": SETTINGS["token"]} == organisations.find("org-1", record.id).secrets.reveal()
    assert not (tmp_path / "home" / "sealing.key").exists()
    organisations.close()


def test_the_key_file_rotates(environ: dict[str, str], opened: Organisations, registry: Registry) -> None:
    opened.add_provider("org-1", "vault", "Vault", SETTINGS)

    changed = rotate_sealing_key(environ, registry=registry)

    assert 1 == changed
    assert {"token": SETTINGS["token"]} == opened.find("org-1", "Vault").secrets.reveal()
    assert 2 == len(KeyRing.parse(Path(environ["KAZINEX_STORAGE_HOME"], "sealing.key").read_text()).ids)


def test_keys_of_the_environment_rotate(environ: dict[str, str], registry: Registry) -> None:
    old, new = (KeyRing.generate().export().strip() for _ in range(2))
    first = open_organisations({**environ, "KAZINEX_STORAGE_KEY": old}, registry=registry)
    first.add_provider("org-1", "vault", "Vault", SETTINGS)

    changed = rotate_sealing_key({**environ, "KAZINEX_STORAGE_KEY": f"{new},{old}"}, registry=registry)

    assert 1 == changed
    with pytest.raises(SealError):
        first.find("org-1", "Vault").secrets.reveal()
    after = open_organisations({**environ, "KAZINEX_STORAGE_KEY": new}, registry=registry)
    assert {"token": SETTINGS["token"]} == after.find("org-1", "Vault").secrets.reveal()
    first.close()
    after.close()


def test_a_catalogue_on_postgresql_is_named_by_a_url(environ: dict[str, str], place: str, registry: Registry) -> None:
    organisations = open_organisations({**environ, "KAZINEX_STORAGE_DATABASE": place}, registry=registry)

    organisations.add_provider("org-1", "vault", "Vault", SETTINGS)

    assert 1 == len(organisations.providers("org-1"))
    assert os.path.exists(place) == ("://" not in place)
    organisations.close()

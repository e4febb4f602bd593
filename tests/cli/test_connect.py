"""``provider add --connect``: a person enters a code on another device, and the provider works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.testing.emulators.graph import GraphEmulator, graph_emulator
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority

if TYPE_CHECKING:
    from .conftest import CommandLine


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as authority:
        yield authority


@pytest.fixture(scope="module")
def emulator(authority: CertificateAuthority) -> Iterator[GraphEmulator]:
    with graph_emulator(authority) as emulator:
        yield emulator


def settings(emulator: GraphEmulator, authority: CertificateAuthority) -> list[str]:
    values = {
        "tenant_id": emulator.tenant,
        "client_id": emulator.add_app().client_id,
        "site_url": emulator.add_site("sites/projects").url,
        "login_url": emulator.login_url,
        "graph_url": emulator.graph_url,
        "ca_file": str(authority.ca_file),
    }
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


def test_a_person_connects_and_connects_again(
    cli: CommandLine, emulator: GraphEmulator, authority: CertificateAuthority
) -> None:
    cli.environment |= {"SSL_CERT_FILE": str(authority.ca_file), "REQUESTS_CA_BUNDLE": str(authority.ca_file)}
    added = cli(*("provider", "add", "sharepoint", "Library", "--connect", "--json"), *settings(emulator, authority))
    verified = cli("provider", "verify", "Library", "--json")
    cli("provider", "set-default", "Library")
    again = cli("provider", "update", "Library", "--connect")  # verified before it replaces what works
    verified_again = cli("provider", "verify", "Library", "--json")

    assert 0 == added.code, added.err
    assert "EXAMPLE1" in added.err
    assert "connected as admin@contoso.example" in again.err
    assert "refresh_token" not in added.json["settings"]
    assert (0, 0) == (verified.code, verified_again.code), verified.text
    assert 0 == again.code
    assert "Library" in again.text.splitlines()[0]
    assert "is VERIFIED" in again.text.splitlines()[0]
    assert not [token for token in emulator.state.refresh_tokens if token in added.text + added.err + again.err]


def test_a_person_sets_a_library_up_in_one_command(
    cli: CommandLine, emulator: GraphEmulator, authority: CertificateAuthority
) -> None:
    cli.environment |= {"SSL_CERT_FILE": str(authority.ca_file), "REQUESTS_CA_BUNDLE": str(authority.ca_file)}
    words = ("setup", "sharepoint", "--connect", "--label", "Library", "--yes", "--json")

    done = cli(*words, *settings(emulator, authority))

    assert 0 == done.code, done.err
    assert "EXAMPLE1" in done.err
    assert ("VERIFIED", True, ["refresh_token"]) == (done.json["status"], done.json["default"], done.json["secrets"])


def test_what_is_no_person_is_refused(cli: CommandLine) -> None:
    disk = cli("provider", "add", "local", "Disk", "--set", "root=/tmp", "--connect")
    cli.environment["KAZINEX_STORAGE_SHAREPOINT_CLIENT_SECRET"] = "not-a-secret"  # noqa: S105
    app = cli("provider", "add", "sharepoint", "App", "--connect")

    assert (2, 2) == (disk.code, app.code)
    assert "people cannot connect to local" in disk.err
    assert "client_secret is for an app" in app.err


def test_a_verification_keeps_the_ids_of_the_library_for_those_who_come_later(
    cli: CommandLine, emulator: GraphEmulator, authority: CertificateAuthority
) -> None:
    cli.environment |= {"SSL_CERT_FILE": str(authority.ca_file), "REQUESTS_CA_BUNDLE": str(authority.ca_file)}
    cli("provider", "add", "sharepoint", "Library", "--connect", *settings(emulator, authority))
    cli("provider", "verify", "Library")
    cli("provider", "set-default", "Library")
    shown, text = cli("provider", "show", "Library", "--json").json, cli("provider", "show", "Library").text
    emulator.log.clear()
    stored = cli("put", "-", "org-1/bridge/DRG-1/P01/a.ifc", stdin=b"1")
    looked_up = [path for _, path, _ in emulator.log if "/sites/" in path]
    refused = cli("provider", "update", "Library", "--set", "library=Drawings")
    elsewhere = cli("provider", "update", "Library", "--set", "library=Drawings", "--force")
    other = cli("provider", "verify", "Library")

    assert 0 == stored.code, stored.err
    assert shown["settings"]["looked_up"]["drive_id"] in emulator.state.drives
    assert f"looked_up.drive_id {shown['settings']['looked_up']['drive_id']}" in text
    assert "VERIFIED" == shown["status"]
    assert [] == looked_up
    assert (3, 0) == (refused.code, elsewhere.code)
    assert "no library 'Drawings'" in refused.text
    assert "no library 'Drawings'" in other.text + other.err

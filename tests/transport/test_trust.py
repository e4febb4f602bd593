"""Whose certificates are trusted, and what finding that out loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import certifi
import pycurl
import pytest

from kazinex_storage.errors import SettingsError
from kazinex_storage.transport import TransportSettings
from kazinex_storage.transport.handle import trust
from kazinex_storage.transport.trust import CA_FILE

VARIABLES = (CA_FILE, "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""In the order in which they count."""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_file_of_the_settings_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (own := tmp_path / "own.pem").touch()
    (other := tmp_path / "other.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(other))

    assert [(pycurl.CAINFO, str(own))] == trust(TransportSettings(ca_file=str(own)))


def test_the_variables_of_openssl_come_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (file := tmp_path / "ca.pem").touch()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    folder_alone = trust(TransportSettings())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert [(pycurl.CAPATH, str(tmp_path))] == folder_alone
    assert [(pycurl.CAINFO, str(file))] == trust(TransportSettings())


def test_each_variable_comes_before_those_after_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = []
    for name in reversed(VARIABLES):
        path = tmp_path / name
        path.mkdir() if name.endswith("DIR") else path.touch()
        monkeypatch.setenv(name, str(path))
        found.append(trust(TransportSettings()))

    options = [pycurl.CAPATH if name.endswith("DIR") else pycurl.CAINFO for name in VARIABLES]
    assert found == [[(how, str(tmp_path / name))] for how, name in zip(options, VARIABLES, strict=True)][::-1]


def test_a_folder_of_certificates_is_taken_where_other_programs_take_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))

    assert [(pycurl.CAPATH, str(tmp_path))] == trust(TransportSettings())


def test_a_wrong_path_in_our_own_variable_does_not_lead_back_to_the_public_authorities(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CA_FILE, str(tmp_path / "none.pem"))

    with pytest.raises(SettingsError, match=CA_FILE):
        trust(TransportSettings())


@pytest.mark.parametrize("variable", VARIABLES[1:])
def test_a_variable_that_names_nothing_is_passed_over(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "none"))

    assert [(pycurl.CAINFO, certifi.where())] == trust(TransportSettings())


def test_the_public_authorities_are_found_without_loading_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from kazinex_storage.transport.handle import trust; "
        "from kazinex_storage.transport import TransportSettings; "
        "print(trust(TransportSettings())[0][1]); print({'certifi', 'ssl', 'tempfile'} & set(sys.modules))"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert [certifi.where(), "set()"] == run.stdout.splitlines()


def test_a_program_that_has_its_own_authorities_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some replace the function, so that the store of the machine counts."""
    monkeypatch.setattr(certifi, "where", lambda: "/etc/own.pem")

    assert [(pycurl.CAINFO, "/etc/own.pem")] == trust(TransportSettings())

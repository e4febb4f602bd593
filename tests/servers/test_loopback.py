"""No server of the tests can be reached from another machine, whatever else it opens beside its own port."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
import struct
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.emulators.graph import graph_emulator
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.testing.servers import AzuriteServer, S3Server, moto, postgres

from .test_s3_servers import PATIENCE_S

LISTENING = "0A"
"""The state of a socket in /proc/net/tcp."""


def family(ancestor: int) -> set[str]:
    """The ids of a process and of all that descend from it."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text(errors="replace")
        except OSError:  # it has ended
            continue
        parents[status.parent.name] = text.rpartition(")")[2].split()[1]
    found = {str(ancestor)}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def sockets(process: str) -> set[str]:
    """The inodes of the sockets that a process has open."""
    found: set[str] = set()
    with suppress(OSError):  # the process has ended
        for descriptor in os.listdir(f"/proc/{process}/fd"):
            with suppress(OSError):  # it is closed
                found.update(re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{process}/fd/{descriptor}")))
    return found


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Words of 32 bits, each in the order of the machine."""
    raw = bytes.fromhex(text)
    words = struct.unpack(f"={len(raw) // 4}I", raw)
    found = ipaddress.ip_address(struct.pack(f">{len(words)}I", *words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else found


def listened_on(*shared: int) -> set[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """Every address and port on which this process and all that descend from it take connections.

    The same of the servers on the ports *shared*, which belong to the whole run.
    """
    found = opened_by(family(os.getpid()))
    for process in family(os.getppid()) if shared else ():
        opened = opened_by({process})
        found |= opened if {port for _, port in opened} & set(shared) else set()
    return found


def opened_by(processes: set[str]) -> set[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    ours = set().union(*map(sockets, processes))
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            _, local, _, state, *_, inode = line.split()[:10]
            address, _, port = local.partition(":")
            if state == LISTENING and inode in ours:
                found.add((parse_address(address), int(port, 16)))
    return found


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def wait_until_ready(endpoint_url: str) -> None:
    """Wait for what ministack opens after its own port."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{endpoint_url}/_ministack/ready", timeout=PATIENCE_S) as answer:  # noqa: S310
                assert "completed" == json.load(answer)["status"]
                return
        except urllib.error.HTTPError as error:
            error.close()
    raise AssertionError("ministack never became ready")


def test_every_server_listens_on_loopback_alone(
    seaweedfs_server: S3Server, ministack_server: S3Server, azurite_server: AzuriteServer
) -> None:
    shared = [seaweedfs_server.endpoint_url, ministack_server.endpoint_url, azurite_server.host_url]
    with (
        moto() as third,
        postgres() as database,
        graph_emulator() as graph,
        r2_front(ministack_server) as r2,
        supabase_front(ministack_server) as supabase,
    ):
        wait_until_ready(ministack_server.endpoint_url)
        opened = listened_on(*map(port_of, shared))

    urls = [*shared, third.endpoint_url, graph.graph_url, r2.endpoint_url, supabase.endpoint_url]
    assert {database.port, *map(port_of, urls)} <= {port for _, port in opened}
    assert [] == [place for place in opened if not place[0].is_loopback]


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")],  # noqa: S104  # seen by the test and closed
    ids=["IPv4", "IPv6"],
)
def test_a_socket_that_is_open_to_all_is_seen(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as open_to_all:
        open_to_all.bind((address, 0))
        open_to_all.listen()

        assert (ipaddress.ip_address(address), open_to_all.getsockname()[1]) in listened_on()

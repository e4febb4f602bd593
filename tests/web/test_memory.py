"""The memory of a server while many download at once: it is shared, however many there are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kazinex_storage.organisations import KeyRing
from kazinex_storage.types import MIB

from .workers import Nursery, Worker

SIZE = 50 * MIB
CLIENTS = 200
FILE = "/organisations/acme/projects/bridge/documents/D/revisions/P01/files/Model.ifc"


def stored(server: Worker, root: Path) -> None:
    """Store a file of 50 MiB that takes no room on the disk."""
    root.mkdir()
    with server.client() as client:
        body = {"kind": "local", "label": "Disk", "settings": {"root": str(root)}}
        added = client.post("/organisations/acme/providers", json=body).json()
        client.post(f"/organisations/acme/providers/{added['id']}/verification", headers={"Accept": "application/json"})
        client.put("/organisations/acme/default", json={"provider": added["id"]})
    folder = root / "acme/bridge/D/P01"
    folder.mkdir(parents=True)
    with (folder / "Model.ifc").open("wb") as file:
        file.truncate(SIZE)


async def download(address: str, most: int, everyone: asyncio.Barrier) -> int:
    """Begin a download, wait for all others to have begun theirs, and read on up to *most* bytes."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2 * MIB)
    writer.write(f"GET /storage{FILE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    await everyone.wait()
    seen = 0
    while seen < most and (data := await reader.read(MIB)):
        seen += len(data)
    await everyone.wait()
    writer.close()
    return seen


async def all_at_once(address: str, most: int) -> list[int]:
    everyone = asyncio.Barrier(CLIENTS)
    return await asyncio.gather(*(download(address, most, everyone) for _ in range(CLIENTS)))


@pytest.mark.parametrize(
    "most", [pytest.param(MIB, id="the beginning"), pytest.param(SIZE, id="all of it", marks=pytest.mark.soak)]
)
def test_two_hundred_downloads_fit_into_300_mib(nursery: Nursery, tmp_path: Path, most: int) -> None:
    key = KeyRing.generate().export()
    with nursery.worker(str(tmp_path / "catalogue.db"), key) as server:
        stored(server, tmp_path / "root")
        before = server.peak_bytes
        seen = asyncio.run(all_at_once(server.url, most))
        peak = server.peak_bytes

    assert all(size >= most for size in seen)
    assert peak < 300 * MIB, f"{peak / MIB:.0f} MiB, {before / MIB:.0f} before"

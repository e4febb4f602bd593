"""One process of the section ``service``: the HTTP API on a free port, the library alone, or many clients at once.

    python -m benchmarks.service_child (serve | library | fetch) FOLDER

The first prints its port and serves until its input ends; the others read jobs as lines of JSON and answer likewise.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kazinex_storage import DocumentKey, DocumentStore
from kazinex_storage.organisations import KeyRing, Organisations, Resolver, Sealer, SqlCatalogue

from .sizes import MIB

ORGANISATION = "bench"
PROVIDER = "provider.json"
"""The file that says what the provider of the organisation is: its kind and its settings."""
BLOCK = MIB


def opened(folder: Path) -> Resolver:
    """Open the catalogue of *folder*, with an organisation whose default is the provider that is named there."""
    keys = folder / "keys.txt"
    if not keys.exists():
        keys.write_text(KeyRing.generate().export(), encoding="ascii")
    catalogue = SqlCatalogue(str(folder / "catalogue.db"), Sealer(KeyRing.parse(keys.read_text(encoding="ascii"))))
    organisations = Organisations(catalogue, guarded=())
    if not organisations.providers(ORGANISATION):
        place = json.loads((folder / PROVIDER).read_text(encoding="utf-8"))
        record = organisations.add_provider(ORGANISATION, place["kind"], "Bench", place["settings"])
        organisations.record_verification(record, ok=True)
        organisations.set_default(ORGANISATION, record.id)
    return Resolver(organisations)


def key_of(name: str) -> DocumentKey:
    """Return the document of that name."""
    return DocumentKey(ORGANISATION, "project", "document", name, f"{name}.bin")


def serve(folder: Path) -> None:
    """Serve the API to everybody who asks from this machine."""
    import uvicorn
    from fastapi import FastAPI

    from kazinex_storage.web import Caller, storage_router

    resolver, caller = opened(folder), Caller(name="bench")
    app = FastAPI()
    router = storage_router(resolver.organisations, resolver=resolver, authorise=lambda *_: caller)
    app.include_router(router, prefix="/storage")
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=600))
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
        print(listening.getsockname()[1], flush=True)
        server.run([listening])
    resolver.close()


def _stop_at_end_of_input(server: Any) -> None:
    sys.stdin.read()
    server.should_exit = True


class Library:
    """The same work without HTTP."""

    def __init__(self, folder: Path) -> None:
        self._resolver = opened(folder)
        self._documents = DocumentStore(
            self._resolver, organisation=ORGANISATION, upload_route="http://127.0.0.1/direct"
        )

    def upload(self, names: list[str], size: int) -> None:
        for name in names:
            self._documents.upload(key_of(name), _blocks(size))

    def download(self, names: list[str], size: int) -> None:
        for name in names:
            assert size == sum(map(len, self._documents.stream(key_of(name))))

    def ticket(self, names: list[str], size: int) -> float:
        """Return the processor time of beginning and confirming; what the client sends in between is not counted."""
        spent, body = 0.0, bytes(size)
        for name in names:
            begun = time.process_time()
            ticket = self._documents.begin_direct_upload(key_of(name), size)
            spent += time.process_time() - begun
            self._documents.receive_direct_upload(ticket.parts[0].request.url.rpartition("/")[2], body)
            begun = time.process_time()
            self._documents.confirm_direct_upload(ticket.token)
            spent += time.process_time() - begun
        return spent


def _blocks(size: int) -> Iterator[bytes]:
    block = bytes(min(BLOCK, size))
    for start in range(0, size, BLOCK):
        yield block[: min(BLOCK, size - start)]


def library(folder: Path) -> None:
    """Do jobs until the input ends."""
    work = Library(folder)
    for line in sys.stdin:
        job = json.loads(line)
        before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        own = getattr(work, job["job"])(job["names"], job["size"])
        seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        print(json.dumps({"seconds": seconds, "cpu": cpu if own is None else own}), flush=True)


def fetch(_folder: Path) -> None:
    """Download one file by many connections at once, until the input ends; answer with the bytes that came."""
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps({"bytes": asyncio.run(_all(job["port"], job["path"], job["count"]))}), flush=True)


async def _all(port: int, path: str, count: int) -> int:
    return sum(await asyncio.gather(*(_one(port, path) for _ in range(count))))


async def _one(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=256 * 1024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.partition(b"\r\n")[0], head
    size = 0
    while data := await reader.read(256 * 1024):
        size += len(data)
    writer.close()
    return size


if __name__ == "__main__":
    {"serve": serve, "library": library, "fetch": fetch}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)

"""SharePoint on the emulator of Graph, compared with office365-rest-python-client: small files, and one large file.

The emulator is Python, in a process of its own, so it limits both: processor time of the client is the steadier figure.
msgraphfs cannot be led to another address than Microsoft's and is not measured.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kazinex_storage import Storage
from kazinex_storage.transport import Transport, TransportSettings

from .large_put import write_random
from .memory_remote import show_growth
from .rounds import Contender, alternate, heading, show, verdict
from .sizes import MIB, Sizes
from .tenant import provider_at

FRAGMENT = 32 * 327_680
"""10 MiB, for both."""


def run(folder: Path, sizes: Sizes) -> None:
    """Print the section."""
    heading(f"SharePoint: {sizes.small_count} files of 4 KiB, one of {sizes.large_size // MIB} MiB, on the emulator")
    print("  ours compares the quickXorHash and computes the sha256; office365 does neither")
    source, landed = folder / "sharepoint.bin", folder / "landed.bin"
    write_random(source, sizes.large_size)
    with _server() as place, _storage(place) as storage:
        peer = _office365(place)
        storage.put("warm/a.bin", b"1")
        body = source.read_bytes()[:4096]

        def put_small() -> None:
            for number in range(sizes.small_count):
                storage.put(f"small/{number}.bin", body)

        def put_many() -> None:
            storage.put_many((f"many/{number}.bin", body) for number in range(sizes.small_count))

        def peer_small() -> None:
            for number in range(sizes.small_count):
                peer.root.get_by_path("peer").upload(f"{number}.bin", body).execute_query()

        def get_small() -> None:
            for number in range(sizes.small_count):
                storage.get_bytes(f"small/{number}.bin")

        def peer_get_small() -> None:
            for number in range(sizes.small_count):
                peer.root.get_by_path(f"small/{number}.bin").get_content().execute_query()

        def clear() -> None:
            for name in ("small", "many", "peer"):
                storage.delete_many([found.key for found in storage.list(f"{name}/")])

        storage.put("peer/warm.bin", b"1")
        count = sizes.small_count
        puts = alternate(
            [
                Contender(name="office365", work=peer_small, operations=count, prepare=clear),
                Contender(name="storage.put", work=put_small, operations=count, prepare=clear),
                Contender(name="storage.put_many", work=put_many, operations=count, prepare=clear),
            ],
            sizes.small_rounds,
        )
        show("small files up", puts, unit="us")
        verdict("put against office365", puts[0].median_s / puts[1].median_s, 2.0, unit="x", at_least=True)
        put_small()
        gets = alternate(
            [
                Contender(name="office365", work=peer_get_small, operations=count),
                Contender(name="storage.get_bytes", work=get_small, operations=count),
            ],
            sizes.small_rounds,
        )
        show("small files down", gets, unit="us")
        verdict("get against office365", gets[0].median_s / gets[1].median_s, 2.0, unit="x", at_least=True)
        _large(storage, peer, source, landed, sizes)
        show_growth("large file", {"place": place}, "memory.bin", source, landed, sizes)
    source.unlink()
    landed.unlink(missing_ok=True)


def _large(storage: Storage, peer: Any, source: Path, landed: Path, sizes: Sizes) -> None:
    def peer_up() -> None:
        peer.root.resumable_upload(str(source), chunk_size=FRAGMENT).execute_query()

    def peer_down() -> None:
        with landed.open("wb") as file:
            peer.root.get_by_path(source.name).download_session(file).execute_query()

    ups = alternate(
        [
            Contender(name="office365", work=peer_up, prepare=lambda: storage.delete(source.name)),
            Contender(name="storage.put", work=lambda: storage.put("large.bin", source)),
        ],
        sizes.large_rounds,
    )
    show("large file up", ups)
    verdict("put against office365", ups[0].median_s / ups[1].median_s, 1.5, unit="x", at_least=True)
    downs = alternate(
        [
            Contender(name="office365", work=peer_down),
            Contender(name="storage.download", work=lambda: storage.download("large.bin", landed)),
        ],
        sizes.large_rounds,
    )
    show("large file down", downs)
    verdict("download against office365", downs[0].median_s / downs[1].median_s, 2.0, unit="x", at_least=True)


@contextmanager
def _server() -> Iterator[dict[str, str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.graph_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        place: dict[str, str] = json.loads(process.stdout.readline())
        yield place
    finally:
        process.communicate("")


@contextmanager
def _storage(place: dict[str, str]) -> Iterator[Storage]:
    transport = Transport(settings=TransportSettings(proxy=""))
    with Storage(provider_at(place), transport=transport) as storage:
        yield storage
    transport.close()


def _office365(place: dict[str, str]) -> Any:
    """Return the library as office365 sees it, led to the emulator."""
    module = importlib.import_module("office365.graph_client")
    client = module.GraphClient(lambda: {"token_type": "Bearer", "access_token": place["token"]})
    request = client.pending_request()
    type(request).service_root_url = property(lambda _: place["graph_url"])
    return client.drives[place["drive_id"]]

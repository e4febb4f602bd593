"""SharePoint compared with office365-rest-python-client: small files, and one large file.

The null server speaks enough of Graph that both clients write and read; it keeps nothing, so the client is what is
measured. Over TLS, as SharePoint always is; the large file goes over plain HTTP as well, which shows what TLS costs.
msgraphfs cannot be led to another address than Microsoft's and is not measured.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pycurl

from kazinex_storage import Storage
from kazinex_storage.transport import Transport, TransportSettings

from .large_put import write_random
from .memory_remote import show_growth
from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .s3.large import fast_folder
from .s3.servers import null_servers
from .sizes import MIB, Sizes
from .tenant import place_of, provider_at

FRAGMENT = 32 * 327_680
"""10 MiB, for both."""

SOURCE, LANDED = "sharepoint.bin", "landed.bin"
SMALL = "size-4096"
"""A folder: what is in it has so many bytes, says the null server."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    size_mib = sizes.sharepoint_size // MIB
    heading(f"SharePoint: {sizes.small_count} files of 4 KiB, one of {size_mib} MiB, on the null server")
    print("  ours computes the quickXorHash and the sha256; office365 computes neither")
    with fast_folder(folder, 2 * sizes.sharepoint_size) as files, null_servers(folder) as places:
        source, landed = files / SOURCE, files / LANDED
        write_random(source, sizes.sharepoint_size)
        with numpy_loaded(loaded=True):
            pass  # no round pays for importing it
        for server in reversed(places):
            place = place_of(server.endpoint_url, server.ca_file)
            with _storage(place) as storage, _office365(place) as peer:
                main = server is places[-1]
                if main:
                    _small(storage, peer, source.read_bytes()[:4096], sizes, log)
                _large(place, storage, peer, files, sizes, log, "" if main else ", plain HTTP")
                if main:
                    show_growth("large file", {"place": place}, _large_key(sizes), source, landed, log)


def _small(storage: Storage, peer: Any, body: bytes, sizes: Sizes, log: Log) -> None:
    count = sizes.small_count
    names = [f"{SMALL}/{number}.bin" for number in range(count)]
    folder = peer.root.get_by_path(SMALL)

    def each(act: Callable[[str], object]) -> Callable[[], object]:
        return lambda: [act(name) for name in names]

    def contenders(ways: dict[str, Callable[[], object]]) -> list[Contender]:
        return [Contender(name=name, work=work, operations=count) for name, work in ways.items()]

    put, get = each(lambda name: storage.put(name, body)), each(storage.get_bytes)
    puts = contenders(
        {
            "office365": each(lambda name: folder.upload(name.rpartition("/")[2], body).execute_query()),
            "kazinex-storage": put,
            f"kazinex-storage{AGAIN}": put,
            "kazinex-storage, put_many": lambda: storage.put_many((name, body) for name in names),
        }
    )
    gets = contenders(
        {
            "office365": each(lambda name: peer.root.get_by_path(name).get_content().execute_query()),
            "kazinex-storage": get,
            f"kazinex-storage{AGAIN}": get,
        }
    )
    for what, ways in (("put", puts), ("get", gets)):
        found = alternate(ways, sizes.small_rounds)
        show(f"{what} of 4 KiB", found, unit="us")
        log.keep(what, found)


def _large(place: dict[str, str], storage: Storage, peer: Any, files: Path, sizes: Sizes, log: Log, note: str) -> None:
    key, source, landed = _large_key(sizes), files / SOURCE, files / LANDED
    folder = peer.root.get_by_path(key.rpartition("/")[0])

    def peer_up() -> None:
        folder.resumable_upload(str(source), chunk_size=FRAGMENT).execute_query()

    def peer_down() -> None:
        with landed.open("wb") as file:
            peer.root.get_by_path(key).download_session(file).execute_query()

    def floor_up() -> None:
        send_fragments(place, key, source)

    def up() -> object:
        with numpy_loaded(loaded=False):
            return storage.put(key, source)

    def up_with_numpy() -> object:
        with numpy_loaded(loaded=True):
            return storage.put(key, source)

    def down() -> object:
        return storage.download(key, landed)

    for what, peer_work, work in (("up", peer_up, up), ("down", peer_down, down)):
        ways = {"office365": peer_work, "kazinex-storage": work, f"kazinex-storage{AGAIN}": work}
        contenders = [Contender(name=name, work=each) for name, each in ways.items()]
        if what == "up":
            contenders.append(Contender(name="kazinex-storage, numpy loaded", work=up_with_numpy))
            contenders.append(Contender(name="bare libcurl, no hash (floor)", work=floor_up, floor=True))
        found = alternate(contenders, sizes.sharepoint_rounds)
        show(f"large file {what}{note}", found)
        log.keep(f"{what}{note}", found)


@contextmanager
def numpy_loaded(*, loaded: bool) -> Iterator[None]:
    """Let the program look as if it uses numpy itself, or as if it does not: quickXorHash is faster where it does."""
    numpy = importlib.import_module("numpy")
    if not loaded:
        sys.modules["numpy"] = None  # type: ignore[assignment]  # what ``import`` takes for "not to be found"
    try:
        yield
    finally:
        sys.modules["numpy"] = numpy  # it cannot be loaded a second time


def send_fragments(place: dict[str, str], key: str, source: Path) -> None:
    """Send a file as the fragments of an upload session, by bare libcurl: no client that sends in order is faster."""
    size, url = source.stat().st_size, f"{place['graph_url'].removesuffix('/v1.0')}/upload/{key}"
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.UPLOAD, 1)
    handle.setopt(pycurl.UPLOAD_BUFFERSIZE, 256 * 1024)
    handle.setopt(pycurl.WRITEFUNCTION, len)
    if "ca_file" in place:
        handle.setopt(pycurl.CAINFO, place["ca_file"])
    with source.open("rb", buffering=0) as file:
        for first in range(0, size, FRAGMENT):
            part = min(FRAGMENT, size - first)
            handle.setopt(pycurl.INFILESIZE_LARGE, part)
            handle.setopt(pycurl.HTTPHEADER, [f"Content-Range: bytes {first}-{first + part - 1}/{size}", "Expect:"])
            handle.setopt(pycurl.READFUNCTION, file.read)
            handle.perform()
    handle.close()


def _large_key(sizes: Sizes) -> str:
    return f"size-{sizes.sharepoint_size}/large.bin"


@contextmanager
def _storage(place: dict[str, str]) -> Iterator[Storage]:
    settings = TransportSettings(proxy="", ca_file=place.get("ca_file"))
    with (
        closing(Transport(settings=settings)) as transport,
        Storage(provider_at(place), transport=transport) as storage,
    ):
        yield storage


@contextmanager
def _office365(place: dict[str, str]) -> Iterator[Any]:
    """Yield the library as office365 sees it, led to the server."""
    module = importlib.import_module("office365.graph_client")
    client = module.GraphClient(lambda: {"token_type": "Bearer", "access_token": place["token"]})
    request = client.pending_request()
    kind, variable = type(request), "REQUESTS_CA_BUNDLE"
    was, trusted = kind.service_root_url, os.environ.get(variable)
    kind.service_root_url = property(lambda _: place["graph_url"])
    if "ca_file" in place:
        os.environ[variable] = place["ca_file"]  # uploads make a transport of their own, which no option reaches
    try:
        yield client.drives[place["drive_id"]]
    finally:
        kind.service_root_url = was
        os.environ.pop(variable, None)
        if trusted is not None:
            os.environ[variable] = trusted

"""Azure Blob compared with azure-storage-blob, adlfs and obstore: small objects, and one large file.

On Azurite the server limits, so that processor time of the client is the figure; it is a process of its own. The null
server of the S3 sections keeps nothing and answers at once: what is left is the client.

A large file is compared twice: proved by what the service verifies with obstore as it comes, which proves nothing, and
with the sha256 of every byte, which a document needs, with obstore and hashlib in the same pass. The service verifies
MD5, and on the null server CRC-64 in its place, which Azurite does not take.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kazinex_storage import Storage
from kazinex_storage.providers.azure_blob import AzureBlobSettings, open_azure_blob
from kazinex_storage.testing.servers import AzuriteServer, azurite
from kazinex_storage.transport import Transport, TransportSettings

from .large_put import write_random
from .memory_remote import show_growth
from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .s3.clients.common import HashedFile, land_hashed
from .s3.null_server import null_server
from .sizes import MIB, Sizes

KEY = "ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSBleGFtcGxlIQ=="
CONTAINER = "bench"
BODY_BYTES = 4096
# The null server takes the size from the name of a folder.
FOLDER = f"size-{BODY_BYTES}"


@dataclass
class Client:
    """One way to write, read and remove a blob, by its name."""

    name: str
    put: Callable[[str, bytes], object]
    get: Callable[[str], object]
    delete: Callable[[str], object]
    put_file: Callable[[str, Path], object] | None = None
    get_file: Callable[[str, Path], object] | None = None
    only_large: bool = False
    """Whether it differs from another one in its large files alone."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Azure: {sizes.small_count} blobs of 4 KiB, one after another; one file of {sizes.azure_size // MIB} MiB")
    source, landed = folder / "azure.bin", folder / "azure-landed.bin"
    write_random(source, sizes.azure_size)
    # Azurite keeps in memory what was replaced. Downloads have an emulator of their own, which holds one file: next to
    # one of 12 GiB every page must be found by the system first, which costs 6 s of processor time a GiB.
    large_mib, rounds = sizes.azure_size // MIB, sizes.azure_rounds
    with _azurite(256 + 4 * large_mib) as server, _clients(server.account_url) as clients:
        _small("Azurite", clients, sizes, log)
        _down("Azurite", clients, source, landed, sizes, log)
        opened: dict[str, object] = {"kind": "azure_blob", "settings": _settings(server.account_url)}
        show_growth("large file", opened, "large.bin", source, landed, log)
    with _azurite(256 + 7 * large_mib * rounds) as server, _clients(server.account_url) as clients:
        _up("Azurite", clients, source, sizes, log)
    with null_server(folder) as (place, _), _clients(f"{place.endpoint_url}/bench", crc64=True) as clients:
        _small("null server", clients, sizes, log)
        _down("null server", clients, source, landed, sizes, log)
        _up("null server", clients, source, sizes, log)
    source.unlink()
    landed.unlink(missing_ok=True)


def _small(where: str, clients: list[Client], sizes: Sizes, log: Log) -> None:
    body, count = bytes(BODY_BYTES), sizes.small_count
    clients = [client for client in clients if not client.only_large]

    def each(act: Callable[[str], object]) -> Callable[[], None]:
        def work() -> None:
            for number in range(count):
                act(f"{FOLDER}/{number}.bin")

        return work

    def put(client: Client) -> Callable[[], None]:
        return each(lambda key: client.put(key, body))

    works: dict[str, Callable[[Client], Callable[[], None]]] = {
        "put": put,
        "get": lambda client: each(client.get),
        "delete": lambda client: each(client.delete),
    }
    if where != "Azurite":
        del works["delete"]  # obstore removes by batches, which the null server knows nothing of
    for name, work in works.items():
        prepare = put(clients[0])
        contenders = [
            Contender(name=client.name, work=work(client), operations=count, prepare=prepare)
            for client in [clients[0], *clients]
        ]
        found = alternate(contenders, sizes.small_rounds)
        found[1].name += AGAIN
        show(f"{name} of 4 KiB on {where}", found, unit="us")
        log.keep(f"{name}, {where}", found)


@contextmanager
def _azurite(memory_mib: int) -> Iterator[AzuriteServer]:
    with azurite(account="bench", account_key=KEY, memory_mib=memory_mib) as server:
        server.make_container(CONTAINER)
        yield server


def _up(where: str, clients: list[Client], source: Path, sizes: Sizes, log: Log) -> None:
    key = _large_key(sizes)

    def work(client: Client) -> Callable[[], object]:
        return lambda: client.put_file(key, source) if client.put_file else None

    able = [Contender(name=client.name, work=work(client)) for client in _able(clients)]
    found = alternate(able, sizes.azure_rounds)
    show(f"large file up, {where}", found)
    log.keep(f"up, {where}", found)


def _down(where: str, clients: list[Client], source: Path, landed: Path, sizes: Sizes, log: Log) -> None:
    key, able = _large_key(sizes), _able(clients)

    def work(client: Client) -> Callable[[], object]:
        return lambda: client.get_file(key, landed) if client.get_file else None

    if able[0].put_file is not None:
        able[0].put_file(key, source)
    found = alternate([Contender(name=client.name, work=work(client)) for client in able], sizes.azure_rounds)
    show(f"large file down, {where}", found)
    log.keep(f"down, {where}", found)


def _able(clients: list[Client]) -> list[Client]:
    return [client for client in clients if client.put_file is not None and client.get_file is not None]


def _large_key(sizes: Sizes) -> str:
    return f"size-{sizes.azure_size}/large.bin"


@contextmanager
def _clients(account_url: str, *, crc64: bool = False) -> Iterator[list[Client]]:
    settings = AzureBlobSettings.model_validate(_settings(account_url))
    with ExitStack() as stack:
        transport = stack.enter_context(closing(Transport(settings=TransportSettings(proxy=""))))
        storage = stack.enter_context(Storage(open_azure_blob(settings), transport=transport))
        sdk = stack.enter_context(closing(_sdk(settings)))
        by_service = storage.with_digest("service")
        ours = _ours("kazinex-storage", by_service)
        large = [
            replace(ours, name=f"{ours.name}{AGAIN}", only_large=True),
            replace(_ours("kazinex-storage + sha256", storage.with_digest("sha256")), only_large=True),
        ]
        if crc64:
            by_crc64 = open_azure_blob(settings.model_copy(update={"body_checksum": "crc64"}))
            other = stack.enter_context(Storage(by_crc64, transport=transport))
            large.append(replace(_ours("kazinex-storage, CRC-64", other.with_digest("service")), only_large=True))
            hashed = _ours("kazinex-storage, CRC-64 + sha256", other.with_digest("sha256"))
            large.append(replace(hashed, only_large=True))
        yield [
            ours,
            *large,
            Client(
                "azure-storage-blob",
                lambda key, body: sdk.upload_blob(key, body, overwrite=True),
                lambda key: sdk.download_blob(key).readall(),
                lambda key: sdk.delete_blob(key),
                lambda key, path: _sdk_up(sdk, key, path),
                lambda key, path: path.write_bytes(sdk.download_blob(key, max_concurrency=4).readall()),
            ),
            *_obstore(settings),
            _adlfs(settings),
        ]


def _ours(name: str, storage: Storage) -> Client:
    return Client(name, storage.put, storage.get_bytes, storage.delete, storage.put, storage.download)


def _settings(account_url: str) -> dict[str, object]:
    return {"account": "bench", "account_key": KEY, "container": CONTAINER, "endpoint_url": account_url}


def _sdk(settings: AzureBlobSettings) -> Any:
    module: Any = importlib.import_module("azure.storage.blob")
    return module.ContainerClient(**settings.export("azure-storage-blob"))


def _sdk_up(sdk: Any, key: str, path: Path) -> None:
    with path.open("rb") as file:
        sdk.upload_blob(key, file, overwrite=True, max_concurrency=4)


def _obstore(settings: AzureBlobSettings) -> Iterator[Client]:
    obstore: Any = importlib.import_module("obstore")
    store = importlib.import_module("obstore.store").AzureStore(**settings.export("obstore"))

    def get_file(key: str, path: Path) -> None:
        with path.open("wb") as file:
            for chunk in obstore.get(store, key).stream(min_chunk_size=8 * MIB):
                file.write(chunk)

    def put_hashed(key: str, path: Path) -> None:
        with HashedFile(str(path)) as file:
            obstore.put(store, key, file, chunk_size=8 * MIB)
            file.sha256.hexdigest()

    raw = Client(
        "obstore",
        lambda key, body: obstore.put(store, key, body),
        lambda key: obstore.get(store, key).bytes(),
        lambda key: obstore.delete(store, key),
        lambda key, path: obstore.put(store, key, path),
        get_file,
    )
    yield raw
    yield replace(
        raw,
        name="obstore + sha256",
        put_file=put_hashed,
        get_file=lambda key, path: land_hashed(obstore.get(store, key).stream(min_chunk_size=8 * MIB), str(path)),
        only_large=True,
    )


def _adlfs(settings: AzureBlobSettings) -> Client:
    module: Any = importlib.import_module("adlfs")
    fs = module.AzureBlobFileSystem(skip_instance_cache=True, **settings.export("adlfs"))
    return Client(
        "adlfs",
        lambda key, body: fs.pipe_file(f"{CONTAINER}/{key}", body),
        lambda key: fs.cat_file(f"{CONTAINER}/{key}"),
        lambda key: fs.rm_file(f"{CONTAINER}/{key}"),
    )

"""obstore: the Rust crate object_store."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from ..place import Place
from .common import Threads, files_below, place_below

obstore = importlib.import_module("obstore")


class Client:
    """obstore's functions, which block, on threads; its coroutines; its file system."""

    def __init__(self, place: Place) -> None:
        self.version = f"obstore {version('obstore')}"
        client: dict[str, object] = {"allow_http": not place.over_tls}
        if place.ca_file is not None:
            client["root_certificate"] = Path(place.ca_file).read_bytes()
        self.options: dict[str, object] = {
            "endpoint": place.endpoint_url,
            "region": place.region,
            "access_key_id": place.access_key_id,
            "secret_access_key": place.secret_access_key,
            "unsigned_payload": True,
            "client_options": client,
        }
        self.bucket = place.bucket
        self.store = importlib.import_module("obstore.store").S3Store(place.bucket, **self.options)
        self.threads = Threads()

    def put(self, key: str, body: bytes) -> object:
        return obstore.put(self.store, key, body)

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self.store, key).bytes())

    def head(self, key: str) -> object:
        return obstore.head(self.store, key)

    def delete(self, key: str) -> None:
        obstore.delete(self.store, key)

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self.threads.each(lambda key: obstore.put(self.store, key, body), keys)

    def get_many(self, keys: Sequence[str]) -> None:
        self.threads.each(self.get, keys)

    async def start_async(self) -> None:
        pass

    async def async_put(self, key: str, body: bytes) -> None:
        await obstore.put_async(self.store, key, body)

    async def async_get(self, key: str) -> None:
        bytes(await (await obstore.get_async(self.store, key)).bytes_async())

    def upload(self, path: str, key: str) -> int:
        obstore.put(self.store, key, Path(path))
        return Path(path).stat().st_size

    def download(self, key: str, path: str) -> int:
        with open(path, "wb") as file:
            for chunk in obstore.get(self.store, key).stream():
                file.write(chunk)
        return Path(path).stat().st_size

    def count(self, prefix: str) -> int:
        return sum(len(page) for page in obstore.list(self.store, prefix, chunk_size=1000))

    def tree_up(self, folder: str, prefix: str) -> None:
        def one(file: tuple[str, str]) -> None:
            obstore.put(self.store, f"{prefix}/{file[1]}", Path(file[0]))

        self.threads.each_file(one, files_below(folder))

    def tree_down(self, prefix: str, folder: str) -> None:
        def one(key: str) -> None:
            with open(place_below(folder, prefix, key), "wb") as file:
                file.write(obstore.get(self.store, key).bytes())

        found = (entry["path"] for page in obstore.list(self.store, prefix, chunk_size=1000) for entry in page)
        self.threads.each_file(one, found)

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        starts, ends = zip(*spans, strict=True)
        return sum(map(len, obstore.get_ranges(self.store, key, starts=starts, ends=ends)))

    def presign(self, key: str) -> object:
        return obstore.sign(self.store, "GET", key, timedelta(minutes=15))

"""s3fs: fsspec over aiobotocore."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ..jobs import IN_FLIGHT
from ..place import Place

s3fs = importlib.import_module("s3fs")


class Client:
    """The blocking face, which hops to a thread of its own, and the coroutines."""

    def __init__(self, place: Place) -> None:
        self.version = f"s3fs {version('s3fs')}, aiobotocore {version('aiobotocore')}"
        self.options: dict[str, object] = {
            "key": place.access_key_id,
            "secret": place.secret_access_key,
            "endpoint_url": place.endpoint_url,
            "client_kwargs": {"region_name": place.region, "verify": place.ca_file},
            "config_kwargs": {
                "max_pool_connections": IN_FLIGHT,
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
                "s3": {"addressing_style": "path"},
            },
            "use_listings_cache": False,
            "skip_instance_cache": True,
        }
        self.bucket = place.bucket
        self.system = s3fs.S3FileSystem(**self.options)

    def _path(self, key: str) -> str:
        return f"{self.bucket}/{key}"

    def put(self, key: str, body: bytes) -> object:
        return self.system.pipe_file(self._path(key), body)

    def get(self, key: str) -> bytes:
        return bytes(self.system.cat_file(self._path(key)))

    def head(self, key: str) -> object:
        return self.system.info(self._path(key))

    def delete(self, key: str) -> None:
        self.system.rm_file(self._path(key))

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self.system.pipe({self._path(key): body for key in keys})

    def get_many(self, keys: Sequence[str]) -> None:
        self.system.cat([self._path(key) for key in keys])

    async def start_async(self) -> None:
        if not hasattr(self, "coroutines"):
            self.coroutines = s3fs.S3FileSystem(asynchronous=True, **self.options)
            await self.coroutines.set_session()

    async def async_put(self, key: str, body: bytes) -> None:
        await self.coroutines._pipe_file(self._path(key), body)

    async def async_get(self, key: str) -> None:
        await self.coroutines._cat_file(self._path(key))

    def upload(self, path: str, key: str) -> int:
        self.system.put_file(path, self._path(key))
        return Path(path).stat().st_size

    def download(self, key: str, path: str) -> int:
        self.system.get_file(self._path(key), path)
        return Path(path).stat().st_size

    def count(self, prefix: str) -> int:
        return len(self.system.find(self._path(prefix)))

    def tree_up(self, folder: str, prefix: str) -> None:
        self.system.put(f"{folder}/", f"{self._path(prefix)}/", recursive=True)

    def tree_down(self, prefix: str, folder: str) -> None:
        self.system.get(f"{self._path(prefix)}/", f"{folder}/", recursive=True)

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        starts, ends = zip(*spans, strict=True)
        return sum(map(len, self.system.cat_ranges([self._path(key)] * len(spans), list(starts), list(ends))))

    def presign(self, key: str) -> object:
        return self.system.sign(self._path(key), expiration=900)

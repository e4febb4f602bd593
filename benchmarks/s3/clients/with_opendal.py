"""opendal: the Rust crate of Apache."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ..place import Place
from .common import MIB, Threads, files_below, place_below

opendal = importlib.import_module("opendal")

CHUNK = 8 * MIB
"""Of large files; 5 MiB is the least that S3 takes, and 16 MiB were no faster."""


class Client:
    """opendal's operators: the blocking one on threads, and the one for asyncio."""

    def __init__(self, place: Place) -> None:
        self.version = f"opendal {version('opendal')}"
        if place.ca_file is not None:
            os.environ["SSL_CERT_FILE"] = place.ca_file  # it has no option for it
        options = {
            "bucket": place.bucket,
            "endpoint": place.endpoint_url,
            "region": place.region,
            "access_key_id": place.access_key_id,
            "secret_access_key": place.secret_access_key,
            "disable_config_load": "true",
            "disable_ec2_metadata": "true",
        }
        self.operator = opendal.Operator("s3", **options)
        self.coroutines = opendal.AsyncOperator("s3", **options)
        self.threads = Threads()

    def put(self, key: str, body: bytes) -> object:
        return self.operator.write(key, body)

    def get(self, key: str) -> bytes:
        return bytes(self.operator.read(key))

    def head(self, key: str) -> object:
        return self.operator.stat(key)

    def delete(self, key: str) -> None:
        self.operator.delete(key)

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self.threads.each(lambda key: self.operator.write(key, body), keys)

    def get_many(self, keys: Sequence[str]) -> None:
        self.threads.each(self.get, keys)

    async def start_async(self) -> None:
        pass

    async def async_put(self, key: str, body: bytes) -> None:
        await self.coroutines.write(key, body)

    async def async_get(self, key: str) -> None:
        bytes(await self.coroutines.read(key))

    def upload(self, path: str, key: str) -> int:
        with open(path, "rb") as source, self.operator.open(key, "wb", chunk=CHUNK, concurrent=8) as target:
            shutil.copyfileobj(source, target, CHUNK)
        return Path(path).stat().st_size

    def download(self, key: str, path: str) -> int:
        with self.operator.open(key, "rb", chunk=CHUNK, concurrent=8) as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
        return Path(path).stat().st_size

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self.operator.list(prefix, recursive=True))

    def tree_up(self, folder: str, prefix: str) -> None:
        def one(file: tuple[str, str]) -> None:
            self.operator.write(f"{prefix}/{file[1]}", Path(file[0]).read_bytes())

        self.threads.each_file(one, files_below(folder))

    def tree_down(self, prefix: str, folder: str) -> None:
        def one(key: str) -> None:
            place_below(folder, prefix, key).write_bytes(self.operator.read(key))

        self.threads.each_file(one, (entry.path for entry in self.operator.list(f"{prefix}/", recursive=True)))

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        def one(span: tuple[int, int]) -> int:
            return len(self.operator.read(key, offset=span[0], size=span[1] - span[0]))

        return sum(self.threads.bulk.map(one, spans))

    def presign(self, key: str) -> object:
        async def sign() -> object:
            return await self.coroutines.presign_read(key, 900)

        return asyncio.run(sign())

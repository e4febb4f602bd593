"""Ours: the whole public ``Storage``, opened as its documentation opens it.

What is put is proved by what the service verifies, which is the default; ``ours_sha256`` asks for the sha256 in its
place, ``ours_watched`` adds a policy and an observer.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from kazinex_storage import Storage, Transport
from kazinex_storage.providers.s3 import S3Settings, open_s3
from kazinex_storage.transport import TransportSettings

from ..place import Place

if TYPE_CHECKING:
    from kazinex_storage.fs.kinds import StorageFileSystem


class Client:
    """``Storage`` and what is built on it."""

    def __init__(
        self, place: Place, digest: Literal["service", "sha256"] = "service", transport: Transport | None = None
    ) -> None:
        self.version = f"kazinex-storage {version('kazinex-storage')}, pycurl {version('pycurl')}"
        settings = S3Settings(
            endpoint_url=place.endpoint_url,
            bucket=place.bucket,
            region=place.region,
            access_key_id=place.access_key_id,
            secret_access_key=SecretStr(place.secret_access_key),
        )
        if transport is None and place.ca_file is not None:
            transport = Transport(settings=TransportSettings(ca_file=place.ca_file))
        self.storage = Storage(open_s3(settings), digest=digest, transport=transport)

    def put(self, key: str, body: bytes) -> object:
        return self.storage.put(key, body)

    def get(self, key: str) -> bytes:
        return self.storage.get_bytes(key)

    def head(self, key: str) -> object:
        return self.storage.head(key)

    def delete(self, key: str) -> None:
        self.storage.delete(key)

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self.storage.put_many((key, body) for key in keys)

    def get_many(self, keys: Sequence[str]) -> None:
        for _, outcome in self.storage.get_many(keys):
            outcome.result()

    async def start_async(self) -> None:
        from kazinex_storage import AsyncStorage  # as applications do: asyncio costs a start that has no use for it

        self.face = AsyncStorage(self.storage)

    async def async_put(self, key: str, body: bytes) -> None:
        await self.face.put(key, body)

    async def async_get(self, key: str) -> None:
        await self.face.get_bytes(key)

    def upload(self, path: str, key: str) -> int:
        return self.storage.put(key, Path(path)).size

    def download(self, key: str, path: str) -> int:
        return self.storage.download(key, path).size

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self.storage.list(prefix))

    def tree_up(self, folder: str, prefix: str) -> None:
        self._system().put(f"{folder}/", f"{prefix}/", recursive=True)

    def tree_down(self, prefix: str, folder: str) -> None:
        self._system().get(f"{prefix}/", f"{folder}/", recursive=True)

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        starts, ends = zip(*spans, strict=True)
        found = self._system().cat_ranges([key] * len(spans), starts, ends)
        return sum(len(part) for part in found if not isinstance(part, Exception))

    def presign(self, key: str) -> object:
        return self.storage.presign(key)

    def _system(self) -> StorageFileSystem:
        from kazinex_storage.fs.kinds import StorageFileSystem

        return StorageFileSystem(storage=self.storage)

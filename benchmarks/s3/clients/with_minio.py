"""minio-py, with a pool of connections that is large enough."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from ..jobs import THREADS
from ..place import Place
from .common import MIB, Threads, files_below, place_below


class Client:
    """The one client there is, on threads."""

    def __init__(self, place: Place) -> None:
        self.version = f"minio {version('minio')}"
        urllib3 = importlib.import_module("urllib3")
        trust = {"ca_certs": place.ca_file, "cert_reqs": "CERT_REQUIRED"} if place.over_tls else {}
        self.client = importlib.import_module("minio").Minio(
            endpoint=urlsplit(place.endpoint_url).netloc,
            access_key=place.access_key_id,
            secret_key=place.secret_access_key,
            region=place.region,
            secure=place.over_tls,
            http_client=urllib3.PoolManager(maxsize=THREADS, **trust),
        )
        self.bucket = place.bucket
        self.threads = Threads()

    def put(self, key: str, body: bytes) -> object:
        return self.client.put_object(bucket_name=self.bucket, object_name=key, data=io.BytesIO(body), length=len(body))

    def get(self, key: str, offset: int = 0, length: int = 0) -> bytes:
        answer = self.client.get_object(bucket_name=self.bucket, object_name=key, offset=offset, length=length)
        try:
            return bytes(answer.read())
        finally:
            answer.release_conn()

    def head(self, key: str) -> object:
        return self.client.stat_object(bucket_name=self.bucket, object_name=key)

    def delete(self, key: str) -> None:
        self.client.remove_object(bucket_name=self.bucket, object_name=key)

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self.threads.each(lambda key: self.put(key, body), keys)

    def get_many(self, keys: Sequence[str]) -> None:
        self.threads.each(self.get, keys)

    def upload(self, path: str, key: str) -> int:
        self.client.fput_object(
            bucket_name=self.bucket, object_name=key, file_path=path, part_size=16 * MIB, num_parallel_uploads=8
        )
        return Path(path).stat().st_size

    def download(self, key: str, path: str) -> int:
        self.client.fget_object(bucket_name=self.bucket, object_name=key, file_path=path)
        return Path(path).stat().st_size

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self.client.list_objects(bucket_name=self.bucket, prefix=prefix, recursive=True))

    def tree_up(self, folder: str, prefix: str) -> None:
        def one(file: tuple[str, str]) -> None:
            self.put(f"{prefix}/{file[1]}", Path(file[0]).read_bytes())

        self.threads.each_file(one, files_below(folder))

    def tree_down(self, prefix: str, folder: str) -> None:
        def one(key: str) -> None:
            place_below(folder, prefix, key).write_bytes(self.get(key))

        found = self.client.list_objects(bucket_name=self.bucket, prefix=f"{prefix}/", recursive=True)
        self.threads.each_file(one, (entry.object_name for entry in found))

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        return sum(self.threads.bulk.map(lambda span: len(self.get(key, span[0], span[1] - span[0])), spans))

    def presign(self, key: str) -> object:
        return self.client.presigned_get_object(bucket_name=self.bucket, object_name=key, expires=timedelta(minutes=15))

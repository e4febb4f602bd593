"""boto3, tuned: enough connections, larger parts, no checksums beyond those that were asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ..jobs import THREADS
from ..place import Place
from .common import MIB, Threads, files_below, place_below

boto3 = importlib.import_module("boto3")


class Client:
    """The low-level client, on threads; its transfer manager for files."""

    def __init__(self, place: Place) -> None:
        self.version = f"boto3 {version('boto3')}"
        config = importlib.import_module("botocore.config").Config(
            max_pool_connections=THREADS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard"},
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            signature_version="s3v4",
        )
        self.client = boto3.client(
            "s3",
            endpoint_url=place.endpoint_url,
            region_name=place.region,
            aws_access_key_id=place.access_key_id,
            aws_secret_access_key=place.secret_access_key,
            verify=place.ca_file,
            config=config,
        )
        transfer = importlib.import_module("boto3.s3.transfer").TransferConfig
        self.transfer = transfer(
            multipart_threshold=16 * MIB, multipart_chunksize=16 * MIB, max_concurrency=8, io_chunksize=MIB
        )
        self.bucket = place.bucket
        self.threads = Threads()

    def put(self, key: str, body: bytes) -> object:
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def head(self, key: str) -> object:
        return self.client.head_object(Bucket=self.bucket, Key=key)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def put_many(self, keys: Sequence[str], body: bytes) -> None:
        self.threads.each(lambda key: self.put(key, body), keys)

    def get_many(self, keys: Sequence[str]) -> None:
        self.threads.each(self.get, keys)

    def upload(self, path: str, key: str) -> int:
        self.client.upload_file(path, self.bucket, key, Config=self.transfer)
        return Path(path).stat().st_size

    def download(self, key: str, path: str) -> int:
        self.client.download_file(self.bucket, key, path, Config=self.transfer)
        return Path(path).stat().st_size

    def count(self, prefix: str) -> int:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sum(page["KeyCount"] for page in pages)

    def tree_up(self, folder: str, prefix: str) -> None:
        def one(file: tuple[str, str]) -> None:
            self.put(f"{prefix}/{file[1]}", Path(file[0]).read_bytes())

        self.threads.each_file(one, files_below(folder))

    def tree_down(self, prefix: str, folder: str) -> None:
        def one(key: str) -> None:
            place_below(folder, prefix, key).write_bytes(self.get(key))

        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{prefix}/")
        self.threads.each_file(one, (entry["Key"] for page in pages for entry in page["Contents"]))

    def read_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> int:
        def one(span: tuple[int, int]) -> int:
            asked = f"bytes={span[0]}-{span[1] - 1}"
            return len(self.client.get_object(Bucket=self.bucket, Key=key, Range=asked)["Body"].read())

        return sum(self.threads.bulk.map(one, spans))

    def presign(self, key: str) -> object:
        return self.client.generate_presigned_url("get_object", {"Bucket": self.bucket, "Key": key}, ExpiresIn=900)

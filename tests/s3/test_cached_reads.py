"""A cache before a bucket: the second read is a question without bytes, answered 304 by the service."""

from __future__ import annotations

from pathlib import Path

from kazinex_storage import DiskCache, Storage, Transport
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.testing.bench import pattern
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Observation

from .conftest import target_of

DATA = pattern(20_000_000)


def test_the_second_read_of_an_object_brings_no_bytes(ministack_server: S3Server, tmp_path: Path) -> None:
    bucket = "cached-reads"
    ministack_server.client().create_bucket(Bucket=bucket)
    seen: list[Observation] = []
    plain = Storage(S3Provider(target_of(ministack_server, bucket)), transport=Transport(observe=seen.append))
    storage = plain.cached(DiskCache(tmp_path / "cache", 200_000_000))
    storage.put("large", DATA)
    storage.put("small", b"%PDF-1.7")
    storage.download("large", tmp_path / "first")
    storage.get_bytes("small")
    seen.clear()

    storage.download("large", tmp_path / "second")
    small = storage.get_bytes("small")

    assert DATA == (tmp_path / "second").read_bytes()
    assert b"%PDF-1.7" == small
    assert {"GET", "HEAD"} >= {one.method for one in seen}
    assert {304} == {one.status for one in seen if one.method == "GET"}
    assert 0 == sum(one.received for one in seen)

    plain.put("small", b"%PDF-2.0")
    assert b"%PDF-2.0" == storage.get_bytes("small")

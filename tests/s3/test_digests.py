"""What proves a body is chosen: by its sha256, or by the checksum that the service verifies."""

from __future__ import annotations

import asyncio
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from kazinex_storage import AsyncStorage, Checksum, IntegrityError, PutMode, PutOptions, Storage
from kazinex_storage.bodies.source import Source
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import SUPABASE, Target
from kazinex_storage.testing.bench import pattern, sha256
from kazinex_storage.transport import Request
from kazinex_storage.types import MIB

from .faulty import Faulty
from .proxy import flip_answer, flip_request

SMALL = b"a document" * 100
LARGE = pattern(17 * MIB + 5)  # three parts
OUR_SHA256 = "x-amz-meta-kazinex-sha256"


def crc32(data: bytes) -> Checksum:
    return Checksum(algorithm="crc32", value=f"{zlib.crc32(data):08x}")


def by_service(bench: Faulty) -> Storage:
    """A storage on the provider of *bench*, on its transport."""
    return Storage(S3Provider(bench.target), transport=bench.storage.transport).with_digest("service")


def hashed_during(work: Callable[[], object], *names: str) -> int:
    """Count how often hashlib makes a sha256, or is given bytes, while *work* runs, in all threads."""
    found: list[str] = []

    def trace(frame: FrameType, event: str, of: Any) -> None:
        if event == "c_call":
            name, owner = getattr(of, "__name__", ""), type(getattr(of, "__self__", None)).__name__
            if name == "openssl_sha256" or (name == "update" and owner == "HASH"):
                found.append(name)

    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return sum(not names or name in names for name in found)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("mode", list(PutMode))
def test_what_the_service_verifies_proves_a_body(
    faulty: Faulty, faulty_tls: Faulty, body: bytes, mode: PutMode, tls: bool
) -> None:
    bench = faulty_tls if tls else faulty

    info = by_service(bench).put("a", body, PutOptions(mode=mode))

    assert body == bench.stored("a") == bench.storage.get_bytes("a")
    assert (crc32(body), None) == (info.checksum, info.sha256)
    sent = [dict(seen.headers) for seen in bench.front.seen if seen.kind in ("put", "part")]
    assert sent
    assert all("x-amz-checksum-crc32" in headers and OUR_SHA256 not in headers for headers in sent)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize(
    ("body", "kind", "at"),
    [(SMALL, "put", 0), (SMALL, "put", 999), (LARGE, "part", 0), (LARGE, "part", 700_000)],
)
def test_a_byte_that_is_altered_on_the_way_up_is_refused_by_the_service(
    faulty: Faulty, faulty_tls: Faulty, body: bytes, kind: str, at: int, tls: bool
) -> None:
    bench = faulty_tls if tls else faulty
    bench.front.on(kind, do=flip_request(at), times=None)

    with pytest.raises(IntegrityError, match="nothing was stored"):
        by_service(bench).put("a", body)

    assert None is bench.stored("a")
    assert [] == bench.uploads()


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
def test_a_sha256_that_is_declared_is_computed_and_compared(faulty: Faulty, body: bytes) -> None:
    storage = by_service(faulty)

    info = storage.put("a", body, sha256=sha256(body))

    assert sha256(body) == info.sha256 == storage.head("a").sha256
    with pytest.raises(IntegrityError, match="was declared"):
        storage.put("b", body, sha256=sha256(b"other"))
    assert None is faulty.stored("b")


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
def test_both_faces_say_the_same(faulty: Faulty, tmp_path: Path, body: bytes) -> None:
    storage, path = by_service(faulty), tmp_path / "a"
    path.write_bytes(body)

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:7]
        yield body[7:]

    async def put() -> list[Checksum | None]:
        asynchronous = AsyncStorage(faulty.storage).with_digest("service")
        return [(await asynchronous.put("a", each)).checksum for each in (body, path, chunks())]

    with path.open("rb") as file:
        assert [crc32(body)] * 4 == [storage.put("a", each).checksum for each in (body, path, file, iter([body]))]
    assert [crc32(body)] * 3 == asyncio.run(put())
    assert [crc32(body)] == [info.checksum for info in storage.put_many([("b", path)])]


def test_views_choose_as_their_storage_does(faulty: Faulty) -> None:
    storage = by_service(faulty)

    found = [view.put("a", SMALL).checksum for view in (storage.scoped("f"), storage.with_policy(None))]

    assert [crc32(SMALL)] * 2 == found


def test_a_source_that_was_put_gives_its_sha256_again_elsewhere(faulty: Faulty) -> None:
    with Source.of(LARGE) as source:
        trusting = by_service(faulty).put("a", source)
        proving = faulty.storage.put("b", source)

    assert (crc32(LARGE), sha256(LARGE)) == (trusting.checksum, proving.sha256)


@pytest.mark.parametrize("size", [1000, 200_000, 17 * MIB])
def test_nothing_is_hashed_that_the_service_verifies(seaweedfs_target: Target, tmp_path: Path, size: int) -> None:
    """From a file, over http to this machine; the request that completes an upload is signed, and short."""
    path = tmp_path / "a"
    path.write_bytes(pattern(size))
    with Storage(S3Provider(seaweedfs_target)) as opened:
        storage = opened.with_digest("service")
        storage.put("warm", path)

        found = hashed_during(lambda: storage.put("a", path))

    assert int(size > 8 * MIB) == found


def test_a_body_is_hashed_once_where_a_signed_checksum_proves_its_parts(
    seaweedfs_target: Target, tmp_path: Path
) -> None:
    """70 MiB, which are not hashed first: once by the megabyte, or as large as a part is; no second time by parts."""
    path, size = tmp_path / "a", 70 * MIB
    path.write_bytes(pattern(size))
    with Storage(S3Provider(seaweedfs_target)) as storage:
        hashers = hashed_during(lambda: storage.put("a", path), "openssl_sha256")

    assert 2 == hashers  # the body, and the request that completes the upload


def request_of(target: Target, body: bytes, *, trusted: bool) -> Request:
    """The first request of a put, which nobody sends."""
    provider, source = S3Provider(target), Source.of(body)
    source.trust_service(trusted)
    return next(provider.put("a", source, PutOptions()))  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("url", ["http://files.example", "http://10.0.0.1:9000"])
def test_a_payload_is_signed_by_its_sha256_on_a_way_that_others_reach(target: Target, url: str) -> None:
    headers = dict(request_of(replace(target, endpoint_url=url), SMALL, trusted=True).headers)

    assert sha256(SMALL) == headers["x-amz-content-sha256"] == headers[OUR_SHA256]


@pytest.mark.parametrize("url", ["https://files.example", "http://127.0.0.1:9000", "http://localhost"])
def test_elsewhere_a_checksum_takes_its_place_when_it_may(target: Target, url: str) -> None:
    there = replace(target, endpoint_url=url)

    trusting, proving = (dict(request_of(there, SMALL, trusted=each).headers) for each in (True, False))

    assert "UNSIGNED-PAYLOAD" == trusting["x-amz-content-sha256"]
    assert "CRC32" == trusting["x-amz-sdk-checksum-algorithm"]
    assert sha256(SMALL) == proving[OUR_SHA256]


def test_a_service_that_verifies_nothing_is_sent_the_sha256(target: Target) -> None:
    there = replace(target, preset=SUPABASE, endpoint_url="https://files.example")

    headers = dict(request_of(there, SMALL, trusted=True).headers)

    assert sha256(SMALL) == headers[OUR_SHA256]


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("declared", [False, True], ids=["crc32", "sha256"])
def test_a_download_says_what_it_was_compared_with(faulty: Faulty, tmp_path: Path, body: bytes, declared: bool) -> None:
    storage, path = by_service(faulty), tmp_path / "a"
    storage.put("a", body, sha256=sha256(body) if declared else None)

    info = storage.download("a", path)

    assert body == path.read_bytes()
    assert (sha256(body) if declared else None) == info.sha256
    assert storage.head("a").sha256 == info.sha256


def test_an_altered_download_is_found_by_what_the_service_keeps(faulty: Faulty, tmp_path: Path) -> None:
    storage = by_service(faulty)
    storage.put("a", SMALL)
    faulty.front.on("get", do=flip_answer(500), times=None)

    with pytest.raises(IntegrityError):
        storage.download("a", tmp_path / "a")

    assert [] == [*tmp_path.iterdir()]


def test_a_download_computes_no_sha256_that_nothing_is_compared_with(faulty: Faulty, tmp_path: Path) -> None:
    storage = by_service(faulty)
    storage.put("a", LARGE)
    storage.download("a", tmp_path / "warm")

    assert 0 == hashed_during(lambda: storage.download("a", tmp_path / "a"), "update")

"""What proves a body is chosen: by its sha256, or by the checksum that the service verifies."""

from __future__ import annotations

import asyncio
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AsyncStorage,
    Checksum,
    DocumentKey,
    DocumentStore,
    IntegrityError,
    PutMode,
    PutOptions,
    Storage,
)
from kazinex_storage.bodies.body import BytesBody, Raw
from kazinex_storage.bodies.source import Source
from kazinex_storage.documents.events import Event
from kazinex_storage.documents.patience import Patience
from kazinex_storage.documents.receipts import ResolvedProvider
from kazinex_storage.documents.register import MemoryRegister, RevisionRegister
from kazinex_storage.documents.writing import guarded_storage
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import SUPABASE, Target
from kazinex_storage.testing.bench import is_proved, pattern, sha256
from kazinex_storage.transport import Request
from kazinex_storage.types import MIB

from .faulty import Faulty
from .proxy import flip_answer, flip_request, says

SMALL = b"a document" * 100
LARGE = pattern(17 * MIB + 5)  # three parts
OUR_SHA256 = "x-amz-meta-kazinex-sha256"


def crc32(data: bytes) -> Checksum:
    return Checksum(algorithm="crc32", value=f"{zlib.crc32(data):08x}")


def by_service(bench: Faulty) -> Storage:
    """A storage on the provider of *bench*, on its transport."""
    return Storage(S3Provider(bench.target), transport=bench.storage.transport)


def hashed_during(work: Callable[[], object], *names: str) -> int:
    """Count how often hashlib makes a sha256, or is given bytes, while *work* runs; but for signatures."""
    found: list[str] = []

    def trace(frame: FrameType, event: str, of: Any) -> None:
        if event == "c_call" and not frame.f_code.co_filename.endswith("sigv4.py"):
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
    assert is_proved(bench.storage.head("a"), body)
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
        asynchronous = AsyncStorage(faulty.storage)
        return [(await asynchronous.put("a", each)).checksum for each in (body, path, chunks())]

    with path.open("rb") as file:
        assert [crc32(body)] * 4 == [storage.put("a", each).checksum for each in (body, path, file, iter([body]))]
    assert [crc32(body)] * 3 == asyncio.run(put())
    assert [crc32(body)] == [info.checksum for info in storage.put_many([("b", path)])]


def test_views_choose_as_their_storage_does(faulty: Faulty) -> None:
    storage = by_service(faulty)

    found = [view.put("a", SMALL).checksum for view in (storage.scoped("f"), storage.with_policy(None))]
    proving = storage.with_digest("sha256")
    also = [view.put("a", SMALL).sha256 for view in (proving, proving.scoped("f"), proving.with_policy(None))]

    assert [crc32(SMALL)] * 2 == found
    assert [sha256(SMALL)] * 3 == also
    assert crc32(SMALL) == proving.with_digest("service").put("a", SMALL).checksum


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_a_sha256_that_is_asked_for_is_computed_and_kept(faulty: Faulty, body: bytes) -> None:
    storage, asked = by_service(faulty), PutOptions(digest="sha256")

    infos = [storage.put("a", body, asked), *storage.put_many([("b", body)], asked)]
    with storage.open("c", "wb", asked) as file:
        file.write(body)

    assert [sha256(body)] * 2 == [info.sha256 for info in infos]
    assert [sha256(body)] * 3 == [storage.sha256(key) for key in "abc"]


@pytest.mark.parametrize("size", [9, 64, 65])
def test_a_large_object_carries_what_proved_it_up_to_64_mib(faulty: Faulty, size: int) -> None:
    """Beyond that it is known only when all is sent, which is too late for S3; then the length is compared."""
    storage, body = by_service(faulty), bytes(size * MIB)
    storage.put("a", body)

    assert (crc32(body) if size <= 64 else None) == storage.head("a").checksum
    storage.copy("a", "b")
    storage.copy("a", "c", mode=PutMode.CREATE)
    assert [storage.head("a").checksum] * 2 == [storage.head(key).checksum for key in "bc"]


@pytest.mark.parametrize("read", [Storage.get_bytes, lambda storage, key: b"".join(storage.stream(key))])
def test_a_large_object_that_is_altered_on_the_way_is_noticed(
    faulty: Faulty, tmp_path: Path, read: Callable[[Storage, str], bytes]
) -> None:
    storage = by_service(faulty)
    storage.put("a", LARGE)
    faulty.front.on("get", do=flip_answer(500), times=None)

    with pytest.raises(IntegrityError):
        read(storage, "a")
    with pytest.raises(IntegrityError):
        storage.download("a", tmp_path / "a")

    assert [] == [*tmp_path.iterdir()]


def test_a_source_that_was_put_gives_its_sha256_again_elsewhere(faulty: Faulty) -> None:
    with Source.of(LARGE) as source:
        trusting = by_service(faulty).put("a", source)
        proving = faulty.storage.with_digest("sha256").put("b", source)

    assert (crc32(LARGE), sha256(LARGE)) == (trusting.checksum, proving.sha256)


@pytest.mark.parametrize("size", [1000, 200_000, 17 * MIB])
def test_nothing_is_hashed_that_the_service_verifies(seaweedfs_target: Target, tmp_path: Path, size: int) -> None:
    """From a file, over http to this machine; the request that completes an upload is signed, and short."""
    path = tmp_path / "a"
    path.write_bytes(pattern(size))
    with Storage(S3Provider(seaweedfs_target)) as storage:
        storage.put("warm", path)

        found = hashed_during(lambda: storage.put("a", path))

    assert int(size > 8 * MIB) == found


def test_a_large_body_is_hashed_once_and_its_sha256_is_known(seaweedfs_target: Target, tmp_path: Path) -> None:
    """70 MiB, which are not hashed first: once by the megabyte, or as large as a part is; no second time by parts."""
    path, size = tmp_path / "a", 70 * MIB
    path.write_bytes(pattern(size))
    with Storage(S3Provider(seaweedfs_target), digest="sha256") as storage:
        hashers = hashed_during(lambda: storage.put("a", path), "openssl_sha256")

        assert 2 + 2 == hashers  # the body, the request that completes the upload, and the record with its key
        assert None is storage.head("a").sha256
        assert sha256(pattern(size)) == storage.sha256("a")


class Fetched(BytesBody):
    """A body that comes from another service; it counts how often it was read."""

    is_fetched = True
    opened = 0

    def open(self, offset: int) -> Raw:
        self.opened += 1
        return super().open(offset)


def test_a_body_that_has_to_be_fetched_is_read_once(seaweedfs_target: Target) -> None:
    """Others of this size are hashed first, so that the sha256 is kept with the object."""
    body = Fetched(LARGE)
    with Storage(S3Provider(seaweedfs_target), digest="sha256") as storage:
        source = Source(body)

        info = storage.put("a", source)

        assert (1, len(LARGE), sha256(LARGE)) == (body.opened, info.size, source.checksum and source.checksum.value)
        assert LARGE == storage.get_bytes("a")


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


class Only:
    """One storage for every organisation."""

    def __init__(self, storage: Storage) -> None:
        self.transport = storage.transport
        self.revisions: RevisionRegister = MemoryRegister()
        self.provider = ResolvedProvider(provider="p", kind="s3", label="any", verified=True, storage=storage)

    def chosen(self, organisation: str, project: str | None) -> ResolvedProvider:
        return self.provider

    def by_id(self, organisation: str, provider: str) -> ResolvedProvider:
        return self.provider

    def in_order(self, organisation: str, project: str | None) -> Sequence[ResolvedProvider]:
        return (self.provider,)

    by: str | None = None
    listens = False

    def announced(self, change: Callable[[], bool], *events: Event) -> bool:
        del events
        return change()

    def acting(self, by: str | None) -> Only:
        del by
        return self

    def emit(self, event: Event) -> None:
        """Nobody listens."""


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
def test_a_revision_keeps_a_sha256_whichever_way_it_came(faulty: Faulty, tmp_path: Path, body: bytes) -> None:
    """Whatever proves the object that it is copied or moved from, and whatever the storage computes otherwise."""
    resolver = Only(Storage(S3Provider(faulty.target), prefix="acme", transport=faulty.storage.transport))
    storage = guarded_storage(resolver, "acme", resolver.provider, Patience())
    storage.put("plan.pdf", body)
    assert None is storage.head("plan.pdf").sha256

    storage.put("bridge/DRG-1/P01/plan.pdf", body)
    storage.copy("plan.pdf", "bridge/DRG-1/P02/plan.pdf")
    storage.move("plan.pdf", "bridge/DRG-1/P03/plan.pdf")
    documents = DocumentStore(resolver)
    receipt = documents.upload(DocumentKey("acme", "bridge", "DRG-1", "P04", "plan.pdf"), body)

    assert sha256(body) == receipt.sha256 == documents.download(receipt, tmp_path / "a").sha256
    for revision in ("P01", "P02", "P03", "P04"):
        document = DocumentKey("acme", "bridge", "DRG-1", revision, "plan.pdf")
        recorded = resolver.revisions.revision(document)
        assert recorded is not None
        assert sha256(body) == recorded.sha256
        assert sha256(body) == documents.download(document, tmp_path / revision).sha256


def test_a_copy_to_a_revision_that_cannot_be_read_is_taken_away(faulty: Faulty) -> None:
    resolver = Only(Storage(S3Provider(faulty.target), prefix="acme", transport=faulty.storage.transport))
    storage = guarded_storage(resolver, "acme", resolver.provider, Patience())
    storage.put("plan.pdf", SMALL)
    faulty.front.on("get", do=says(403, b"<Error><Code>AccessDenied</Code></Error>"), times=None)

    with pytest.raises(AccessDeniedError):
        storage.copy("plan.pdf", "bridge/DRG-1/P02/plan.pdf")

    assert ["plan.pdf"] == [info.key for info in storage.list()]
    assert None is resolver.revisions.revision(DocumentKey("acme", "bridge", "DRG-1", "P02", "plan.pdf"))


def test_what_goes_out_in_parts_is_hashed_once(seaweedfs_target: Target, tmp_path: Path) -> None:
    """70 MiB, nine parts: each has its CRC-32, and that of the whole is combined from them."""
    path, body = tmp_path / "a", pattern(70 * MIB)
    path.write_bytes(body)
    found: list[str] = []

    def trace(frame: FrameType, event: str, of: Any) -> None:
        if event == "c_call" and getattr(of, "__name__", "") == "crc32":
            found.append("crc32")

    with Storage(S3Provider(seaweedfs_target)) as storage:
        threading.setprofile(trace)
        sys.setprofile(trace)
        try:
            info = storage.put("a", path)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    assert crc32(body) == info.checksum
    assert 9 == len(found)


def test_a_sha256_whose_source_was_read_elsewhere_meanwhile_is_not_replaced_by_another_checksum(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, body = faulty.storage.with_digest("sha256"), pattern(66 * MIB)
    with Source.of(body) as source:
        monkeypatch.setattr(Source, "checksum", None)
        with pytest.raises(IntegrityError, match="changed"):
            storage.put("a", source)

    assert None is faulty.stored("a")

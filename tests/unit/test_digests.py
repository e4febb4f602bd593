"""What proves a body, where no service verifies one, and where a sha256 is kept."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, DocumentStore, IntegrityError, Storage
from kazinex_storage.bodies.checksums import checksum_of
from kazinex_storage.bodies.digest import Digest
from kazinex_storage.bodies.download_file import FEED_BYTES, GATHER_BYTES, Download
from kazinex_storage.bodies.small_download import SMALL_BYTES, Destination, SmallDownload
from kazinex_storage.bodies.source import Source
from kazinex_storage.documents.events import Event
from kazinex_storage.documents.receipts import ResolvedProvider
from kazinex_storage.documents.register import MemoryRegister, RevisionRegister
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.bench import sha256
from kazinex_storage.types import Checksum, ObjectInfo

BODY = b"a document" * 100_000


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    provider = (
        MemoryProvider() if request.param == "memory" else LocalProvider(LocalSettings(root=tmp_path, create=True))
    )
    with Storage(provider) as storage:
        yield storage.with_digest("service")


class Only:
    """One storage for every organisation."""

    def __init__(self, storage: Storage) -> None:
        self.transport = storage.transport
        self.revisions: RevisionRegister = MemoryRegister()
        self._found = ResolvedProvider(provider="p", kind="any", label="any", verified=True, storage=storage)

    def chosen(self, organisation: str, project: str | None) -> ResolvedProvider:
        return self._found

    def by_id(self, organisation: str, provider: str) -> ResolvedProvider:
        return self._found

    def in_order(self, organisation: str, project: str | None) -> Sequence[ResolvedProvider]:
        return (self._found,)

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


def test_where_no_service_verifies_a_body_its_sha256_proves_it(storage: Storage) -> None:
    assert sha256(BODY) == storage.put("a", BODY).sha256 == storage.head("a").sha256


def test_documents_keep_a_sha256_whatever_their_storage_was_opened_with(storage: Storage) -> None:
    document = DocumentKey("acme", "bridge", "DRG-0042", "P01", "plan.pdf")

    receipt = DocumentStore(Only(storage)).upload(document, BODY)

    assert sha256(BODY) == receipt.sha256


def test_a_digest_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="service, sha256"):
        Storage(MemoryProvider()).with_digest("md5")  # type: ignore[arg-type]


def test_an_algorithm_that_nothing_computes_is_refused() -> None:
    with pytest.raises(ValueError, match="md4"):
        Digest("md4")


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_a_source_is_hashed_by_what_was_chosen(size: int) -> None:
    body = BODY[:size]
    with Source.of(bytearray(body)) as source:
        source.trust_service(True)
        chosen = source.hashed_by("crc32")
        with source.open() as reader:
            reader.read()

        assert ("crc32", f"{zlib.crc32(body):08x}") == (chosen, source.checksum.value if source.checksum else None)


def test_nothing_is_chosen_over_a_sha256_that_was_declared() -> None:
    with Source.of(BODY, sha256=sha256(b"other")) as source:
        source.trust_service(True)

        assert "sha256" == source.hashed_by("crc32")
        with pytest.raises(IntegrityError):
            source.data()


def test_a_source_that_may_not_be_trusted_to_a_service_keeps_its_sha256() -> None:
    with Source.of(BODY) as source:
        assert "sha256" == source.hashed_by("crc32")


SIZES = (0, 10, GATHER_BYTES + 1, FEED_BYTES, 3 * FEED_BYTES + 7)


def downloaded(target: Path, body: bytes, expected: Checksum | None, sha256: str | None = None) -> Checksum | None:
    """Download *body*: the first piece, what it is compared with, and the rest."""
    file = Download(target, trusting=True)
    try:
        sink = file.at(0, len(body))
        sink(body[: 2 * GATHER_BYTES])
        file.expect(expected)
        for start in range(2 * GATHER_BYTES, len(body), GATHER_BYTES):
            sink(body[start : start + GATHER_BYTES])
        return file.publish(ObjectInfo(key="a", size=len(body)), sha256)
    finally:
        file.discard()


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "crc32"])
@pytest.mark.parametrize("size", SIZES)
def test_a_trusting_download_is_compared_with_what_the_service_keeps(tmp_path: Path, size: int, algorithm: str) -> None:
    body = (BODY * 13)[:size]
    expected = checksum_of(algorithm, body)

    assert expected == downloaded(tmp_path / "a", body, expected)
    assert body == (tmp_path / "a").read_bytes()
    if size:
        altered = body[:-1] + bytes([body[-1] ^ 1])
        with pytest.raises(IntegrityError):
            downloaded(tmp_path / "b", altered, expected)
        assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("expected", [None, checksum_of("crc32", BODY)], ids=["nothing", "crc32"])
def test_a_sha256_that_is_asked_for_at_the_end_is_computed(tmp_path: Path, expected: Checksum | None) -> None:
    found = downloaded(tmp_path / "a", BODY, expected, sha256(BODY))

    assert checksum_of("sha256", BODY) == found
    with pytest.raises(IntegrityError):
        downloaded(tmp_path / "b", BODY, expected, sha256(b"other"))


def test_nothing_is_read_back_where_there_is_nothing_to_compare_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise AssertionError("it was read back")

    monkeypatch.setattr(os, "preadv", refused)
    body = BODY * 13

    assert None is downloaded(tmp_path / "a", body, None)
    assert body == (tmp_path / "a").read_bytes()


def test_a_trusting_download_that_another_process_truncates_is_not_kept(tmp_path: Path) -> None:
    file = Download(tmp_path / "a", trusting=True)
    file.at(0, len(BODY))(BODY)
    file.expect(None)
    (written,) = tmp_path.iterdir()
    os.truncate(written, 5)

    with pytest.raises(IntegrityError, match="changed by another process"):
        file.publish(ObjectInfo(key="a", size=len(BODY)), None)
    file.discard()

    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize("expected", [None, "md5", "sha256"])
@pytest.mark.parametrize("size", [10, SMALL_BYTES + 1])
def test_a_small_trusting_download_is_compared_as_well(tmp_path: Path, size: int, expected: str | None) -> None:
    body = BODY[:size]
    checksum = checksum_of(expected, body) if expected is not None else None
    file = SmallDownload(Destination(path=tmp_path / "a", size=10), trusting=True)
    file(body)
    file.expect(checksum)

    assert checksum == file.publish(ObjectInfo(key="a", size=size), None)
    assert body == (tmp_path / "a").read_bytes()


def test_a_small_trusting_download_has_the_sha256_that_is_asked_for(tmp_path: Path) -> None:
    file = SmallDownload(Destination(path=tmp_path / "a", size=10), trusting=True)
    file(BODY[:10])

    assert checksum_of("sha256", BODY[:10]) == file.publish(ObjectInfo(key="a", size=10), sha256(BODY[:10]))


@pytest.mark.parametrize("size", [0, 1, 16_384, 100_000, GATHER_BYTES - 1])
def test_a_small_download_is_hashed_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """In pieces of 16 KiB, as libcurl gives them."""

    def refused(*_: object) -> bytes:
        raise AssertionError("it was read back")

    for name in ("pread", "preadv"):
        monkeypatch.setattr(os, name, refused)
    body, file = BODY[:size], Download(tmp_path / "a")
    sink = file.at(0)
    for start in range(0, size, 16_384):
        sink(body[start : min(start + 16_384, size)])

    found = file.publish(ObjectInfo(key="a", size=size), None)

    assert checksum_of("sha256", body) == found
    assert body == (tmp_path / "a").read_bytes()

"""What proves a body, where no service verifies one, and where a sha256 is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, DocumentStore, IntegrityError, Storage
from kazinex_storage.bodies.digest import Digest
from kazinex_storage.bodies.source import Source
from kazinex_storage.documents.events import Event
from kazinex_storage.documents.receipts import ResolvedProvider
from kazinex_storage.documents.register import MemoryRegister, RevisionRegister
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.bench import sha256

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

    def emit(self, event: Event) -> None:
        """Nobody listens."""


def test_where_no_service_verifies_a_body_its_sha256_proves_it(storage: Storage) -> None:
    assert sha256(BODY) == storage.put("a", BODY).sha256 == storage.head("a").sha256


def test_documents_keep_a_sha256_whatever_their_storage_was_opened_with(storage: Storage) -> None:
    document = DocumentKey("acme", "bridge", "DRG-0042", "P01", "plan.pdf")

    receipt = DocumentStore(Only(storage)).upload(document, BODY)

    assert sha256(BODY) == receipt.sha256


def test_a_digest_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="sha256, service"):
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

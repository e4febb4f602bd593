"""Bodies that are proved by what Azure verifies instead of their sha256."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage import Checksum, PutMode, PutOptions, Storage, StorageError
from kazinex_storage.providers.azure_blob.checksums import prover_of
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import Target
from kazinex_storage.testing.bench import pattern, sha256
from kazinex_storage.types import MIB

from ..s3.proxy import flip_request
from .conftest import Faulty

SMALL = b"a document" * 100
LARGE = pattern(17 * MIB + 5)  # three blocks


def by_service(bench: Faulty) -> Storage:
    return Storage(AzureBlobProvider(bench.target), transport=bench.storage.transport)


def md5(data: bytes) -> Checksum:
    return Checksum(algorithm="md5", value=hashlib.md5(data, usedforsecurity=False).hexdigest())


def crc32(data: bytes) -> Checksum:
    return Checksum(algorithm="crc32", value=f"{zlib.crc32(data):08x}")


@pytest.mark.parametrize(("body", "proof"), [(b"", md5), (SMALL, md5), (LARGE, crc32)], ids=["empty", "small", "large"])
@pytest.mark.parametrize("mode", list(PutMode))
def test_what_the_service_verifies_proves_a_body(
    faulty: Faulty, body: bytes, proof: Callable[[bytes], Checksum], mode: PutMode
) -> None:
    info = by_service(faulty).put("a", body, PutOptions(mode=mode))

    assert body == faulty.stored("a") == faulty.storage.get_bytes("a")
    assert (proof(body), None) == (info.checksum, info.sha256)
    assert info.checksum == faulty.storage.head("a").checksum
    sent = [dict(seen.headers) for seen in faulty.front.seen if seen.kind in ("put", "block")]
    assert sent
    assert all("Content-MD5" in headers for headers in sent)
    assert not any("sha256" in name for seen in faulty.front.seen for name, _ in seen.headers)


@pytest.mark.parametrize(("body", "kind", "at"), [(SMALL, "put", 999), (LARGE, "block", 700_000)])
def test_a_byte_that_is_altered_on_the_way_up_is_refused(faulty: Faulty, body: bytes, kind: str, at: int) -> None:
    """Azurite says InvalidOperation where the service says Md5Mismatch."""
    faulty.front.on(kind, do=flip_request(at), times=None)

    with pytest.raises(StorageError):
        by_service(faulty).put("a", body)

    assert None is faulty.stored("a")


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
def test_a_sha256_that_is_declared_is_computed_and_kept(faulty: Faulty, body: bytes) -> None:
    storage = by_service(faulty)

    info = storage.put("a", body, sha256=sha256(body))

    assert sha256(body) == info.sha256 == storage.head("a").sha256


def test_what_was_put_without_a_sha256_is_copied_and_read(storage: Storage) -> None:
    for body in (SMALL, LARGE):
        storage.put("a", body)

        storage.copy("a", "b")

        assert body == storage.get_bytes("b")
        assert storage.head("a").checksum == storage.head("b").checksum


def test_a_proof_says_what_the_service_verifies() -> None:
    """The CRC-64 of NVMe of "123456789", as the catalogue of CRCs has it."""
    found = [prover_of(kind)(b"123456789").checksum for kind in ("md5", "crc64")]

    assert [md5(b"123456789"), Checksum(algorithm="crc64nvme", value="ae8b14860a799888")] == found


def test_crc64_proves_a_small_body(target: Target, witness: ContainerClient) -> None:
    provider = AzureBlobProvider(replace(target, body_checksum="crc64"))

    assert "crc64nvme" == provider.objects.requests.prove(SMALL).checksum.algorithm

"""What a whole read is compared with, computed piece by piece as at once."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import Checksum, IntegrityError, ObjectInfo
from kazinex_storage.bodies import checksums
from kazinex_storage.bodies.checksums import announce, check_bytes, hasher_of, is_computable, strongest
from kazinex_storage.bodies.download_file import FEED_BYTES, Download
from kazinex_storage.storage.fetching import Proof
from kazinex_storage.testing.bench import pattern

# The check values of the catalogue of CRCs (reveng.sourceforge.io), and of the standards.
CHECKS = {
    "crc32": "cbf43926",
    "crc32c": "e3069283",
    "crc64nvme": "ae8b14860a799888",
    "md5": "25f9e794323b453885f5181f1b624d0b",
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}
OTHER = "00" * 16


def value_of(algorithm: str, *pieces: bytes) -> str:
    hasher = hasher_of(algorithm)
    assert hasher is not None
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


@pytest.mark.parametrize(("algorithm", "value"), CHECKS.items())
def test_the_check_value_of_every_algorithm(algorithm: str, value: str) -> None:
    assert value == value_of(algorithm, b"123456789")


@given(st.lists(st.binary(max_size=700), max_size=6), st.sampled_from([*CHECKS, "quickxor"]))
def test_pieces_are_hashed_as_the_whole(pieces: list[bytes], algorithm: str) -> None:
    assert value_of(algorithm, b"".join(pieces)) == value_of(algorithm, *pieces)


@given(st.sets(st.sampled_from([*CHECKS, "quickxor", "md4", "crc16"])))
def test_the_strongest_is_one_of_those_that_can_be_computed(names: set[str]) -> None:
    found = strongest(dict.fromkeys(names, "00"))

    assert (found is None) == (not any(map(is_computable, names)))
    assert found is None or found.algorithm in names
    assert found is None or "sha256" not in names or found.algorithm == "sha256"


def test_what_nothing_here_computes_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "awscrt", None)
    checksums._crc_of.cache_clear()
    try:
        found = strongest({"crc64nvme": "00" * 8, "crc32c": "00" * 4, "crc32": "00" * 4})
        assert hasher_of("crc64nvme") is None
    finally:
        checksums._crc_of.cache_clear()

    assert found is not None
    assert "crc32" == found.algorithm


def test_a_sink_learns_what_is_expected_and_a_plain_one_is_left_alone() -> None:
    proof = Proof(io.BytesIO().write)
    announce(proof, Checksum(algorithm="md5", value=OTHER))
    announce(io.BytesIO().write, Checksum(algorithm="md5", value=OTHER))
    proof(b"123456789")

    with pytest.raises(IntegrityError, match="md5"):
        proof.check(ObjectInfo(key="a", size=9))


def test_a_provider_that_announces_nothing_is_believed_its_sha256_at_the_end() -> None:
    proof = Proof(io.BytesIO().write)
    proof(b"123456789")

    proof.check(ObjectInfo(key="a", size=9, checksum=Checksum(algorithm="md5", value=OTHER)))
    proof.check(ObjectInfo(key="a", size=9, checksum=Checksum(algorithm="sha256", value=CHECKS["sha256"])))
    with pytest.raises(IntegrityError, match="sha256"):
        proof.check(ObjectInfo(key="a", size=9, checksum=Checksum(algorithm="sha256", value=OTHER)))


def test_what_the_caller_expects_counts_more_than_what_the_provider_says() -> None:
    proof = Proof(io.BytesIO().write, Checksum(algorithm="sha256", value=CHECKS["sha256"]))
    announce(proof, Checksum(algorithm="md5", value=OTHER))
    proof(b"123456789")

    proof.check(ObjectInfo(key="a", size=9, checksum=Checksum(algorithm="sha256", value=OTHER)))


def test_bytes_are_compared_with_what_can_be_computed() -> None:
    check_bytes(b"123456789", Checksum(algorithm="crc32", value=CHECKS["crc32"]))
    check_bytes(b"123456789", Checksum(algorithm="md4", value=OTHER))
    check_bytes(b"123456789", None)
    with pytest.raises(IntegrityError):
        check_bytes(b"12345678", Checksum(algorithm="crc32", value=CHECKS["crc32"]))


@pytest.mark.parametrize("late", [0, 10, FEED_BYTES + 10], ids=["at once", "before hashing", "after hashing began"])
@pytest.mark.parametrize("altered", [None, 0, FEED_BYTES * 2], ids=["right", "first byte", "last byte"])
def test_a_download_learns_at_any_time_what_it_is_compared_with(tmp_path: Path, late: int, altered: int | None) -> None:
    right = bytearray(pattern(FEED_BYTES * 2 + 1))
    expected = Checksum(algorithm="md5", value=value_of("md5", bytes(right)))
    if altered is not None:
        right[altered] ^= 1
    target_file = Download(tmp_path / "a")
    sink = target_file.at(0, len(right))

    if late:
        sink(right[:late])
    target_file.expect(expected)
    sink(right[late:])

    info = ObjectInfo(key="a", size=len(right))
    try:
        if altered is None:
            target_file.publish(info, None)
            assert right == (tmp_path / "a").read_bytes()
        else:
            with pytest.raises(IntegrityError, match="md5"):
                target_file.publish(info, None)
    finally:
        target_file.discard()
    assert (["a"] if altered is None else []) == [path.name for path in tmp_path.iterdir()]

"""The CRC-32 of a whole from those of its stretches, and downloads that are compared by it without being read back."""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import Checksum, IntegrityError
from kazinex_storage.bodies.checksums import checksum_of
from kazinex_storage.bodies.crc_combine import combined
from kazinex_storage.bodies.download_file import FEED_BYTES, GATHER_BYTES, Download
from kazinex_storage.testing.bench import pattern
from kazinex_storage.types import ObjectInfo

PIECE = 16 * 1024
"""What libcurl gives at a time."""
BODY = pattern(3 * FEED_BYTES + 7)
SPAN = 2 * FEED_BYTES - 5


@given(st.lists(st.binary(max_size=300)))
def test_it_is_that_of_the_whole(stretches: list[bytes]) -> None:
    assert zlib.crc32(b"".join(stretches)) == combined((zlib.crc32(each), len(each)) for each in stretches)


@pytest.mark.parametrize("size", [2**12, 2**20 + 1, 2**24, 2**25 - 3])
def test_it_is_that_of_the_whole_where_stretches_are_long(size: int) -> None:
    head, tail = b"%PDF", bytes(size)

    assert zlib.crc32(head + tail + head) == combined((zlib.crc32(each), len(each)) for each in (head, tail, head))


def test_stretches_of_more_than_a_machine_word_count() -> None:
    """2^40 zero bytes in one go, and in two."""
    half = [(0x12345678, 4), (zlib.crc32(b""), 2**39)]

    assert combined([(0x12345678, 4), (0, 2**40)]) == combined([*half, (0, 2**39)])


def downloaded(target: Path, body: bytes, expected: Checksum | None, sha256: str | None = None) -> Checksum | None:
    """Download *body* in spans that come at the same time, in pieces of any order but within their span."""
    chance, file = random.Random(7), Download(target, trusting=True)  # noqa: S311  # an order, no secret
    try:
        first = file.at(0, SPAN)
        for start in range(0, min(SPAN, len(body)), PIECE):
            first(body[start : min(start + PIECE, SPAN)])
        file.expect(expected)
        starts = range(SPAN, len(body), SPAN // 3)
        under_way = [(file.at(start, start + SPAN // 3), body[start : start + SPAN // 3]) for start in starts]
        while under_way:
            index = chance.randrange(len(under_way))
            sink, left = under_way[index]
            sink(left[:PIECE])
            if len(left) > PIECE:
                under_way[index] = (sink, left[PIECE:])
            else:
                del under_way[index]
        return file.publish(ObjectInfo(key="a", size=len(body)), sha256)
    finally:
        file.discard()


@pytest.mark.parametrize("size", [0, 1, PIECE, GATHER_BYTES + 1, SPAN, SPAN + 1, len(BODY)])
def test_a_download_is_compared_with_a_crc32_without_being_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def refused(*_: object) -> bytes:
        raise AssertionError("it was read back")

    for name in ("pread", "preadv"):
        monkeypatch.setattr(os, name, refused)
    body = BODY[:size]
    expected = checksum_of("crc32", body)

    assert expected == downloaded(tmp_path / "a", body, expected)
    assert body == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("at", [0, SPAN - 1, SPAN, len(BODY) - 1])
def test_a_byte_that_was_altered_is_noticed(tmp_path: Path, at: int) -> None:
    altered = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]

    with pytest.raises(IntegrityError, match="crc32"):
        downloaded(tmp_path / "a", altered, checksum_of("crc32", BODY))

    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "crc32"])
def test_another_checksum_that_is_asked_for_counts(tmp_path: Path, algorithm: str) -> None:
    """What is announced, and a sha256 that is demanded at the end, of spans that had their CRC-32 taken."""
    expected, demanded = checksum_of(algorithm, BODY), checksum_of("sha256", BODY)

    assert expected == downloaded(tmp_path / "a", BODY, expected)
    assert demanded == downloaded(tmp_path / "b", BODY, expected, demanded.value)
    with pytest.raises(IntegrityError):
        downloaded(tmp_path / "c", BODY, expected, checksum_of("sha256", b"").value)

"""Small files that are read in the call that looks at them."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kazinex_storage.bodies.loading import LOADED_BYTES, load_small
from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import IntegrityError
from kazinex_storage.types import Checksum, Progress

DATA = bytes(range(256)) * 40
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "body").write_bytes(DATA)
    os.utime(tmp_path / "body", ns=(10**18, 10**18))
    return tmp_path / "body"


def loaded(path: Path, *, sha256: str | None = None, progress: Progress | None = None) -> Source:
    source = Source.of(path, sha256=sha256, progress=progress)
    load_small(source, hashed=True)
    return source


def test_a_loaded_file_is_read_and_hashed_once(path: Path) -> None:
    seen: list[tuple[int, int | None]] = []

    source = loaded(path, progress=lambda done, total: seen.append((done, total)))
    path.unlink()

    assert source.checksum is not None
    assert (DATA, SHA256) == (source.data(), source.checksum.value)
    assert [(len(DATA), len(DATA))] == seen


@pytest.mark.parametrize("offset", [0, 1, len(DATA) - 1, len(DATA)])
def test_a_loaded_file_is_read_from_any_offset(path: Path, offset: int) -> None:
    source = loaded(path)

    with source.open(offset) as reader:
        assert DATA[offset:] == reader.read()

    assert source.checksum is not None
    assert source.checksum.value == SHA256


def test_a_loaded_file_is_written_to_a_descriptor(path: Path, tmp_path: Path) -> None:
    source = loaded(path)
    descriptor = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT | os.O_EXCL)

    try:
        source.write_to(descriptor)
    finally:
        os.close(descriptor)

    assert (tmp_path / "out").read_bytes() == DATA
    assert source.checksum is not None
    assert source.checksum.value == SHA256


@pytest.mark.parametrize(("size", "is_loaded"), [(LOADED_BYTES, True), (LOADED_BYTES + 1, False)])
def test_a_file_that_is_larger_is_not_loaded(path: Path, size: int, is_loaded: bool) -> None:
    os.truncate(path, size)

    assert (loaded(path).data() is not None) is is_loaded


def test_a_loaded_file_with_another_sha256_than_declared_is_refused(path: Path) -> None:
    with pytest.raises(IntegrityError, match=SHA256):
        loaded(path, sha256="0" * 64)


def _replace(path: Path) -> None:
    (path.parent / "other").write_bytes(DATA)
    os.replace(path.parent / "other", path)


def _remove(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "shrinks": lambda path: path.write_bytes(DATA[1:]),
    "grows": lambda path: path.write_bytes(DATA + b"x"),
    "is written to": lambda path: path.write_bytes(DATA[::-1]),
    "is replaced": _replace,
    "is removed": lambda path: path.unlink(),
    "becomes a folder": lambda path: _remove(path, Path.mkdir),
    "becomes a pipe": lambda path: _remove(path, os.mkfifo),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_file_that_changes_before_it_is_loaded_is_refused(path: Path, change: Callable[[Path], object]) -> None:
    source = Source.of(path)
    change(path)

    with pytest.raises(IntegrityError, match="nothing was stored"):
        load_small(source, hashed=True)


def test_one_that_trusts_the_service_is_hashed_by_what_that_verifies(path: Path) -> None:
    source = Source.of(path)
    load_small(source, hashed=False)
    source.trust_service(True)
    source.hashed_by("crc32")

    source.data()

    assert Checksum(algorithm="crc32", value=f"{zlib.crc32(DATA):08x}") == source.checksum


def test_one_that_was_hashed_by_another_algorithm_is_hashed_again(path: Path) -> None:
    source = loaded(path)
    source.trust_service(True)
    source.hashed_by("crc32")

    source.data()
    with source.open() as reader:
        reader.read()

    assert Checksum(algorithm="crc32", value=f"{zlib.crc32(DATA):08x}") == source.checksum

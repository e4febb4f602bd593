"""Small objects collected in memory and published in one call."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
import zlib
from pathlib import Path

import pytest

from kazinex_storage import Checksum, IntegrityError, ObjectInfo
from kazinex_storage.bodies.small_download import SMALL_BYTES, Destination, SmallDownload
from kazinex_storage.transport import TransferCancelled

DATA = os.urandom(100 * 1024)
PIECES = [DATA[at : at + 16 * 1024] for at in range(0, len(DATA), 16 * 1024)]
INFO = ObjectInfo(key="a", size=len(DATA), etag='"1"')


def collected(path: Path, pieces: list[bytes] = PIECES, *, folders: bool = False) -> SmallDownload:
    download = SmallDownload(Destination(path=path, folders=folders))
    for piece in pieces:
        download(piece)
    return download


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_on_the_disk_before_it_is_published(tmp_path: Path) -> None:
    download = collected(tmp_path / "a")

    assert left(tmp_path) == []
    checksum = download.publish(INFO, None)
    download.discard()

    assert (["a"], DATA) == (left(tmp_path), (tmp_path / "a").read_bytes())
    assert Checksum(algorithm="sha256", value=hashlib.sha256(DATA).hexdigest()) == checksum


def test_it_takes_no_buffer_larger_than_the_object(tmp_path: Path) -> None:
    collected(tmp_path / "a").publish(INFO, None)  # what is made once
    download = collected(tmp_path / "b")

    tracemalloc.start()
    download.publish(INFO, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < len(DATA) + 16 * 1024


def test_the_mode_of_the_file_that_it_replaces_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o600)

    collected(tmp_path / "a").publish(INFO, None)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_is_made_when_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        collected(tmp_path / "x" / "y" / "a").publish(INFO, None)
    assert left(tmp_path) == []

    collected(tmp_path / "x" / "y" / "a", folders=True).publish(INFO, None)

    assert (tmp_path / "x" / "y" / "a").read_bytes() == DATA


@pytest.mark.parametrize("wrong", ["size", "sha256", "announced sha256", "announced crc32"])
def test_what_is_not_as_it_was_stored_is_not_published(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "a").write_bytes(b"old")
    download = collected(tmp_path / "a", PIECES[:-1] if wrong == "size" else PIECES)
    if wrong.startswith("announced"):
        download.expect(Checksum(algorithm=wrong.split()[1], value="0" * 8))

    with pytest.raises(IntegrityError):
        download.publish(INFO, "0" * 64 if wrong == "sha256" else None)
    download.discard()

    assert (["a"], b"old") == (left(tmp_path), (tmp_path / "a").read_bytes())


def test_an_announced_checksum_that_is_right_is_accepted(tmp_path: Path) -> None:
    download = collected(tmp_path / "a")
    download.expect(Checksum(algorithm="crc32", value=f"{zlib.crc32(DATA):08x}"))

    download.publish(INFO, None)

    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("size", [0, 1, SMALL_BYTES, SMALL_BYTES + 1, 3 * SMALL_BYTES])
def test_an_object_of_another_size_than_was_listed_is_whole(tmp_path: Path, size: int) -> None:
    data = (DATA * 20)[:size]
    pieces = [data[at : at + 16 * 1024] for at in range(0, size, 16 * 1024)]
    download = collected(tmp_path / "a", pieces)
    download.expect(Checksum(algorithm="crc32", value=f"{zlib.crc32(data):08x}"))

    checksum = download.publish(ObjectInfo(key="a", size=size), hashlib.sha256(data).hexdigest())
    download.discard()

    assert (["a"], data) == (left(tmp_path), (tmp_path / "a").read_bytes())
    assert Checksum(algorithm="sha256", value=hashlib.sha256(data).hexdigest()) == checksum


@pytest.mark.parametrize("pieces", [PIECES, PIECES * 20], ids=["in memory", "in the file"])
def test_one_that_was_given_up_takes_nothing_and_leaves_nothing(tmp_path: Path, pieces: list[bytes]) -> None:
    download = collected(tmp_path / "a", pieces)

    download.discard()

    with pytest.raises(TransferCancelled):
        download(b"more")
    with pytest.raises(TransferCancelled):
        download.publish(INFO, None)
    assert left(tmp_path) == []

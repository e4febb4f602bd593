"""Small files that are read without waiting, and everything that is not read that way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kazinex_storage.bodies import resident
from kazinex_storage.bodies.resident import FOLDERS, read_resident

MOST = 1000

pytestmark = pytest.mark.skipif(resident.resident_calls() is None, reason="the system has no openat2 and preadv2")


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Return a folder that is known to be on a local disk, if it is."""
    path = tmp_path / "known"
    path.write_bytes(b"known")
    with path.open("rb") as file:
        FOLDERS.learn(str(path), file.fileno())
    if read_resident(str(path), MOST) is None:
        pytest.skip("the temporary folder is not on a disk whose reads can be asked not to wait")
    return tmp_path


def test_a_plain_file_is_read(known: Path) -> None:
    path = known / "a"
    path.write_bytes(bytes(range(256)) * 3)

    assert bytes(range(256)) * 3 == read_resident(str(path), MOST)


@pytest.mark.parametrize(("size", "found"), [(MOST - 1, True), (MOST, True), (MOST + 1, False), (0, False), (1, True)])
def test_the_size_decides(known: Path, size: int, *, found: bool) -> None:
    """Files of the kernel claim to be empty: what is empty is looked at elsewhere."""
    path = known / "a"
    path.write_bytes(bytes(size))

    assert found == (read_resident(str(path), MOST) is not None)


def test_a_folder_that_is_not_known_is_left_alone(known: Path) -> None:
    (known / "below").mkdir()
    path = known / "below" / "a"
    path.write_bytes(b"a")

    assert read_resident(str(path), MOST) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.symlink_to(path.parent / "known"),
        lambda path: os.mkfifo(path),
    ],
    ids=["nothing", "folder", "link", "pipe"],
)
def test_what_is_no_plain_file_is_left_alone(known: Path, make: Callable[[Path], object]) -> None:
    path = known / "a"
    make(path)

    assert read_resident(str(path), MOST) is None


def test_a_pipe_is_not_even_opened(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits for its reader would be released by it, and write to nobody."""
    path = known / "a"
    os.mkfifo(path)
    opened: list[bytes] = []
    calls = resident.resident_calls()
    assert calls is not None
    watched = calls._replace(open=lambda folder, name, how: opened.append(how) or calls.open(folder, name, how))  # type: ignore[func-returns-value]
    monkeypatch.setattr(resident, "resident_calls", lambda: watched)

    read_resident(str(path), MOST)

    assert [resident._LOOK] == opened


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="needs a way to drop pages")
def test_what_the_disk_has_to_be_asked_for_is_left_alone(known: Path) -> None:
    for name in ("a", "b"):
        with (known / name).open("wb") as file:
            file.write(bytes(MOST))
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    try:  # to ask is to have them read ahead
        with (known / "b").open("rb") as file:
            os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
    except BlockingIOError:
        pass
    else:
        pytest.skip("the pages are still there")

    assert read_resident(str(known / "a"), MOST) is None


def test_a_file_that_changes_while_it_is_read_is_left_alone(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = known / "a"
    path.write_bytes(b"before")
    calls = resident.resident_calls()
    assert calls is not None

    def read(descriptor: int, offset: int, size: int, flags: int) -> bytes | None:
        data = calls.read(descriptor, offset, size, flags)
        path.write_bytes(b"after, longer")
        return data

    monkeypatch.setattr(resident, "resident_calls", lambda: calls._replace(read=read))

    assert read_resident(str(path), MOST) is None


def test_no_descriptor_is_left_open(known: Path) -> None:
    path = known / "a"
    path.write_bytes(b"a")
    before = len(os.listdir("/proc/self/fd"))

    for name in ("a", "known", "missing", "."):
        read_resident(str(known / name), MOST)

    assert before == len(os.listdir("/proc/self/fd"))

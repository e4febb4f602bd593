"""Bodies that change while they are read: nothing of them may be published."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazinex_storage.bodies.source import Source, SourceReader
from kazinex_storage.errors import IntegrityError
from kazinex_storage.types import MIB

DATA = bytes(range(256)) * 40


LARGE = 24 * MIB + 7
"""More than one ``copy_file_range`` and more than a spool keeps in memory."""


def read_all(source: Source, offset: int = 0, chunk: int = 4096) -> bytes:
    parts = []
    with source.open(offset) as reader:
        while part := reader.read(chunk):
            parts.append(part)
    return b"".join(parts)


def large_file(path: Path) -> Path:
    """Write a file whose every mebibyte differs, so that a lost or repeated one shows."""
    with open(path, "wb") as file:
        for index in range(LARGE // MIB + 1):
            file.write(bytes([index]) * min(MIB, LARGE - index * MIB))
    return path


@contextlib.contextmanager
def target(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def backdate(path: Path) -> Path:
    """Give *path* an old modification time, so that a later write shows however coarse the clock of the file system."""
    os.utime(path, ns=(10**18, 10**18))
    return path


def written(path: Path) -> Path:
    (path / "body").write_bytes(DATA)
    return path / "body"


def reader_to_the_end(reader: SourceReader) -> None:
    while reader.read(1000):
        pass


def grow(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 5000)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def modify(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"other")


def modify_tail(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"other")


def replace(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(b"y" * path.stat().st_size)
    os.utime(new, ns=(10**18, 10**18))
    os.replace(new, path)


def remove(path: Path) -> None:
    path.unlink()


CHANGES = [grow, shrink, empty, modify, modify_tail, replace, remove]


OF_OPEN_FILES = [grow, shrink, empty, modify, modify_tail]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("offset", [0, 6000])
def test_a_path_that_changes_while_it_is_read_is_refused(
    change: Callable[[Path], None], offset: int, tmp_path: Path
) -> None:
    path = backdate(written(tmp_path))
    source = Source.of(path)
    reader = source.open(offset)
    reader.read(100)

    change(path)

    with reader, pytest.raises(IntegrityError):
        reader_to_the_end(reader)


@pytest.mark.parametrize("change", CHANGES)
def test_a_path_that_changes_before_it_is_opened_is_refused(change: Callable[[Path], None], tmp_path: Path) -> None:
    path = backdate(written(tmp_path))
    source = Source.of(path)

    change(path)

    with pytest.raises((IntegrityError, FileNotFoundError)):
        read_all(source)
    with target(tmp_path / "out") as descriptor, pytest.raises((IntegrityError, FileNotFoundError)):
        source.write_to(descriptor)


@pytest.mark.parametrize("change", CHANGES)
def test_a_path_that_changes_while_it_is_copied_is_refused(change: Callable[[Path], None], tmp_path: Path) -> None:
    path = backdate(large_file(tmp_path / "body"))
    once = iter([change])
    source = Source.of(path, progress=lambda done, total: [each(path) for each in itertools.islice(once, 1)])

    with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError):
        source.write_to(descriptor)


@pytest.mark.parametrize("change", CHANGES)
def test_a_path_that_changes_while_it_is_synced_is_refused(change: Callable[[Path], None], tmp_path: Path) -> None:
    path = backdate(written(tmp_path))
    source = Source.of(path)

    with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError):
        source.write_to(descriptor, lambda _: change(path))


@pytest.mark.parametrize("change", OF_OPEN_FILES)
@pytest.mark.parametrize("buffering", [0, 512], ids=["raw", "buffered"])
def test_an_open_file_that_changes_while_it_is_read_is_refused(
    change: Callable[[Path], None], buffering: int, tmp_path: Path
) -> None:
    path = backdate(written(tmp_path))
    with open(path, "rb", buffering=buffering) as file:
        source = Source.of(file)
        reader = source.open()
        reader.read(100)

        change(path)

        with pytest.raises(IntegrityError):
            reader_to_the_end(reader)


def test_a_file_in_memory_that_grows_while_it_is_read_is_refused() -> None:
    """It has no times to compare, so a byte after its end is all that shows it."""
    file = io.BytesIO(DATA)
    source = Source.of(file)
    reader = source.open()
    reader.read(100)

    file.seek(0, os.SEEK_END)
    file.write(b"more")
    file.seek(100)

    with pytest.raises(IntegrityError, match="grew"):
        reader_to_the_end(reader)


@pytest.mark.parametrize("change", OF_OPEN_FILES)
def test_an_open_file_that_changes_while_it_is_copied_is_refused(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    path = backdate(large_file(tmp_path / "body"))
    once = iter([change])
    with open(path, "rb") as file:
        source = Source.of(file, progress=lambda done, total: [each(path) for each in itertools.islice(once, 1)])
        with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError):
            source.write_to(descriptor)

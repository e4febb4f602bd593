"""Writing a source to a descriptor: the kernel's copy, the ordinary one, and half-way ends."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazinex_storage.bodies.source import BodyLike, Source
from kazinex_storage.errors import IntegrityError
from kazinex_storage.transport import TransferCancelled
from kazinex_storage.types import MIB

DATA = bytes(range(256)) * 40


LARGE = 24 * MIB + 7
"""More than one ``copy_file_range`` and more than a spool keeps in memory."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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


def test_progress_of_a_write_ends_at_the_size(tmp_path: Path) -> None:
    seen: list[int] = []
    source = Source.of(large_file(tmp_path / "body"), progress=lambda done, total: seen.append(done))

    with target(tmp_path / "out") as descriptor:
        source.write_to(descriptor)

    assert sorted(set(seen)) == seen
    assert LARGE == seen[-1]


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
@pytest.mark.parametrize("kind", ["path", "file", "raw", "iterator"])
def test_the_checksum_of_a_large_write_is_that_of_the_bytes(kind: str, declared: bool, tmp_path: Path) -> None:
    """The digest runs beside the kernel's copy: writing must not end before it has taken everything."""
    path = large_file(tmp_path / "body")
    expected = sha256(path.read_bytes())
    with contextlib.ExitStack() as stack:
        bodies: dict[str, Callable[[], BodyLike]] = {
            "path": lambda: path,
            "file": lambda: stack.enter_context(open(path, "rb")),
            "raw": lambda: stack.enter_context(open(path, "rb", buffering=0)),
            "iterator": lambda: iter([path.read_bytes()]),
        }
        source = stack.enter_context(Source.of(bodies[kind](), sha256=expected if declared else None))
        with target(tmp_path / "out") as descriptor:
            source.write_to(descriptor)

        assert path.read_bytes() == (tmp_path / "out").read_bytes()
        assert source.checksum is not None
        assert expected == source.checksum.value


def test_no_thread_is_left_after_a_write(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Source.of(large_file(tmp_path / "body"), sha256="0" * 64) as source:
        with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError):
            source.write_to(descriptor)

        assert before == set(threading.enumerate())


def test_a_written_file_that_is_truncated_behind_our_back_is_noticed(tmp_path: Path) -> None:
    """The digest reads back what was written; what it finds must reach the caller even when nothing was declared."""
    path = large_file(tmp_path / "body")
    source = Source.of(path, progress=lambda done, total: os.truncate(tmp_path / "out", 0))

    with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError):
        source.write_to(descriptor)


def test_a_write_that_failed_leaves_no_checksum(tmp_path: Path) -> None:
    """Closing the digest drops what it had not taken yet; asking for its result must not raise."""

    def stop_at_the_end(done: int, total: int | None) -> None:
        if done == total:
            raise ZeroDivisionError

    source = Source.of(large_file(tmp_path / "body"), progress=stop_at_the_end)
    with target(tmp_path / "out") as descriptor, pytest.raises(ZeroDivisionError):
        source.write_to(descriptor)

    assert source.checksum is None


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than ``tmp_path`` where the machine has one, else on the same."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else tmp_path) as folder:
        yield Path(folder)


def test_a_body_is_written_across_file_systems(tmp_path: Path, other_file_system: Path) -> None:
    path = large_file(other_file_system / "body")
    source = Source.of(path)

    with target(tmp_path / "out") as descriptor:
        source.write_to(descriptor)

    assert path.read_bytes() == (tmp_path / "out").read_bytes()
    assert source.checksum is not None
    assert sha256(path.read_bytes()) == source.checksum.value


def test_a_body_is_written_to_a_target_that_the_kernel_cannot_copy_into(tmp_path: Path) -> None:
    """``copy_file_range`` refuses a file opened to append; the ordinary way takes over."""
    path = large_file(tmp_path / "body")
    descriptor = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        Source.of(path).write_to(descriptor)
    finally:
        os.close(descriptor)

    assert path.read_bytes() == (tmp_path / "out").read_bytes()


def test_a_failure_to_write_reaches_the_caller() -> None:
    """``/dev/full`` is a disk without space."""
    descriptor = os.open("/dev/full", os.O_RDWR)
    try:
        with pytest.raises(OSError, match="No space left"):
            Source.of(DATA).write_to(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("name", ["/proc/version", "/proc/self/status"])
def test_a_file_that_hides_its_size_is_stored_whole_or_refused(name: str, tmp_path: Path) -> None:
    """procfs and some network file systems say that a full file has 0 bytes."""
    if not os.path.exists(name):
        pytest.skip("this machine has no procfs")

    try:
        with Source.of(Path(name)) as source, target(tmp_path / "out") as descriptor:
            source.write_to(descriptor)
    except IntegrityError:
        return

    assert b"" != (tmp_path / "out").read_bytes()


@pytest.mark.parametrize("kind", ["path", "bytes"])
def test_a_write_that_is_cancelled_half_way_stops_there(kind: str, tmp_path: Path) -> None:
    path = large_file(tmp_path / "body")
    body: BodyLike = path if kind == "path" else path.read_bytes()
    source = Source.of(body, progress=lambda done, total: source.cancel())

    with target(tmp_path / "out") as descriptor, pytest.raises(TransferCancelled):
        source.write_to(descriptor)

    assert (tmp_path / "out").stat().st_size < LARGE


def test_a_small_write_that_was_cancelled_before_does_not_start(tmp_path: Path) -> None:
    for body in (DATA, b""):
        source = Source.of(body)
        source.cancel()
        with target(tmp_path / f"out-{len(body)}") as descriptor, pytest.raises(TransferCancelled):
            source.write_to(descriptor)


def test_a_write_that_is_cancelled_while_it_syncs_is_not_reported_as_done(tmp_path: Path) -> None:
    """Between the last byte and the publishing there is still time to stop."""
    source = Source.of(DATA)

    with target(tmp_path / "out") as descriptor, pytest.raises(TransferCancelled):
        source.write_to(descriptor, lambda _: source.cancel())

"""Bodies of unknown length: the limit while they stream, bounded memory, and a full disk."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import FileTooLargeError
from kazinex_storage.types import MIB


def test_an_endless_iterator_is_stopped_right_after_the_limit() -> None:
    taken = itertools.count()
    chunks = (b"x" * 1000 for _ in taken)

    with pytest.raises(FileTooLargeError, match="10001000"):
        Source.of(chunks, limit=10_000_000, too_large=lambda size: FileTooLargeError(str(size)))

    assert 10_001 == next(taken)


def test_an_endless_stream_is_stopped_within_a_buffer_of_the_limit() -> None:
    class Endless:
        taken = 0

        def read(self, size: int) -> bytes:
            self.taken += size
            return bytes(size)

    stream = Endless()

    with pytest.raises(FileTooLargeError):
        Source.of(stream, limit=3 * MIB, too_large=lambda size: FileTooLargeError(str(size)))  # type: ignore[arg-type]

    assert stream.taken == 4 * MIB


def test_spooling_needs_little_memory_however_long_the_body() -> None:
    chunk = bytes(MIB)
    tracemalloc.start()
    try:
        with Source.of(itertools.repeat(chunk, 100)) as source:
            assert 100 * MIB == source.size
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 40 * MIB


def test_an_error_of_the_iterator_passes_through() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 9 * MIB
        raise ConnectionResetError("cut")

    with pytest.raises(ConnectionResetError, match="cut"):
        Source.of(chunks())


FULL_DISK = """
import os, sys
from kazinex_storage.errors import QuotaExceededError
from kazinex_storage.bodies.source import Source
size, total = int(sys.argv[1]), int(sys.argv[2])
try:
    Source.of(b"x" * size for _ in range(total // size))
except QuotaExceededError as error:
    print("quota", os.environ["TMPDIR"] in str(error), os.listdir(os.environ["TMPDIR"]))
"""


def on_a_small_disk(folder: Path, mebibytes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run FULL_DISK with a temporary directory of *mebibytes*, mounted in a name space of its own."""
    mount = f'mount -t tmpfs -o size={mebibytes}m tmpfs "$TMPDIR" || exit 77; exec "$@"'
    command = ["sh", "-c", mount, "sh", sys.executable, "-W", "error", "-c", FULL_DISK, *arguments]
    for unshare in (["unshare", "-rm"], ["unshare", "-m"]):
        with contextlib.suppress(FileNotFoundError):
            child = subprocess.run(
                [*unshare, *command],
                env={**os.environ, "TMPDIR": str(folder)},
                capture_output=True,
                text=True,
                check=False,
            )
            if child.returncode != 77 and "unshare" not in child.stderr:
                return child
    pytest.skip("this machine lets nobody mount a small file system")


@pytest.mark.parametrize(
    ("mebibytes", "chunk", "total"),
    [(1, MIB, 32 * MIB), (10, MIB, 32 * MIB), (10, 4096, 32 * MIB), (10, 1000, 32 * MIB), (10, 1000, 10_489_000)],
    ids=["at the roll-over", "large chunks", "pages", "small chunks", "in the last flush"],
)
def test_a_full_temporary_directory_is_a_quota_error_and_leaves_nothing(
    mebibytes: int, chunk: int, total: int, tmp_path: Path
) -> None:
    child = on_a_small_disk(tmp_path, mebibytes, str(chunk), str(total))

    assert ("quota True []\n", "", 0) == (child.stdout, child.stderr, child.returncode)

"""Sources: every kind of body, read from anywhere and written, proves itself or is refused."""

# ruff: noqa: SIM115  # the stack of the test closes what the makers open
from __future__ import annotations

import array
import contextlib
import gzip
import hashlib
import io
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazinex_storage.bodies.source import BodyLike, Source
from kazinex_storage.errors import FileTooLargeError, IntegrityError

DATA = bytes(range(256)) * 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_all(source: Source, offset: int = 0, chunk: int = 4096) -> bytes:
    parts = []
    with source.open(offset) as reader:
        while part := reader.read(chunk):
            parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def target(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class OnlyReads:
    """A stream without seek: a socket, a pipe, a response."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, 1000) if size >= 0 else size)


def gzipped(path: Path, stack: contextlib.ExitStack) -> gzip.GzipFile:
    with gzip.open(path / "body.gz", "wb") as file:
        file.write(DATA)
    return stack.enter_context(gzip.GzipFile(path / "body.gz", "rb"))


def written(path: Path) -> Path:
    (path / "body").write_bytes(DATA)
    return path / "body"


def positioned(path: Path, stack: contextlib.ExitStack) -> io.BufferedReader:
    (path / "body").write_bytes(b"head" + DATA)
    file = stack.enter_context(open(path / "body", "rb"))
    file.read(4)
    return file


def unflushed(path: Path, stack: contextlib.ExitStack) -> io.BufferedRandom:
    file = stack.enter_context(open(path / "body", "w+b"))
    file.write(DATA)
    file.seek(0)
    file.write(DATA[:1])
    file.seek(0)
    return file


def unflushed_tail(path: Path, stack: contextlib.ExitStack) -> io.BufferedRandom:
    (path / "body").write_bytes(b"head")
    file = stack.enter_context(open(path / "body", "r+b"))
    file.seek(4)
    file.write(DATA)
    file.seek(4)
    return file


def spooled(stack: contextlib.ExitStack, *, rolled: bool) -> BodyLike:
    file = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=10 if rolled else 0))
    file.write(DATA)
    file.seek(0)
    return file


def named(stack: contextlib.ExitStack) -> BodyLike:
    file = stack.enter_context(tempfile.NamedTemporaryFile())
    file.write(DATA)
    file.seek(0)
    return file


def _link(path: Path) -> Path:
    os.symlink(written(path), path / "link")
    return path / "link"


Maker = Callable[[Path, contextlib.ExitStack], BodyLike]


BODIES: dict[str, Maker] = {
    "bytes": lambda path, stack: DATA,
    "bytearray": lambda path, stack: bytearray(DATA),
    "memoryview": lambda path, stack: memoryview(DATA),
    "memoryview of integers": lambda path, stack: memoryview(array.array("I", DATA)),
    "path": lambda path, stack: written(path),
    "symlink": lambda path, stack: _link(path),
    "buffered file": lambda path, stack: stack.enter_context(open(written(path), "rb")),
    "raw file": lambda path, stack: stack.enter_context(open(written(path), "rb", buffering=0)),
    "file at a position": positioned,
    "file with unflushed writes": unflushed,
    "file with an unflushed tail": unflushed_tail,
    "BytesIO": lambda path, stack: io.BytesIO(DATA),
    "gzip file": gzipped,
    "spooled file in memory": lambda path, stack: spooled(stack, rolled=False),
    "spooled file on disk": lambda path, stack: spooled(stack, rolled=True),
    "named temporary file": lambda path, stack: named(stack),
    "stream": lambda path, stack: OnlyReads(DATA),  # type: ignore[dict-item, return-value]
    "generator": lambda path, stack: (DATA[at : at + 999] for at in range(0, len(DATA), 999)),
    "list of buffers": lambda path, stack: [b"", bytearray(DATA[:7]), memoryview(DATA)[7:], b""],
}


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


every_body = pytest.mark.parametrize("make", BODIES.values(), ids=BODIES.keys())


@every_body
def test_every_kind_of_body_is_read_whole_and_again(make: Maker, tmp_path: Path, stack: contextlib.ExitStack) -> None:
    source = stack.enter_context(Source.of(make(tmp_path, stack)))

    assert len(DATA) == source.size
    assert DATA == read_all(source)
    assert DATA == read_all(source, chunk=1 << 20)
    assert source.checksum is not None
    assert sha256(DATA) == source.checksum.value


@every_body
@pytest.mark.parametrize("offset", [1, 4095, len(DATA) - 1, len(DATA)])
def test_every_kind_of_body_is_read_from_any_offset(
    make: Maker, offset: int, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    source = stack.enter_context(Source.of(make(tmp_path, stack)))

    assert DATA[offset:] == read_all(source, offset)


@every_body
@pytest.mark.parametrize(
    "declared", [None, sha256(DATA), sha256(DATA).upper()], ids=["undeclared", "declared", "upper"]
)
def test_every_kind_of_body_is_written_to_a_descriptor(
    make: Maker, declared: str | None, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    source = stack.enter_context(Source.of(make(tmp_path, stack), sha256=declared))
    synced: list[int] = []

    with target(tmp_path / "out") as descriptor:
        source.write_to(descriptor, synced.append)

    assert DATA == (tmp_path / "out").read_bytes()
    assert [descriptor] == synced
    assert source.checksum is not None
    assert sha256(DATA) == source.checksum.value


@every_body
def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(
    make: Maker, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    with pytest.raises(FileTooLargeError):
        Source.of(make(tmp_path, stack), limit=len(DATA) - 1, too_large=lambda size: FileTooLargeError(str(size)))
    if (tmp_path / "link").is_symlink():
        (tmp_path / "link").unlink()
    source = stack.enter_context(Source.of(make(tmp_path, stack), limit=len(DATA)))

    assert len(DATA) == source.size


@every_body
def test_a_declared_sha256_that_differs_is_found_by_reading_and_by_writing(
    make: Maker, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    source = stack.enter_context(Source.of(make(tmp_path, stack), sha256="0" * 64))

    with pytest.raises(IntegrityError, match=sha256(DATA)):
        read_all(source)
    with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError, match="0" * 64):
        source.write_to(descriptor)


EMPTY: dict[str, Maker] = {
    "bytes": lambda path, stack: b"",
    "memoryview": lambda path, stack: memoryview(b""),
    "memoryview of integers": lambda path, stack: memoryview(array.array("I")),
    "path": lambda path, stack: pathlib.Path(os.devnull),
    "file": lambda path, stack: stack.enter_context(tempfile.TemporaryFile()),
    "iterator": lambda path, stack: iter(()),
    "iterator of nothing": lambda path, stack: iter((b"", b"")),
    "BytesIO": lambda path, stack: io.BytesIO(),
    "stream": lambda path, stack: OnlyReads(b""),  # type: ignore[dict-item, return-value]
}


@pytest.mark.parametrize("make", EMPTY.values(), ids=EMPTY.keys())
def test_an_empty_body_is_legal(make: Maker, tmp_path: Path, stack: contextlib.ExitStack) -> None:
    source = stack.enter_context(Source.of(make(tmp_path, stack), limit=0, sha256=sha256(b"")))

    assert b"" == read_all(source)
    with target(tmp_path / "out") as descriptor:
        source.write_to(descriptor)

    assert 0 == source.size
    assert source.checksum is not None
    assert sha256(b"") == source.checksum.value


@pytest.mark.parametrize("make", EMPTY.values(), ids=EMPTY.keys())
def test_an_empty_body_declared_to_be_something_else_is_refused(
    make: Maker, tmp_path: Path, stack: contextlib.ExitStack
) -> None:
    source = stack.enter_context(Source.of(make(tmp_path, stack), sha256=sha256(b"x")))

    with pytest.raises(IntegrityError):
        source.open()
    with target(tmp_path / "out") as descriptor, pytest.raises(IntegrityError):
        source.write_to(descriptor)


@pytest.mark.parametrize("make", [BODIES["buffered file"], BODIES["BytesIO"], BODIES["gzip file"], BODIES["raw file"]])
def test_a_file_object_stays_open(make: Maker, tmp_path: Path, stack: contextlib.ExitStack) -> None:
    file = make(tmp_path, stack)
    with Source.of(file) as source:
        read_all(source)

    source.close()

    assert not getattr(file, "closed")  # noqa: B009  # BodyLike has no such attribute


def test_closing_twice_and_unread_is_harmless() -> None:
    source = Source.of(iter([DATA]))

    source.close()
    source.close()

"""What a retry does to a source: replays, progress, cancelling; and what is no body at all."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import IntegrityError
from kazinex_storage.transport import TransferCancelled

DATA = bytes(range(256)) * 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_all(source: Source, offset: int = 0, chunk: int = 4096) -> bytes:
    parts = []
    with source.open(offset) as reader:
        while part := reader.read(chunk):
            parts.append(part)
    return b"".join(parts)


@settings(max_examples=150)
@given(
    data=st.binary(min_size=1, max_size=300),
    reads=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 120), st.integers(1, 4)), max_size=5),
    last=st.tuples(st.integers(0, 300), st.integers(1, 400)),
)
@example(data=b"x" * 200, reads=[(0, 100, 1)], last=(50, 80))
def test_the_checksum_is_right_or_absent_after_any_sequence_of_replays(
    data: bytes, reads: list[tuple[int, int, int]], last: tuple[int, int]
) -> None:
    """Readers resume at or before what was read; the last one goes to the end, in pieces of any size."""
    source, seen = Source.of(data, sha256=sha256(data)), 0
    for offset, chunk, times in reads:
        offset = min(offset, seen)
        with source.open(offset) as reader:
            got = b"".join(reader.read(chunk) for _ in range(times))
        assert data[offset : offset + chunk * times] == got
        seen = len(got) if offset == 0 else max(seen, offset + len(got))
    offset = min(last[0], seen)

    assert data[offset:] == read_all(source, offset, last[1])
    assert source.checksum is not None
    assert sha256(data) == source.checksum.value


def test_a_resumed_read_still_finds_a_sha256_that_differs() -> None:
    source = Source.of(b"x" * 200, sha256="0" * 64)
    source.open().read(100)

    with pytest.raises(IntegrityError):
        read_all(source, 50, 80)


def test_there_is_no_checksum_before_the_end() -> None:
    source = Source.of(DATA)

    assert source.checksum is None
    source.open().read(10)
    assert source.checksum is None
    assert DATA[20:] == read_all(source, 20)
    assert source.checksum is None


def test_bytes_in_memory_are_handed_out_without_a_copy_and_count_as_read() -> None:
    source = Source.of(DATA)

    assert source.data() is DATA
    assert source.checksum is not None
    assert sha256(DATA) == source.checksum.value
    assert Source.of(bytearray(DATA)).data() is None
    with pytest.raises(IntegrityError):
        Source.of(DATA, sha256="0" * 64).data()


def test_progress_is_reported_for_every_buffer_and_ends_at_the_size() -> None:
    seen: list[tuple[int, int | None]] = []
    source = Source.of(DATA, progress=lambda done, total: seen.append((done, total)))

    read_all(source, chunk=4096)

    assert [(4096, len(DATA)), (8192, len(DATA)), (len(DATA), len(DATA))] == seen


def test_a_cancelled_source_ends_the_current_read_and_every_later_one() -> None:
    source = Source.of(DATA)
    reader = source.open()
    reader.read(10)

    source.cancel()

    with pytest.raises(TransferCancelled):
        reader.read(10)
    with pytest.raises(TransferCancelled):
        read_all(source)
    with pytest.raises(TransferCancelled):
        source.data()


@pytest.mark.parametrize("body", ["text", "", None, 7, 1.5, ["a"], iter(["text"]), [1, 2], [None], {"a": 1}], ids=type)
def test_what_is_not_bytes_is_refused(body: object) -> None:
    with pytest.raises(TypeError):
        Source.of(body)  # type: ignore[arg-type]


def test_text_streams_are_refused_with_the_cure() -> None:
    with pytest.raises(TypeError, match="binary mode"):
        Source.of(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["text", ""])
def test_wrapped_text_files_are_refused_at_once(content: str) -> None:
    """``tempfile`` wraps text files in a class that is no ``TextIOBase``."""
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write(content)
        file.seek(0)

        with pytest.raises(TypeError, match="binary mode"):
            Source.of(file)


def test_a_text_stream_of_unknown_length_is_refused() -> None:
    class Text:
        def read(self, size: int) -> str:
            return "text"

    with pytest.raises(TypeError, match="text mode"):
        Source.of(Text())  # type: ignore[arg-type]


def test_a_view_with_gaps_is_refused_at_once_or_read_right() -> None:
    view = memoryview(DATA)[::2]

    try:
        source = Source.of(view)
    except (TypeError, BufferError, ValueError):
        return

    assert DATA[::2] == read_all(source)


def test_a_missing_path_and_a_folder_are_errors_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Source.of(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        Source.of(tmp_path)


def test_a_named_pipe_is_spooled(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(DATA,))
    writer.start()

    with Source.of(tmp_path / "pipe") as source:
        writer.join()

        assert DATA == read_all(source)

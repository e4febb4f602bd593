"""Files that are written can seek until they are closed; what was sent already cannot be written again (issue 24)."""

from __future__ import annotations

import io
import wave
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazinex_storage import PutOptions, Storage, UploadPolicy
from kazinex_storage.bodies.body import SPOOL_BYTES
from kazinex_storage.errors import FileTooLargeError
from kazinex_storage.fs import LocalDiskFileSystem, ObjectFileSystem
from kazinex_storage.providers.memory import MemoryProvider

MORE = b"x" * (SPOOL_BYTES + 1)


def test_what_was_written_is_written_again(fs: ObjectFileSystem, base: str) -> None:
    with fs.open(f"{base}/a", "wb") as file:
        file.write(b"0123456789")
        assert (2, 2) == (file.seek(2), file.loc)
        file.write(b"XY")
        assert (4, 10) == (file.tell(), file.seek(0, io.SEEK_END))
        file.write(b"!")
        assert 9 == file.seek(-2, io.SEEK_CUR)

    assert b"01XY456789!" == fs.cat_file(f"{base}/a")


def test_a_gap_becomes_zeros_once_something_is_behind_it(fs: ObjectFileSystem, base: str) -> None:
    with fs.open(f"{base}/a", "wb") as file:
        file.seek(3)
        file.write(b"a")
        file.seek(9)
        file.write(b"")

    assert b"\0\0\0a" == fs.cat_file(f"{base}/a")


moves = st.tuples(st.integers(0, 40), st.binary(max_size=20))


@settings(max_examples=25, deadline=None)
@given(st.lists(moves, max_size=8))
def test_a_writer_is_like_a_file_of_python(steps: list[tuple[int, bytes]]) -> None:
    ours, theirs = Storage(MemoryProvider()), io.BytesIO()
    with ours, ours.open("a", "wb") as file:
        for offset, data in steps:
            assert theirs.seek(offset) == file.seek(offset)
            assert theirs.write(data) == file.write(data)
            assert theirs.tell() == file.tell()
        file.close()

        assert theirs.getvalue() == ours.get_bytes("a")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_text_has_its_byte_order_mark(fs: ObjectFileSystem, base: str, encoding: str) -> None:
    with fs.open(f"{base}/a", "w", encoding=encoding) as file:
        file.write("Plan ")
        file.write("№ 1")

    assert "Plan № 1".encode(encoding) == fs.cat_file(f"{base}/a")


def test_formats_that_go_back_to_their_header_are_whole(fs: ObjectFileSystem, base: str) -> None:
    with fs.open(f"{base}/a.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("plan", MORE)
    with fs.open(f"{base}/a.wav", "wb") as file:
        sound: Any = wave.open(file, "wb")  # noqa: SIM115  # closed below, before the file
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(b"\x80" * 100)
        sound.close()
        file.close()

    with fs.open(f"{base}/a.zip") as file, zipfile.ZipFile(file) as archive:
        assert MORE == archive.read("plan")
    with fs.open(f"{base}/a.wav") as file, wave.open(file) as heard:
        assert 100 == heard.getnframes()


def test_who_asks_first_may_seek_in_large_files(local: LocalDiskFileSystem) -> None:
    with local.open("a", "wb") as file:
        assert file.seekable()
        file.write(MORE)
        file.seek(0)
        file.write(b"y")

    assert (b"yx", len(MORE)) == (local.cat_file("a", 0, 2), local.size("a"))


def test_what_was_sent_as_it_came_cannot_be_written_again(local: LocalDiskFileSystem) -> None:
    with local.open("a", "wb") as file:
        file.write(MORE)

        assert not file.seekable()
        with pytest.raises(io.UnsupportedOperation, match="sent already; call seekable"):
            file.seek(0)
        file.discard()

    assert not local.exists("a")


def test_text_is_sent_as_it_comes(local: LocalDiskFileSystem) -> None:
    with local.open("a", "w") as file:
        file.write(MORE.decode())
        file.flush()

        assert not file.seekable()


def test_nothing_is_written_before_the_beginning_or_beyond_the_limit() -> None:
    with Storage(MemoryProvider(), policy=UploadPolicy(max_file_bytes=10, ceiling=10)) as storage:
        with storage.open("a", "wb", PutOptions()) as file:
            with pytest.raises(ValueError, match="before the beginning"):
                file.seek(-1)
            file.seek(10)
            with pytest.raises(FileTooLargeError):
                file.write(b"1")
        assert not storage.exists("a")

"""File objects over a storage: ranges of one version, and writers that publish whole or not at all."""

from __future__ import annotations

import gc
import io
import logging
from typing import BinaryIO, cast

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    FileTooLargeError,
    FileTypeRefusedError,
    NotFoundError,
    PreconditionFailedError,
    Storage,
    UploadPolicy,
)
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.files import ObjectWriter
from kazinex_storage.types import MIB


@pytest.fixture
def storage() -> Storage:
    return Storage(MemoryProvider())


def writer(storage: Storage, key: str = "a", mode: str = "wb") -> ObjectWriter:
    file = storage.open(key, mode)
    assert isinstance(file, ObjectWriter)
    return file


def test_a_reader_seeks_and_reads_like_a_file(storage: Storage) -> None:
    body = bytes(range(256)) * 10_000
    storage.put("a", body)

    with storage.open("a") as file:
        assert isinstance(file, io.BufferedReader)
        assert body[:10] == file.read(10)
        assert len(body) - 5 == file.seek(-5, io.SEEK_END)
        assert body[-5:] == file.read()
        assert b"" == file.read(1)
        file.seek(2_000_000)
        assert body[2_000_000:2_000_007] == file.read(7)
        file.seek(0)
        assert body == file.read()


def test_a_reader_of_nothing_is_refused_when_it_is_opened(storage: Storage) -> None:
    with pytest.raises(NotFoundError):
        storage.open("nothing")


def test_a_reader_never_mixes_two_versions(storage: Storage) -> None:
    storage.put("a", bytes(4 * MIB))
    with storage.open("a") as file:
        assert isinstance(file, io.BufferedReader)
        file.read(1)
        storage.put("a", b"x" * 4 * MIB)

        with pytest.raises(PreconditionFailedError):
            file.read()


def test_nothing_is_visible_before_the_writer_is_closed(storage: Storage) -> None:
    file = writer(storage)
    file.write(b"half")
    assert not storage.exists("a")

    file.close()

    assert b"half" == storage.get_bytes("a")
    assert file.info is not None
    assert 4 == file.info.size


def test_a_block_that_raises_publishes_nothing(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError), writer(storage) as file:
        file.write(b"half")
        raise ZeroDivisionError

    assert not storage.exists("a")


def test_a_wrapper_that_only_closes_publishes_nothing_either(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(ZeroDivisionError), io.TextIOWrapper(cast(BinaryIO, writer(storage)), encoding="utf-8") as text:
        text.write("half")
        raise ZeroDivisionError

    assert not storage.exists("a")
    assert "nothing is published" in caplog.text


def test_a_writer_inside_an_except_block_publishes_as_usual(storage: Storage) -> None:
    try:
        raise LookupError
    except LookupError:
        file = writer(storage)
        file.write(b"whole")
        file.close()

    assert b"whole" == storage.get_bytes("a")


def test_an_exception_that_is_raised_again_passes_through_all_the_same(storage: Storage) -> None:
    def body() -> None:
        try:
            raise LookupError
        except LookupError as error:
            with io.TextIOWrapper(cast(BinaryIO, writer(storage)), encoding="utf-8") as text:
                text.write("half")
                raise error from None

    with pytest.raises(LookupError):
        body()

    assert not storage.exists("a")


def test_a_writer_that_is_forgotten_publishes_nothing_and_warns(storage: Storage) -> None:
    file = writer(storage)
    file.write(b"half")

    with pytest.warns(ResourceWarning, match="nothing was published"):
        del file
        gc.collect()

    assert not storage.exists("a")


def test_a_writer_that_creates_refuses_what_exists_also_when_empty(storage: Storage) -> None:
    storage.put("a", b"")

    with pytest.raises(AlreadyExistsError), writer(storage, mode="xb"):
        pass

    with writer(storage, "b", "xb"):
        pass
    assert b"" == storage.get_bytes("b")


def test_the_policy_is_applied_while_writing_and_wrappers_fail_of_the_same_cause() -> None:
    policy = UploadPolicy.make(kind="memory", ceiling=MIB, max_file_bytes=10, extensions=["txt"])
    storage = Storage(MemoryProvider(), policy=policy)

    with pytest.raises(FileTypeRefusedError):
        storage.open("a.exe", "wb")
    with pytest.raises(FileTooLargeError), writer(storage, "a.txt") as file:
        file.write(b"12345678901")
    text = io.TextIOWrapper(cast(BinaryIO, writer(storage, "a.txt")), encoding="utf-8", write_through=True)
    with pytest.raises(FileTooLargeError):
        text.write("12345678901")

    assert [] == list(storage.list())


def test_another_mode_is_refused_with_the_legal_ones(storage: Storage) -> None:
    with pytest.raises(ValueError, match="'rb', 'wb', 'xb'"):
        storage.open("a", "ab")

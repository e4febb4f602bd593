"""Defects that a review found, each with the scene in which it showed."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import (
    AsyncStorage,
    IntegrityError,
    InvalidJsonError,
    ObjectInfo,
    ObjectKey,
    PreconditionFailedError,
    Prefix,
    PutMode,
    Source,
    Storage,
    StoredDocument,
)
from kazinex_storage.bodies.download_file import Download
from kazinex_storage.fs import StorageFileSystem
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.transport import TransferCancelled


def local(root: Path) -> LocalProvider:
    return LocalProvider(LocalSettings(root=root, durable=False))


def test_a_child_that_is_forked_while_a_key_is_locked_neither_hangs_nor_blocks_its_parent(tmp_path: Path) -> None:
    provider = local(tmp_path)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with provider._locks.held("k"):
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        Storage(provider).put("k", b"child")
        os._exit(0)
    release.set()
    thread.join()

    Storage(provider).put("k", b"parent")

    assert 0 == os.waitpid(child, 0)[1]


def test_a_download_that_is_given_up_during_a_write_never_writes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target_file = Download(tmp_path / "out")
    sink = target_file.at(0)
    inside, release = threading.Event(), threading.Event()
    write = os.pwrite

    def slowly(descriptor: int, buffer: memoryview, offset: int) -> int:
        inside.set()
        release.wait(0.5)  # whoever gives up waits for the write, so nobody releases it earlier
        return write(descriptor, buffer, offset)

    monkeypatch.setattr(os, "pwrite", slowly)
    thread = threading.Thread(target=sink, args=(b"object" * 1_000_000,))  # more than is gathered
    thread.start()
    assert inside.wait(30)
    target_file.discard()
    others = [os.open(tmp_path / f"other-{number}", os.O_RDWR | os.O_CREAT) for number in range(8)]
    release.set()
    thread.join()

    assert [0] * 8 == [os.fstat(other).st_size for other in others]
    with pytest.raises(TransferCancelled):
        sink(b"more")
    for other in others:
        os.close(other)


def test_an_exception_that_takes_the_place_of_a_freed_one_still_passes_through() -> None:
    storage = Storage(MemoryProvider())

    for number in range(20):
        try:
            raise ValueError
        except ValueError:
            file = storage.open(f"k{number}", "wb")
        assert isinstance(file, io.RawIOBase)
        file.write(b"half")
        try:
            raise ValueError
        except ValueError:
            file.close()

    assert [] == list(storage.list())


@pytest.mark.parametrize(("mode", "compression"), [("w", None), ("wb", "gzip"), ("wb", "bz2"), ("w", "xz")])
def test_a_wrapped_writer_that_is_forgotten_publishes_nothing_and_warns(mode: str, compression: str | None) -> None:
    storage = Storage(MemoryProvider())
    fs = StorageFileSystem(storage=storage)

    def forget() -> None:
        file = fs.open("a", mode, compression=compression)
        file.write("part" if mode == "w" else b"part")

    with pytest.warns(ResourceWarning, match="nothing was published"):
        forget()
        gc.collect()

    assert not storage.exists("a")


def test_a_file_that_is_moved_by_fsspec_and_replaced_meanwhile_stays(tmp_path: Path) -> None:
    """Where a move is a copy and a delete; a provider that moves by itself does it in one step."""

    class Replaced(LocalProvider):
        def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
            info = super().copy(source, target, mode)
            Storage(self).put(source, b"newer")
            return info

    storage = Storage(Replaced(LocalSettings(root=tmp_path, durable=False)))
    storage.put("a", b"older")

    with pytest.raises(PreconditionFailedError, match=r"replaced while it was copied.*both are there"):
        StorageFileSystem(storage=storage).mv("a", "b")

    assert (b"newer", b"older") == (storage.get_bytes("a"), storage.get_bytes("b"))


def test_a_source_that_vanishes_before_it_is_read_is_an_integrity_error_and_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "source"
    path.write_bytes(b"x")
    (tmp_path / "root").mkdir()
    storage = Storage(local(tmp_path / "root"))

    with Source.of(path) as source:
        path.unlink()
        with pytest.raises(IntegrityError, match="no longer be read"):
            storage.put("a/b", source)


def test_an_error_of_the_progress_callback_is_not_taken_for_one_of_the_disk(tmp_path: Path) -> None:
    calls = 0

    def fail(done: int, total: int | None) -> None:
        nonlocal calls
        calls += 1
        raise FileNotFoundError

    with pytest.raises(RuntimeError, match="on_progress raised"):
        Storage(local(tmp_path)).put("a/b", bytes(10), on_progress=fail)

    assert 1 == calls


@pytest.mark.asyncio
async def test_a_listing_that_is_cancelled_twice_ends_with_the_cancellation() -> None:
    entered, release = threading.Event(), threading.Event()

    class Slow(MemoryProvider):
        def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
            entered.set()
            release.wait(30)
            yield from super().scan(prefix)

    storage = AsyncStorage(Storage(Slow()))

    async def everything() -> list[ObjectInfo]:
        return [info async for info in storage.list()]

    task = asyncio.create_task(everything())
    while not entered.is_set():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()


def test_a_receipt_without_its_document_says_so() -> None:
    with pytest.raises(InvalidJsonError, match="'document'"):
        StoredDocument.from_dict({"key": "a"})

"""The coroutines: on the running loop, cancellable, and usable by libraries with their own way of running them."""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import Storage
from kazinex_storage.bodies.source import Source
from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem, StorageFileSystem
from kazinex_storage.keys import ObjectKey
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.types import ObjectInfo, PutOptions

fsspec: Any = importlib.import_module("fsspec")  # it is untyped
asyn: Any = importlib.import_module("fsspec.asyn")


class SlowProvider(MemoryProvider):
    """Lets nobody put before ``release``, and says when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Event()
        self.release = threading.Event()

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        self.waiting.set()
        assert self.release.wait(30)
        return super().put(key, source, options)


def thread_names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.fixture
def fresh_fsspec() -> Iterator[None]:
    """No loop of fsspec is running when the test begins; its thread ends with the test. That of others is set aside."""
    before = asyn.loop[0], asyn.iothread[0]
    asyn.loop[0] = asyn.iothread[0] = None
    for thread in threading.enumerate():
        if thread.name == "fsspecIO":
            thread.name = "fsspecIO of others"
    yield
    loop, thread = asyn.loop[0], asyn.iothread[0]
    if loop is not None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    asyn.loop[0], asyn.iothread[0] = before


def test_coroutines_run_on_the_running_loop(fresh_fsspec: None, store: str, tmp_path: Path) -> None:
    async def main() -> list[Any]:
        fs: Any = MemoryFileSystem(asynchronous=True)
        await fs._pipe({f"{store}/a": b"one", f"{store}/b/c": b"two"})
        await fs._get(f"{store}/b", str(tmp_path / "b"), recursive=True)
        walked = [step async for step in fs._walk(store)]
        return [
            fs.loop,
            await fs._cat(store, recursive=True),
            await fs._cat_file(f"{store}/b/c", 1, None),
            await fs._cat_ranges([f"{store}/a"] * 2, [0, -1], [1, None]),
            await fs._ls(store, detail=False),
            await fs._find(store),
            await fs._glob(f"{store}/*"),
            (await fs._info(f"{store}/a"))["size"],
            await fs._exists(f"{store}/x"),
            await fs._isdir(f"{store}/b"),
            await fs._isfile(f"{store}/b"),
            await fs._du(store),
            await fs._size(f"{store}/a"),
            await fs._sizes([f"{store}/a"]),
            walked,
            (tmp_path / "b" / "c").read_bytes(),
        ]

    found = asyncio.run(main())

    assert [
        None,
        {f"{store}/a": b"one", f"{store}/b/c": b"two"},
        b"wo",
        [b"o", b"e"],
        [f"{store}/a", f"{store}/b"],
        [f"{store}/a", f"{store}/b/c"],
        [f"{store}/a", f"{store}/b"],
        3,
        False,
        True,
        False,
        6,
        3,
        [3],
        [(store, ["b"], ["a"]), (f"{store}/b", [], ["c"])],
        b"two",
    ] == found
    assert "fsspecIO" not in thread_names()


def test_coroutines_change_what_blocking_calls_see(store: str) -> None:
    async def main() -> list[bool]:
        fs: Any = MemoryFileSystem(asynchronous=True)
        path = f"{store}/a"
        await fs._touch(path)
        await fs._mkdir(f"{store}/folder")
        await fs._makedirs(f"{store}/folder", exist_ok=True)
        await fs._rmdir(f"{store}/folder")
        await fs._cp_file(path, f"{store}/b")
        await fs._mv_file(f"{store}/b", f"{store}/c")
        await fs._mv(f"{store}/c", f"{store}/d")
        marks = [
            await fs._checksum(path) == fs.checksum(path),
            await fs._ukey(path) == fs.ukey(path),
            await fs._modified(path) == fs.modified(path),
            await fs._created(path) == fs.created(path),
        ]
        await fs._rm_file(path)
        with pytest.raises(NotImplementedError):
            await fs._sign(f"{store}/d")
        return marks

    marks = asyncio.run(main())

    assert [True] * 4 == marks
    assert MemoryFileSystem().find(store) == [f"{store}/d"]


def test_a_cancelled_write_leaves_nothing_behind() -> None:
    provider = SlowProvider()

    async def main(fs: Any) -> None:
        task = asyncio.create_task(fs._pipe_file("a", b"never"))
        await asyncio.to_thread(provider.waiting.wait, 30)
        task.cancel()
        await asyncio.sleep(0)  # the task hears of it, and tells the blocking call
        provider.release.set()
        await asyncio.wait({task})
        assert task.cancelled()

    with Storage(provider) as storage:
        asyncio.run(main(StorageFileSystem(storage=storage, asynchronous=True)))

        assert not storage.exists("a")


def test_many_coroutines_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async def main() -> Sequence[bytes]:
        fs: Any = LocalDiskFileSystem(root=tmp_path, asynchronous=True, durable=False)
        await asyncio.gather(*(fs._pipe_file(f"a/{number}", str(number).encode()) for number in range(50)))
        found: list[bytes] = await asyncio.gather(*(fs._cat_file(f"a/{number}") for number in range(50)))
        return found

    assert [str(number).encode() for number in range(50)] == asyncio.run(main())


def test_libraries_may_run_coroutines_on_the_loop_of_fsspec(fresh_fsspec: None, store: str) -> None:
    fs: Any = MemoryFileSystem()
    assert "fsspecIO" not in thread_names()

    asyn.sync(fs.loop, fs._pipe_file, f"{store}/a", b"plan")
    found = asyn.sync(fs.loop, fs._cat_file, f"{store}/a")

    assert found == b"plan"
    assert "fsspecIO" in thread_names()


def test_references_are_resolved_through_the_file_system(fresh_fsspec: None, store: str) -> None:
    MemoryFileSystem().pipe_file(f"{store}/data.bin", b"0123456789")
    references = {"inside": "text", "part": [f"kazinex+memory://{store}/data.bin", 2, 3]}

    fs = fsspec.filesystem("reference", fo=references, remote_protocol="kazinex+memory")

    assert fs.cat("part") == b"234"


def test_a_folder_of_the_file_system_is_a_file_system(store: str) -> None:
    fs = fsspec.filesystem("dir", path=store, fs=MemoryFileSystem())

    fs.pipe_file("a/b", b"plan")

    assert fs.find("") == ["a/b"]
    assert fs.cat_file("a/b") == b"plan"


def test_a_local_copy_may_be_kept_by_fsspec(store: str, tmp_path: Path) -> None:
    MemoryFileSystem().pipe_file(f"{store}/a", b"plan")
    url = f"filecache::kazinex+memory://{store}/a"

    with fsspec.open(url, filecache={"cache_storage": str(tmp_path)}) as file:
        found = file.read()

    assert found == b"plan"


def test_a_mapping_over_the_file_system(store: str) -> None:
    mapping = MemoryFileSystem().get_mapper(f"kazinex+memory://{store}/zarr")

    mapping["a/0.0"] = b"chunk"
    mapping.setitems({"a/0.1": b"more"})

    assert sorted(mapping) == ["a/0.0", "a/0.1"]
    assert mapping.getitems(["a/0.0", "a/0.1", "x"], on_error="omit") == {"a/0.0": b"chunk", "a/0.1": b"more"}
    del mapping["a/0.0"]
    assert "a/0.0" not in mapping


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_goes_on(tmp_path: Path) -> None:
    fs: Any = LocalDiskFileSystem(root=tmp_path, durable=False)
    fs.pipe({f"before/{number}": b"parent" for number in range(20)})  # starts the threads of bulk work

    child = os.fork()
    if child == 0:
        try:
            fs.pipe({f"after/{number}": b"child" for number in range(20)})
            asyncio.run(fs._cat(["before/1", "after/1"]))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(fs.find("after")) == 20

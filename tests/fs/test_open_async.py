"""``open_async``: files whose reads and writes are coroutines (issue 24)."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage.errors import PreconditionFailedError
from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem
from kazinex_storage.fs.async_files import AsyncReadFile


@pytest.fixture
def fs() -> MemoryFileSystem:
    return MemoryFileSystem(asynchronous=True)


@asynccontextmanager
async def reader(fs: Any, path: str) -> AsyncIterator[AsyncReadFile]:
    async with await fs.open_async(path) as file:
        yield file


def test_reading(fs: MemoryFileSystem, store: str) -> None:
    async def main() -> None:
        await fs._pipe_file(f"{store}/a", b"one\ntwo\n")
        async with reader(fs, f"kazinexmemory://{store}/a") as file:
            facts = (file.mode, file.name, file.full_name, file.size, file.info()["size"], file.loc)
            assert ("rb", f"{store}/a", f"kazinexmemory://{store}/a", 8, 8, 0) == facts
            assert (b"one", 3) == (await file.read(3), file.tell())
            assert (b"\n", b"two\n", b"") == (await file.readuntil(blocks=1), await file.read(), await file.read())
            assert (6, b"o\n") == (file.seek(-2, 2), await file.read(None))
            with pytest.raises(ValueError, match="before the beginning"):
                file.seek(-1)
        with pytest.raises(ValueError, match="closed"):
            await file.read()

    asyncio.run(main())


def test_a_reader_holds_to_the_version_that_was_opened(fs: MemoryFileSystem, store: str) -> None:
    async def main() -> None:
        await fs._pipe_file(f"{store}/a", b"1")
        async with reader(fs, f"{store}/a") as file:
            await fs._pipe_file(f"{store}/a", b"2")
            with pytest.raises(PreconditionFailedError):
                await file.read()

    asyncio.run(main())


@pytest.mark.parametrize("size", [3, 9 << 20])
def test_writing_publishes_on_closing(tmp_path: Path, size: int) -> None:
    fs: Any = LocalDiskFileSystem(root=tmp_path, durable=False, asynchronous=True)

    async def main() -> None:
        async with await fs.open_async("a", "wb") as file:
            assert size == await file.write(b"x" * size)
            assert (size, False) == (file.loc, await fs._exists("a"))
        assert size == await fs._size("a")
        with pytest.raises(FileExistsError):
            async with await fs.open_async("a", "xb") as file:
                await file.write(b"1")

    asyncio.run(main())
    assert size == fs.size("a")


def test_an_exception_publishes_nothing(fs: Any, store: str) -> None:
    async def main() -> None:
        with pytest.raises(KeyError):
            async with await fs.open_async(f"{store}/a", "wb") as file:
                await file.write(b"1")
                raise KeyError
        assert not await fs._exists(f"{store}/a")
        with pytest.raises(TypeError):
            async with await fs.open_async(f"{store}/a", "wb") as file:
                await file.write("text")
        assert not await fs._exists(f"{store}/a")

    asyncio.run(main())


def test_a_file_that_is_never_closed_publishes_nothing_and_warns(fs: Any, store: str) -> None:
    async def main() -> None:
        file = await fs.open_async(f"{store}/a", "wb")
        await file.write(b"1")

    with pytest.warns(ResourceWarning, match="never closed"):
        asyncio.run(main())
        gc.collect()

    assert not fs.exists(f"{store}/a")


@pytest.mark.parametrize("mode", ["r", "ab", "r+b", "w"])
def test_other_modes_are_refused(fs: Any, store: str, mode: str) -> None:
    with pytest.raises(NotImplementedError, match="open_async"):
        asyncio.run(fs.open_async(f"{store}/a", mode))


def test_what_is_not_there_and_what_is_not_known_is_refused(fs: Any, store: str) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(fs.open_async(f"{store}/a"))
    with pytest.raises(TypeError, match="'compression'"):
        asyncio.run(fs.open_async(f"{store}/a", "rb", compression="gzip"))


def test_a_transaction_is_not_passed_by(fs: Any, store: str) -> None:
    with fs.transaction, pytest.raises(NotImplementedError, match="transaction is under way"):
        asyncio.run(fs.open_async(f"{store}/a", "wb"))

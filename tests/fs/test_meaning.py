"""What fsspec means by its calls, where ours meant something else: slashes at ends, bounds, what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import fsspec
import pytest

from kazinex_storage.errors import AlreadyExistsError, InvalidUrlError
from kazinex_storage.fs import ObjectFileSystem

BODY = b"0123456789"


@pytest.fixture
def held(fs: ObjectFileSystem, base: str) -> Any:
    """A file system with one object in a folder."""
    fs.pipe_file(f"{base}/d/k", BODY)
    return fs


def test_slashes_at_the_end_of_a_path_mean_the_folder(held: Any, base: str) -> None:
    for path in (f"{base}/d", f"{base}/d/", f"{base}/d//", f"{base}/d///"):
        assert [f"{base}/d/k"] == held.find(path) == held.ls(path, detail=False)
        assert held.isdir(path)


@pytest.mark.parametrize("path", ["//", "///", "//a", "a//b", "a//b//", "s3:///", "s3://a//"])
def test_an_empty_segment_elsewhere_is_refused(fs: Any, path: str) -> None:
    with pytest.raises(InvalidUrlError):
        fs.find(path)


def test_what_lies_behind_the_end_is_empty(held: Any, base: str) -> None:
    path = f"{base}/d/k"

    assert b"" == held.read_block(path, 50, 10)
    assert BODY[8:] == held.read_block(path, 8, 10)
    with held.open(path) as file:
        assert BODY == file.read(-10)
        assert b"" == file.read()
        file.seek(2)
        assert (BODY[2:4], 4, BODY[4:]) == (file.read(2), file.loc, file.read(None))


def test_files_tell_what_files_of_fsspec_tell(held: Any, base: str) -> None:
    with held.open(f"{base}/d/k", block_size=65536) as read, held.open(f"{base}/d/new", "wb") as written:
        assert ("rb", 65536, 10, held) == (read.mode, read.blocksize, read.size, read.fs)
        assert held.unstrip_protocol(f"{base}/d/k") == read.full_name
        assert held.info(f"{base}/d/k")["size"] == read.details["size"]
        written.write(BODY)
        assert ("wb", 10, held.unstrip_protocol(f"{base}/d/new")) == (written.mode, written.loc, written.full_name)


def test_making_what_is_there_is_refused_unless_it_may_be_there(held: Any, base: str) -> None:
    for path in (f"{base}/d", f"{base}/d/", f"{base}/d/k"):
        for make in (held.mkdir, held.makedirs):
            with pytest.raises(AlreadyExistsError, match="is there already"):
                make(path)
        held.makedirs(path, exist_ok=True)
    held.mkdir(f"{base}/new")
    held.makedirs(f"{base}/new/deep")

    assert not held.exists(f"{base}/new")


def test_coroutines_that_make_folders_refuse_the_same(held: Any, base: str) -> None:
    async def run() -> None:
        for make in (held._mkdir, held._makedirs):
            with pytest.raises(FileExistsError):
                await make(f"{base}/d")
        await held._makedirs(f"{base}/d", exist_ok=True)

    asyncio.run(run())


def awaited(name: str, *arguments: object) -> Callable[[Any, str], object]:
    def call(fs: Any, path: str) -> object:
        return asyncio.run(getattr(fs, name)(*(path if one is ... else one for one in arguments)))

    return call


WRITES: dict[str, Callable[[Any, str], object]] = {
    "pipe_file": lambda fs, path: fs.pipe_file(path, b"x"),
    "pipe": lambda fs, path: fs.pipe(path, b"x"),
    "pipe of several": lambda fs, path: fs.pipe({path: b"x"}),
    "open": lambda fs, path: fs.open(path, "wb"),
    "create": lambda fs, path: fs.open(path, "xb"),
    "touch": lambda fs, path: fs.touch(path),
    "put_file": lambda fs, path: fs.put_file(__file__, path),
    "cp_file": lambda fs, path: fs.cp_file(path.partition("/")[0] + "/d/k", path),
    "_pipe_file": awaited("_pipe_file", ..., b"x"),
    "_touch": awaited("_touch", ...),
    "_put_file": awaited("_put_file", __file__, ...),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("name", ["d", "new"])
def test_a_folder_is_not_written_to(held: Any, base: str, name: str, write: Callable[[Any, str], object]) -> None:
    with pytest.raises(IsADirectoryError, match="ends with a slash, which means a folder"):
        write(held, f"{base}/{name}/")

    assert [f"{base}/d/k"] == held.find(base)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("name", [" ", "d/ ", " /a", "\u3000", "\u00a0/a"])
def test_no_object_gets_a_name_of_blanks(held: Any, base: str, name: str, write: Callable[[Any, str], object]) -> None:
    with pytest.raises(InvalidUrlError, match="blanks"):
        write(held, f"{base}/{name}")

    assert [f"{base}/d/k"] == held.find(base)


@pytest.mark.parametrize("path", ["C:/x", "c:/Users/a/plan.pdf"])
def test_a_path_of_windows_is_no_key(local: Any, path: str) -> None:
    with pytest.raises(InvalidUrlError, match="Windows"):
        local.pipe_file(path, b"x")

    local.pipe_file("c:d/x", b"x")
    assert ["c:d/x"] == local.find("")


def test_what_another_tool_named_with_blanks_can_be_read_and_removed(local: Any) -> None:
    local._lookups.space.open().put("d/ ", BODY)

    assert ["d/ "] == local.find("")
    assert BODY == local.cat_file("d/ ")
    local.mv("d/ ", "d/blank")

    assert ["d/blank"] == local.find("")


def test_a_depth_of_nothing_is_refused_in_the_words_of_fsspec(held: Any, base: str) -> None:
    with pytest.raises(ValueError, match="maxdepth must be at least 1"):
        held.find(base, maxdepth=0)


def test_the_name_of_a_folder_that_was_emptied_is_free(held: Any, base: str) -> None:
    held.rm(f"{base}/d/k")

    held.pipe_file(f"{base}/d", b"2")

    assert b"2" == held.cat_file(f"{base}/d")
    assert [f"{base}/d"] == held.find(base)


def test_blocks_of_csv_are_read_as_dask_reads_them(held: Any, base: str) -> None:
    held.pipe_file(f"{base}/a.csv", b"a\nb\nc\n")

    blocks = [held.read_block(f"{base}/a.csv", start, 2, delimiter=b"\n") for start in range(0, 8, 2)]

    assert b"a\nb\nc\n" == b"".join(blocks)
    assert fsspec.utils.read_block(held.open(f"{base}/a.csv"), 4, 2) == b"c\n"

"""Keywords of other file systems: hints are honoured or ignored by a table, everything else is refused (issue 24)."""

from __future__ import annotations

import asyncio
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage.errors import PreconditionFailedError
from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem, ObjectFileSystem, OrganisationFileSystem
from kazinex_storage.fs.hints import (
    GRANTED,
    HINTS_OF_FILES,
    IGNORED_BY_CALLS,
    IGNORED_BY_FILE_SYSTEMS,
    FileSystemHints,
    OpenHints,
)

fsspec: Any = importlib.import_module("fsspec")  # it is untyped
fsspec_parquet: Any = importlib.import_module("fsspec.parquet")

BODY = b"0123456789" * 10
LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file of fsspec


def test_files_take_hints_and_change_nothing(fs: ObjectFileSystem, base: str) -> None:
    fs.pipe_file(f"{base}/a", BODY)

    with fs.open(f"{base}/a", default_cache="none", fill_cache=False, size=3, max_concurrency=2) as file:
        assert BODY == file.read()


@LEFT_OPEN
@pytest.mark.parametrize("cache", ["none", "readahead", "bytes", "blockcache", "all", "first", "background", "mmap"])
def test_every_cache_of_fsspec_reads_the_same(fs: ObjectFileSystem, base: str, cache: str) -> None:
    fs.pipe_file(f"{base}/a", BODY)

    with fs.open(f"{base}/a", "rb", 30, cache_type=cache) as file:
        file.seek(25)

        assert (b"56789", b"01234") == (file.read(5), file.read(5))
        assert BODY[35:] == file.read()
        assert 7 == file.seek(7)
        assert BODY[7:] == file.read()
        assert b"" == file.read(1)


def test_known_parts_are_not_read_again_and_no_others_are_made_up(memory: MemoryFileSystem, store: str) -> None:
    memory.pipe_file(f"{store}/a", BODY)
    parts = {(10, 20): b"KNOWN PART"}

    with memory.open(f"{store}/a", cache_type="parts", cache_options={"data": dict(parts)}) as file:
        file.seek(10)
        assert b"KNOWN" == file.read(5)
        for first, last in ((5, 15), (15, 25), (5, 25), (0, 100)):
            file.seek(first)
            assert BODY[first:last] == file.read(last - first)


def test_parquet_is_read_by_its_known_parts(memory: MemoryFileSystem, store: str) -> None:
    pandas: Any = importlib.import_module("pandas")
    pandas.DataFrame({"size": range(4), "kind": list("xyxy")}).to_parquet(f"kazinexmemory://{store}/a.parquet")

    with fsspec_parquet.open_parquet_file(f"{store}/a.parquet", fs=memory, columns=["size"], engine="pyarrow") as file:
        assert [0, 1, 2, 3] == list(pandas.read_parquet(file, columns=["size"])["size"])


def test_a_cached_file_holds_to_the_version_that_was_opened(memory: MemoryFileSystem, store: str) -> None:
    memory.pipe_file(f"{store}/a", BODY)

    with memory.open(f"{store}/a", cache_type="blockcache") as file:
        memory.pipe_file(f"{store}/a", BODY[::-1])

        with pytest.raises(PreconditionFailedError):
            file.read(1)


def test_a_cache_that_there_is_not_is_refused_by_name(memory: MemoryFileSystem, store: str) -> None:
    memory.pipe_file(f"{store}/a", BODY)

    with pytest.raises(ValueError, match="'magic' is none that fsspec has"):
        memory.open(f"{store}/a", cache_type="magic")


def test_a_file_system_says_how_its_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(BODY)
    options = {"root": str(tmp_path), "default_cache_type": "all", "default_block_size": 50, "max_concurrency": 3}

    fs = fsspec.filesystem("kazinexlocal", **options)

    with fs.open("a") as file:
        assert (50, "AllBytes", 3) == (file.blocksize, type(file.cache).__name__, fs.batch_size)
    with LocalDiskFileSystem(root=tmp_path, blocksize=60, default_cache_type="all").open("a", "rb", 70) as file:
        assert 70 == file.blocksize


def test_calls_take_hints(memory: MemoryFileSystem, store: str) -> None:
    memory.pipe_file(f"{store}/a", BODY, chunksize=5, max_concurrency=2)  # type: ignore[call-arg]
    found = asyncio.run(
        MemoryFileSystem(asynchronous=True)._cat_ranges(  # type: ignore[call-arg]
            [f"{store}/a"], [0], [2], max_concurrency=2, refresh=True
        )
    )

    assert BODY == memory.cat_file(f"{store}/a", version_id=None, max_concurrency=4)  # type: ignore[call-arg]
    assert [b"01"] == found


@pytest.mark.parametrize("name", ["anon", "requester_pays", "version_aware", "use_listings_cache"])
def test_what_would_change_what_is_done_is_refused(name: str) -> None:
    MemoryFileSystem(**{name: False})  # type: ignore[arg-type]

    with pytest.raises(NotImplementedError, match=name):
        MemoryFileSystem(**{name: True})  # type: ignore[arg-type]


def test_a_name_that_is_not_known_is_refused_everywhere(memory: MemoryFileSystem, store: str) -> None:
    memory.pipe_file(f"{store}/a", BODY)

    with pytest.raises(TypeError, match="'cache_typ'"):
        memory.open(f"{store}/a", cache_typ="none")  # type: ignore[call-arg]
    with pytest.raises(NotImplementedError, match="version_id=7"):
        memory.cat_file(f"{store}/a", version_id="7")  # type: ignore[call-arg]


def test_only_what_a_prefix_names_is_found(face: Any, below: str) -> None:
    for name in ("2025/a", "2026/a", "2026/b", "other"):
        face.pipe_file(f"{below}/{name}", b"")

    assert [f"{below}/2026/a", f"{below}/2026/b"] == face.find(below, prefix="2026")
    assert [f"{below}/2026/b"] == face.find(below, prefix="2026/b")
    assert 4 == len(face.find(below, prefix=None))
    assert [f"{below}/2025", f"{below}/2026"] == face.find(below, prefix="2", withdirs=True, maxdepth=1)
    assert {f"{below}/2026", f"{below}/2026/a", f"{below}/2026/b"} == set(
        face.find(below, prefix="2026", withdirs=True)
    )
    assert [f"{below}/other"] == face.find(below, prefix="o", maxdepth=1)


@LEFT_OPEN
def test_blocks_are_cached_by_fsspec(fs: ObjectFileSystem, base: str) -> None:
    fs.pipe_file(f"{base}/a", BODY)
    for name in ("blockcache", "filecache", "simplecache"):
        cached = fsspec.filesystem(name, fs=fs)
        for _ in range(2):
            with cached.open(f"{base}/a") as file:
                assert (BODY[:3], BODY[3:]) == (file.read(3), file.read())


def test_the_documentation_names_every_hint() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "fsspec.md").read_text(encoding="utf-8")
    table = page.partition("## Hints of other file systems")[2].partition("\n## ")[0]

    named = set(
        re.findall(r"`(\w+)(?:=\w+)?`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    )

    honoured = {"block_size", "blocksize", "default_block_size", "default_cache_type", "cache_type", "cache_options"}
    ignored = IGNORED_BY_CALLS | HINTS_OF_FILES | IGNORED_BY_FILE_SYSTEMS
    assert honoured | ignored | set(GRANTED) == named
    assert HINTS_OF_FILES == set(OpenHints.__annotations__)
    assert IGNORED_BY_FILE_SYSTEMS == set(FileSystemHints.__annotations__) - set(GRANTED)


def test_a_reader_has_what_users_of_fsspec_expect(fs: ObjectFileSystem, base: str) -> None:
    fs.pipe_file(f"{base}/a", b"one\ntwo\n")

    with fs.open(f"{base}/a") as file:
        facts = (file.mode, file.name, file.path, file.size, file.blocksize, file.loc, file.closed, file.fs)
        assert ("rb", f"{base}/a", f"{base}/a", 8, 2**20, 0, False, fs) == facts
        assert fs.info(f"{base}/a") == file.info() == file.details
        assert (b"one\n", 4) == (file.readuntil(), file.loc)
        assert b"tw" == file.readuntil(b"w", blocks=1)
        assert b"o\n" == file.readuntil(b"-")
        with pytest.raises(ValueError, match="at least one"):
            file.readuntil(b"")
    assert file.closed


def test_what_ends_a_part_may_lie_across_two_blocks(memory: MemoryFileSystem, store: str) -> None:
    memory.pipe_file(f"{store}/a", b"one--two--three")

    with memory.open(f"{store}/a") as file:
        assert [b"one--", b"two--", b"three"] == [file.readuntil(b"--", blocks=size) for size in (4, 2, 3)]


def test_a_folder_is_put_into_a_place_by_its_name_alone(memory: MemoryFileSystem, store: str, tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a").write_bytes(b"1")

    memory.put(f"{tmp_path}/plans/", store, recursive=True)
    memory.put(f"{tmp_path}/plans", store, recursive=True)

    assert [f"{store}/a", f"{store}/plans/a"] == memory.find(store)


def test_roots_are_listed_where_that_tells_nobody_of_others(
    memory: MemoryFileSystem, local: LocalDiskFileSystem, store: str, organisation: OrganisationFileSystem
) -> None:
    memory.pipe_file(f"{store}/a", b"")
    local.pipe_file("d/a", b"")
    resolver = organisation._lookups.space._resolver()  # type: ignore[attr-defined]

    for root in ("", "/", "kazinexmemory://"):
        assert store in memory.ls(root, detail=False)
    assert ["d"] == local.ls("", detail=False) == local.ls("/", detail=False)
    assert ["org-1"] == OrganisationFileSystem(resolver=resolver, organisation="org-1").ls("", detail=False)
    with pytest.raises(NotImplementedError, match="name one"):
        organisation.ls("")


def test_writers_and_signed_urls_have_the_names_of_other_file_systems(memory: MemoryFileSystem, store: str) -> None:
    with memory.open(f"{store}/a", "wb") as file:
        assert (f"{store}/a", 8 << 20, True) == (file.name, file.blocksize, file.seekable())
    with pytest.raises(NotImplementedError, match="does not sign"):
        memory.url(f"{store}/a")

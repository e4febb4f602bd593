"""Files: reading, writing, and that nothing is published when an exception passes through, whatever wraps the file."""

from __future__ import annotations

import bz2
import contextlib
import gc
import gzip
import importlib
import io
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from kazinex_storage import PutMode, PutOptions, Storage, UploadPolicy
from kazinex_storage.errors import AlreadyExistsError, FileTooLargeError, NotFoundError, PreconditionFailedError
from kazinex_storage.fs import MemoryFileSystem, StorageFileSystem
from kazinex_storage.providers.memory import MemoryProvider

fsspec: Any = importlib.import_module("fsspec")  # it is untyped

Opener = Callable[[str], AbstractContextManager[Any]]


def openers(fs: Any) -> dict[str, Opener]:
    return {
        "fs.open wb": lambda path: fs.open(path, "wb"),
        "fs.open xb": lambda path: fs.open(path, "xb"),
        "fs.open w": lambda path: fs.open(path, "w"),
        "fs.open gzip": lambda path: fs.open(path, "wb", compression="gzip"),
        "fs.open bz2": lambda path: fs.open(path, "wb", compression="bz2"),
        "fs.open xz": lambda path: fs.open(path, "wb", compression="xz"),
        "fs.open zip": lambda path: fs.open(path, "wb", compression="zip"),
        "fs.open text gzip": lambda path: fs.open(path, "w", compression="gzip"),
        "fsspec.open wb": lambda path: fsspec.open(f"kazinex+memory://{path}", "wb"),
        "fsspec.open w": lambda path: fsspec.open(f"kazinex+memory://{path}", "w"),
        "fsspec.open gzip": lambda path: fsspec.open(f"kazinex+memory://{path}", "wb", compression="gzip"),
        "fsspec.open text gzip": lambda path: fsspec.open(f"kazinex+memory://{path}", "wt", compression="gzip"),
        "buffered": lambda path: io.BufferedWriter(fs.open(path, "wb")),
    }


WAYS = list(openers(MemoryFileSystem()))


def written(way: str) -> Any:
    return "text" if way.endswith((" w", "text gzip")) else b"bytes"


def write_and_stop(opened: AbstractContextManager[Any], data: Any) -> None:
    with opened as file:
        file.write(data)
        raise RuntimeError("stop")


@pytest.mark.parametrize("way", WAYS)
def test_an_exception_in_the_block_publishes_nothing(memory: Any, store: str, way: str) -> None:
    opened = openers(memory)[way](f"{store}/a.bin")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop(opened, written(way) * 100_000)

    assert not memory.exists(f"{store}/a.bin")


@pytest.mark.parametrize("way", [way for way in WAYS if "xb" not in way])
def test_an_exception_in_the_block_leaves_what_was_there(memory: Any, store: str, way: str) -> None:
    memory.pipe_file(f"{store}/a.bin", b"old")
    opened = openers(memory)[way](f"{store}/a.bin")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop(opened, written(way))

    assert memory.cat_file(f"{store}/a.bin") == b"old"


@pytest.mark.parametrize("way", WAYS)
def test_a_block_that_ends_in_peace_publishes(memory: Any, store: str, way: str) -> None:
    with openers(memory)[way](f"{store}/a.bin") as file:
        file.write(written(way))

    assert memory.size(f"{store}/a.bin") > 0


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip"])
def test_what_was_written_compressed_reads_back(fs: Any, base: str, compression: str) -> None:
    with fs.open(f"{base}/a", "wb", compression=compression) as file:
        file.write(b"plan" * 10_000)

    with fs.open(f"{base}/a", "rb", compression=compression) as file:
        assert b"plan" * 10_000 == file.read()


def test_the_compression_is_inferred_from_the_name(memory: Any, store: str) -> None:
    with memory.open(f"{store}/a.gz", "wt", compression="infer") as file:
        file.write("plan")

    assert gzip.decompress(memory.cat_file(f"{store}/a.gz")) == b"plan"


def test_text_is_encoded_and_decoded(fs: Any, base: str) -> None:
    fs.write_text(f"{base}/a.txt", "Müller\n", encoding="latin-1")

    assert fs.read_text(f"{base}/a.txt", encoding="latin-1") == "Müller\n"


def test_a_reader_seeks_and_reads_ranges(fs: Any, base: str) -> None:
    fs.pipe_file(f"{base}/a", bytes(range(200)))

    with fs.open(f"{base}/a", block_size=10) as file:
        file.seek(-10, io.SEEK_END)
        tail = file.read(3)
        file.seek(5)
        middle = file.read(4)

    assert bytes([190, 191, 192]) == tail
    assert bytes([5, 6, 7, 8]) == middle
    assert file.size == 200


def test_blocks_end_at_delimiters(memory: Any, store: str) -> None:
    memory.pipe_file(f"{store}/a", b"one\ntwo\nthree\n")

    assert memory.read_block(f"{store}/a", 2, 4, b"\n") == b"two\n"


def test_a_reader_does_not_mix_two_versions(memory: Any, store: str) -> None:
    memory.pipe_file(f"{store}/a", b"a" * 100_000)

    with memory.open(f"{store}/a", block_size=8192) as file:
        file.read(10)
        memory.pipe_file(f"{store}/a", b"b" * 100_000)

        with pytest.raises(PreconditionFailedError):
            file.read()


def test_creating_what_exists_is_refused_on_opening(fs: Any, base: str) -> None:
    fs.pipe_file(f"{base}/a", b"old")

    with pytest.raises(AlreadyExistsError):
        fs.open(f"{base}/a", "xb")


def test_creating_what_came_to_exist_meanwhile_is_refused_on_closing(fs: Any, base: str) -> None:
    file = fs.open(f"{base}/a", "xb")
    file.write(b"mine")
    fs.pipe_file(f"{base}/a", b"theirs")

    with pytest.raises(FileExistsError):
        file.close()

    assert fs.cat_file(f"{base}/a") == b"theirs"


@pytest.mark.parametrize("mode", ["ab", "a", "r+b", "w+b", "rw", ""])
def test_other_modes_are_refused(memory: Any, store: str, mode: str) -> None:
    with pytest.raises(NotImplementedError, match="written whole"):
        memory.open(f"{store}/a", mode)


def test_opening_what_is_missing_is_refused_at_once(fs: Any, base: str) -> None:
    with pytest.raises(NotFoundError):
        fs.open(f"{base}/a")


def test_opening_a_store_itself_is_refused(memory: Any, store: str) -> None:
    with pytest.raises(IsADirectoryError):
        memory.open(store)


def test_a_wrong_encoding_leaves_no_file_open(memory: Any, store: str) -> None:
    with pytest.raises(LookupError):
        memory.open(f"{store}/a", "w", encoding="no such encoding")

    assert not memory.exists(f"{store}/a")


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_over_the_limit_is_refused_while_it_is_written(compression: str | None) -> None:
    policy = UploadPolicy.make(kind="memory", ceiling=2**40, max_file_bytes=1000)
    with Storage(MemoryProvider(), policy=policy) as storage:
        fs = StorageFileSystem(storage=storage)

        with pytest.raises(FileTooLargeError), fs.open("a.bin", "wb", compression=compression) as file:
            file.writelines(str(number).encode() for number in range(200_000))

        assert fs.find("") == []


def test_content_type_and_metadata_are_kept() -> None:
    with Storage(MemoryProvider()) as storage:
        fs = StorageFileSystem(storage=storage)

        with fs.open("a", "wb", content_type="application/pdf", metadata={"stage": "P01"}) as file:
            file.write(b"%PDF")

        info = storage.head("a")
    assert (info.content_type, info.metadata) == ("application/pdf", {"stage": "P01"})


def test_a_file_outlives_the_file_system_that_opened_it(tmp_path: Any) -> None:
    (tmp_path / "a").write_bytes(b"plan")

    file = fsspec.filesystem("kazinex+local", root=str(tmp_path)).open("a")

    assert file.read() == b"plan"


def test_create_only_is_the_mode_of_the_storage() -> None:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", b"", PutOptions(mode=PutMode.CREATE))

        with pytest.raises(FileExistsError):
            StorageFileSystem(storage=storage).pipe_file("a", b"", mode="create")


def wrappers(path: str) -> dict[str, Callable[[], Any]]:
    """Ways to open *path* that hand out the outermost file alone."""
    url = f"kazinex+memory://{path}"
    fs = MemoryFileSystem()
    return {
        "text": lambda: fsspec.open(url, "wt").open(),
        "gzip": lambda: fsspec.open(url, "wb", compression="gzip").open(),
        "text gzip": lambda: fsspec.open(url, "wt", compression="gzip").open(),
        "text bz2": lambda: fsspec.open(url, "wt", compression="bz2").open(),
        "text xz": lambda: fsspec.open(url, "xt", compression="xz").open(),
        "text zip": lambda: fsspec.open(url, "wt", compression="zip").open(),
        "inferred gzip": lambda: fsspec.open(url, "wb", compression="infer").open(),
        "fs.open text": lambda: fs.open(path, "w"),
        "fs.open text gzip": lambda: fs.open(path, "w", compression="gzip"),
        "fs.open gzip": lambda: fs.open(path, "wb", compression="gzip"),
        "own buffer": lambda: io.BufferedWriter(fs.open(path, "wb")),
        "own text": lambda: io.TextIOWrapper(fs.open(path, "wb")),
    }


WRAPPERS = list(wrappers(""))


def words(way: str) -> Any:
    return "text" if "text" in way else b"text"


@pytest.mark.parametrize("way", WRAPPERS)
def test_closing_the_outermost_file_publishes(memory: Any, store: str, way: str) -> None:
    path = f"{store}/a.gz"
    file = wrappers(path)[way]()
    file.write(words(way))

    assert not memory.exists(path)
    file.close()

    codec = next((name for name in ("gzip", "bz2", "xz", "zip") if name in way), None)
    with memory.open(path, "rb", compression=codec) as stored:
        assert b"text" == stored.read()
    file.close()  # again


@pytest.mark.parametrize("way", WRAPPERS)
def test_a_forgotten_file_publishes_nothing_and_the_log_says_so(
    memory: Any, store: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"{store}/a.gz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)

        file = wrappers(path)[way]()
        file.write(words(way) * 100_000)
        del file
        gc.collect()

    assert not memory.exists(path)
    assert 1 == caplog.text.count("was never closed: nothing was published")


@pytest.mark.parametrize("way", WRAPPERS)
def test_an_exception_that_was_handled_before_the_file_is_collected_publishes_nothing(
    memory: Any, store: str, way: str
) -> None:
    path = f"{store}/a.gz"

    def export() -> None:
        file = wrappers(path)[way]()
        file.write(words(way))
        raise RuntimeError("stop")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with contextlib.suppress(RuntimeError):
            export()
        gc.collect()

    assert not memory.exists(path)


@pytest.mark.parametrize("way", WRAPPERS)
def test_closing_while_an_exception_passes_publishes_nothing(memory: Any, store: str, way: str) -> None:
    path = f"{store}/a.gz"

    def export() -> None:
        file = wrappers(path)[way]()
        try:
            file.write(words(way))
            raise RuntimeError("stop")
        finally:
            file.close()

    with pytest.raises(RuntimeError, match="stop"):
        export()

    assert not memory.exists(path)


def test_codecs_treat_files_of_others_as_before(memory: Any, store: str) -> None:
    memory.open(f"{store}/a", "wb").close()
    inner = io.BytesIO()

    outer = fsspec.compression.compr["gzip"](inner, mode="wb")
    outer.write(b"text")
    outer.close()

    assert isinstance(outer, gzip.GzipFile)
    assert not inner.closed
    assert b"text" == gzip.decompress(inner.getvalue())


def test_a_codec_that_is_registered_later_closes_too(memory: Any, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(infile: Any, mode: Any) -> Any:
        return bz2.BZ2File(infile, mode)

    monkeypatch.setitem(fsspec.compression.compr, "late", late)
    file = fsspec.open(f"kazinex+memory://{store}/a", "wb", compression="late").open()

    file.write(b"text")
    file.close()

    assert b"text" == bz2.decompress(memory.cat_file(f"{store}/a"))

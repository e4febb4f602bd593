"""What the file systems do, on memory and on local disk; moving trees about is in ``test_abstract.py``."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import AlreadyExistsError, InvalidKeyError, InvalidUrlError, NotFoundError
from kazinex_storage.fs.entries import slice_span

fsspec: Any = importlib.import_module("fsspec")  # it is untyped

TREE = ("a.pdf", "b/c.pdf", "b/d/e.pdf", "b/d/f.txt", "bb.pdf")


@pytest.fixture
def tree(fs: Any, base: str) -> str:
    fs.pipe({f"{base}/{name}": name.encode() for name in TREE})
    return base


def names(tree: str, *found: str) -> list[str]:
    return [f"{tree}/{name}" if name else tree for name in found]


def test_info_tells_what_is_known_of_an_object(fs: Any, base: str) -> None:
    fs.pipe_file(f"{base}/a.pdf", b"%PDF")

    info: dict[str, Any] = fs.info(f"{base}/a.pdf")

    assert (info["name"], info["size"], info["type"]) == (f"{base}/a.pdf", 4, "file")
    assert info["content_type"] == "application/pdf"
    assert info["etag"] == info["ETag"]
    assert abs(info["LastModified"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert info["mtime"] == info["LastModified"].timestamp()
    assert info["sha256"] == hashlib.sha256(b"%PDF").hexdigest()


def test_info_of_a_folder_says_so(fs: Any, tree: str) -> None:
    assert fs.info(f"{tree}/b/") == {"name": f"{tree}/b", "size": 0, "type": "directory"}


def test_info_of_what_is_missing_is_refused(fs: Any, tree: str) -> None:
    with pytest.raises(FileNotFoundError):
        fs.info(f"{tree}/b/x")


def test_a_listing_is_of_one_level_in_order(fs: Any, tree: str) -> None:
    assert fs.ls(tree, detail=False) == names(tree, "a.pdf", "b", "bb.pdf")
    assert [entry["type"] for entry in fs.ls(tree, refresh=True)] == ["file", "directory", "file"]


def test_listing_an_object_gives_the_object(fs: Any, tree: str) -> None:
    assert fs.ls(f"{tree}/b/c.pdf", detail=False) == names(tree, "b/c.pdf")


def test_listing_what_is_missing_is_refused(fs: Any, tree: str) -> None:
    with pytest.raises(FileNotFoundError):
        fs.ls(f"{tree}/x")


def test_find_gives_every_object_below(fs: Any, tree: str) -> None:
    assert fs.find(tree) == names(tree, *TREE)
    assert fs.find(f"{tree}/b/c.pdf") == names(tree, "b/c.pdf")
    assert fs.find(f"{tree}/x") == []
    assert fs.find(tree, maxdepth=2) == names(tree, "a.pdf", "b/c.pdf", "bb.pdf")
    assert fs.find(tree, withdirs=True) == names(tree, "", "a.pdf", "b", "b/c.pdf", "b/d", *TREE[2:])
    assert fs.find(tree, withdirs=True, maxdepth=1) == names(tree, "", "a.pdf", "b", "bb.pdf")
    assert fs.find(f"{tree}/b", detail=True)[f"{tree}/b/c.pdf"]["size"] == 7


def test_walking_goes_through_the_levels(fs: Any, tree: str) -> None:
    walked = list(fs.walk(tree))

    assert [
        (tree, ["b"], ["a.pdf", "bb.pdf"]),
        (f"{tree}/b", ["d"], ["c.pdf"]),
        (f"{tree}/b/d", [], ["e.pdf", "f.txt"]),
    ] == walked


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["a.pdf", "b", "bb.pdf"]),
        ("*.pdf", ["a.pdf", "bb.pdf"]),
        ("b*", ["b", "bb.pdf"]),
        ("b*/", ["b"]),
        ("*/*", ["b/c.pdf", "b/d"]),
        ("**/*.pdf", ["a.pdf", "b/c.pdf", "b/d/e.pdf", "bb.pdf"]),
        ("b/**", ["b", "b/c.pdf", "b/d", "b/d/e.pdf", "b/d/f.txt"]),
        ("b/d/[ef].*", ["b/d/e.pdf", "b/d/f.txt"]),
        ("?b.pdf", ["bb.pdf"]),
        ("a.pdf", ["a.pdf"]),
        ("x*", []),
        ("x/y", []),
    ],
)
def test_patterns_match_as_in_other_file_systems(fs: Any, tree: str, pattern: str, found: list[str]) -> None:
    reference = fsspec.filesystem("memory", skip_instance_cache=True)
    reference.store, reference.pseudo_dirs = {}, [""]
    reference.pipe({f"/{tree}/{name}": name.encode() for name in TREE})

    assert fs.glob(f"{tree}/{pattern}") == names(tree, *found)
    assert set(names(tree, *found)) == {name.strip("/") for name in reference.glob(f"/{tree}/{pattern}")}


def test_depth_bounds_a_pattern(fs: Any, tree: str) -> None:
    assert fs.glob(f"{tree}/**", maxdepth=1) == names(tree, "", "a.pdf", "b", "bb.pdf")
    with pytest.raises(ValueError, match="maxdepth"):
        fs.glob(f"{tree}/**", maxdepth=0)


def test_existence_is_of_objects_and_folders(fs: Any, tree: str) -> None:
    paths = names(tree, "a.pdf", "b", "x", "b/d/e")

    assert [fs.exists(path) for path in paths] == [True, True, False, False]
    assert [fs.isfile(path) for path in paths] == [True, False, False, False]
    assert [fs.isdir(path) for path in paths] == [False, True, False, False]


@pytest.mark.parametrize("path", ["a/../b", "a//b", "/a", "a\\b", "a/\x00"])
def test_a_path_that_no_object_can_have_is_refused(fs: Any, base: str, path: str) -> None:
    url = path if path.startswith("/") else f"{base}/{path}"

    for call in (fs.exists, fs.cat_file, fs.ls, fs.find, fs.rm_file, fs.touch, fs.open):
        with pytest.raises((InvalidKeyError, InvalidUrlError)):
            call(url)


def test_sizes_are_summed(fs: Any, tree: str) -> None:
    assert fs.du(f"{tree}/b") == 7 + 9 + 9
    assert fs.du(f"{tree}/b/d", total=False) == dict.fromkeys(names(tree, "b/d/e.pdf", "b/d/f.txt"), 9)
    assert fs.sizes(names(tree, "a.pdf", "b/c.pdf")) == [5, 7]


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (2, 5), (2, None), (-3, None), (None, -3), (-5, -2), (1, -1), (5, 2), (50, 60)]
)
def test_ranges_are_python_slices(fs: Any, base: str, start: int | None, end: int | None) -> None:
    data = bytes(range(10))
    fs.pipe_file(f"{base}/a", data)

    assert data[start:end] == fs.cat_file(f"{base}/a", start, end)


@given(
    st.none() | st.integers(-30, 30),
    st.none() | st.integers(-30, 30),
    st.integers(0, 20),
)
def test_a_slice_is_the_span_that_python_means(start: int | None, end: int | None, size: int) -> None:
    data = bytes(range(size))
    span = slice_span(start, end, None) or slice_span(start, end, size)

    assert span is not None
    first, last = span.resolve(size)
    assert data[start:end] == data[first:last]


def test_many_objects_are_read_at_once(fs: Any, tree: str) -> None:
    assert fs.cat(f"{tree}/a.pdf") == b"a.pdf"
    assert fs.cat(names(tree, "a.pdf")) == {f"{tree}/a.pdf": b"a.pdf"}
    assert fs.cat(f"{tree}/b", recursive=True) == {f"{tree}/{name}": name.encode() for name in TREE[1:4]}
    assert fs.cat(f"{tree}/*.pdf") == {f"{tree}/{name}": name.encode() for name in ("a.pdf", "bb.pdf")}


def test_errors_of_many_are_raised_left_out_or_returned(fs: Any, tree: str) -> None:
    paths = names(tree, "a.pdf", "x")

    with pytest.raises(NotFoundError):
        fs.cat(paths)
    assert fs.cat(paths, on_error="omit") == {f"{tree}/a.pdf": b"a.pdf"}
    assert isinstance(fs.cat(paths, on_error="return")[f"{tree}/x"], NotFoundError)


def test_ranges_of_many_objects_are_read_at_once(fs: Any, tree: str) -> None:
    paths = names(tree, "a.pdf", "b/c.pdf", "x")

    found = fs.cat_ranges(paths, [0, -4, 0], [1, None, 1])

    assert found[:2] == [b"a", b".pdf"]
    assert isinstance(found[2], NotFoundError)
    assert fs.cat_ranges(paths[:2], 1, 3) == [b".p", b"/c"]
    with pytest.raises(NotFoundError):
        fs.cat_ranges(paths, 0, 1, on_error="raise")
    with pytest.raises(ValueError, match="as many"):
        fs.cat_ranges(paths, [0], [1])
    assert fs.cat_ranges([paths[0]] * 2, [0, 4], [1, 5], max_gap=10) == [b"a", b"f"]


def test_the_ends_of_an_object_are_read(fs: Any, tree: str) -> None:
    path = f"{tree}/b/c.pdf"

    assert (fs.head(path, 3), fs.tail(path, 4), fs.tail(path, 0)) == (b"b/c", b".pdf", b"")


def test_creating_over_an_object_is_refused(fs: Any, tree: str) -> None:
    with pytest.raises(AlreadyExistsError):
        fs.pipe_file(f"{tree}/a.pdf", b"", mode="create")
    with pytest.raises(ValueError, match="neither"):
        fs.pipe_file(f"{tree}/a.pdf", b"", mode="append")


def test_marks_change_with_the_bytes(fs: Any, base: str) -> None:
    path = f"{base}/a"
    fs.pipe_file(path, b"one")
    before = fs.checksum(path), fs.ukey(path)

    fs.pipe_file(path, b"two")
    changed = fs.checksum(path), fs.ukey(path)
    fs.pipe_file(path, b"one")

    assert before[0] != changed[0]
    assert before[1] != changed[1]
    assert before == (fs.checksum(path), fs.ukey(path))


def test_times_are_aware(fs: Any, tree: str) -> None:
    assert fs.modified(f"{tree}/a.pdf").tzinfo is UTC
    assert fs.created(f"{tree}/a.pdf") == fs.modified(f"{tree}/a.pdf")
    with pytest.raises(IsADirectoryError):
        fs.modified(f"{tree}/b")


def test_signing_is_refused_where_the_provider_does_not_sign(fs: Any, tree: str) -> None:
    with pytest.raises(NotImplementedError, match="does not sign"):
        fs.sign(f"{tree}/a.pdf")


def test_touching_makes_an_empty_object(fs: Any, tree: str) -> None:
    fs.touch(f"{tree}/new")
    fs.touch(f"{tree}/a.pdf")
    fs.touch(f"{tree}/newer", truncate=False)

    assert fs.sizes(names(tree, "new", "a.pdf", "newer")) == [0, 0, 0]
    with pytest.raises(NotImplementedError, match="time"):
        fs.touch(f"{tree}/bb.pdf", truncate=False)


def test_folders_need_not_be_made(fs: Any, tree: str) -> None:
    fs.mkdir(f"{tree}/new")
    fs.makedirs(f"{tree}/new/one")
    fs.makedirs(f"{tree}/a.pdf", exist_ok=True)
    fs.rmdir(f"{tree}/new")

    assert not fs.exists(f"{tree}/new")
    for make in (fs.mkdir, fs.makedirs):
        with pytest.raises(FileExistsError):
            make(f"{tree}/a.pdf")
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(f"{tree}/b")


def test_removing(fs: Any, tree: str) -> None:
    fs.rm_file(f"{tree}/a.pdf")
    fs.rm(f"{tree}/b/d", recursive=True)
    fs.rm(f"{tree}/b*.pdf")

    assert fs.find(tree) == names(tree, "b/c.pdf")


def test_removing_everything(fs: Any, tree: str) -> None:
    fs.rm(tree, recursive=True)

    assert fs.find(tree) == []


@pytest.mark.parametrize("recursive", [False, True])
def test_removing_what_is_missing_is_refused_and_removes_nothing(fs: Any, tree: str, recursive: bool) -> None:
    with pytest.raises(FileNotFoundError):
        fs.rm(f"{tree}/x", recursive=recursive)
    with pytest.raises(FileNotFoundError):
        fs.rm_file(f"{tree}/x")
    if not recursive:
        with pytest.raises(FileNotFoundError):
            fs.rm(names(tree, "a.pdf", "x"))

    assert fs.find(tree) == names(tree, *TREE)


def test_removing_a_folder_needs_to_be_said(fs: Any, tree: str) -> None:
    with pytest.raises(IsADirectoryError, match="recursive"):
        fs.rm(names(tree, "a.pdf", "b"))

    assert fs.find(tree) == names(tree, *TREE)


def test_a_name_with_the_characters_of_a_pattern_is_that_object(fs: Any, base: str, tmp_path: Path) -> None:
    fs.pipe({f"{base}/Plan [A].pdf": b"brackets", f"{base}/Plan A.pdf": b"plain"})
    (tmp_path / "Detail [1].pdf").write_bytes(b"local")

    content = fs.cat(f"{base}/Plan [A].pdf")
    fs.copy(f"{base}/Plan [A].pdf", f"{base}/copy.pdf")
    fs.put(str(tmp_path / "Detail [1].pdf"), f"{base}/")
    fs.rm(f"{base}/Plan [A].pdf")

    assert content == b"brackets"
    assert fs.find(base) == names(base, "Detail [1].pdf", "Plan A.pdf", "copy.pdf")


def test_copying_and_moving(fs: Any, tree: str) -> None:
    fs.cp_file(f"{tree}/a.pdf", f"{tree}/copy.pdf")
    fs.mv(f"{tree}/b/d", f"{tree}/moved", recursive=True)
    fs.mv(f"{tree}/bb.pdf", f"{tree}/b/")

    assert fs.find(tree) == names(tree, "a.pdf", "b/bb.pdf", "b/c.pdf", "copy.pdf", "moved/e.pdf", "moved/f.txt")
    assert fs.cat_file(f"{tree}/moved/e.pdf") == b"b/d/e.pdf"


def test_moving_what_is_missing_or_a_folder_is_refused(fs: Any, tree: str) -> None:
    with pytest.raises(FileNotFoundError):
        fs.mv(f"{tree}/x", f"{tree}/y")
    with pytest.raises(IsADirectoryError, match="recursive"):
        fs.mv(f"{tree}/b", f"{tree}/y")
    fs.mv(f"{tree}/a.pdf", f"{tree}/a.pdf")

    assert fs.find(tree) == names(tree, *TREE)


def test_downloading_makes_folders_and_is_whole_or_absent(fs: Any, tree: str, tmp_path: Path) -> None:
    fs.get_file(f"{tree}/b/c.pdf", tmp_path / "new" / "folder" / "c.pdf")
    with pytest.raises(FileNotFoundError):
        fs.get_file(f"{tree}/x", tmp_path / "x")
    with (tmp_path / "open").open("wb") as outfile:
        fs.get_file(f"{tree}/a.pdf", outfile)

    assert (tmp_path / "new" / "folder" / "c.pdf").read_bytes() == b"b/c.pdf"
    assert (tmp_path / "open").read_bytes() == b"a.pdf"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name not in ("root",)) == ["new", "open"]


def test_progress_is_reported(fs: Any, base: str, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"x" * 1000)
    up, down, many = (fsspec.callbacks.Callback() for _ in range(3))

    fs.put_file(str(tmp_path / "up"), f"{base}/a", callback=up)
    fs.get_file(f"{base}/a", str(tmp_path / "down"), callback=down)
    fs.get(base, str(tmp_path / "all"), recursive=True, callback=many)

    assert [(1000, 1000), (1000, 1000), (1, 1)] == [(one.value, one.size) for one in (up, down, many)]


def test_a_root_of_stores_is_listed_and_not_searched(memory: Any, store: str) -> None:
    memory.pipe_file(f"{store}/a", b"")
    assert store in memory.ls("kazinex+memory://", detail=False)
    for call in (memory.find, memory.rm_file, lambda root: memory.rm(root, recursive=True)):
        with pytest.raises(NotImplementedError, match="name one"):
            call("kazinex+memory://")
    assert memory.isdir("kazinex+memory://")


def test_the_root_of_a_disk_is_a_folder(local: Any) -> None:
    local.pipe({"a": b"1", "b/c": b"2"})
    local.copy("b", "", recursive=True)

    assert local.ls("", detail=False) == ["a", "b", "c"]
    assert local.ls("/", detail=False) == local.ls("kazinex+local://", detail=False)
    assert local.glob("*") == ["a", "b", "c"]
    assert [path for path, _, _ in local.walk("")] == ["", "b"]


def test_an_object_may_bear_the_name_of_a_folder(memory: Any, store: str) -> None:
    memory.pipe({f"{store}/a": b"object", f"{store}/a/b": b"below"})

    listed = memory.ls(store)
    walked = [path for path, _, _ in memory.walk(store)]
    memory.rm(f"{store}/a", recursive=True)

    assert [entry["type"] for entry in listed] == ["file", "directory"]
    assert walked == [store, f"{store}/a"]
    assert memory.find(store) == []


def test_blocking_calls_start_no_thread_of_fsspec(tmp_path: Path) -> None:
    """In a process of its own: other libraries in this one may have started that thread."""
    program = """
import sys, threading
from kazinex_storage.fs import LocalDiskFileSystem
fs = LocalDiskFileSystem(root=sys.argv[1])
fs.pipe({f"a/{number}": b"plan" for number in range(40)})
fs.cat("a", recursive=True)
fs.get("a", sys.argv[1] + "/out", recursive=True)
fs.put(sys.argv[1] + "/out", "b", recursive=True)
fs.rm("a", recursive=True)
list(fs.walk(""))
with fs.open("b/1") as file:
    file.read()
print(*(thread.name for thread in threading.enumerate() if not thread.name.startswith("kazinex-storage")))
"""

    found = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True, text=True)

    assert found.stdout.split() == ["MainThread"]


def test_nothing_is_cached(fs: Any, tree: str) -> None:
    fs.ls(tree)
    other = type(fs)(**fs.storage_options)
    other.pipe_file(f"{tree}/new", b"")

    assert f"{tree}/new" in fs.ls(tree, detail=False)
    assert len(fs.dircache) == 0
    assert other is not fs


def test_threads_share_a_file_system(fs: Any, base: str) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                path = f"{base}/{number}/{turn}"
                fs.pipe_file(path, path.encode())
                assert fs.cat_file(path) == path.encode()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(fs.find(base)) == 80

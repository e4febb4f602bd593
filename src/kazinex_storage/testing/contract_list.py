"""What listings owe: every object below a prefix, recursively and one level at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ..errors import InvalidKeyError
from ..types import Folder, ObjectInfo
from .bench import Bench, names, naming

_TREE = [
    "a",
    "ab",
    "folder/a",
    "folder/b",
    "folder/deeper/c",
    "folder/deeper/still/d",
    "folder.txt",
    "folder2/e",
    "z/only/deep/f",
]

_LEVELS: list[tuple[str, Sequence[str]]] = [
    ("", ["a", "ab", "folder.txt", "folder/", "folder2/", "z/"]),
    ("a", ["a", "ab"]),
    ("f", ["folder.txt", "folder/", "folder2/"]),
    ("folder", ["folder.txt", "folder/", "folder2/"]),
    ("folder/", ["folder/a", "folder/b", "folder/deeper/"]),
    ("folder/d", ["folder/deeper/"]),
    ("folder/deeper/", ["folder/deeper/c", "folder/deeper/still/"]),
    ("z/", ["z/only/"]),
    ("z/only/deep/f", ["z/only/deep/f"]),
    ("nothing", []),
    ("nothing/", []),
    ("a/", []),
    ("ab/cd/", []),
]


def _fill(bench: Bench) -> None:
    bench.storage.put_many((key, key.encode()) for key in _TREE)


class ListContract:
    """Listing."""

    def test_an_empty_storage_lists_nothing(self, bench: Bench) -> None:
        assert [] == list(bench.storage.list())
        assert [] == list(bench.storage.list(recursive=False))

    def test_a_recursive_listing_gives_every_key_that_begins_so(self, bench: Bench) -> None:
        _fill(bench)

        for prefix, _ in _LEVELS:
            with naming(prefix):
                found = [info.key for info in bench.storage.list(prefix)]

                assert sorted(key for key in _TREE if key.startswith(prefix)) == sorted(found)

    def test_a_listing_of_one_level_gives_objects_and_folders(self, bench: Bench) -> None:
        _fill(bench)

        for prefix, expected in _LEVELS:
            with naming(prefix):
                found = list(bench.storage.list(prefix, recursive=False))

                assert sorted(expected) == names(found)
                assert [name for name in sorted(expected) if name.endswith("/")] == names(
                    entry for entry in found if isinstance(entry, Folder)
                )

    def test_entries_say_size_and_etag_as_head_does(self, bench: Bench) -> None:
        _fill(bench)

        found = {info.key: (info.size, info.etag) for info in bench.storage.list()}

        heads = {key: bench.storage.head(key) for key in _TREE}
        listed = bench.harness.lists_etags or bench.prefix
        assert {key: (info.size, info.etag if listed else None) for key, info in heads.items()} == found

    def test_entries_of_one_level_say_size_and_etag_too(self, bench: Bench) -> None:
        _fill(bench)

        found = [entry for entry in bench.storage.list("folder/", recursive=False) if isinstance(entry, ObjectInfo)]

        assert {(info.size, info.etag) for info in map(bench.storage.head, ("folder/a", "folder/b"))} == {
            (info.size, info.etag) for info in found
        }

    def test_a_long_listing_gives_every_object_once(self, bench: Bench) -> None:
        """As a whole and of one level, which has folders between its objects; both are more than one page."""
        count = bench.harness.page_items
        objects = [f"long/{index:05}" for index in range(count)]
        folders = [f"long/{index:05}-more/" for index in range(0, count, max(1, count // 7))]
        deeper = [f"{folder}{index}" for folder in folders for index in range(9)]
        bench.storage.put_many((key, b"1") for key in [*objects, *deeper])

        found = [info.key for info in bench.storage.list("long/")]
        level = names(bench.storage.list("long/", recursive=False))

        assert sorted([*objects, *deeper]) == sorted(found)
        assert sorted([*objects, *folders]) == level

    def test_a_listing_may_be_left_early(self, bench: Bench) -> None:
        _fill(bench)

        with_rest = bench.storage.list()
        first = next(with_rest)
        del with_rest

        assert first.key in _TREE
        assert sorted(_TREE) == bench.keys()

    def test_objects_may_be_deleted_while_they_are_listed(self, bench: Bench) -> None:
        _fill(bench)

        for info in bench.storage.list():
            bench.storage.delete(info.key)

        assert [] == bench.keys()
        if not bench.harness.lingering_folders:
            assert [] == names(bench.storage.list(recursive=False))

    def test_a_folder_is_gone_with_its_last_object(self, bench: Bench) -> None:
        bench.storage.put("a/b/c", b"1")
        bench.storage.put("a/d", b"1")

        bench.storage.delete("a/b/c")

        found = names(bench.storage.list("a/", recursive=False))
        lingering = ["a/b/"] if bench.harness.lingering_folders else []
        assert found in (["a/d"], [*lingering, "a/d"])
        assert ["a/d"] == [info.key for info in bench.storage.list("a/")]

    def test_what_another_client_wrote_is_listed(self, bench: Bench) -> None:
        bench.poke("theirs/a.txt", b"12345")

        assert [("theirs/a.txt", 5)] == [(info.key, info.size) for info in bench.storage.list()]

    def test_a_prefix_that_no_key_can_begin_with_is_refused(self, bench: Bench) -> None:
        recording, storage = bench.recorded()

        for prefix in ("/", "a//b", "../", "a/../", "./", "a\\b", "a\x00"):
            with naming(prefix), pytest.raises(InvalidKeyError):
                list(storage.list(prefix))

        assert [] == recording.calls

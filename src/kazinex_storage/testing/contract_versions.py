"""What a place that keeps earlier versions owes, and one that keeps what is deleted, by itself or by ``Storage``."""

from __future__ import annotations

import pytest

from ..capabilities import Capability
from ..errors import AlreadyExistsError, InvalidKeyError, NotFoundError
from ..storage.sync import Storage
from ..types import ByteRange, Folder
from .bench import Bench, needs


def _list_versions(storage: Storage) -> object:
    return storage.versions("a")


def _list_deleted(storage: Storage) -> object:
    return storage.deleted()


class VersionContract:
    """Versions, undelete and purge."""

    @needs(Capability.VERSIONS, _list_versions)
    def test_what_is_replaced_can_be_listed_read_and_restored(self, bench: Bench) -> None:
        storage = bench.storage
        for data in (b"first", b"second one", b"third"):
            storage.put("folder/a b.txt", data)
        storage.put("folder/a b.txt.bak", b"another")

        found = storage.versions("folder/a b.txt")
        second = found[1].version

        assert [(5, True), (10, False), (5, False)] == [(one.size, one.is_current) for one in found]
        assert {"folder/a b.txt"} == {one.key for one in found}
        assert b"second one" == storage.get_bytes("folder/a b.txt", version=second)
        assert b"cond" == storage.get_bytes("folder/a b.txt", ByteRange(start=2, end=6), version=second)
        assert b"second one" == b"".join(storage.stream("folder/a b.txt", version=second))
        assert (10, second) == (
            storage.head("folder/a b.txt", version=second).size,
            storage.head("folder/a b.txt", version=second).version,
        )
        storage.download("folder/a b.txt", bench.folder / "second", version=second)
        assert b"second one" == (bench.folder / "second").read_bytes()
        storage.restore("folder/a b.txt", second)
        assert b"second one" == bench.peek("folder/a b.txt")
        assert 4 == len(storage.versions("folder/a b.txt"))

    @needs(Capability.VERSIONS, _list_versions)
    def test_there_is_no_version_of_what_never_was(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")
        bench.storage.put("b", b"2")
        foreign = bench.storage.versions("b")[0].version

        for asked in (
            lambda: bench.storage.versions("missing"),
            lambda: bench.storage.head("a", version="9" * 20),
            lambda: bench.storage.get_bytes("missing", version=foreign),
        ):
            with pytest.raises(NotFoundError):
                asked()

    @needs(Capability.UNDELETE, _list_deleted)
    def test_what_was_deleted_is_hidden_and_brought_back(self, bench: Bench) -> None:
        storage = bench.storage
        put = storage.put("folder/a b.txt", b"kept")
        storage.put("folder/other", b"other")
        storage.delete("folder/a b.txt")
        storage.delete_many(["folder/other", "never/was"])

        assert [] == bench.keys()
        assert not storage.exists("folder/a b.txt")
        assert [] == [entry for entry in storage.list(recursive=False) if not isinstance(entry, Folder)]
        assert [".trash/"] != [entry.prefix for entry in storage.list(recursive=False) if isinstance(entry, Folder)]
        assert {"folder/a b.txt": 4, "folder/other": 5} == {one.key: one.size for one in storage.deleted("folder/")}
        assert [] == storage.deleted("another/")

        back = storage.undelete("folder/a b.txt")

        assert ("folder/a b.txt", 4, put.content_type) == (back.key, back.size, back.content_type or put.content_type)
        assert b"kept" == bench.peek("folder/a b.txt")
        assert ["folder/a b.txt"] == bench.keys()
        with pytest.raises(NotFoundError):
            storage.undelete("never/was")

    @needs(Capability.UNDELETE, _list_deleted)
    def test_each_delete_is_kept_by_itself_and_nothing_is_replaced_by_it(self, bench: Bench) -> None:
        storage = bench.storage
        for data in (b"1", b"22"):
            storage.put("a", data)
            storage.delete("a")
        second, first = storage.deleted("a")

        assert [2, 1] == [second.size, first.size]
        storage.put("a", b"333")
        with pytest.raises(AlreadyExistsError):
            storage.undelete("a")
        assert b"333" == bench.peek("a")
        storage.delete("a")
        storage.undelete("a", first.version)
        assert b"1" == bench.peek("a")

    @needs(Capability.UNDELETE, _list_deleted)
    def test_what_is_purged_is_gone_for_good(self, bench: Bench) -> None:
        storage = bench.storage
        storage.put("a", b"1")
        storage.delete("a")
        storage.put("a", b"22")
        storage.put("a/b" if not bench.provider.info.hierarchical else "ab", b"stays")

        storage.purge("a")
        storage.purge("a")

        assert [] == storage.deleted("a")
        assert bench.peek("a") is None
        assert 1 == len(bench.keys())
        with pytest.raises(NotFoundError):
            storage.undelete("a")

    @needs(Capability.UNDELETE, _list_deleted)
    def test_nobody_names_what_is_kept_of_deletes(self, bench: Bench) -> None:
        storage = bench.storage
        storage.put("a", b"1")
        storage.delete("a")
        if storage.info.keeps_deleted_for is None:
            return  # the place keeps it, under no key at all

        for named in (
            lambda: storage.put(".trash/a", b"2"),
            lambda: storage.get_bytes(".TRASH/a/x"),
            lambda: storage.head(".trash"),
            lambda: storage.scoped(".trash"),
            lambda: storage.copy("b", ".Trash/a"),
            lambda: list(storage.list(".trash/")),
        ):
            with pytest.raises(InvalidKeyError, match="trash"):
                named()
        assert 1 == storage.put(".trashy", b"3").size

"""What copying and moving owe, on the server or through this process."""

from __future__ import annotations

import pytest

from ..capabilities import Capability
from ..errors import AlreadyExistsError, FileTooLargeError, NotFoundError
from ..policy import UploadPolicy
from ..types import PutMode
from .bench import Bench, needs, pattern, race, sha256


class CopyContract:
    """Copying and moving inside one storage."""

    @pytest.mark.parametrize("size", [0, 5, 1_500_000])
    def test_a_copy_has_the_bytes_and_the_source_stays(self, bench: Bench, size: int) -> None:
        data = pattern(size)
        bench.storage.put("from/a.pdf", data)

        info = bench.storage.copy("from/a.pdf", "to/deep/b.pdf")

        assert ("to/deep/b.pdf", size) == (info.key, info.size)
        assert (data, data) == (bench.peek("from/a.pdf"), bench.peek("to/deep/b.pdf"))
        assert bench.storage.head("to/deep/b.pdf").etag == info.etag

    def test_a_large_object_is_copied_whole(self, bench: Bench) -> None:
        data = pattern(bench.harness.large_bytes)
        bench.storage.put("a", data, sha256=sha256(data))

        bench.storage.copy("a", "b")

        assert data == bench.peek("b")
        assert bench.storage.head("b").sha256 in (
            {sha256(data)} if bench.can(Capability.CHECKSUM) else {sha256(data), None}
        )

    def test_what_is_larger_than_the_policy_allows_is_neither_copied_nor_moved(self, bench: Bench) -> None:
        bench.storage.put("a.pdf", b"12345")
        strict = bench.storage.with_policy(UploadPolicy(max_file_bytes=4, ceiling=4))

        for call in (strict.copy, strict.move):
            with pytest.raises(FileTooLargeError):
                call("a.pdf", "b.pdf")

        assert b"12345" == bench.peek("a.pdf")
        assert not bench.storage.exists("b.pdf")
        assert 5 == bench.storage.with_policy(UploadPolicy(max_file_bytes=5, ceiling=5)).copy("a.pdf", "b.pdf").size

    def test_a_copy_replaces_its_target(self, bench: Bench) -> None:
        bench.storage.put("a", b"new")
        bench.storage.put("b", b"old and longer")

        bench.storage.copy("a", "b")

        assert b"new" == bench.peek("b")

    def test_a_copy_is_independent_of_its_source(self, bench: Bench) -> None:
        bench.storage.put("a", b"first")
        bench.storage.copy("a", "b")

        bench.storage.put("a", b"second")
        bench.storage.delete("a")

        assert b"first" == bench.storage.get_bytes("b")

    def test_what_another_client_wrote_is_copied(self, bench: Bench) -> None:
        bench.poke("theirs", b"12345")

        bench.storage.copy("theirs", "ours")

        assert b"12345" == bench.peek("ours")

    @pytest.mark.parametrize("mode", PutMode)
    def test_copying_what_is_missing_is_not_found_and_leaves_the_target(self, bench: Bench, mode: PutMode) -> None:
        if mode is PutMode.CREATE and not bench.proves(
            Capability.CREATE_ONLY, lambda storage: storage.copy("a", "b", mode=mode)
        ):
            return
        bench.storage.put("b", b"old")

        for target in ("b", "c"):
            with pytest.raises((NotFoundError, AlreadyExistsError) if mode is PutMode.CREATE else NotFoundError):
                bench.storage.copy("a", target, mode=mode)

        assert ["b"] == bench.keys()
        assert b"old" == bench.peek("b")

    @needs(Capability.CREATE_ONLY, lambda storage: storage.copy("a", "b", mode=PutMode.CREATE))
    def test_a_create_only_copy_over_an_object_is_refused(self, bench: Bench) -> None:
        bench.storage.put("a", b"new")
        bench.storage.put("b", b"old")

        with pytest.raises(AlreadyExistsError):
            bench.storage.copy("a", "b", mode=PutMode.CREATE)

        assert (b"new", b"old") == (bench.peek("a"), bench.peek("b"))

    @needs(Capability.CREATE_ONLY, lambda storage: storage.copy("a", "b", mode=PutMode.CREATE))
    def test_a_create_only_copy_to_a_free_key_is_done(self, bench: Bench) -> None:
        bench.storage.put("a", b"new")

        bench.storage.copy("a", "folder/b", mode=PutMode.CREATE)

        assert b"new" == bench.peek("folder/b")

    def test_copying_onto_itself_is_refused(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")

        with pytest.raises(ValueError, match="same key"):
            bench.storage.copy("a", "a")

        assert b"1" == bench.peek("a")

    def test_a_moved_object_has_its_new_key_only(self, bench: Bench) -> None:
        bench.storage.put("from/a", b"12345")

        info = bench.storage.move("from/a", "to/b")

        assert "to/b" == info.key
        assert ["to/b"] == bench.keys()
        assert (None, b"12345") == (bench.peek("from/a"), bench.peek("to/b"))

    def test_a_move_replaces_its_target(self, bench: Bench) -> None:
        bench.storage.put("a", b"new")
        bench.storage.put("b", b"old and longer")

        info = bench.storage.move("a", "b")

        assert ("b", 3) == (info.key, info.size)
        assert ["b"] == bench.keys()
        assert b"new" == bench.peek("b")

    def test_moving_what_is_missing_is_not_found_and_leaves_the_target(self, bench: Bench) -> None:
        bench.storage.put("b", b"old")

        for target in ("b", "c"):
            with pytest.raises(NotFoundError):
                bench.storage.move("a", target)

        assert ["b"] == bench.keys()
        assert b"old" == bench.peek("b")

    def test_two_that_move_one_object_do_not_lose_it(self, bench: Bench) -> None:
        bench.storage.put("a", b"12345")

        outcomes = race(2, lambda index: bench.storage.move("a", "bc"[index]))

        moved = [outcome.result().key for outcome in outcomes if outcome.error is None]
        assert moved, outcomes
        left = bench.keys()
        assert {b"12345"} == {bench.peek(key) for key in left}
        if bench.can(Capability.SERVER_MOVE):
            assert moved == left

    def test_the_service_moves_where_it_can(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")
        recording, storage = bench.recorded()

        storage.move("a", "b")
        storage.put("c", b"2")
        storage.move("c", "b")

        assert 2 * bench.can(Capability.SERVER_MOVE) == recording.count("move")
        assert not bench.can(Capability.SERVER_MOVE) or {"move", "put"} == {name for name, _ in recording.calls}
        assert b"2" == bench.peek("b")

    def test_without_the_capability_an_object_is_copied_and_deleted(self, bench: Bench) -> None:
        bench.storage.put("a", b"12345")
        recording, storage = bench.recorded(without=frozenset({Capability.SERVER_MOVE}))

        storage.move("a", "b")

        assert 1 == recording.count("delete")
        assert ["b"] == bench.keys()
        assert b"12345" == bench.peek("b")

    @needs(Capability.CREATE_ONLY, lambda storage: storage.move("a", "b", mode=PutMode.CREATE))
    def test_a_refused_move_leaves_both(self, bench: Bench) -> None:
        bench.storage.put("a", b"new")
        bench.storage.put("b", b"old")

        with pytest.raises(AlreadyExistsError):
            bench.storage.move("a", "b", mode=PutMode.CREATE)

        assert (b"new", b"old") == (bench.peek("a"), bench.peek("b"))

    def test_the_service_copies_where_it_can_and_this_process_elsewhere(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")
        recording, storage = bench.recorded()

        storage.copy("a", "b")

        expected = {"copy"} if bench.can(Capability.SERVER_COPY) else {"get", "put"}
        assert expected == {operation for operation, _ in recording.calls}

    def test_without_the_capability_the_bytes_pass_through_this_process(self, bench: Bench) -> None:
        data = pattern(bench.harness.large_bytes)
        bench.storage.put("a", data)
        recording, storage = bench.recorded(without=frozenset({Capability.SERVER_COPY}))

        storage.copy("a", "b")

        assert {"get", "put"} == {operation for operation, _ in recording.calls} - {"tags"}  # which a copy keeps
        assert data == bench.peek("b")

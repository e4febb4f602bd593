"""What a delete owes, one key at a time and many."""

from __future__ import annotations

import pytest

from ..capabilities import Capability
from ..errors import AccessDeniedError, BulkError, InvalidKeyError, NotFoundError
from ..storage.bulk import DELETE_BATCH
from .bench import Bench
from .faults import Fault, Raise


class DeleteContract:
    """Removing objects."""

    def test_a_deleted_object_is_gone(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")

        bench.storage.delete("folder/a")

        assert bench.peek("folder/a") is None
        assert [] == bench.keys()
        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("folder/a")

    def test_deleting_what_is_not_there_is_silent(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")

        for key in ("b", "folder/b", "a/b"):
            bench.storage.delete(key)

        assert ["a"] == bench.keys()

    def test_deleting_twice_is_silent(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")

        bench.storage.delete("a")
        bench.storage.delete("a")

        assert [] == bench.keys()

    def test_deleting_a_folder_removes_nothing(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")

        bench.storage.delete("folder")

        assert b"1" == bench.peek("folder/a")

    def test_neighbours_stay(self, bench: Bench) -> None:
        kept = ["f/a", "f/ab", "f/a.b", "f2/b", "fb"]
        bench.storage.put_many((key, b"1") for key in [*kept, "f/b"])

        bench.storage.delete("f/b")

        assert sorted(kept) == bench.keys()

    def test_a_deleted_key_can_be_put_again(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")
        bench.storage.delete("folder/a")

        bench.storage.put("folder/a", b"22")

        assert b"22" == bench.peek("folder/a")

    def test_what_another_client_wrote_is_deleted(self, bench: Bench) -> None:
        bench.poke("theirs/a", b"1")

        bench.storage.delete("theirs/a")

        assert bench.peek("theirs/a") is None

    def test_many_are_deleted_and_absent_ones_are_no_error(self, bench: Bench) -> None:
        bench.storage.put_many((f"many/{index}", b"1") for index in range(20))

        bench.storage.delete_many([f"many/{index}" for index in range(30, 4, -1)])

        assert sorted(f"many/{index}" for index in range(5)) == bench.keys()

    def test_deleting_no_keys_is_nothing(self, bench: Bench) -> None:
        recording, storage = bench.recorded()

        storage.delete_many([])

        assert [] == recording.calls

    def test_many_are_deleted_in_batches_where_the_service_can_and_singly_elsewhere(self, bench: Bench) -> None:
        recording, storage = bench.recorded()
        count = DELETE_BATCH + 1 if bench.can(Capability.BULK_DELETE) else 7
        bench.storage.put_many((f"many/{index}", b"1") for index in range(5))

        storage.delete_many(f"many/{index}" for index in range(count))

        expected = (2, 0) if bench.can(Capability.BULK_DELETE) else (0, count)
        assert expected == (recording.count("delete_many"), recording.count("delete"))
        assert [] == bench.keys()

    def test_without_the_capability_no_bulk_request_is_made(self, bench: Bench) -> None:
        recording, storage = bench.recorded(without=frozenset({Capability.BULK_DELETE}))
        bench.storage.put_many((key, b"1") for key in "abc")

        storage.delete_many("abc")

        assert ["delete"] * 3 == [operation for operation, _ in recording.calls]
        assert [] == bench.keys()

    def test_what_is_refused_as_a_whole_failed_for_each_key(self, bench: Bench) -> None:
        bench.storage.put_many((key, b"1") for key in "abc")
        bulk = bench.can(Capability.BULK_DELETE)
        refusal = Fault(
            operation="delete_many" if bulk else "delete",
            times=1 if bulk else 3,
            effect=Raise(AccessDeniedError("the credentials may only read")),
        )

        with pytest.raises(BulkError) as caught:
            bench.faulty(refusal).delete_many("abc")

        assert [("AccessDeniedError", "delete", key) for key in "abc"] == [
            (type(error).__name__, getattr(error, "operation", None), getattr(error, "key", None))
            for error in caught.value.failures
        ]
        assert "the others are done" not in str(caught.value)
        assert ["a", "b", "c"] == bench.keys()

    def test_the_other_batches_of_a_refused_one_are_done(self, bench: Bench) -> None:
        bulk = bench.can(Capability.BULK_DELETE)
        keys = [f"k{index:04}" for index in range(DELETE_BATCH + 2 if bulk else 4)]
        refused: tuple[tuple[str, str | None], ...] = (("delete_many", None),)
        if not bulk:
            refused = tuple(("delete", bench.full(key)) for key in keys[-2:])
        effect = Raise(AccessDeniedError("no more than that"))
        plan = [Fault(operation=name, key=key, nth=2 if bulk else 1, effect=effect) for name, key in refused]
        bench.storage.put_many((key, b"1") for key in (keys[0], keys[-2], keys[-1]))

        with pytest.raises(BulkError, match=rf": 2 of {len(keys)} failed, the others are done") as caught:
            bench.faulty(*plan).delete_many(keys)

        assert keys[-2:] == [getattr(error, "key", None) for error in caught.value.failures]
        assert keys[-2:] == bench.keys()

    @pytest.mark.parametrize("odd", ["plan\uffff.pdf", "plan\ufffe.pdf"], ids=["U+FFFF", "U+FFFE"])
    def test_a_key_that_xml_cannot_carry_keeps_no_other_from_being_deleted(self, bench: Bench, odd: str) -> None:
        try:
            bench.storage.put(f"d/{odd}", b"2")
        except InvalidKeyError:
            bench.storage.put("d/plain", b"2")  # then no such key can get in the way
            odd = "plain"
        bench.storage.put_many((f"d/{name}", b"1") for name in "az")

        bench.storage.delete_many([f"d/{name}" for name in ("a", odd, "z", "missing")])

        assert [] == bench.keys()

    def test_one_failure_among_many_is_reported_and_the_others_are_done(self, bench: Bench) -> None:
        bench.storage.put_many((key, b"1") for key in "abc")
        refusal = Fault(
            operation="delete", key=bench.full("b"), effect=Raise(AccessDeniedError("the object is on legal hold"))
        )
        recording, _ = bench.recorded(without=frozenset({Capability.BULK_DELETE}))
        storage = bench.faulty(refusal, over=recording)

        with pytest.raises(BulkError) as caught:
            storage.delete_many("abc")

        assert [("AccessDeniedError", "b")] == [
            (type(error).__name__, getattr(error, "key", None)) for error in caught.value.failures
        ]
        assert ["b"] == bench.keys()

"""What racing callers are owed: one winner, whole bodies, no lost update, no error that is not theirs."""

from __future__ import annotations

import threading

import pytest

from ..capabilities import Capability
from ..errors import AlreadyExistsError, PreconditionFailedError
from ..types import PutOptions
from .bench import CREATE, Bench, is_proved, needs, pattern, race

_ROUNDS = 5


def _versions(bench: Bench, size: int) -> list[bytes]:
    """Return one body for each racer, each of its own length."""
    return [pattern(size + index * 1_013, index) for index in range(bench.harness.racers)]


def _options(bench: Bench, index: int) -> PutOptions:
    return PutOptions(metadata={"racer": str(index)}) if bench.can(Capability.METADATA) else PutOptions()


def _assert_one_whole_version(bench: Bench, key: str, bodies: list[bytes]) -> None:
    data = bench.peek(key)
    assert data in bodies
    index, head = bodies.index(data), bench.storage.head(key)
    assert len(data) == head.size
    assert is_proved(head, data) or (head.checksum is None and not bench.can(Capability.CHECKSUM))
    if bench.can(Capability.METADATA):
        assert {"racer": str(index)} == dict(head.metadata)


class ConcurrencyContract:
    """Many threads on one storage."""

    @pytest.mark.parametrize("size", [0, 100, 1_500_000])
    @needs(Capability.CREATE_ONLY, lambda storage: storage.put("a", b"", CREATE))
    def test_of_racing_creators_exactly_one_wins(self, bench: Bench, size: int) -> None:
        bodies = _versions(bench, size)
        bodies[0] = pattern(size, 0)

        for round_ in range(_ROUNDS):
            key = f"race/{round_}/a"
            outcomes = race(len(bodies), lambda index, key=key: bench.storage.put(key, bodies[index], CREATE))  # type: ignore[misc]

            winners = [index for index, outcome in enumerate(outcomes) if outcome.error is None]
            errors = {type(outcome.error) for outcome in outcomes if outcome.error is not None}
            assert 1 == len(winners), outcomes
            assert {AlreadyExistsError} == errors
            assert bodies[winners[0]] == bench.peek(key)

    @pytest.mark.parametrize("size", [100, 1_500_000])
    def test_racing_replacements_leave_one_whole_version(self, bench: Bench, size: int) -> None:
        bodies = _versions(bench, size)

        for _ in range(_ROUNDS):
            outcomes = race(
                len(bodies), lambda index: bench.storage.put("folder/a", bodies[index], _options(bench, index))
            )

            assert [] == [outcome.error for outcome in outcomes if outcome.error is not None]
            _assert_one_whole_version(bench, "folder/a", bodies)
            assert ["folder/a"] == bench.keys()

    def test_readers_see_whole_versions_while_writers_replace(self, bench: Bench) -> None:
        bodies = _versions(bench, 1_500_000)
        bench.storage.put("a", bodies[0])
        done = threading.Event()

        def work(index: int) -> int:
            if index == 0:
                try:
                    for body in bodies * 3:
                        bench.storage.put("a", body)
                finally:
                    done.set()
                return 0
            reads = 0
            while not done.is_set() or not reads:
                assert bench.storage.get_bytes("a") in bodies
                assert bench.storage.head("a").size in map(len, bodies)
                assert ["a"] == bench.keys()
                reads += 1
            return reads

        outcomes = race(3, work)

        assert [] == [outcome.error for outcome in outcomes if outcome.error is not None]

    def test_no_conditional_update_is_lost(self, bench: Bench) -> None:
        if not bench.proves(
            Capability.CONDITIONAL, lambda storage: storage.put("a", b"", PutOptions(if_match="version"))
        ):
            return
        bench.storage.put("counter", b"0")
        all_have_read = threading.Barrier(bench.harness.racers)

        def count_up(_: int) -> None:
            for round_ in range(3):
                first = round_ == 0
                while True:
                    info = bench.storage.head("counter")
                    try:
                        value = int(bench.storage.get_bytes("counter", if_match=info.etag))
                        if first:
                            first = False
                            all_have_read.wait()
                        bench.storage.put("counter", str(value + 1).encode(), PutOptions(if_match=info.etag))
                    except PreconditionFailedError:
                        continue
                    break

        outcomes = race(bench.harness.racers, count_up)

        assert [] == [outcome.error for outcome in outcomes if outcome.error is not None]
        assert str(3 * bench.harness.racers).encode() == bench.peek("counter")

    def test_putting_and_deleting_in_one_folder_disturbs_no_other(self, bench: Bench) -> None:
        def churn(index: int) -> None:
            for round_ in range(10):
                key = f"folder/deep/{index}"
                bench.storage.put(key, f"{round_}".encode())
                assert f"{round_}".encode() == bench.storage.get_bytes(key)
                bench.storage.delete(key)

        outcomes = race(bench.harness.racers, churn)

        assert [] == [outcome.error for outcome in outcomes if outcome.error is not None]
        assert [] == bench.keys()

    def test_racing_deletes_of_one_key_are_silent(self, bench: Bench) -> None:
        for _ in range(_ROUNDS):
            bench.storage.put("folder/a", b"1")

            outcomes = race(bench.harness.racers, lambda _: bench.storage.delete("folder/a"))

            assert [] == [outcome.error for outcome in outcomes if outcome.error is not None]
            assert bench.peek("folder/a") is None

    def test_listing_while_others_write_gives_what_stays(self, bench: Bench) -> None:
        kept = [f"kept/{index:02}" for index in range(20)]
        bench.storage.put_many((key, b"1") for key in kept)

        def work(index: int) -> None:
            for round_ in range(10):
                if index:
                    bench.storage.put(f"passing/{index}/{round_}", b"1")
                    bench.storage.delete(f"passing/{index}/{round_}")
                else:
                    assert kept == bench.keys("kept/")
                    assert set(kept) <= set(bench.keys())
                    assert "kept/" in {getattr(entry, "prefix", None) for entry in bench.storage.list(recursive=False)}

        outcomes = race(4, work)

        assert [] == [outcome.error for outcome in outcomes if outcome.error is not None]

"""One body, three ways: what an operation answers alone, it answers in bulk and on an asyncio loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from ..capabilities import Capability
from ..errors import StorageError
from ..storage.operations import Operations
from ..storage.sync import Storage
from ..transport import Exchange, Outcome
from ..types import ByteRange, ObjectInfo, PresignOptions, PutMode
from .bench import CREATE, Bench, needs, pattern

_Face = Callable[[Storage, list[Exchange[object]]], list[Outcome[object]]]


def _run(storage: Storage, exchanges: list[Exchange[object]]) -> list[Outcome[object]]:
    outcomes: list[Outcome[object]] = []
    for exchange in exchanges:
        try:
            outcomes.append(Outcome(value=storage.transport.run(exchange)))
        except Exception as error:  # compared with the outcomes of the other faces
            outcomes.append(Outcome(error=error))
    return outcomes


def _run_many(storage: Storage, exchanges: list[Exchange[object]]) -> list[Outcome[object]]:
    outcomes = dict(storage.transport.run_many(exchanges, window=4))
    return [outcomes[index] for index in range(len(outcomes))]


def _run_async(storage: Storage, exchanges: list[Exchange[object]]) -> list[Outcome[object]]:
    async def one(exchange: Exchange[object]) -> Outcome[object]:
        try:
            return Outcome(value=await storage.transport.run_async(exchange))
        except Exception as error:  # as above
            return Outcome(error=error)

    async def every() -> list[Outcome[object]]:
        return list(await asyncio.gather(*map(one, exchanges)))

    return asyncio.run(every())


def _run_many_async(storage: Storage, exchanges: list[Exchange[object]]) -> list[Outcome[object]]:
    async def every() -> list[Outcome[object]]:
        outcomes = {index: outcome async for index, outcome in storage.transport.run_many_async(exchanges, window=4)}
        return [outcomes[index] for index in range(len(outcomes))]

    return asyncio.run(every())


_FACES: dict[str, _Face] = {
    "run": _run,
    "run_many": _run_many,
    "run_async": _run_async,
    "run_many_async": _run_many_async,
}


def _steps(bench: Bench, ops: Operations) -> Iterator[list[Exchange[object]]]:
    """Yield groups of exchanges that do not depend on each other; each group depends on those before."""
    path, large = bench.folder / "body", pattern(bench.harness.large_bytes)
    path.write_bytes(large)
    yield [ops.put(f"many/{index}", pattern(index * 1_000, index)) for index in range(12)]
    yield [ops.put("large", path), ops.put("empty", b""), ops.put("spooled", iter([b"1", b"2"]))]
    yield [
        ops.put("large", b"1", CREATE),
        ops.put("new", b"1", CREATE),
        ops.put("wrong", b"1", sha256="0" * 64),
    ]
    yield [
        ops.get_bytes("large"),
        ops.get_bytes("large", ByteRange(start=-10)),
        ops.read_ranges("large", [ByteRange(start=start, end=start + 9) for start in (5, 1_000_000, 3)]),
        ops.head("large"),
        ops.head("none"),
        ops.get_bytes("none"),
        ops.exists("none"),
        ops.exists("empty"),
        ops.get_bytes("many/7", if_match="another version"),
        ops.download("large", bench.folder / "downloaded"),
        ops.presign("large", PresignOptions(expires_in=timedelta(0))),
    ]
    yield [ops.copy("many/3", "copy", PutMode.REPLACE), ops.move("many/4", "moved", PutMode.REPLACE)]
    yield [ops.copy("none", "copy2", PutMode.REPLACE), ops.delete("many/5"), ops.delete("none")]
    yield [ops.delete_many(["many/6", "many/7", "none"])]
    yield [_listing(ops)]


def _listing(ops: Operations) -> Exchange[object]:
    listing, keys = ops.scan(""), list[tuple[str, int]]()
    while (page := (yield from listing.next())) is not None:
        keys.extend((info.key, info.size) for info in page)
    return sorted(keys)


def _comparable(outcome: Outcome[object]) -> object:
    """Return what must be the same whichever way an operation ran."""
    if outcome.error is not None:
        error = outcome.error
        facts = (error.operation, error.provider, error.key) if isinstance(error, StorageError) else ()
        return (type(error).__name__, *facts)
    value = outcome.value
    if isinstance(value, ObjectInfo):
        return value.key, value.size, value.checksum, value.content_type, dict(value.metadata)
    return value


class FaceContract:
    """Synchronous, bulk and asynchronous use."""

    def test_every_face_gives_the_same_answers(self, bench: Bench) -> None:
        answers: dict[str, list[object]] = {}
        media: dict[str, object] = {}

        for name, face in _FACES.items():
            storage = bench.storage.scoped(f"face-{len(answers)}")
            found = [face(storage, group) for group in _steps(bench, storage.operations)]
            answers[name] = [_comparable(outcome) for group in found for outcome in group]
            media[name] = [bench.peek(f"{storage.prefix[len(bench.prefix) :]}{key}") for key in ("large", "moved")]

        assert [answers["run"]] * len(_FACES) == list(answers.values())
        assert [media["run"]] * len(_FACES) == list(media.values())

    def test_a_cancelled_task_publishes_nothing(self, bench: Bench) -> None:
        bench.storage.put("a", b"before")
        body = bytearray(pattern(bench.harness.large_bytes))

        async def cancel_midway() -> None:
            loop, under_way, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
            home = threading.get_ident()

            def report(*_: int | None) -> None:
                if under_way.is_set():
                    return
                if threading.get_ident() == home:  # a provider that moves bytes on the loop itself
                    under_way.set()
                    task.cancel()
                    return
                loop.call_soon_threadsafe(under_way.set)
                go_on.wait(30)  # hold the body midway until the cancellation has arrived

            exchange = bench.storage.operations.put("a", body, on_progress=report)
            task = asyncio.ensure_future(bench.storage.transport.run_async(exchange))
            await under_way.wait()
            task.cancel()
            await asyncio.wait({task}, timeout=0)
            await asyncio.sleep(0)
            go_on.set()
            with suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()

        asyncio.run(cancel_midway())

        assert b"before" == bench.peek("a")
        assert ["a"] == bench.keys()
        bench.storage.put("a", b"after")
        assert b"after" == bench.storage.get_bytes("a")

    def test_leaving_bulk_work_early_leaves_whole_objects_only(self, bench: Bench) -> None:
        bodies = {f"many/{index}": pattern(500_000 + index, index) for index in range(30)}
        exchanges = (bench.storage.operations.put(key, bytearray(body)) for key, body in bodies.items())
        results = bench.storage.transport.run_many(exchanges, window=4)
        next(results)

        results.close()  # type: ignore[attr-defined]  # a generator

        found = bench.keys()
        for key in found:
            assert bodies[key] == bench.peek(key)

    @needs(Capability.CREATE_ONLY, lambda storage: storage.put("a", b"1", CREATE))
    def test_a_bulk_error_of_one_item_does_not_stop_the_others(self, bench: Bench) -> None:
        bench.storage.put("many/3", b"before")

        with pytest.raises(StorageError, match="1 of 10 failed"):
            bench.storage.put_many(((f"many/{index}", b"after") for index in range(10)), CREATE)

        expected = [b"before" if index == 3 else b"after" for index in range(10)]
        assert expected == [bench.peek(f"many/{index}") for index in range(10)]

"""FaultyProvider and RecordingProvider, which integrators use in tests of their own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import AccessDeniedError, NotFoundError, RateLimitedError, UnavailableError
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Corrupt, Fault, FaultyProvider, Misreport, Raise, RecordingProvider, Stall, Truncate
from kazinex_storage.transport import Transport
from kazinex_storage.types import WHOLE, PutMode, PutOptions

_AWAY = UnavailableError("the service is away")


def test_a_fault_strikes_at_the_calls_that_it_names_only() -> None:
    storage = Storage(FaultyProvider(MemoryProvider(), [Fault(operation="put", nth=2, times=2, effect=Raise(_AWAY))]))
    stored = []

    for index in range(5):
        try:
            storage.put(f"{index}", b"1")
            stored.append(index)
        except UnavailableError:
            continue

    assert [0, 3, 4] == stored
    assert ["0", "3", "4"] == [info.key for info in storage.list()]


def test_a_fault_of_one_key_leaves_the_others_alone() -> None:
    plan = [Fault(operation="head", key="tenant/b", times=9, effect=Raise(AccessDeniedError("on legal hold")))]
    storage = Storage(FaultyProvider(MemoryProvider(), plan), prefix="tenant")
    storage.put_many([("a", b"1"), ("b", b"2")])

    assert storage.exists("a")
    for _ in range(3):
        with pytest.raises(AccessDeniedError) as caught:
            storage.exists("b")
        assert ("head", "b") == (caught.value.operation, caught.value.key)


def test_every_raised_error_is_one_of_its_own() -> None:
    error = RateLimitedError("slow down", retry_after_s=3)
    storage = Storage(FaultyProvider(MemoryProvider(), [Fault(operation="head", times=2, effect=Raise(error))]))

    caught = []
    for key in ("a", "b"):
        with pytest.raises(RateLimitedError) as one:
            storage.head(key)
        caught.append((one.value.key, one.value.retry_after_s, one.value is error))

    assert [("a", 3, False), ("b", 3, False)] == caught
    assert error.key is None


def test_a_lost_answer_comes_after_the_deed() -> None:
    inner = MemoryProvider()
    storage = Storage(FaultyProvider(inner, [Fault(operation="put", effect=Raise(_AWAY, after=True))]))

    with pytest.raises(UnavailableError):
        storage.put("a", b"1")

    assert b"1" == Storage(inner).get_bytes("a")


def test_listings_fail_at_the_page_that_is_named() -> None:
    storage = Storage(FaultyProvider(MemoryProvider(), [Fault(operation="scan", nth=2, effect=Raise(_AWAY))]))
    storage.put("a", b"1")
    listing = storage.list()

    assert "a" == next(listing).key
    with pytest.raises(UnavailableError):
        next(listing)


def test_bytes_are_cut_altered_and_misreported() -> None:
    plan = [
        Fault(operation="get", nth=1, effect=Truncate(3)),
        Fault(operation="get", nth=2, effect=Corrupt(2)),
        Fault(operation="head", effect=Misreport(7)),
    ]
    storage = Storage(FaultyProvider(MemoryProvider(), plan))
    storage.put("a", b"12345")

    assert [b"123", b"12\xcc45", b"12345"] == [storage.get_bytes("a") for _ in range(3)]
    assert [7, 5] == [storage.head("a").size for _ in range(2)]


def test_a_stalled_operation_waits_until_it_is_released() -> None:
    stall = Stall()
    storage = Storage(FaultyProvider(MemoryProvider(), [Fault(operation="put", effect=stall)]))
    thread = threading.Thread(target=storage.put, args=("a", b"1"))

    thread.start()
    reached = stall.reached.wait(30)
    before = storage.exists("a")
    stall.release()
    thread.join()

    assert (True, False, True) == (reached, before, storage.exists("a"))


def test_a_stalled_operation_on_a_loop_blocks_no_other_and_can_be_cancelled() -> None:
    stall = Stall()
    storage = Storage(FaultyProvider(MemoryProvider(), [Fault(operation="put", key="a", effect=stall)]))

    async def main() -> None:
        run, operations = storage.transport.run_async, storage.operations
        task = asyncio.ensure_future(run(operations.put("a", b"1")))
        await asyncio.to_thread(stall.reached.wait, 30)
        await run(operations.put("b", b"2"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert ["b"] == [info.key for info in storage.list()]
    storage.close()


def test_the_verbs_of_the_provider_itself_have_the_same_faults() -> None:
    plan = [Fault(operation="get", effect=Corrupt(0)), Fault(operation="copy", effect=Raise(_AWAY))]
    provider, found = FaultyProvider(MemoryProvider(), plan), bytearray()
    key, other, run = ObjectKey("a"), ObjectKey("folder/b"), Transport().run
    with Source.of(b"12345") as source:
        run(provider.put(key, source, PutOptions()))

    run(provider.get(key, WHOLE, found.extend, None))
    with pytest.raises(UnavailableError):
        run(provider.copy(key, other, PutMode.REPLACE))
    run(provider.copy(key, other, PutMode.REPLACE))

    assert b"\xce2345" == found
    assert 5 == run(provider.head(key)).size
    assert ["a", "folder/b"] == [info.key for info in run(provider.scan(Prefix()).next())]
    assert 2 == len(run(provider.children(Prefix()).next()))
    assert [None] == list(run(provider.delete_many([other])))
    run(provider.delete(key))
    with pytest.raises(NotFoundError):
        run(provider.head(key))
    provider.close()


def test_a_recording_provider_lists_what_reached_it_and_hides_the_capabilities_it_was_given() -> None:
    provider = RecordingProvider(MemoryProvider(), without=frozenset({Capability.SERVER_COPY}))
    storage = Storage(provider, prefix="tenant")

    storage.put("a", b"1")
    storage.copy("a", "b")
    list(storage.list())

    copied = [("get", "tenant/a"), ("tags", "tenant/a"), ("put", "tenant/b")]
    expected = [("put", "tenant/a"), *copied, ("scan", "tenant/"), ("scan", "tenant/")]
    assert expected == provider.calls
    assert (2, 0) == (provider.count("put"), provider.count("copy"))
    assert not storage.info.can(Capability.SERVER_COPY)

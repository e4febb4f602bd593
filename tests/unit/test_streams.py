"""Bodies of unknown length: parts that a service takes, memory that stays bounded, threads that stay the caller's."""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import pytest

from kazinex_storage import AlreadyExistsError, FileTooLargeError, Storage, UploadPolicy
from kazinex_storage.bodies.feed import HELD_BYTES, Feed
from kazinex_storage.bodies.memory_budget import Budget
from kazinex_storage.bodies.stream import HEAD_BYTES, Pulled, Stream
from kazinex_storage.bodies.stream_parts import SENT_AT_ONCE, part_sizes, send_stream
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.bench import pattern
from kazinex_storage.transport import Exchange, TransferCancelled, Transport
from kazinex_storage.types import MIB, PartInfo, PartRule

RULE = PartRule(min_part_bytes=5 * MIB, max_part_bytes=1024 * MIB, max_parts=10_000)
EQUAL = PartRule(min_part_bytes=5 * MIB, max_part_bytes=1024 * MIB, max_parts=10_000, equal=True)
SMALL = PartRule(min_part_bytes=1000, max_part_bytes=1000, max_parts=40)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


class Taken:
    """Keeps the parts that are sent."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.parts: dict[int, bytes] = {}
        self.ahead = 0

    def send(self, number: int, data: memoryview) -> Exchange[PartInfo]:
        self.ahead = max(self.ahead, self.stream.size - sum(map(len, self.parts.values())))
        self.parts[number] = bytes(data)
        return PartInfo(number=number, size=len(data), etag="e")
        yield


def test_parts_grow_where_a_service_lets_them_and_stay_equal_elsewhere() -> None:
    grown = list(islice(part_sizes(RULE), 10_000))

    assert [8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB] == [grown[at] for at in (0, 1000, 2000, 3000)]
    assert 64 * MIB == grown[-1]
    assert {8 * MIB} == set(islice(part_sizes(EQUAL), 10_000))


def test_a_body_for_which_there_are_no_more_parts_is_refused_with_the_most_that_fits() -> None:
    with pytest.raises(FileTooLargeError, match="at most 40,000 bytes"):
        list(part_sizes(SMALL))


@pytest.mark.parametrize("shared", [True, False], ids=["a feed", "a generator"])
def test_every_byte_is_sent_once_and_in_order_with_few_parts_in_memory(shared: bool) -> None:
    data = pattern(25_500)
    feed = Feed()
    for piece in pieces(data, 700):
        feed.give(piece)
    feed.end()
    stream = Stream(feed if shared else Pulled(pieces(data, 700)))
    taken = Taken(stream)

    with closing(Transport()) as transport:
        parts = transport.run(send_stream(stream, SMALL, taken.send, object(), Budget(10**6)))

    assert data == b"".join(taken.parts[number] for number in sorted(taken.parts))
    assert list(range(1, 27)) == [part.number for part in parts]
    assert stream.checksum is not None
    assert hashlib.sha256(data).hexdigest() == stream.checksum.value
    assert taken.ahead <= 2 * SENT_AT_ONCE * 1000


def test_when_a_part_fails_nothing_more_is_read_and_its_error_is_told() -> None:
    read = list[int]()

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield bytes(1000)

    def send(number: int, data: memoryview) -> Exchange[PartInfo]:
        raise ConnectionError("the service is away")
        yield

    stream = Stream(Pulled(endless()))
    with closing(Transport()) as transport, pytest.raises(ConnectionError):
        transport.run(send_stream(stream, SMALL, send, object(), Budget(10**6)))

    assert SENT_AT_ONCE == len(read)


def test_a_generator_runs_on_the_thread_of_its_caller() -> None:
    threads = set[threading.Thread]()

    def rows() -> Iterator[bytes]:
        for _ in range(12):
            threads.add(threading.current_thread())
            yield bytes(MIB)

    with Storage(MemoryProvider()) as storage:
        storage.put("a", rows())

    assert {threading.current_thread()} == threads


def test_a_buffer_that_the_producer_uses_again_is_no_matter() -> None:
    def reused() -> Iterator[bytearray]:
        buffer = bytearray(MIB)
        for number in range(12):
            buffer[:] = bytes([number]) * MIB
            yield buffer
            buffer.append(0)
            buffer.pop()

    with Storage(MemoryProvider()) as storage:
        storage.put("a", reused())
        found = storage.get_bytes("a")

    assert b"".join(bytes([number]) * MIB for number in range(12)) == found


def test_a_body_over_the_limit_is_refused_while_it_comes() -> None:
    read = list[int]()

    def rows() -> Iterator[bytes]:
        for _ in range(100):
            read.append(1)
            yield bytes(MIB)

    policy = UploadPolicy(max_file_bytes=10 * MIB, ceiling=100 * MIB)
    with Storage(MemoryProvider(), policy=policy) as storage:
        with pytest.raises(FileTooLargeError):
            storage.put("a", rows())
        found = storage.exists("a")

    assert not found
    assert len(read) <= 12


def test_progress_of_a_stream_has_no_end_in_sight() -> None:
    heard = list[tuple[int, int | None]]()
    body = pieces(bytes(HEAD_BYTES + MIB), MIB)

    with Storage(MemoryProvider()) as storage:
        storage.put("a", body, on_progress=lambda done, size: heard.append((done, size)))

    assert (HEAD_BYTES + MIB, None) == heard[-1]


def test_the_producer_of_a_feed_waits_for_room_and_hears_that_nobody_takes_any_more() -> None:
    feed = Feed()
    feed.give(bytes(HELD_BYTES))

    before = feed.has_room
    feed.take()
    after = feed.has_room
    feed.stop()

    assert (False, True, True) == (before, after, feed.is_stopped)
    with pytest.raises(TransferCancelled):
        feed.take()


def test_a_large_file_that_is_written_over_the_limit_is_refused_and_nothing_is_stored() -> None:
    policy = UploadPolicy(max_file_bytes=10 * MIB, ceiling=100 * MIB)
    with Storage(MemoryProvider(), policy=policy) as storage:
        file = storage.open("a", "wb")
        with pytest.raises(FileTooLargeError):
            for _ in range(100):
                file.write(bytes(MIB))
        file.close()

        assert not storage.exists("a")


def test_a_file_that_is_written_to_a_taken_key_fails_with_the_error_of_a_put() -> None:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", b"1")
        file = storage.open("a", "xb")
        with pytest.raises(AlreadyExistsError):
            for _ in range(20):
                file.write(bytes(MIB))
            file.close()

        assert b"1" == storage.get_bytes("a")


def test_a_file_that_is_never_closed_publishes_nothing_however_large(recwarn: pytest.WarningsRecorder) -> None:
    with Storage(MemoryProvider()) as storage:
        file = storage.open("a", "wb")
        for _ in range(10):
            file.write(bytes(MIB))
        del file
        gc.collect()

        assert not storage.exists("a")
    assert any("never closed" in str(warning.message) for warning in recwarn)
    assert not [thread for thread in threading.enumerate() if thread.name == "kazinex-storage-writer"]

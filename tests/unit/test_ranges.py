"""Ranges of one object: joined into few requests, and still each the bytes of its slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kazinex_storage import ByteRange, NotFoundError, PreconditionFailedError, PutOptions, Source, Storage
from kazinex_storage.fs import MemoryFileSystem, StorageFileSystem
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.ranges import BLOCK_BYTES, GAP_BYTES, Chunks, blocks_of
from kazinex_storage.testing import RecordingProvider
from kazinex_storage.testing.bench import pattern
from kazinex_storage.testing.faults import Fault, FaultyProvider, Raise
from kazinex_storage.types import ObjectInfo, Sink

KIB: Final = 1024
DATA: Final = bytes(range(256)) * 2
"""An object, small enough for Hypothesis to reach every corner of it."""

BOUND = st.none() | st.integers(-600, 600)
SPANS = st.lists(
    st.builds(ByteRange, start=st.integers(0, 600), end=st.none() | st.integers(0, 600))
    | st.builds(ByteRange, start=st.integers(-600, -1)),
    max_size=20,
)


def sliced(span: ByteRange) -> bytes:
    return DATA[span.start : span.end]


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(SPANS, st.integers(0, 200), st.integers(1, 400), st.integers(1, 100))
def test_every_span_gets_its_bytes_out_of_one_block(spans: list[ByteRange], gap: int, most: int, size: int) -> None:
    found: list[bytes | None] = [None] * len(spans)

    for block in blocks_of(spans, gap, most):
        for place, data in zip(block.places, block.cut(chunked(sliced(block.span), size)), strict=True):
            assert found[place] is None
            found[place] = data

    assert [sliced(span) for span in spans] == found


@given(SPANS, st.integers(0, 200), st.integers(1, 400))
def test_blocks_are_bounded_and_read_no_longer_gap(spans: list[ByteRange], gap: int, most: int) -> None:
    for block in blocks_of(spans, gap, most):
        members = [span for span in map(spans.__getitem__, block.places) if span.end is None or span.end > span.start]
        if block.span.start < 0 or block.span.end is None or not members:
            continue
        lengths = [(span.end or 0) - span.start for span in members]
        assert block.span.end - block.span.start <= max(most, *lengths)
        covered = block.span.start
        for span in members:
            assert span.start <= covered + gap
            covered = max(covered, span.end or 0)


@given(st.lists(st.tuples(BOUND, BOUND), max_size=12), st.integers(0, 100), st.integers(1, 300))
@example([(5, 2), (3, 3), (0, 0), (900, 950), (-3, -1), (-3, None), (None, -500), (0, 512), (0, 512)], 0, 1)
@example([(None, None), (0, 10), (510, 600), (-600, 600)], 50, 300)
def test_ranges_of_fsspec_are_slices(bounds: list[tuple[int | None, int | None]], gap: int, block: int) -> None:
    fs: Any = StorageFileSystem(storage=Storage(MemoryProvider()), max_gap_bytes=gap, max_block_bytes=block)
    fs.pipe_file("a", DATA)

    found = fs.cat_ranges(["a"] * len(bounds), [start for start, _ in bounds], [end for _, end in bounds])

    assert [DATA[start:end] for start, end in bounds] == found
    assert all(type(one) is bytes for one in found)


@given(SPANS, st.integers(0, 100))
def test_ranges_of_a_storage_are_slices(spans: list[ByteRange], gap: int) -> None:
    storage = Storage(MemoryProvider())
    storage.put("a", DATA)

    assert [sliced(span) for span in spans] == storage.read_ranges("a", spans, gap=gap)


def test_what_came_in_one_chunk_is_not_copied() -> None:
    (block,) = blocks_of([ByteRange(start=10, end=40)])
    chunk = bytes(30)

    assert block.cut([chunk])[0] is chunk


def test_a_sink_keeps_what_is_only_lent_to_it() -> None:
    chunks, lent = Chunks(), bytearray(b"abc")

    chunks(memoryview(lent))
    lent[:] = b"xyz"

    assert [b"abc"] == chunks.kept


@pytest.mark.parametrize(("gap", "most"), [(-1, 1), (0, 0)])
def test_impossible_bounds_are_refused(gap: int, most: int) -> None:
    with pytest.raises(ValueError, match="0 bytes or more"):
        blocks_of([], gap, most)
    with pytest.raises(ValueError, match="0 bytes or more"):
        MemoryFileSystem(max_gap_bytes=gap, max_block_bytes=most)


def recorded(data: bytes) -> tuple[RecordingProvider, Storage]:
    provider = RecordingProvider(MemoryProvider())
    storage = Storage(provider)
    storage.put("a", data)
    provider.calls.clear()
    return provider, storage


def neighbours(count: int, size: int, gap: int = 0) -> list[ByteRange]:
    return [ByteRange(start=index * (size + gap), end=index * (size + gap) + size) for index in range(count)]


@pytest.mark.parametrize(
    ("spans", "requests"),
    [
        pytest.param(neighbours(200, 64 * KIB), 200 * 64 * KIB // BLOCK_BYTES + 1, id="neighbours"),
        pytest.param(neighbours(200, KIB, GAP_BYTES)[:10], 1, id="the longest gap"),
        pytest.param(neighbours(10, KIB, GAP_BYTES + 1), 10, id="a longer gap"),
        pytest.param([ByteRange(start=7, end=70)] * 50, 1, id="duplicates"),
        pytest.param([ByteRange(start=-index) for index in range(1, 50)], 1, id="tails"),
        pytest.param([ByteRange(start=index, end=index) for index in range(9)], 1, id="empty ones"),
        pytest.param([ByteRange(start=1, end=0), *neighbours(3, 5)], 1, id="a reversed one besides others"),
        pytest.param([ByteRange(start=index) for index in range(50)], 1, id="ends"),
        pytest.param([], 0, id="none"),
    ],
)
def test_neighbours_cost_few_requests(spans: list[ByteRange], requests: int) -> None:
    data = pattern(200 * 64 * KIB)
    provider, storage = recorded(data)

    assert [data[span.start : span.end] for span in spans] == storage.read_ranges("a", spans)
    assert requests == len(provider.calls)


def test_neighbours_cost_few_requests_through_fsspec() -> None:
    data = pattern(200 * 64 * KIB)
    provider, storage = recorded(data)
    fs: Any = StorageFileSystem(storage=storage)
    starts = range(0, len(data), 64 * KIB)

    found = fs.cat_ranges(["a"] * 200, list(starts), [start + 64 * KIB for start in starts])

    assert [data[start : start + 64 * KIB] for start in starts] == found
    assert len(data) // BLOCK_BYTES + 1 == len(provider.calls)


def test_a_longer_gap_can_be_asked_for() -> None:
    provider, storage = recorded(pattern(1024 * KIB))
    fs: Any = StorageFileSystem(storage=storage)

    fs.cat_ranges(["a", "a"], [0, 1024 * KIB - 1], [1, 1024 * KIB], max_gap=1024 * KIB)

    assert 1 == len(provider.calls)
    with pytest.raises(ValueError, match="gap -1"):
        fs.cat_ranges(["a"], 0, 1, max_gap=-1)


def test_negative_ends_cost_one_look_for_all_of_an_object() -> None:
    provider, storage = recorded(DATA)
    fs: Any = StorageFileSystem(storage=storage)

    assert [DATA[1:-1], DATA[2:-2], DATA[:3]] == fs.cat_ranges(["a"] * 3, [1, 2, None], [-1, -2, 3])
    assert ["head", "get"] == [operation for operation, _ in provider.calls]


class Replaced(MemoryProvider):
    """Where somebody writes another version after the first read."""

    def get(self, key: Any, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        info = super().get(key, span, sink, if_match)
        self.put(key, Source.of(DATA[::-1]), PutOptions())
        return info


def test_ranges_are_never_of_two_versions() -> None:
    storage = Storage(Replaced())
    storage.put("a", DATA)
    spans: Sequence[ByteRange] = [ByteRange(end=1), ByteRange(start=100, end=101)]

    with pytest.raises(PreconditionFailedError, match="read them again") as caught:
        storage.read_ranges("a", spans, gap=0)
    assert "a" == caught.value.key

    fs: Any = StorageFileSystem(storage=storage, max_gap_bytes=0)
    found = fs.cat_ranges(["a", "a"], [0, 100], [1, 101])
    assert isinstance(found[0], bytes)
    assert isinstance(found[1], PreconditionFailedError)


def test_a_block_that_fails_is_the_error_of_its_ranges_alone() -> None:
    lost = Fault(operation="get", nth=2, effect=Raise(NotFoundError("gone")))
    storage = Storage(FaultyProvider(MemoryProvider(), [lost]))
    storage.put("a", DATA)
    storage.put("b", DATA)
    fs: Any = StorageFileSystem(storage=storage, max_gap_bytes=0)

    found = fs.cat_ranges(["a", "a", "a", "b"], [0, 100, 101, 0], [1, 101, 102, 1])

    assert [DATA[:1], DATA[:1]] == [found[0], found[3]]
    assert [NotFoundError, NotFoundError] == [type(one) for one in found[1:3]]
    with pytest.raises(NotFoundError):
        fs.cat_ranges(["a", "c"], [0, 100], [1, 101], on_error="raise")


def test_nothing_more_is_read_once_a_block_has_failed() -> None:
    provider = RecordingProvider(MemoryProvider())

    with pytest.raises(NotFoundError):
        Storage(provider).read_ranges("none", neighbours(100, 1, gap=1), gap=0)

    assert 1 == len(provider.calls)

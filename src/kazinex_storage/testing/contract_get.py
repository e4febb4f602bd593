"""What a get owes: exactly the bytes of a span, in order, of one version."""

from __future__ import annotations

import os

import pytest

from ..errors import NotFoundError, PreconditionFailedError
from ..types import Buffer, ByteRange, DigestChoice
from .bench import Bench, is_proved, naming, pattern, sha256

_DATA = bytes(range(100))

_SPANS = [
    (0, None),
    (0, 0),
    (0, 1),
    (0, 100),
    (0, 101),
    (99, None),
    (99, 100),
    (100, None),
    (100, 200),
    (101, None),
    (5_000_000_000, None),
    (10, 20),
    (20, 10),
    (50, 5_000_000_000),
    (-1, None),
    (-100, None),
    (-101, None),
    (-5_000_000_000, None),
]


class GetContract:
    """Reading, whole and in part."""

    def test_a_span_is_read_as_python_slices(self, bench: Bench) -> None:
        bench.storage.put("a", _DATA)

        for start, end in _SPANS:
            with naming((start, end)):
                assert _DATA[start:end] == bench.storage.get_bytes("a", ByteRange(start=start, end=end))

    def test_every_span_of_an_empty_object_is_empty(self, bench: Bench) -> None:
        bench.storage.put("a", b"")

        for start, end in [(0, None), (0, 0), (0, 5), (3, None), (3, 5), (-3, None)]:
            with naming((start, end)):
                assert b"" == bench.storage.get_bytes("a", ByteRange(start=start, end=end))

    def test_a_get_pushes_the_bytes_in_order_and_says_what_the_object_is(self, bench: Bench) -> None:
        data, found = pattern(3_000_000), bytearray()
        put = bench.storage.put("a", data)

        info = bench.storage.transport.run(bench.storage.operations.get("a", found.extend))

        assert data == found
        assert (put.key, put.size, put.etag) == (info.key, info.size, info.etag)

    def test_a_get_of_a_span_says_the_size_of_the_whole_object(self, bench: Bench) -> None:
        bench.storage.put("a", _DATA)
        found = bytearray()

        info = bench.storage.transport.run(bench.storage.operations.get("a", found.extend, ByteRange(start=10, end=20)))

        assert (len(_DATA), _DATA[10:20]) == (info.size, bytes(found))

    def test_what_another_client_wrote_is_read(self, bench: Bench) -> None:
        bench.poke("theirs/b.txt", b"hello")

        assert b"hello" == bench.storage.get_bytes("theirs/b.txt")
        assert 5 == bench.storage.head("theirs/b.txt").size

    def test_what_another_client_replaced_is_read_again(self, bench: Bench) -> None:
        bench.storage.put("a", b"old")
        bench.storage.get_bytes("a")

        bench.poke("a", b"newer")

        assert b"newer" == bench.storage.get_bytes("a")
        assert 5 == bench.storage.head("a").size

    def test_a_missing_key_is_not_found(self, bench: Bench) -> None:
        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("nothing/here")

    @pytest.mark.parametrize("span", [ByteRange(start=5, end=5), ByteRange(start=7), ByteRange(start=-3)], ids=str)
    def test_a_missing_key_is_not_found_whatever_the_span(self, bench: Bench, span: ByteRange) -> None:
        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("nothing/here", span)

    def test_a_folder_is_no_object(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")

        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("folder")

    def test_a_key_below_an_object_is_not_found(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")

        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("a/b")

    def test_a_get_pinned_to_the_current_version_is_answered(self, bench: Bench) -> None:
        info = bench.storage.put("a", _DATA)

        assert _DATA == bench.storage.get_bytes("a", if_match=info.etag)
        assert _DATA[5:9] == bench.storage.get_bytes("a", ByteRange(start=5, end=9), if_match=info.etag)

    def test_a_get_pinned_to_another_version_is_refused(self, bench: Bench) -> None:
        old = bench.storage.put("a", b"old")
        bench.storage.put("a", b"new")

        with pytest.raises(PreconditionFailedError):
            bench.storage.get_bytes("a", if_match=old.etag)

    def test_a_pinned_get_of_a_missing_key_is_not_found(self, bench: Bench) -> None:
        old = bench.storage.put("a", b"old")
        bench.storage.delete("a")

        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("a", if_match=old.etag)

    def test_many_ranges_are_read_in_their_order(self, bench: Bench) -> None:
        data = pattern(1_000_000)
        bench.storage.put("a", data)
        spans = [ByteRange(start=start, end=start + 1_000) for start in range(900_000, 0, -100_000)]

        found = bench.storage.read_ranges("a", [*spans, ByteRange(start=-7), ByteRange(start=3, end=3)])

        assert [*(data[span.start : span.end] for span in spans), data[-7:], b""] == found

    def test_ranges_of_a_missing_key_are_not_found(self, bench: Bench) -> None:
        with pytest.raises(NotFoundError):
            bench.storage.read_ranges("a", [ByteRange(start=0, end=1), ByteRange(start=1, end=2)])

    def test_many_objects_are_fetched_and_the_missing_one_says_so(self, bench: Bench) -> None:
        objects = {f"many/{index}": pattern(1_000, index) for index in range(20)}
        bench.storage.put_many(objects.items())

        found = dict(bench.storage.get_many([*objects, "many/none"]))

        missing = found.pop("many/none").error
        assert isinstance(missing, NotFoundError)
        assert "many/none" == missing.key
        assert objects == {key: outcome.result() for key, outcome in found.items()}

    def test_a_stream_gives_a_large_object_in_bounded_chunks(self, bench: Bench) -> None:
        data = pattern(bench.harness.large_bytes)
        bench.storage.put("large", data)

        chunks = list(bench.storage.stream("large"))

        assert sha256(data) == sha256(b"".join(chunks))
        assert len(chunks) > 1
        assert max(map(len, chunks)) <= 8 * 1024 * 1024

    def test_a_stream_of_a_span_gives_that_span(self, bench: Bench) -> None:
        bench.storage.put("a", _DATA)

        for start, end in _SPANS:
            with naming((start, end)), bench.storage.stream("a", ByteRange(start=start, end=end)) as stream:
                assert _DATA[start:end] == b"".join(stream)

    def test_a_stream_of_an_empty_object_ends_at_once(self, bench: Bench) -> None:
        bench.storage.put("a", b"")

        assert [] == list(bench.storage.stream("a"))

    def test_a_stream_of_a_missing_key_fails_before_the_first_chunk(self, bench: Bench) -> None:
        with pytest.raises(NotFoundError):
            bench.storage.stream("a")

    def test_a_stream_never_mixes_two_versions(self, bench: Bench) -> None:
        bench.storage.put("a", pattern(2_000_000, 1))
        stream = bench.storage.stream("a")
        next(stream)

        bench.storage.put("a", pattern(2_000_000, 2))

        with pytest.raises(PreconditionFailedError):
            next(stream)

    @pytest.mark.parametrize("digest", ["service", "sha256"])
    def test_a_download_lands_whole_with_its_checksum_and_leaves_nothing_else(
        self, bench: Bench, digest: DigestChoice
    ) -> None:
        data, path = pattern(bench.harness.large_bytes), bench.folder / "plan.pdf"
        storage = bench.storage.with_digest(digest)
        storage.put("a", data)

        info = storage.download("a", path)

        assert info.checksum is None or is_proved(info, data)
        assert "service" == digest or sha256(data) == info.sha256
        assert data == path.read_bytes()
        assert ["plan.pdf"] == os.listdir(bench.folder)

    def test_a_download_reports_progress_up_to_the_size(self, bench: Bench) -> None:
        bench.storage.put("a", pattern(3_000_000))
        seen: list[tuple[int, int | None]] = []

        bench.storage.download("a", bench.folder / "a", on_progress=lambda done, total: seen.append((done, total)))

        assert (3_000_000, 3_000_000) == seen[-1]

    def test_downloading_a_missing_key_leaves_the_file_as_it_was(self, bench: Bench) -> None:
        path = bench.folder / "plan.pdf"
        path.write_bytes(b"before")

        with pytest.raises(NotFoundError):
            bench.storage.download("a", path)

        assert b"before" == path.read_bytes()
        assert ["plan.pdf"] == os.listdir(bench.folder)

    def test_a_file_reads_at_any_place(self, bench: Bench) -> None:
        data = pattern(2_500_000)
        bench.storage.put("a", data)

        with bench.storage.open("a") as file:
            file.seek(2_000_000)
            middle = file.read(600_000)
            file.seek(-10, os.SEEK_END)
            tail = file.read()
            file.seek(0)
            whole = file.read()

        assert (data[2_000_000:], data[-10:], data) == (middle, tail, whole)

    def test_what_a_sink_raises_passes_through_and_the_storage_goes_on(self, bench: Bench) -> None:
        bench.storage.put("a", _DATA)
        trouble = ZeroDivisionError("from the sink")

        def refuse(_: Buffer) -> None:
            raise trouble

        with pytest.raises(ZeroDivisionError) as caught:
            bench.storage.transport.run(bench.storage.operations.get("a", refuse))

        assert trouble is caught.value
        assert _DATA == bench.storage.get_bytes("a")

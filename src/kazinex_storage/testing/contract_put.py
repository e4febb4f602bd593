"""What a put owes: whole bodies of every kind and size, and an answer that is true."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ..bodies.source import BodyLike
from ..errors import BulkError
from ..types import DigestChoice, PutOptions
from .bench import Bench, is_proved, pattern, sha256

# Around a hash that moves to its own thread (256 KiB) and a copy buffer (1 MiB).
_SIZES = [0, 1, 255, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1]

_Maker = Callable[[Path, bytes, ExitStack], BodyLike]


def _chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 7_001):
        yield data[start : start + 7_001]


def _path(folder: Path, data: bytes, _: ExitStack) -> BodyLike:
    path = folder / "body"
    path.write_bytes(data)
    return path


def _file_from_its_position(folder: Path, data: bytes, stack: ExitStack) -> BodyLike:
    path = folder / "body"
    path.write_bytes(b"not this" + data)
    file = stack.enter_context(path.open("rb"))
    file.seek(len(b"not this"))
    return file


class _Pipe(io.RawIOBase):
    """A file without a length."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(size)


_BODIES: dict[str, _Maker] = {
    "bytes": lambda _folder, data, _stack: data,
    "bytearray": lambda _folder, data, _stack: bytearray(data),
    "memoryview": lambda _folder, data, _stack: memoryview(data),
    "path": _path,
    "file from its position": _file_from_its_position,
    "file in memory": lambda _folder, data, _stack: io.BytesIO(data),
    "file without a length": lambda _folder, data, _stack: _Pipe(data),
    "list": lambda _folder, data, _stack: list(_chunks(data)),
    "generator": lambda _folder, data, _stack: _chunks(data),
}


class PutContract:
    """Putting without conditions."""

    def test_what_is_put_reaches_the_medium_and_is_read_back(self, bench: Bench) -> None:
        bench.storage.put("plans/a.pdf", b"%PDF-1.7")

        assert b"%PDF-1.7" == bench.peek("plans/a.pdf")
        assert b"%PDF-1.7" == bench.storage.get_bytes("plans/a.pdf")

    def test_the_answer_of_a_put_says_what_was_stored(self, bench: Bench) -> None:
        info = bench.storage.put("plans/a.pdf", b"%PDF-1.7")

        assert ("plans/a.pdf", 8) == (info.key, info.size)
        assert is_proved(info, b"%PDF-1.7")

    @pytest.mark.parametrize("size", [0, 5, 1_500_000])
    @pytest.mark.parametrize("asked", ["storage", "options", "declared"])
    def test_a_put_that_asks_for_a_sha256_has_it(self, bench: Bench, asked: str, size: int) -> None:
        data, storage = pattern(size), bench.proving if asked == "storage" else bench.storage
        options = PutOptions(digest="sha256") if asked == "options" else PutOptions()

        info = storage.put("a", data, options, sha256=sha256(data) if asked == "declared" else None)

        assert sha256(data) == info.sha256

    @pytest.mark.parametrize("digest", ["service", "sha256"])
    def test_a_large_put_names_what_proves_it(self, bench: Bench, digest: DigestChoice) -> None:
        data = pattern(bench.harness.large_bytes)

        info = bench.storage.put("a", data, PutOptions(digest=digest))

        assert is_proved(info, data)
        assert "service" == digest or sha256(data) == info.sha256
        assert data == bench.peek("a")

    def test_the_answer_of_a_put_carries_the_etag_that_head_gives(self, bench: Bench) -> None:
        info = bench.storage.put("a", b"1")

        assert info.etag is not None
        assert info.etag == bench.storage.head("a").etag

    def test_the_time_of_a_put_is_aware_utc(self, bench: Bench) -> None:
        info = bench.storage.put("a", b"1")

        assert info.last_modified is None or timedelta(0) == info.last_modified.utcoffset()

    @pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
    def test_the_time_of_a_put_is_now(self, bench: Bench, large: bool) -> None:
        """By the clock of the service, which may be off by minutes, and hardly by an hour."""
        info = bench.storage.put("a", pattern(bench.harness.large_bytes if large else 3))

        assert info.last_modified is None or abs(datetime.now(UTC) - info.last_modified) < timedelta(hours=1)

    def test_an_empty_object_is_an_object(self, bench: Bench) -> None:
        info = bench.storage.put("empty", b"")

        assert 0 == info.size
        assert b"" == bench.peek("empty")
        assert b"" == bench.storage.get_bytes("empty")
        assert ["empty"] == bench.keys()

    @pytest.mark.parametrize("size", _SIZES)
    def test_bodies_around_the_sizes_of_buffers_are_stored_whole(self, bench: Bench, size: int) -> None:
        data = pattern(size)

        bench.storage.put("a", data)

        assert data == bench.peek("a")
        assert data == bench.storage.get_bytes("a")

    @pytest.mark.parametrize("size", [0, 20_000], ids=["empty", "full"])
    @pytest.mark.parametrize("kind", _BODIES)
    def test_bodies_of_every_kind_are_stored(self, bench: Bench, kind: str, size: int) -> None:
        data = pattern(size)

        with ExitStack() as stack:
            info = bench.storage.put("a", _BODIES[kind](bench.folder, data, stack))
        with ExitStack() as stack:
            proven = bench.proving.put("a", _BODIES[kind](bench.folder, data, stack))

        assert (size, size, sha256(data)) == (info.size, proven.size, proven.sha256)
        assert is_proved(info, data)
        assert data == bench.peek("a")

    @pytest.mark.parametrize("kind", ["bytes", "bytearray", "path", "generator"])
    def test_a_large_object_is_stored_whole(self, bench: Bench, kind: str) -> None:
        data = pattern(bench.harness.large_bytes)

        with ExitStack() as stack:
            info = bench.storage.put("large", _BODIES[kind](bench.folder, data, stack))

        assert is_proved(info, data)
        assert data == bench.peek("large")

    @pytest.mark.parametrize("sizes", [(5, 900_000), (900_000, 5), (900_000, 0), (0, 5), (5, 5)], ids=str)
    def test_a_put_replaces_the_object_whole(self, bench: Bench, sizes: tuple[int, int]) -> None:
        old, new = (pattern(size, seed) for seed, size in enumerate(sizes))
        bench.storage.put("a", old)

        info = bench.storage.put("a", new)

        assert len(new) == info.size
        assert new == bench.peek("a")
        assert new == bench.storage.get_bytes("a")
        assert ["a"] == bench.keys()

    def test_a_put_replaces_what_another_client_wrote(self, bench: Bench) -> None:
        bench.poke("folder/a", b"theirs")

        bench.storage.put("folder/a", b"ours!")

        assert b"ours!" == bench.peek("folder/a")

    def test_a_declared_sha256_that_fits_is_accepted(self, bench: Bench) -> None:
        info = bench.storage.put("a", b"1", sha256=sha256(b"1").upper())

        assert sha256(b"1") == info.sha256

    def test_progress_grows_to_the_size(self, bench: Bench) -> None:
        data, seen = bytearray(pattern(3_000_000)), list[tuple[int, int | None]]()

        bench.storage.put("a", data, on_progress=lambda done, total: seen.append((done, total)))

        assert (len(data), len(data)) == seen[-1]
        assert sorted(seen) == seen

    def test_many_are_put_and_answered_in_their_order(self, bench: Bench) -> None:
        items = {f"many/{index:02}": pattern(index * 1_000, index) for index in reversed(range(40))}

        infos = bench.storage.put_many(items.items())

        assert list(items) == [info.key for info in infos]
        assert items == {key: bench.peek(key) for key in items}

    def test_a_key_that_is_put_twice_in_one_call_keeps_its_first_body_and_the_second_is_reported(
        self, bench: Bench
    ) -> None:
        composed, decomposed = "M\u00fcller.pdf", "Mu\u0308ller.pdf"

        with pytest.raises(BulkError, match="2 of 5 failed, the others are done") as caught:
            bench.storage.put_many([("a", b"1"), (composed, b"2"), ("a", b"3"), (decomposed, b"4"), ("b", b"5")])

        assert [("InvalidKeyError", "a"), ("InvalidKeyError", decomposed)] == [
            (type(error).__name__, getattr(error, "key", None)) for error in caught.value.failures
        ]
        assert [b"1", b"2", b"5"] == [bench.peek(key) for key in ("a", composed, "b")]

    def test_a_written_file_is_published_when_it_is_closed(self, bench: Bench) -> None:
        with bench.storage.open("a", "wb") as file:
            file.write(b"one ")
            file.write(b"two")
            before = bench.peek("a")

        assert before is None
        assert b"one two" == bench.peek("a")

"""What is owed when things go wrong midway: nothing published, the old object intact, the next try succeeds."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from ..bodies.source import Source
from ..capabilities import Capability
from ..errors import AlreadyExistsError, IntegrityError, UnavailableError
from ..storage.sync import Storage
from ..transport import TransferCancelled
from ..types import PutOptions
from .bench import CREATE, Bench, needs, pattern, sha256
from .faults import Corrupt, Fault, Misreport, Raise, Truncate

_OLD = b"the old object"

_BEFORE = pytest.mark.parametrize("before", [None, _OLD], ids=["over nothing", "over an object"])


class _Broken(io.BytesIO):
    """A seekable file that fails in its middle."""

    def __init__(self, data: bytes, error: BaseException) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= len(self.getvalue()) // 2:
            raise self._error
        return super().read(size)


def _start(bench: Bench, before: bytes | None) -> None:
    if before is not None:
        bench.storage.put("folder/a", before)


def _assert_untouched(bench: Bench, before: bytes | None) -> None:
    """Assert that nothing was published, and that the key can be used as if nothing had happened."""
    assert before == bench.peek("folder/a")
    assert ([] if before is None else ["folder/a"]) == bench.keys()
    bench.storage.put("folder/a", b"the next try")
    assert b"the next try" == bench.storage.get_bytes("folder/a")


def _raise(error: BaseException) -> NoReturn:
    raise error


_WRITERS = pytest.mark.parametrize("ours", [True, False], ids=["we wrote", "another writer wrote"])


def _write(bench: Bench, data: bytes, *, ours: bool) -> None:
    if ours:
        bench.storage.put("a", data)
    else:
        bench.poke("a", data)


def _keeps_checksum(bench: Bench) -> bool:
    info = bench.storage.head("a")
    return info.sha256 is not None or (bench.provider.info.remote and info.checksum is not None)


def _read_at_once(storage: Storage) -> bytes:
    return storage.get_bytes("a")


def _read_by_sink(storage: Storage) -> bytes:
    found = io.BytesIO()
    storage.transport.run(storage.operations.get("a", found.write))
    return found.getvalue()


def _read_as_stream(storage: Storage) -> bytes:
    return b"".join(storage.stream("a"))


def _read_as_file(storage: Storage) -> bytes:
    found = bytearray()
    with storage.open("a") as file:
        while piece := file.read(300_000):
            found += piece
    return bytes(found)


_READS = pytest.mark.parametrize(
    "read", [_read_at_once, _read_by_sink, _read_as_stream, _read_as_file], ids=["bytes", "sink", "stream", "file"]
)


class FaultContract:
    """Bodies that lie, callers that go away, answers that get lost."""

    @_BEFORE
    @pytest.mark.parametrize("kind", ["path", "file"])
    @pytest.mark.parametrize("change", [-1_000, 1_000], ids=["shrinks", "grows"])
    def test_a_body_that_changes_its_size_is_not_stored(
        self, bench: Bench, before: bytes | None, kind: str, change: int
    ) -> None:
        _start(bench, before)
        path = bench.folder / "body"
        path.write_bytes(pattern(bench.harness.large_bytes))

        with path.open("rb") as file:
            source = Source.of(path if kind == "path" else file)
            os.truncate(path, source.size + change)
            with pytest.raises(IntegrityError):
                bench.storage.put("folder/a", source)

        _assert_untouched(bench, before)

    @_BEFORE
    @pytest.mark.parametrize("change", [-1, 1], ids=["shrinks", "grows"])
    def test_a_body_that_changes_while_it_is_read_is_not_stored(
        self, bench: Bench, before: bytes | None, change: int
    ) -> None:
        _start(bench, before)
        path = bench.folder / "body"
        path.write_bytes(pattern(bench.harness.large_bytes))
        size = path.stat().st_size

        def resize(*_: int | None) -> None:
            # The first report: a part is under way.
            if path.stat().st_size == size:
                os.truncate(path, size // 4 if change < 0 else size + 1_000)

        with pytest.raises(IntegrityError):
            bench.storage.put("folder/a", path, on_progress=resize)

        _assert_untouched(bench, before)

    @_BEFORE
    @pytest.mark.parametrize("error", [ZeroDivisionError("midway"), KeyboardInterrupt()], ids=["error", "interrupt"])
    def test_a_body_that_raises_midway_is_not_stored(
        self, bench: Bench, before: bytes | None, error: BaseException
    ) -> None:
        _start(bench, before)

        with pytest.raises(type(error)) as caught:
            bench.storage.put("folder/a", _Broken(pattern(bench.harness.large_bytes), error))

        assert error is caught.value
        _assert_untouched(bench, before)

    @_BEFORE
    def test_a_body_that_cannot_be_read_to_its_end_is_not_stored(self, bench: Bench, before: bytes | None) -> None:
        _start(bench, before)

        with pytest.raises(IntegrityError):
            bench.storage.put("folder/a", _Broken(pattern(3_000_000), OSError(5, "Input/output error")))

        _assert_untouched(bench, before)

    @_BEFORE
    def test_an_iterator_that_raises_midway_is_not_stored(self, bench: Bench, before: bytes | None) -> None:
        _start(bench, before)

        def chunks() -> Iterator[bytes]:
            yield pattern(100_000)
            raise ZeroDivisionError("midway")

        with pytest.raises(ZeroDivisionError, match="midway"):
            bench.storage.put("folder/a", chunks())

        _assert_untouched(bench, before)

    @_BEFORE
    def test_progress_that_raises_ends_the_put(self, bench: Bench, before: bytes | None) -> None:
        _start(bench, before)
        body = bytearray(pattern(bench.harness.large_bytes))

        with pytest.raises(ZeroDivisionError):
            bench.storage.put("folder/a", body, on_progress=lambda *_: _raise(ZeroDivisionError()))

        _assert_untouched(bench, before)

    @_BEFORE
    @pytest.mark.parametrize("kind", ["path", "bytearray"])
    def test_a_cancelled_body_is_not_stored(self, bench: Bench, before: bytes | None, kind: str) -> None:
        _start(bench, before)
        path, data = bench.folder / "body", pattern(bench.harness.large_bytes)
        path.write_bytes(data)
        cancel: list[Callable[[], None]] = []
        source = Source.of(path if kind == "path" else bytearray(data), progress=lambda *_: cancel[0]())
        cancel.append(source.cancel)

        with pytest.raises(TransferCancelled):
            bench.storage.put("folder/a", source)

        _assert_untouched(bench, before)

    @_BEFORE
    @pytest.mark.parametrize("size", [0, 5, 3_000_000])
    def test_a_body_with_another_sha256_than_declared_is_not_stored(
        self, bench: Bench, before: bytes | None, size: int
    ) -> None:
        _start(bench, before)

        for body in (pattern(size), bytearray(pattern(size)), iter([pattern(size)])):
            with pytest.raises(IntegrityError):
                bench.storage.put("folder/a", body, sha256="0" * 64)

        _assert_untouched(bench, before)

    @_BEFORE
    def test_leaving_a_file_by_an_exception_publishes_nothing(self, bench: Bench, before: bytes | None) -> None:
        _start(bench, before)

        def write() -> None:
            with bench.storage.open("folder/a", "wb") as file:
                file.write(b"half")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            write()

        _assert_untouched(bench, before)

    def test_a_failed_put_leaves_the_old_metadata(self, bench: Bench) -> None:
        options = PutOptions(content_type="text/x-old", metadata={"author": "old"})
        if not bench.proves(Capability.METADATA, lambda storage: storage.put("a", b"1", options)):
            return
        bench.storage.put("a", _OLD, options)

        with pytest.raises(IntegrityError):
            bench.storage.put("a", b"other", PutOptions(metadata={"author": "new"}), sha256="0" * 64)

        head = bench.storage.head("a")
        assert ("text/x-old", {"author": "old"}) == (head.content_type, dict(head.metadata))

    def test_a_put_that_stored_another_size_is_noticed(self, bench: Bench) -> None:
        storage = bench.faulty(Fault(operation="put", effect=Misreport(4)))

        with pytest.raises(IntegrityError, match="4 of 5"):
            storage.put("a", b"12345")

    @pytest.mark.parametrize("size", [0, 2, 1_999_999])
    def test_a_download_that_is_cut_is_noticed(self, bench: Bench, size: int) -> None:
        bench.storage.put("a", pattern(2_000_000))
        path = bench.folder / "a"
        path.write_bytes(b"before")

        with pytest.raises(IntegrityError):
            bench.faulty(Fault(operation="get", effect=Truncate(size))).download("a", path)

        assert b"before" == path.read_bytes()
        assert ["a"] == os.listdir(bench.folder)

    @_WRITERS
    @pytest.mark.parametrize("offset", [0, 1_000_000, 1_999_999])
    def test_a_download_that_is_altered_is_noticed_where_a_checksum_is_kept(
        self, bench: Bench, ours: bool, offset: int
    ) -> None:
        _write(bench, pattern(2_000_000), ours=ours)
        storage, path = bench.faulty(Fault(operation="get", effect=Corrupt(offset))), bench.folder / "a"

        if _keeps_checksum(bench):
            with pytest.raises(IntegrityError):
                storage.download("a", path)
            assert not path.exists()
        else:
            assert sha256(pattern(2_000_000)) != storage.download("a", path).sha256

    @_WRITERS
    @_READS
    def test_a_whole_read_that_is_altered_is_noticed_where_a_checksum_is_kept(
        self, bench: Bench, ours: bool, read: Callable[[Storage], bytes]
    ) -> None:
        data = pattern(2_000_000)
        _write(bench, data, ours=ours)
        storage = bench.faulty(Fault(operation="get", effect=Corrupt(100_000)))

        if bench.provider.info.remote and _keeps_checksum(bench):
            with pytest.raises(IntegrityError):
                read(storage)
        else:
            assert data != read(storage)
        assert data == read(storage)

    def test_a_copy_through_this_process_that_is_cut_is_noticed(self, bench: Bench) -> None:
        bench.storage.put("a", pattern(2_000_000))
        hidden, _ = bench.recorded(without=frozenset({Capability.SERVER_COPY}))
        storage = bench.faulty(Fault(operation="get", effect=Truncate(1_000)), over=hidden)

        with pytest.raises(IntegrityError):
            storage.copy("a", "b")

        assert ["a"] == bench.keys()

    def test_a_stream_that_stops_short_is_noticed(self, bench: Bench) -> None:
        bench.storage.put("a", pattern(1_000_000))
        storage = bench.faulty(Fault(operation="get", nth=2, effect=Truncate(0)))

        with pytest.raises(IntegrityError):
            list(storage.stream("a"))

    def test_a_put_whose_answer_is_lost_can_be_repeated(self, bench: Bench) -> None:
        storage = bench.faulty(Fault(operation="put", effect=Raise(UnavailableError("the answer is lost"), after=True)))
        with pytest.raises(UnavailableError):
            storage.put("a", b"12345")

        storage.put("a", b"12345")

        assert b"12345" == bench.peek("a")

    @needs(Capability.CREATE_ONLY, lambda storage: storage.put("a", b"1", CREATE))
    def test_a_create_whose_answer_is_lost_is_found_done_by_the_repeat(self, bench: Bench) -> None:
        storage = bench.faulty(Fault(operation="put", effect=Raise(UnavailableError("the answer is lost"), after=True)))
        with pytest.raises(UnavailableError):
            storage.put("a", b"12345", CREATE)

        with pytest.raises(AlreadyExistsError):
            storage.put("a", b"12345", CREATE)

        assert b"12345" == bench.peek("a")

    def test_a_delete_whose_answer_is_lost_can_be_repeated(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")
        lost = Fault(operation="delete", effect=Raise(UnavailableError("the answer is lost"), after=True))
        storage = bench.faulty(lost)
        with pytest.raises(UnavailableError):
            storage.delete("a")

        storage.delete("a")

        assert [] == bench.keys()

    def test_a_move_whose_delete_fails_leaves_both(self, bench: Bench) -> None:
        bench.storage.put("a", b"1")
        hidden, _ = bench.recorded(without=frozenset({Capability.SERVER_MOVE}))
        storage = bench.faulty(Fault(operation="delete", effect=Raise(UnavailableError("away"))), over=hidden)

        with pytest.raises(UnavailableError):
            storage.move("a", "b")

        assert (b"1", b"1") == (bench.peek("a"), bench.peek("b"))

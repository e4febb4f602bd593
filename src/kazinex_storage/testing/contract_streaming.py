"""Bodies of unknown length: sent as they come where that is declared, spooled elsewhere, whole or absent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from ..bodies.stream import HEAD_BYTES
from ..capabilities import Capability
from ..errors import AlreadyExistsError, IntegrityError
from ..storage.aio import AsyncStorage
from ..storage.sync import Storage
from .bench import CREATE, Bench, pattern, sha256

_SIZE = HEAD_BYTES + 1


class _BrokenError(Exception):
    """What the producer fails of."""


def _pieces(data: bytes, *, broken: bool = False) -> Iterator[bytes]:
    yield data[:-1]
    yield data[-1:]
    if broken:
        raise _BrokenError


class StreamingContract:
    """Bodies of unknown length."""

    def test_a_large_body_of_unknown_length_is_stored_whole_as_it_comes_or_from_a_spool(self, bench: Bench) -> None:
        data = pattern(_SIZE)
        recording, storage = bench.recorded()

        info = storage.put("a", _pieces(data))

        assert (_SIZE, "a") == (info.size, info.key)
        assert data == bench.peek("a")
        assert bench.can(Capability.STREAMED_WRITES) == (recording.count("put") == 0)

    def test_a_body_of_unknown_length_that_is_refused_or_breaks_off_changes_nothing(self, bench: Bench) -> None:
        data = pattern(_SIZE)
        bench.storage.put("a", b"before")

        with pytest.raises(_BrokenError):
            bench.storage.put("a", _pieces(data, broken=True))
        with pytest.raises(IntegrityError, match="sha256"):
            bench.storage.put("a", _pieces(data), sha256=sha256(b"another"))
        if bench.can(Capability.CREATE_ONLY):
            with pytest.raises(AlreadyExistsError):
                bench.storage.put("a", _pieces(data), CREATE)
            bench.storage.put("b", _pieces(data), CREATE, sha256=sha256(data))

        assert b"before" == bench.peek("a")
        assert not bench.can(Capability.CREATE_ONLY) or data == bench.peek("b")
        assert not bench.can(Capability.PARTS) or [] == bench.storage.pending_uploads()

    def test_what_is_written_to_a_file_or_comes_on_a_loop_is_stored_whole_or_not_at_all(self, bench: Bench) -> None:
        data = pattern(_SIZE)

        with bench.storage.open("file", "wb") as file:
            for piece in _pieces(data):
                file.write(piece)
        with pytest.raises(_BrokenError):
            _write(bench.storage, data)
        asyncio.run(_put_on_a_loop(bench.storage, data))

        assert [data, data] == [bench.peek("file"), bench.peek("loop")]
        assert ["file", "loop"] == bench.keys()
        assert not bench.can(Capability.PARTS) or [] == bench.storage.pending_uploads()


def _write(storage: Storage, data: bytes) -> None:
    with storage.open("broken file", "wb") as file:
        for piece in _pieces(data, broken=True):
            file.write(piece)


async def _put_on_a_loop(storage: Storage, data: bytes) -> None:
    faced = AsyncStorage(storage)
    await faced.put("loop", _arriving(data))
    with pytest.raises(_BrokenError):
        await faced.put("broken", _arriving(data, broken=True))


async def _arriving(data: bytes, *, broken: bool = False) -> AsyncIterator[bytes]:
    for piece in _pieces(data, broken=broken):
        await asyncio.sleep(0)
        yield piece

"""Bodies of unknown length: sent as they come where that is declared, spooled elsewhere, whole or absent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..bodies.stream import HEAD_BYTES
from ..capabilities import Capability
from ..errors import AlreadyExistsError, IntegrityError
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

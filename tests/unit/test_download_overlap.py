"""A download is hashed while it comes: the end of a span leaves no gap behind which nothing could be hashed."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from kazinex_storage._internal.download import FEED_BYTES, GATHER_BYTES, Download
from kazinex_storage.types import ObjectInfo

PIECE = GATHER_BYTES // 2 + 1  # never ends where a span does
SPAN = FEED_BYTES + GATHER_BYTES // 2
PATIENCE_S = 30


def test_what_came_whole_is_hashed_before_the_rest_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = os.urandom(3 * SPAN)
    hashed, enough = [0], threading.Event()
    read = os.preadv

    def counted(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        count = read(descriptor, buffers, offset)
        hashed[0] += count
        if hashed[0] >= 2 * FEED_BYTES:
            enough.set()
        return count

    monkeypatch.setattr(os, "preadv", counted)
    landing = Download(tmp_path / "out.pdf")
    sinks = [landing.at(start, start + SPAN) for start in (0, SPAN, 2 * SPAN)]

    for at, sink in reversed([*enumerate(sinks)][:2]):
        for start in range(0, SPAN, PIECE):
            sink(body[at * SPAN :][start : min(start + PIECE, SPAN)])

    assert enough.wait(PATIENCE_S)
    sinks[2](body[2 * SPAN :])
    checksum = landing.publish(ObjectInfo(key="out.pdf", size=len(body)), None)
    assert hashlib.sha256(body).hexdigest() == checksum.value
    assert body == (tmp_path / "out.pdf").read_bytes()

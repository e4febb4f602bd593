"""A download is hashed while it comes: the end of a span leaves no gap behind which nothing could be hashed."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazinex_storage.bodies.download_file import FEED_BYTES, GATHER_BYTES, Download
from kazinex_storage.errors import IntegrityError
from kazinex_storage.types import Checksum, ObjectInfo

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
    target_file = Download(tmp_path / "out.pdf")
    sinks = [target_file.at(start, start + SPAN) for start in (0, SPAN, 2 * SPAN)]

    for at in (1, 0):
        span = body[at * SPAN : (at + 1) * SPAN]
        for start in range(0, SPAN, PIECE):
            sinks[at](span[start : start + PIECE])

    assert enough.wait(PATIENCE_S)
    sinks[2](body[2 * SPAN :])
    checksum = target_file.publish(ObjectInfo(key="out.pdf", size=len(body)), None)
    assert Checksum(algorithm="sha256", value=hashlib.sha256(body).hexdigest()) == checksum
    assert body == (tmp_path / "out.pdf").read_bytes()


@given(cuts=st.lists(st.integers(0, 3 * GATHER_BYTES), max_size=6), order=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_spans_in_any_order_make_the_file_they_are_of(cuts: list[int], order: random.Random) -> None:
    body = random.Random(len(cuts)).randbytes(3 * GATHER_BYTES)  # noqa: S311
    edges = sorted({0, len(body), *cuts})
    spans = [*pairwise(edges)]
    order.shuffle(spans)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.pdf"
        target_file = Download(target)
        left = [(target_file.at(start, stop), memoryview(body)[start:stop]) for start, stop in spans]
        while left:
            at = order.randrange(len(left))
            sink, rest = left.pop(at)
            sink(rest[:PIECE])
            if len(rest) > PIECE:
                left.append((sink, rest[PIECE:]))

        checksum = target_file.publish(ObjectInfo(key="out.pdf", size=len(body)), None)

        assert Checksum(algorithm="sha256", value=hashlib.sha256(body).hexdigest()) == checksum
        assert body == target.read_bytes()


def test_a_gap_is_no_file(tmp_path: Path) -> None:
    target_file = Download(tmp_path / "out.pdf")
    target_file.at(0, 10)(b"0123456789")
    target_file.at(11)(b"abcdefghi")

    with pytest.raises(IntegrityError, match="10 of 20 bytes"):
        target_file.publish(ObjectInfo(key="out.pdf", size=20), None)
    target_file.discard()

    assert [] == [*tmp_path.iterdir()]

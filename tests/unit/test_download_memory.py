"""The memory that a download takes beside the pieces that it is given."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

from kazinex_storage import ObjectInfo
from kazinex_storage.bodies.download_file import Download

DATA = os.urandom(100 * 1024)


def test_a_download_of_unknown_size_has_no_buffer_larger_than_the_object(tmp_path: Path) -> None:
    pieces = [DATA[at : at + 16 * 1024] for at in range(0, len(DATA), 16 * 1024)]
    tracemalloc.start()
    target_file = Download(tmp_path / "a")
    sink = target_file.at(0, 16 * 1024 * 1024)

    for piece in pieces:
        sink(piece)
    target_file.publish(ObjectInfo(key="a", size=len(DATA)), None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < len(DATA) + 32 * 1024
    assert (tmp_path / "a").read_bytes() == DATA


def test_many_tiny_pieces_are_written_in_order(tmp_path: Path) -> None:
    target_file = Download(tmp_path / "a")
    sink = target_file.at(0)

    for at in range(0, len(DATA), 7):
        sink(DATA[at : at + 7])
    target_file.publish(ObjectInfo(key="a", size=len(DATA)), None)

    assert (tmp_path / "a").read_bytes() == DATA

"""Writes that are given up midway: nothing becomes visible and no part is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from kazinex_storage import AsyncStorage, PutMode, PutOptions

from .faulty import Faulty
from .proxy import Forward, Line, Seen

PATIENCE_S = 30
LARGE = bytes(range(256)) * (36 * 4096)  # 36 MiB: five parts
CREATE = PutOptions(mode=PutMode.CREATE)


class Held:
    """Requests that the server holds back until the client is gone; ``reached`` when the first has arrived."""

    def __init__(self) -> None:
        self.reached = threading.Event()

    def __call__(self, line: Line, seen: Seen, forward: Forward) -> None:
        self.reached.set()
        line.hold()


def interrupting(line: Line, seen: Seen, forward: Forward) -> None:
    """Press Ctrl-C while a request is under way."""
    os.kill(os.getpid(), signal.SIGINT)
    line.hold()


@pytest.mark.parametrize("kind", ["part", "complete"])
def test_a_cancelled_upload_is_aborted(faulty: Faulty, kind: str) -> None:
    held = Held()
    faulty.front.on(kind, do=held, times=None)

    async def run() -> None:
        task = asyncio.create_task(AsyncStorage(faulty.storage).put("a", LARGE, CREATE))
        await asyncio.to_thread(held.reached.wait, PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE_S)

    asyncio.run(run())

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()
    assert 1 == faulty.front.count("abort")


def test_a_timeout_aborts_the_upload(faulty: Faulty) -> None:
    held = Held()
    faulty.front.on("part", do=held, times=None, skip=1)

    async def run() -> None:
        async with asyncio.timeout(None) as limit:
            task = asyncio.create_task(asyncio.to_thread(held.reached.wait, PATIENCE_S))
            task.add_done_callback(lambda _: limit.reschedule(0))
            await AsyncStorage(faulty.storage).put("a", LARGE)

    with pytest.raises(TimeoutError):
        asyncio.run(run())

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


def test_a_cancelled_upload_among_many_is_aborted(faulty: Faulty) -> None:
    held = Held()
    faulty.front.on("part", do=held, times=None)

    async def run() -> None:
        task = asyncio.create_task(AsyncStorage(faulty.storage).put_many([("a", LARGE), ("b", LARGE)], CREATE))
        await asyncio.to_thread(held.reached.wait, PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE_S)

    asyncio.run(run())

    assert (None, None) == (faulty.stored("a"), faulty.stored("b"))
    assert [] == faulty.uploads()


@pytest.mark.parametrize("kind", ["part", "complete"])
def test_an_interrupted_upload_is_aborted(faulty: Faulty, kind: str) -> None:
    faulty.front.on(kind, do=interrupting)

    with pytest.raises(KeyboardInterrupt):
        faulty.storage.put("a", LARGE, CREATE)

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()
    assert 1 == faulty.front.count("abort")


def test_an_interrupted_upload_of_a_file_is_aborted(faulty: Faulty, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(LARGE)
    faulty.front.on("part", do=interrupting, skip=2)

    with pytest.raises(KeyboardInterrupt):
        faulty.storage.put("a", tmp_path / "a")

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


def test_an_interrupted_copy_in_parts_is_aborted(faulty: Faulty) -> None:
    faulty.storage.put("a", b"1")
    faulty.front.on("part", do=interrupting)

    with pytest.raises(KeyboardInterrupt):
        faulty.storage.copy("a", "b", mode=PutMode.CREATE)

    assert None is faulty.stored("b")
    assert [] == faulty.uploads()


def test_an_interrupted_small_put_leaves_the_whole_object_or_none(faulty: Faulty) -> None:
    faulty.front.on("put", do=interrupting)

    with pytest.raises(KeyboardInterrupt):
        faulty.storage.put("a", b"1")

    assert None is faulty.stored("a")


def test_an_interrupted_download_leaves_no_file(faulty: Faulty, tmp_path: Path) -> None:
    faulty.write("a", LARGE)
    faulty.front.on("get", do=interrupting, skip=1)

    with pytest.raises(KeyboardInterrupt):
        faulty.storage.download("a", tmp_path / "a")

    assert [] == list(tmp_path.iterdir())


def test_a_storage_goes_on_after_an_interrupt(faulty: Faulty) -> None:
    faulty.front.on("part", do=interrupting)
    with pytest.raises(KeyboardInterrupt):
        faulty.storage.put("a", LARGE)

    faulty.storage.put("a", LARGE, CREATE)

    assert LARGE == faulty.stored("a")

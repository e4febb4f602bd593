"""Unfinished uploads: none is left where the service answers at all, and what is left is remembered."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from datetime import timedelta

import pytest

from kazinex_storage import AsyncStorage, PutMode, PutOptions, UnavailableError
from kazinex_storage.providers.s3 import orphans as module
from kazinex_storage.providers.s3.orphans import Orphans
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.storage.sweeping import sweep

from .faulty import Faulty
from .proxy import Action, Answer, Forward, Line, Seen, cut_after, stall

PATIENCE_S = 30
LARGE = bytes(range(256)) * (18 * 4096)  # 18 MiB: three parts
CREATE = PutOptions(mode=PutMode.CREATE)


def late(reached: threading.Event, go_on: threading.Event) -> Action:
    """The server has done it, and the answer comes when the client is already told to stop."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        reached.set()
        go_on.wait(PATIENCE_S)
        line.answer(answer)

    return act


def test_a_beginning_that_is_cancelled_is_thrown_away(faulty: Faulty) -> None:
    """Issue 18, H2: 3 to 8 of 330 cancelled puts left an upload that nobody knew of."""
    reached, go_on = threading.Event(), threading.Event()
    faulty.front.on("begin", do=late(reached, go_on))

    async def run() -> None:
        task = asyncio.create_task(AsyncStorage(faulty.storage).put("a", LARGE, CREATE))
        await asyncio.to_thread(reached.wait, PATIENCE_S)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE_S)

    asyncio.run(run())

    assert [] == faulty.uploads()
    assert 1 == faulty.front.count("abort")
    assert 0 == faulty.front.count("part")


@pytest.mark.parametrize("many", [False, True], ids=["put", "put_many"])
def test_a_beginning_that_is_interrupted_is_thrown_away(faulty: Faulty, many: bool) -> None:
    def act(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.3)
        line.answer(answer)

    faulty.front.on("begin", do=act)

    with pytest.raises(KeyboardInterrupt):
        if many:
            faulty.storage.put_many([("a", LARGE), ("b", b"small")])
        else:
            faulty.storage.put("a", LARGE)

    assert [] == faulty.uploads()


@pytest.mark.parametrize("times", [1, None], ids=["one answer", "every answer"])
def test_beginnings_whose_answers_are_lost_are_found(faulty: Faulty, times: int | None) -> None:
    faulty.front.on("begin", do=cut_after, times=times)

    try:
        faulty.storage.put("a", LARGE)
    except UnavailableError:
        assert times is None

    assert (LARGE if times else None) == faulty.stored("a")
    assert [] == faulty.uploads()


def test_a_lost_beginning_on_a_kept_connection_is_found(faulty: Faulty) -> None:
    """There libcurl sends it again by itself."""
    faulty.storage.put("small", b"x")
    faulty.front.on("begin", do=cut_after)

    faulty.storage.put("a", LARGE)

    assert LARGE == faulty.stored("a")
    assert [] == faulty.uploads()


def test_lost_beginnings_on_kept_connections_are_all_counted(faulty: Faulty) -> None:
    """Seed 1425 of the campaign: libcurl's own repeat was forgotten when it failed too, and two were one too many."""
    faulty.storage.put_many([(f"small-{number}", b"x") for number in range(8)])
    faulty.storage.put("small", b"x")
    faulty.front.on("begin", do=cut_after, times=2)

    faulty.storage.put("a", LARGE)

    assert LARGE == faulty.stored("a")
    assert [] == faulty.uploads()


def test_uploads_of_others_stay(faulty: Faulty) -> None:
    """Of the same key: one that holds a part, one that this process goes on with; and one of a longer key."""
    other = faulty.made()
    held, own = other.begin_upload("a", len(LARGE)), faulty.storage.begin_upload("a", len(LARGE))
    longer = other.begin_upload("a.bak", len(LARGE))
    put_part(faulty, held.upload_id)
    faulty.front.on("begin", do=cut_after, times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.put("a", LARGE)

    assert ["a", "a", "a.bak"] == names(faulty)
    for state in (held, own, longer):
        other.abort_upload(state)


def names(faulty: Faulty) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in faulty.uploads())


def put_part(faulty: Faulty, upload_id: str) -> None:
    witness = faulty._witness
    witness.upload_part(
        Bucket=faulty.target.bucket, Key=faulty.target.prefix + "a", UploadId=upload_id, PartNumber=1, Body=b"part"
    )


def test_more_uploads_than_answers_were_lost_are_left_alone(faulty: Faulty, caplog: pytest.LogCaptureFixture) -> None:
    """One answer was lost and two uploads without parts began at the time: one of them may be another writer's."""

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        faulty._witness.create_multipart_upload(Bucket=faulty.target.bucket, Key=faulty.target.prefix + "a")
        cut_after(line, seen, forward)

    faulty.front.on("begin", do=act)

    faulty.storage.put("a", LARGE)

    assert ["a", "a"] == names(faulty)
    assert "some may be another writer's" in caplog.text
    assert 2 == len(sweep(faulty.storage, older_than=timedelta(0), dry_run=False).uploads)


@pytest.mark.parametrize("by", ["the next upload", "a sweep"])
def test_what_cannot_be_aborted_is_remembered(faulty: Faulty, by: str, caplog: pytest.LogCaptureFixture) -> None:
    faulty.front.on("part", do=lambda line, seen, forward: line.answer(Answer(403, [], b"")), times=None)
    faulty.front.on("abort", do=lambda line, seen, forward: line.answer(Answer(503, [], b"")), times=4)
    with caplog.at_level(logging.WARNING), pytest.raises(Exception, match=r"403|denied|refuse|allow"):
        faulty.storage.put("a", LARGE)
    assert ["a"] == names(faulty)
    assert "an unfinished upload to" in caplog.text
    faulty.front.clear()

    if by == "a sweep":
        assert 1 == sweep(faulty.storage).leftovers
        assert 1 == sweep(faulty.storage, dry_run=False).removed
    else:
        faulty.storage.put("b", LARGE)

    assert [] == faulty.uploads()
    assert 0 == sweep(faulty.storage).leftovers


def test_what_cannot_be_looked_for_is_remembered(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.front.on("begin", do=cut_after, times=4)
    faulty.front.on("uploads", do=lambda line, seen, forward: line.answer(Answer(503, [], b"")), times=4)
    with pytest.raises(UnavailableError):
        faulty.storage.put("a", LARGE)
    left = len(faulty.uploads())

    sweep(faulty.storage, dry_run=False)  # another process may have begun anew, and have no part there yet
    at_once = len(faulty.uploads())
    orphans = orphans_of(faulty)
    monkeypatch.setattr(module, "_QUIET", timedelta(minutes=-1))  # the ten minutes are over
    sweep(faulty.storage, dry_run=False)

    assert 0 < left == at_once
    assert ([], 0) == (faulty.uploads(), orphans.count)


def orphans_of(faulty: Faulty) -> Orphans:
    provider = faulty.storage.operations.context.provider
    assert isinstance(provider, S3Provider)
    return provider.multipart.orphans


def test_a_beginning_that_is_carried_out_after_it_was_broken_off_is_remembered(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second cancellation waits for nothing, and the service comes to the request when nobody looks any more."""
    reached, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def act(line: Line, seen: Seen, forward: Forward) -> None:
        reached.set()
        go_on.wait(PATIENCE_S)
        forward(seen)
        done.set()
        line.cut()

    faulty.front.on("begin", do=act)

    async def run() -> None:
        task = asyncio.create_task(AsyncStorage(faulty.storage).put("a", LARGE))
        await asyncio.to_thread(reached.wait, PATIENCE_S)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE_S)

    asyncio.run(run())
    go_on.set()
    done.wait(PATIENCE_S)
    orphans = orphans_of(faulty)

    assert (["a"], 5) == (names(faulty), orphans.count)
    monkeypatch.setattr(module, "_QUIET", timedelta(minutes=-1))  # the ten minutes are over
    faulty.storage.put("b", LARGE)
    assert ([], 0) == (names(faulty), orphans.count)


def test_a_service_that_answers_nothing_is_not_waited_for_again_and_again(faulty: Faulty) -> None:
    faulty.front.on("begin", do=stall, times=None)
    faulty.front.on("uploads", do=stall, times=None)

    with pytest.raises(UnavailableError):
        faulty.made(attempts=1).put("a", LARGE)

    assert 1 == faulty.front.count("begin") == faulty.front.count("uploads")

"""Upload sessions: none is left where the service answers, and what is left is remembered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from kazinex_storage import AsyncStorage, Storage, StorageError
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.storage.sweeping import sweep
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings

from ..s3.proxy import Forward, Line, Proxy, Seen, proxy
from .conftest import Place

LARGE = bytes(range(256)) * 4096 * 21  # three fragments
PATIENCE_S = 30


def kind(seen: Seen) -> str:
    return "begin" if seen.target.endswith("createUploadSession") else seen.method


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with proxy(kind_of=kind) as found:
        yield found


@pytest.fixture
def storage(place: Place, front: Proxy) -> Iterator[Storage]:
    settings = TransportSettings(first_byte_timeout_s=5, idle_timeout_s=5, proxy=front.url)
    transport = Transport(4, settings=settings, retry=RetryPolicy(attempts=3, base_s=0.001))
    with contextlib.closing(transport):
        yield Storage(SharePointProvider(place.target), transport=transport)


def test_a_session_whose_beginning_is_cancelled_is_thrown_away(place: Place, storage: Storage, front: Proxy) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def late(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        reached.set()
        go_on.wait(PATIENCE_S)
        line.answer(answer)

    front.on("begin", do=late)

    async def run() -> None:
        task = asyncio.create_task(AsyncStorage(storage).put("a.ifc", LARGE))
        await asyncio.to_thread(reached.wait, PATIENCE_S)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE_S)

    asyncio.run(run())

    assert 1 == front.count("begin")
    assert {} == place.emulator.state.sessions


def test_a_session_whose_beginning_is_interrupted_is_thrown_away(place: Place, storage: Storage, front: Proxy) -> None:
    def interrupting(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.3)
        line.answer(answer)

    front.on("begin", do=interrupting)

    with pytest.raises(KeyboardInterrupt):
        storage.put("a.ifc", LARGE)

    assert {} == place.emulator.state.sessions


@pytest.mark.parametrize(("status", "left"), [(400, 0), (404, 0), (429, 1), (500, 1), (503, 1)])
def test_a_session_whose_end_was_not_decided_is_remembered(place: Place, status: int, left: int) -> None:
    """A refusal for good is one by a session that is gone; after any other the session may still be there."""
    faults = place.emulator.faults
    faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", times=1, answer=Answer(status=507)))
    faults.add(RequestFault(kind=Kind.ANSWER, method="DELETE", times=4, answer=Answer(status=status)))

    with pytest.raises(StorageError):
        place.storage.put("a.ifc", LARGE)

    assert left == sweep(place.storage).leftovers


@pytest.mark.parametrize("by", ["the next upload", "a sweep"])
def test_a_session_that_cannot_be_thrown_away_is_remembered(
    place: Place, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    faults = place.emulator.faults
    faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", times=1, answer=Answer(status=507)))
    faults.add(RequestFault(kind=Kind.ANSWER, method="DELETE", times=4, answer=Answer(status=503)))
    with caplog.at_level(logging.WARNING), pytest.raises(StorageError):
        place.storage.put("a.ifc", LARGE)
    assert 1 == len(place.emulator.state.sessions)
    assert "an upload session is left" in caplog.text

    if by == "a sweep":
        assert 1 == sweep(place.storage).leftovers
        assert 1 == sweep(place.storage, dry_run=False).leftovers
    else:
        place.storage.put("b.ifc", LARGE)

    assert {} == place.emulator.state.sessions

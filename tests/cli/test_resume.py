"""``put --resume``: what was sent stays, and the same command goes on with it."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kazinex_storage import open_organisations, verify_provider
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import InProcess

DOCUMENT = "org-1/bridge/DRG-1/P01"
URL = "kazinexmemory://resumed/model.ifc"
BODY = os.urandom(MIB) * 40


@pytest.fixture
def model(line: InProcess) -> Path:
    path = line.work / "model.ifc"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the numbers of the parts that are sent."""
    sent = list[int]()
    original: Callable[..., Any] = MemoryProvider.put_part

    def put_part(self: MemoryProvider, state: Any, number: int, data: Any) -> Any:
        sent.append(number)
        return original(self, state, number, data)

    monkeypatch.setattr(MemoryProvider, "put_part", put_part)
    return sent


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch, parts: list[int]) -> pytest.MonkeyPatch:
    """Press Ctrl-C when the second part was sent, as long as this is not undone."""
    patch, counted = pytest.MonkeyPatch(), MemoryProvider.put_part

    def put_part(self: MemoryProvider, state: Any, number: int, data: Any) -> Any:
        found = counted(self, state, number, data)
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.5)  # the upload is not whole before the main thread has noticed
        return found

    patch.setattr(MemoryProvider, "put_part", put_part)
    return patch


def add_memory(line: InProcess) -> None:
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(line.home)})
    organisations.add_provider("org-1", "memory", "Memory", {"name": f"resumed-{line.folder.name}"})
    assert verify_provider(organisations, "org-1", "Memory").ok
    organisations.set_default("org-1", "Memory")
    organisations.close()


def states(line: InProcess) -> list[Path]:
    return list((line.home / "state" / "uploads").glob("*"))


def test_ctrl_c_keeps_what_was_sent_of_a_document_and_says_how_to_go_on(
    line: InProcess, model: Path, parts: list[int], interrupt: pytest.MonkeyPatch
) -> None:
    add_memory(line)

    stopped = line("put", "--resume", "model.ifc", DOCUMENT)
    interrupt.undo()
    [state] = states(line)
    hidden = line("ls", DOCUMENT)
    sent, modes = len(parts), [stat.S_IMODE(path.stat().st_mode) for path in (state, state.parent)]
    done = line("put", "--resume", "model.ifc", DOCUMENT, "--json")

    assert (130, 4, [0o600, 0o700]) == (stopped.code, hidden.code, modes)
    assert f"go on: kazinex-storage put --resume model.ifc {DOCUMENT}/model.ifc" in stopped.err
    assert (0, len(BODY), 64) == (done.code, done.json["size"], len(done.json["sha256"])), done.err
    assert [] == states(line)
    assert len(parts) - sent < 5, "parts that the service has are not sent again"
    assert BODY == line("cat", DOCUMENT).out


def test_a_file_that_was_changed_is_begun_again(
    line: InProcess, model: Path, parts: list[int], interrupt: pytest.MonkeyPatch
) -> None:
    stopped = line("put", "--resume", "model.ifc", URL)
    interrupt.undo()
    model.write_bytes(BODY[::-1])
    done = line("put", "--resume", "model.ifc", URL)

    assert (130, 0) == (stopped.code, done.code)
    assert "was changed since the upload was interrupted" in done.err
    with Storage(MemoryProvider(MemorySettings(name="resumed"))) as storage:
        assert BODY[::-1] == storage.get_bytes("model.ifc")
        assert [] == storage.pending_uploads()
        storage.delete("model.ifc")


def test_a_state_that_is_of_no_use_is_begun_again(
    line: InProcess, model: Path, parts: list[int], interrupt: pytest.MonkeyPatch
) -> None:
    assert 130 == line("put", "--resume", "model.ifc", URL).code
    interrupt.undo()
    with Storage(MemoryProvider(MemorySettings(name="resumed"))) as storage:
        for pending in storage.pending_uploads():
            storage.abort_upload(pending)

        done = line("put", "--resume", "model.ifc", URL)

        assert (0, []) == (done.code, states(line)), done.err
        assert "is begun again" in done.err
        storage.delete("model.ifc")


def test_a_revision_that_is_taken_meanwhile_is_refused_and_nothing_is_kept(
    line: InProcess, model: Path, parts: list[int], interrupt: pytest.MonkeyPatch
) -> None:
    add_memory(line)
    assert 130 == line("put", "--resume", "model.ifc", DOCUMENT).code
    interrupt.undo()
    assert 0 == line("put", "-", f"{DOCUMENT}/other.ifc", stdin=b"other").code

    done = line("put", "--resume", "model.ifc", DOCUMENT)

    assert (5, []) == (done.code, states(line))
    assert b"other" == line("cat", DOCUMENT).out


def test_where_uploads_cannot_be_resumed_the_file_is_stored_all_the_same(line: InProcess, model: Path) -> None:
    root = line.add_disk()

    done = line("put", "--resume", "model.ifc", DOCUMENT)

    assert (0, BODY) == (done.code, (root / DOCUMENT / "model.ifc").read_bytes())
    assert "local takes a file in one go" in done.err
    assert 2 == line("put", "--resume", "-", f"{DOCUMENT}/x.ifc", stdin=b"x").code

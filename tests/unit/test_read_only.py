"""Views that only read: what would change something is refused before any request, whichever way it comes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kazinex_storage import AsyncStorage, PresignOptions, PutMode, ReadOnlyError, Storage, UploadState, sweep
from kazinex_storage.fs.kinds import StorageFileSystem
from kazinex_storage.providers.local import LocalProvider
from kazinex_storage.providers.local.settings import LocalSettings
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.storage.operations import Operations
from kazinex_storage.storage.read_only import ReadOnlyOperations
from kazinex_storage.storage.remnants import remove_unkeyed
from kazinex_storage.testing.recording import RecordingProvider
from kazinex_storage.web.problems import status_of

STATE = UploadState(key="a", upload_id="1", size=1, part_bytes=1, provider="memory", location="private")

WRITES: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: storage.put("b", b"1"),
    "put_many": lambda storage: storage.put_many([("b", b"1")]),
    "delete": lambda storage: storage.delete("a"),
    "delete_many": lambda storage: storage.delete_many(["a"]),
    "copy": lambda storage: storage.copy("a", "b", mode=PutMode.CREATE),
    "move": lambda storage: storage.move("a", "b"),
    "presign": lambda storage: storage.presign("b", PresignOptions(method="PUT", size=1)),
    "confirm": lambda storage: storage.confirm("a", PresignOptions(method="PUT", size=1)),
    "begin_upload": lambda storage: storage.begin_upload("b", 1),
    "resume_upload": lambda storage: storage.resume_upload(STATE, b"1"),
    "presign_upload": lambda storage: storage.presign_upload(STATE, timedelta(hours=1)),
    "complete_upload": lambda storage: storage.complete_upload(STATE),
    "abort_upload": lambda storage: storage.abort_upload(STATE),
    "pending_uploads": lambda storage: storage.pending_uploads(),
    "hold": lambda storage: storage.hold("a"),
    "set_tags": lambda storage: storage.set_tags("a", {"state": "x"}),
    "restore": lambda storage: storage.restore("a", storage.versions("a")[0].version),
    "undelete": lambda storage: storage.undelete("a"),
    "purge": lambda storage: storage.purge("a"),
    "open": lambda storage: storage.open("b", "wb").close(),
    "scoped": lambda storage: storage.scoped("p").put("b", b"1"),
    "sweep": lambda storage: sweep(storage, older_than=timedelta(0)),
    "exchanges": lambda storage: storage.transport.run(storage.operations.context.exchanges.delete("a")),  # type: ignore[arg-type]
}


@pytest.fixture
def recording() -> RecordingProvider:
    return RecordingProvider(MemoryProvider(MemorySettings(versioned=True)))


@pytest.fixture
def view(recording: RecordingProvider) -> Storage:
    storage = Storage(recording)
    storage.put("a", b"0123456789")
    recording.calls.clear()
    return storage.read_only()


@pytest.mark.parametrize("name", WRITES)
def test_what_would_change_something_is_refused_before_any_request(
    view: Storage, recording: RecordingProvider, name: str
) -> None:
    with pytest.raises(ReadOnlyError) as caught:
        WRITES[name](view)

    assert {"put", "delete", "copy", "move", "hold", "retain"}.isdisjoint({verb for verb, _ in recording.calls})
    assert 403 == status_of(caught.value)
    assert b"0123456789" == view.get_bytes("a")


def test_what_reads_goes_on_reading(view: Storage, tmp_path: Path) -> None:
    assert ["a"] == [info.key for info in view.list()]
    assert ["a"] == [info.key for info in view.list_page().objects]
    assert b"".join(view.stream("a")) == view.open("a").read() == b"0123456789"
    assert 10 == view.download("a", tmp_path / "a").size
    assert view.exists("a")
    assert view.scoped("p").read_only().prefix == "p/"


def test_an_operation_that_is_added_is_refused_until_somebody_says_that_it_reads() -> None:
    class More(Operations):
        def shred(self) -> None:
            """Change something."""

    from kazinex_storage.storage.read_only import closed

    @closed(frozenset({"head"}))
    class Reading(More):
        pass

    assert More.shred is not Reading.shred
    assert Operations.head is Reading.head
    assert Operations.delete is not ReadOnlyOperations.delete
    assert all(hasattr(Operations, name) for name, _ in inspect.getmembers(ReadOnlyOperations) if name[0] != "_")


def test_the_view_for_asyncio_refuses_as_well(view: Storage) -> None:
    async def write() -> None:
        await AsyncStorage(view).put("b", b"1")

    with pytest.raises(ReadOnlyError):
        asyncio.run(write())


def test_what_only_the_provider_can_remove_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with Storage(LocalProvider(LocalSettings(root=tmp_path))) as storage:
        view = storage.read_only()

        view.transport.run(remove_unkeyed(view.operations, ""))

    assert (tmp_path / "folder").exists()


def test_a_file_system_that_only_reads_refuses_every_way_to_write(tmp_path: Path) -> None:
    storage = Storage(MemoryProvider())
    storage.put("p/a", b"1")
    (tmp_path / "new").write_bytes(b"2")
    fs = StorageFileSystem(storage=storage, read_only=True)

    for write in (
        lambda: fs.pipe_file("p/b", b"2"),
        lambda: fs.put_file(str(tmp_path / "new"), "p/b"),
        lambda: fs.rm("p/a"),
        lambda: fs.rm("p", recursive=True),
        lambda: fs.mv("p/a", "p/b"),
        lambda: fs.cp_file("p/a", "p/b"),
        lambda: fs.touch("p/b"),
        lambda: fs.open("p/b", "wb").close(),
    ):
        with pytest.raises(PermissionError):
            write()

    assert b"1" == fs.cat_file("p/a")
    assert ["p/a"] == [info.key for info in storage.list()]

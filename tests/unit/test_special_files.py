"""Pipes, devices and sockets on the disk: never waited for without an end, never replaced by a file."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import (
    AsyncStorage,
    DocumentKey,
    DocumentStore,
    NotSupportedError,
    Organisations,
    Resolver,
    Storage,
)
from kazinex_storage.bodies import special_files
from kazinex_storage.errors import IntegrityError
from kazinex_storage.fs import StorageFileSystem
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.providers.memory import MemoryProvider

BODY = bytes(range(256)) * 2048  # more than a pipe holds


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(special_files, "PARTNER_SECONDS", 0.2)


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", BODY)
        yield storage


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


class Reader:
    """Reads a pipe to its end on another thread."""

    def __init__(self, pipe: Path) -> None:
        self._found = b""
        self._thread = threading.Thread(target=self._read, args=(pipe,))
        self._thread.start()

    def _read(self, pipe: Path) -> None:
        self._found = pipe.read_bytes()

    def found(self) -> bytes:
        self._thread.join(30)
        return self._found


def is_pipe(path: Path) -> bool:
    return stat.S_ISFIFO(os.lstat(path).st_mode)


def test_a_download_into_a_pipe_is_written_into_it(storage: Storage, pipe: Path, tmp_path: Path) -> None:
    fs = StorageFileSystem(storage=storage)

    async def later() -> None:
        await AsyncStorage(storage).download("a", pipe)

    for download in (
        lambda: storage.download("a", pipe),
        lambda: fs.get_file("a", str(pipe)),
        lambda: fs.get("a", str(pipe)),
        lambda: asyncio.run(later()),
    ):
        reader = Reader(pipe)
        download()
        assert BODY == reader.found()
        assert is_pipe(pipe)
    assert ["pipe"] == os.listdir(tmp_path)


def test_a_document_is_written_into_a_pipe(pipe: Path, tmp_path: Path) -> None:
    organisations = Organisations(MemoryCatalogue())
    record = organisations.add_provider("org", "local", "disk", {"root": str(tmp_path), "durable": False})
    organisations.record_verification(record, ok=True)
    organisations.set_default("org", record.id)
    with closing(organisations), closing(Resolver(organisations)) as resolver:
        documents = DocumentStore(resolver)
        receipt = documents.upload(DocumentKey("org", "bridge", "DRG-1", "P01", "a.pdf"), BODY)
        reader = Reader(pipe)

        documents.download(receipt, pipe)

        assert (BODY, True) == (reader.found(), is_pipe(pipe))


def test_what_is_not_proved_is_not_written_into_a_pipe(pipe: Path) -> None:
    provider = MemoryProvider()
    with Storage(provider) as storage:
        info = storage.put("a", BODY)
        reader = Reader(pipe)
        with pytest.raises(IntegrityError):
            storage.transport.run(storage.operations.download("a", pipe, sha256="0" * 64))
        assert info.sha256 != "0" * 64
        pipe_writer = os.open(pipe, os.O_WRONLY)
        os.close(pipe_writer)

    assert b"" == reader.found()


def test_nothing_takes_the_place_of_a_device(storage: Storage) -> None:
    storage.download("a", "/dev/null")
    StorageFileSystem(storage=storage).get_file("a", "/dev/null")

    assert stat.S_ISCHR(os.lstat("/dev/null").st_mode)


@pytest.mark.parametrize("link", [False, True], ids=["the path itself", "a link to it"])
def test_what_goes_to_an_open_file_is_appended(storage: Storage, tmp_path: Path, link: bool) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"before ")
    with log.open("ab") as file:
        target = Path(f"/proc/self/fd/{file.fileno()}")
        if link:
            (tmp_path / "link").symlink_to(target)
            target = tmp_path / "link"
        storage.download("a", target)

    assert b"before " + BODY == log.read_bytes()


def test_a_socket_is_refused_before_anything_is_fetched(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with pytest.raises(NotSupportedError, match="socket"):
            storage.download("a", path)
        with pytest.raises(NotSupportedError, match="socket"):
            storage.put("b", path)

        assert stat.S_ISSOCK(os.lstat(path).st_mode)
    assert ["socket"] == os.listdir(tmp_path)


@pytest.mark.usefixtures("impatient")
def test_a_pipe_without_a_reader_is_given_up(storage: Storage, pipe: Path) -> None:
    with pytest.raises(NotSupportedError, match="nobody reads"):
        storage.download("a", pipe)

    assert is_pipe(pipe)


def test_a_reader_that_goes_away_is_an_error(storage: Storage, pipe: Path) -> None:
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    gone = threading.Timer(0.3, os.close, [descriptor])
    gone.start()

    with pytest.raises(BrokenPipeError):
        storage.download("a", pipe)
    gone.join()


def test_a_pipe_that_is_put_is_read_to_its_end(storage: Storage, pipe: Path) -> None:
    for put in (
        lambda: storage.put("b", pipe),
        lambda: StorageFileSystem(storage=storage).put_file(str(pipe), "b"),
        lambda: StorageFileSystem(storage=storage).put(str(pipe), "b"),
    ):
        writer = threading.Thread(target=pipe.write_bytes, args=(BODY,))
        writer.start()
        put()
        writer.join()
        assert BODY == storage.get_bytes("b")
        storage.delete("b")


@pytest.mark.usefixtures("impatient")
def test_a_pipe_without_a_writer_is_refused(storage: Storage, pipe: Path) -> None:
    with pytest.raises(NotSupportedError, match="nobody writes"):
        storage.put("b", pipe)

    assert not storage.exists("b")


def test_a_device_is_not_read_by_its_path_unless_it_is_empty(storage: Storage) -> None:
    with pytest.raises(NotSupportedError, match="character device"):
        storage.put("b", Path("/dev/zero"))

    assert 0 == storage.put("b", Path(os.devnull)).size


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(storage: Storage, tmp_path: Path) -> None:
    from kazinex_storage import Source

    path = tmp_path / "a"
    path.write_bytes(BODY)
    with Source.of(path) as source:
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(IntegrityError):
            storage.put("b", source)


def test_a_tree_is_stored_without_its_pipes_and_sockets(
    storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "a.txt").write_bytes(b"a")
    (tmp_path / "tree" / "sub" / "b.txt").write_bytes(b"b")
    os.mkfifo(tmp_path / "tree" / "sub" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "tree" / "socket"))
        fs: Any = StorageFileSystem(storage=storage)
        with caplog.at_level(logging.WARNING):
            fs.put(str(tmp_path / "tree"), "t", recursive=True)
            fs.put(f"{tmp_path}/tree/*", "u/")

    assert ["t/a.txt", "t/sub/b.txt"] == fs.find("t")
    assert ["u/a.txt"] == fs.find("u")
    assert "2 pipes, devices or sockets are no files to be stored and are left out" in caplog.text
    assert "tree/sub/pipe" in caplog.text


def test_ctrl_c_ends_the_wait_for_a_slow_writer(pipe: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom kazinex_storage import Storage\n"
        "from kazinex_storage.fs import StorageFileSystem\n"
        "from kazinex_storage.providers.memory import MemoryProvider\n"
        "fs = StorageFileSystem(storage=Storage(MemoryProvider()))\nprint('ready', flush=True)\n"
        "try:\n    fs.put([sys.argv[1]] * 2, ['a', 'b'])\nexcept KeyboardInterrupt:\n    print('ended', flush=True)\n"
    )
    keeper = os.open(pipe, os.O_RDWR)  # a writer that never writes
    process = subprocess.Popen([sys.executable, "-c", program, pipe], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        threading.Event().wait(0.5)
        process.send_signal(signal.SIGINT)
        assert "ended\n" == process.communicate(timeout=20)[0]
    finally:
        process.kill()
        process.wait()
        os.close(keeper)

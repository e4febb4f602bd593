"""What a local disk promises, without open folders, links, fcntl or pread, and where open files stay where they are."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    DiskCache,
    InvalidKeyError,
    LockedError,
    NotFoundError,
    PutMode,
    PutOptions,
    Storage,
    system,
)
from kazinex_storage.cli import main as command_line
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider

BIG = os.urandom(9_000_000)


def refused(error: type[Exception], act: Callable[[], object]) -> None:
    try:
        act()
    except error:
        return
    raise SystemExit(f"it was not refused by {error.__name__}")


def write_and_read(storage: Storage, folder: Path) -> None:
    storage.put("a/b/c.pdf", b"%PDF-1")
    storage.put("a/b/c.pdf", b"%PDF-2", PutOptions(metadata={"x": "y"}))
    assert b"%PDF-2" == storage.get_bytes("a/b/c.pdf")
    assert {"x": "y"} == storage.head("a/b/c.pdf").metadata
    refused(AlreadyExistsError, lambda: storage.put("a/b/c.pdf", b"1", PutOptions(mode=PutMode.CREATE)))
    storage.put("big.bin", BIG)
    storage.copy("big.bin", "a/copy.bin")
    for _ in range(2):  # the second one replaces the file
        storage.download("a/copy.bin", folder / "copy.bin")
        assert BIG == (folder / "copy.bin").read_bytes()
    storage.put("from-a-file.bin", folder / "copy.bin")
    storage.put("streamed.bin", iter([b"1" * 100_000, b"2"]))
    assert ["a/b/c.pdf", "a/copy.bin", "big.bin", "from-a-file.bin", "streamed.bin"] == [o.key for o in storage.list()]
    refused(NotFoundError, lambda: storage.get_bytes("a/b"))


def refuse_names(storage: Storage) -> None:
    """Windows has no such files, or makes other ones: the program ends where it is asked for one."""
    for key in ("nul", "a/CON.txt", "b./c", "x:y", "a ", "q?", "com1/plan.pdf"):
        refused(InvalidKeyError, lambda key=key: storage.put(key, b""))  # type: ignore[misc]


def write_at_once(storage: Storage) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            storage.put(f"t/{number}", str(writer).encode() * 1000)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert 10 == len(list(storage.list("t/")))
    assert all(1 == len(set(storage.get_bytes(found.key))) for found in storage.list("t/"))


def wait_for_readers(storage: Storage, root: Path) -> None:
    """A reader that lets go in time stops nobody; one that does not is named, and the object stays as it was."""
    storage.put("read.txt", b"before")
    reader = open(root / "read.txt", "rb")  # noqa: SIM115 -- closed by another thread
    threading.Timer(0.2, reader.close).start()
    storage.put("read.txt", b"after")
    assert b"after" == storage.get_bytes("read.txt")
    vars(system)["_BUSY_S"] = 0.05
    with open(root / "read.txt", "rb"):
        refused(AccessDeniedError, lambda: storage.put("read.txt", b"never"))  # Windows does not say which it is
        refused(LockedError, lambda: storage.delete("read.txt"))
    assert b"after" == storage.get_bytes("read.txt")


def keep_in_a_cache(folder: Path) -> None:
    kept = Storage(MemoryProvider())
    cached = kept.cached(DiskCache(folder / "cache", max_bytes=8_000_000))
    for text in (b"1", b"2"):
        kept.put("a/b", text * 1_500_000)
        assert 2 * [text * 1_500_000] == [cached.get_bytes("a/b") for _ in range(2)]
    for number in range(8):  # what was used least makes room
        kept.put(f"x/{number}", bytes([number]) * 1_500_000)
        assert 1_500_000 == len(cached.get_bytes(f"x/{number}"))


def main() -> None:
    root, folder = (Path(tempfile.mkdtemp(dir=sys.argv[1])) for _ in range(2))
    with Storage(LocalProvider(LocalSettings(root=root))) as storage:
        write_and_read(storage, folder)
        refuse_names(storage)
        write_at_once(storage)
        wait_for_readers(storage, root)
        for found in list(storage.list()):
            storage.delete(found.key)
        assert [] == list(storage.list())
    left = [name for _, _, names in os.walk(root) for name in names if len(name) > 2]
    assert [] == left, "nothing but locks is left"
    keep_in_a_cache(folder)
    os.chdir(folder)
    assert 0 == command_line(["demo", "--quiet"]), "a catalogue, documents, verification and fsspec over them"


if __name__ == "__main__":
    main()

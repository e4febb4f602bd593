"""A large put from a path against ``cp`` with the same durability, and against the floors beneath both."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from pathlib import Path

from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

from .results import Log
from .rounds import Contender, alternate, heading, show
from .sizes import MIB, Sizes


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Large put: {sizes.large_size // MIB} MiB from a path, same file system, on the disk when it returns")
    print("  cp: then fsync of the file and of its folder; no checksum, a reader can see half of it")
    print("  put: atomic, sha256 of what was written, content type and checksum in a sidecar, all with fsync")
    source, place = folder / "source.bin", folder / "large"
    place.mkdir()
    write_random(source, sizes.large_size)
    target = place / "copy.bin"
    with Storage(LocalProvider(LocalSettings(root=place / "root", create=True))) as storage:
        storage.put("plans/warm.bin", b"the folders exist now")

        def clear() -> None:
            target.unlink(missing_ok=True)
            storage.delete("plans/large.bin")
            os.sync()

        def put() -> None:
            storage.put("plans/large.bin", source)

        def only_hash() -> None:
            with source.open("rb", buffering=0) as file:
                hashlib.file_digest(file, "sha256")

        copy = functools.partial(copy_with_cp, source, target)
        kernel = functools.partial(copy_in_kernel, source, target)
        samples = alternate(
            [
                Contender(name="cp + fsync", work=copy, prepare=clear),
                Contender(name="cp + fsync again (A/A)", work=copy, prepare=clear),
                Contender(name="kazinex-storage", work=put, prepare=clear),
                Contender(name="kazinex-storage again (A/A)", work=put, prepare=clear),
                Contender(name="raw: copy_file_range + fsync", floor=True, work=kernel, prepare=clear),
                Contender(name="raw: sha256 alone, one core", floor=True, work=only_hash, prepare=clear),
            ],
            sizes.large_rounds,
        )
        clear()
    show("whole file", samples)
    log.keep("put", samples)
    source.unlink()


def write_random(path: Path, size: int) -> None:
    """Fill a file with bytes that do not repeat within a MiB, and wait for the disk."""
    block = os.urandom(min(size, MIB))
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def copy_with_cp(source: Path, target: Path) -> None:
    """Copy as a careful administrator does."""
    subprocess.run(["cp", source, target], check=True)
    sync(target)
    sync(target.parent)


def copy_in_kernel(source: Path, target: Path) -> None:
    """Copy as fast as the kernel can, without looking at the bytes."""
    size = source.stat().st_size
    reader, writer = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        done = 0
        while done < size:
            done += os.copy_file_range(reader, writer, min(8 * MIB, size - done), done, done)
        os.fsync(writer)
    finally:
        os.close(reader)
        os.close(writer)
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

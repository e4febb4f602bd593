"""Objects of 4 KiB on local disk, one after another: ours, fsspec's, and what the bare system calls cost."""

from __future__ import annotations

import os
from pathlib import Path

from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

from . import file_systems
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

SIZE = 4096
"""Bytes in one object."""


def run(folder: Path, sizes: Sizes) -> None:
    """Print the section."""
    heading(f"Small objects: {sizes.small_count} of 4 KiB, one after another, local disk")
    print("  put, durable: atomic, sha256 and sidecar; fsync of file, sidecar and both folders before it returns")
    print("  put, not durable: the same without fsync; atomic against readers, not against a power cut")
    print("  fsspec: truncates and writes in place; no fsync, not atomic, no checksum, no metadata")
    print("  raw, durable: write a temporary file, fsync, rename, fsync the folder; no checksum, no metadata")
    place, body = folder / "small", os.urandom(SIZE)
    place.mkdir()
    plain, theirs, count = place / "plain", file_systems.theirs(), sizes.small_count
    plain.mkdir()
    names = [f"{number:06d}.bin" for number in range(count)]
    durable = Storage(LocalProvider(LocalSettings(root=place / "durable", create=True)))
    quick = Storage(LocalProvider(LocalSettings(root=place / "quick", create=True, durable=False)))
    with durable, quick:

        def each(work: str, name: str, action: object, before: object = None) -> Contender:
            assert callable(action)
            prepare = before if callable(before) else lambda: None
            return Contender(
                name=f"{work}: {name}",
                work=lambda: [action(item) for item in names],
                operations=count,
                prepare=prepare,
            )

        def ours(name: str) -> object:
            return durable.put(f"plans/{name}", body)

        def ours_quick(name: str) -> object:
            return quick.put(f"plans/{name}", body)

        puts = [
            each("put", "ours, durable", ours, os.sync),
            each("put", "ours, durable, again (A/A)", ours, os.sync),
            each("put", "raw, durable", lambda name: write_durably(plain, name, body), os.sync),
            each("put", "ours, not durable", ours_quick, os.sync),
            each("put", "fsspec", lambda name: theirs.pipe_file(str(plain / name), body), os.sync),
        ]
        show("put, one object", alternate(puts, sizes.small_rounds), unit="us")
        gets = [
            each("get", "fsspec", lambda name: theirs.cat_file(str(plain / name))),
            each("get", "fsspec again (A/A)", lambda name: theirs.cat_file(str(plain / name))),
            each("get", "ours", lambda name: durable.get_bytes(f"plans/{name}")),
            each("get", "raw: open, read", lambda name: (plain / name).read_bytes()),
        ]
        show("get, one object", alternate(gets, sizes.small_rounds), unit="us")
        heads = [
            each("head", "fsspec", lambda name: theirs.info(str(plain / name))),
            each("head", "fsspec again (A/A)", lambda name: theirs.info(str(plain / name))),
            each("head", "ours (type, sha256, metadata)", lambda name: durable.head(f"plans/{name}")),
            each("head", "raw: stat", lambda name: os.stat(plain / name)),
        ]
        show("head, one object", alternate(heads, sizes.small_rounds), unit="us")


def write_durably(folder: Path, name: str, body: bytes) -> None:
    """Write a file so that it is whole and on the disk, with nothing else."""
    temporary = folder / f".{name}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, folder / name)
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
